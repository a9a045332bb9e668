"""Which files match an input now: oldest first, each inode once."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from shipper.settings import InputSettings


class Found(NamedTuple):
    """A matching file and its status at that moment."""

    path: Path
    status: os.stat_result


def matching(settings: InputSettings) -> list[Path]:
    """The regular files that the input's globs match and its excludes do not, oldest first."""
    return [found.path for found in discover(settings)]


def discover(settings: InputSettings) -> list[Found]:
    """As `matching`, with status. A file with several names in the tree comes once, under the first."""
    found: dict[tuple[int, int], Found] = {}
    for path in sorted(set(_globbed(settings))):
        if any(fnmatch(path, pattern) for pattern in settings.exclude):
            continue
        try:
            status = os.stat(path)  # noqa: PTH116  strings are three times as fast here, and there are thousands
        except OSError:
            continue  # gone between listing and asking, or a link to nowhere: the next look decides
        if stat.S_ISREG(status.st_mode):
            found.setdefault((status.st_dev, status.st_ino), Found(Path(path), status))
    return sorted(found.values(), key=lambda item: (item.status.st_mtime_ns, item.path))


def fixed_folders(settings: InputSettings) -> set[Path]:
    """The deepest existing folders above the first wildcard of each path: where a watcher must listen."""
    folders = set()
    for pattern in settings.paths:
        folder = Path(pattern).parent
        while glob.has_magic(str(folder)) or not folder.is_dir():
            if folder == folder.parent:
                break
            folder = folder.parent
        folders.add(folder)
    return folders


def _globbed(settings: InputSettings) -> Iterator[str]:
    for pattern in settings.paths:
        yield from glob.iglob(pattern, recursive=True)  # noqa: PTH207  as above
