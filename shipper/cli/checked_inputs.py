"""What `shipper check` warns of: inputs that are valid, and perhaps not what somebody means."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from shipper.parse.pipeline import Pipeline
from shipper.read.discover import Found, closed_folders, discover
from shipper.settings import InputSettings
from shipper.wording import counted


@dataclass(frozen=True, slots=True)
class CheckedInput:
    """An input whose pipeline could be loaded."""

    name: str
    pipeline: Pipeline
    files: tuple[Found, ...]


def overlaps(inputs: Iterable[CheckedInput]) -> Iterator[str]:
    """Files that several inputs match: each input ships them, so their lines are stored once per input."""
    names: dict[tuple[int, int], set[str]] = defaultdict(set)
    paths: dict[tuple[int, int], str] = {}
    for item in inputs:
        for found in item.files:
            file = found.status.st_dev, found.status.st_ino
            names[file].add(item.name)
            paths[file] = str(found.path)
    shared: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, matching in names.items():
        for pair in combinations(sorted(matching), 2):
            shared[pair].append(paths[key])
    for (one, other), files in sorted(shared.items()):
        yield (
            f"The inputs '{one}' and '{other}' both match {counted(len(files), 'file')}, for example {min(files)}: "
            "each ships all their lines. Use `exclude` if that is not meant."
        )


def unreadable(inputs: Iterable[CheckedInput]) -> Iterator[str]:
    """Files that match and that this user may not read; the agent may be another user."""
    for item in inputs:
        files = sorted(str(found.path) for found in item.files if not os.access(found.path, os.R_OK))
        if files:
            yield (
                f"This user may not read {len(files):,} of {counted(len(item.files), 'file')} that the input "
                f"'{item.name}' matches, for example {files[0]}. "
                "If the agent may not either, their lines are not shipped."
            )


def closed(settings: Iterable[InputSettings]) -> Iterator[str]:
    """Folders that this user may not look into: nobody sees which files an input would match there."""
    for item in settings:
        for problem in closed_folders(item).values():
            yield (
                f"This user may not look into a folder of the input '{item.name}': {problem}. If the agent may not "
                "either, nothing below is shipped; if no log lies there, `exclude` it."
            )


def without_files(settings: Iterable[InputSettings]) -> Iterator[str]:
    """Inputs that match nothing: their logs were moved, or a disk is not mounted."""
    for item in settings:
        if not discover(item):
            yield f"The input '{item.name}' matches no file now: {', '.join(item.paths)}"


def ignored_zones(settings: Iterable[InputSettings], inputs: Iterable[CheckedInput]) -> Iterator[str]:
    """Inputs that say a time zone which their pipeline has no use for: the user expects something else of the log."""
    zones = {item.name: item.timezone for item in settings}
    for item in inputs:
        if zones[item.name] is not None and not item.pipeline.takes_timezone:
            yield (
                f"The input '{item.name}' says timezone '{zones[item.name]}', which changes nothing: all times of the "
                f"pipeline '{item.pipeline.name}' have a zone of their own. Leave it out."
            )
