"""`shipper demo`: the demo's story in a folder, temporary or kept."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from shipper.errors import UsageError


    if keep is not None and keep.is_dir() and any(keep.iterdir()):
        raise UsageError(f"The folder {keep} is not empty. Choose another one for --keep.")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        _play(keep)
        click.echo(f"All of it is in {keep}. Look around: cd {keep}; shipper audit -c shipper.yml")
        return
    with TemporaryDirectory(prefix="shipper-demo-") as folder:
        _play(Path(folder))


def _play(folder: Path) -> None:
    from rich.console import Console  # noqa: PLC0415  `shipper --help` does without

    from shipper.cli.stage import play  # noqa: PLC0415

    play(folder, Console(highlight=False, markup=False))
