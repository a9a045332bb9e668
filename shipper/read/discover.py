"""Which files match an input now: oldest first, each inode once."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipper.read import globs
from shipper.settings import InputSettings

Key = tuple[str, int, int]
"""Input, device, inode."""


class Found(NamedTuple):
    """A matching file and its status at that moment."""

    path: Path
    status: os.stat_result
    problem: str = ""
    """Why it must not be read, whatever its permissions say."""

    def key(self, input_name: str) -> Key:
        """What it is known by while it is there."""
        return (input_name, self.status.st_dev, self.status.st_ino)


def matching(settings: InputSettings) -> list[Path]:
    """The regular files that the input's globs match and its excludes do not, oldest first."""
    return [found.path for found in discover(settings)]


def discover(settings: InputSettings) -> list[Found]:
    """As `matching`, with status. A file with several names in the tree comes once, under the first."""
    found: dict[tuple[int, int], Found] = {}
    excluded, inside = _excluding(settings.exclude), _Tree(settings)
    for path in sorted(set(_globbed(settings))):
        if excluded(path):
            continue
        try:
            status = os.stat(path)  # noqa: PTH116  strings are three times as fast here, and there are thousands
        except OSError:
            continue  # gone between listing and asking, or a link to nowhere: the next look decides
        if stat.S_ISREG(status.st_mode):
            found.setdefault((status.st_dev, status.st_ino), _checked(path, status, inside))
    return sorted(found.values(), key=lambda item: (item.status.st_mtime_ns, item.path))


def _checked(path: str, status: os.stat_result, tree: _Tree) -> Found:
    if not path.isascii() and path != (readable := os.fsencode(path).decode("utf-8", "backslashreplace")):
        return Found(Path(readable), status, f"{readable}: the name is not UTF-8; rename the file, or exclude it")
    return Found(Path(path), status, tree.problem(path))


class _Tree:
    """The folders above the first wildcards of an input: a link that leads out of them is not followed.

    Whoever may write below them could otherwise have any file of the host shipped.
    """

    def __init__(self, settings: InputSettings) -> None:
        self._anywhere = settings.links == "anywhere"
        self._named = {path for path in settings.paths if not glob.has_magic(path)}
        self._roots = tuple(os.path.realpath(folder) for folder in fixed_folders(settings))
        self._real_folders: dict[str, str] = {}

    def problem(self, path: str) -> str:
        """What keeps a file from being read; empty for one inside."""
        if self._anywhere or path in self._named:
            return ""
        folder, _, name = path.rpartition("/")
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        real = f"{self._real_folders[folder]}/{name}"
        if os.path.islink(real):  # noqa: PTH114  as above
            real = os.path.realpath(real)
        if any(real.startswith(f"{root.rstrip('/')}/") for root in self._roots):
            return ""
        return f"{path}: a link leads out of the input's folders to {real}; `links: anywhere` would follow it"


def fixed_folders(settings: InputSettings) -> set[Path]:
    """The deepest existing folders above the first wildcard of each path: where a watcher must listen."""
    folders = set()
    for pattern in settings.paths:
        folder = Path(pattern).parent
        while glob.has_magic(str(folder)) or not os.path.isdir(folder):  # noqa: PTH112  no error where it is forbidden
            if folder == folder.parent:
                break
            folder = folder.parent
        folders.add(folder)
    return folders


def closed_folders(settings: InputSettings) -> dict[str, str]:
    """Folders that must be entered or listed to find an input's files, and cannot be: why, by path.

    Left out are those below which all is excluded.
    """
    found: dict[str, str] = {}
    excluded = _excluding(settings.exclude)
    for pattern in settings.paths:
        parts = pattern.split("/")
        magic = [number for number, part in enumerate(parts) if glob.has_magic(part)] or [len(parts)]
        found.update(_barring("/".join(parts[: magic[0]])))
        for number in range(magic[0], len(parts)):
            if parts[number - 1] == "**":
                continue  # these were looked at with all that is below
            prefix = "/".join(parts[:number]) + "/"
            for folder in globs.paths(prefix + "**/" * (parts[number] == "**")):
                problem = "" if excluded(folder) else _closed(folder, listed=glob.has_magic(parts[number]))
                if problem:
                    found[folder.rstrip("/") or "/"] = problem
    return {folder: f"{folder}: {problem}" for folder, problem in found.items()}


def may_hold(folder: str, pattern: str) -> bool:
    """Whether a file that a glob matches may lie below a folder, or below what the glob leads to."""
    fixed = re.split(r"[*?[]", pattern, maxsplit=1)[0]
    return f"{folder}/".startswith(fixed) or fixed.startswith(f"{folder}/") or folder == pattern.rstrip("/")


def _barring(path: str) -> dict[str, str]:
    """The folder that bars the way to a path, and why; empty if none does."""
    try:
        os.stat(path or "/")  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError:
        above = (str(folder) for folder in reversed(Path(path).parents))
        return next(({folder: problem} for folder in above if (problem := _closed(folder, listed=False))), {})
    return {}


def _closed(folder: str, *, listed: bool) -> str:
    """Why a folder cannot be entered, or be listed if it must be; empty if it can, or is none."""
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116
        if listed:
            os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


@cache
def _excluding(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a path is excluded. The language is that of `paths`; a pattern without `/` speaks of the file's name."""
    if not patterns:
        return lambda _: False
    whole = "|".join(_expression(pattern) for pattern in patterns)
    return lambda path, match=re.compile(whole).fullmatch: match(path) is not None  # type: ignore[misc]


def _expression(pattern: str) -> str:
    """A glob as a regular expression: `*` and `?` stay within a folder, `**` does not."""
    folders = r"(?:.*/)?"
    parts = [] if "/" in pattern else [folders]
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", pattern, re.DOTALL):
        if token.startswith("[") and len(token) > 1:
            negated, inner = ("^", token[2:-1]) if token[1] == "!" else ("", token[1:-1])
            parts.append("[" + negated + re.escape(inner).replace(r"\-", "-") + "]")
        else:
            parts.append({"**/": folders, "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token) or re.escape(token))
    return "".join(parts)


def _globbed(settings: InputSettings) -> Iterator[str]:
    for pattern in settings.paths:
        yield from globs.paths(pattern)
