"""Files of a host that is not this one: the inputs of the configuration, as they are found in another folder.

`/var/log/tstat/**/log_tcp_complete.gz` in the folder `/mnt/dtn02` is `/mnt/dtn02/**/log_tcp_complete.gz`: the folder
takes the place of all that stands before the first wildcard.
"""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path

from shipper.settings import InputSettings, Settings


def settings_of(settings: Settings, host: str, inputs: tuple[str, ...], folder: Path | None) -> Settings:
    """The settings with which a host's files are audited from another one; a folder where they lie, or None."""
    chosen = tuple(item for item in settings.inputs if not inputs or item.name in inputs)
    if folder is not None:
        chosen = tuple(_moved(item, folder) for item in chosen)
    return replace(settings, host=host, inputs=chosen)


def _moved(item: InputSettings, folder: Path) -> InputSettings:
    roots = {path: _root(path) for path in item.paths}
    excluded = [
        str(folder / Path(path).relative_to(root))
        for path in item.exclude
        for root in sorted(set(roots.values()))
        if Path(path).is_relative_to(root)
    ]
    kept = [path for path in item.exclude if not Path(path).is_absolute()]
    paths = tuple(dict.fromkeys(str(folder / Path(path).relative_to(root)) for path, root in roots.items()))
    return replace(item, paths=paths, exclude=(*kept, *dict.fromkeys(excluded)))


def _root(path: str) -> Path:
    """The folder above the first wildcard, or above the file that is named."""
    folder = Path(path).parent
    while glob.has_magic(str(folder)):
        folder = folder.parent
    return folder
