"""`shipper demo`: the demo's story in a folder, temporary or kept."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from shipper.errors import UsageError


@click.command("demo", short_help="Show the whole job on bundled logs, in under a minute.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Play in this folder, which must be new or empty, and leave it: configuration, logs, index, state.",
)
def command(keep: Path | None) -> None:
    """Show the whole job on bundled log samples, in a temporary folder.

    The real agent ships three logs while they grow and rotate, is killed with kill -9 and started again. The audit
    proves that every line arrived once. Then documents are deleted from the index; the audit names exactly those
    lines and the cause, repairs them, and proves it again. Every step is checked; the exit code is 0 only if all
    came out as promised.
    """
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
