"""Bringing samples up to date: what a pipeline makes of them now becomes what they expect, unless it is worse.

Worse is a sample that is filtered but was shipped, or that gets a tag it did not have: no pattern matches it any more,
a value cannot be converted, its time is not found. Such a sample keeps what it expects until a person accepts it by
name.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from shipper.errors import ConfigurationError, Problem
from shipper.parse.event_times import INHERITED
from shipper.parse.marked_yaml import MarkedYAML, marked, read_marked
from shipper.parse.models import SampleModel
from shipper.parse.pipeline import Pipeline
from shipper.parse.samples import Outcome, differences, expected_fields, outcome, samples_file
from shipper.parse.samples_text import rewritten
from shipper.parse.validation import validated


@dataclass(frozen=True, slots=True)
class Change:
    """A sample that comes out otherwise than it expects."""

    sample: str
    """`<pipeline>/<name>`, or its position from 1 for one without a name."""
    line: int | None
    differences: tuple[str, ...]
    worse: str | None
    """The end of a sentence that says why it is worse; None where it is not."""


@dataclass(frozen=True, slots=True)
class Update:
    """A samples file as it is and as it shall be."""

    pipeline: str
    file: Path
    before: str
    after: str
    samples: frozenset[str]
    """All of them, by the names that `Change.sample` has."""
    updated: tuple[Change, ...]
    withheld: tuple[Change, ...]
    """Worse and not accepted: these stay as they are."""

    def difference(self) -> str:
        """A unified diff; empty where nothing changes."""
        lines = (self.before.splitlines(keepends=True), self.after.splitlines(keepends=True))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in unified_diff(*lines, fromfile=str(self.file), tofile=str(self.file))
        )


def planned_update(pipeline: Pipeline, pipeline_dirs: Sequence[Path], accepted: Collection[str]) -> Update:
    """How the samples file of a pipeline shall change; the samples named in `accepted` may come out worse.

    Raises ConfigurationError for a file that is not valid, and for a sample that is not one event.
    """
    file = samples_file(pipeline.name, pipeline_dirs)
    written = read_marked(file)
    samples = validated(tuple[SampleModel, ...], _completed(written))
    outcomes, problems = _outcomes(pipeline, samples, written)
    if problems:
        raise ConfigurationError(problems)
    changes = {
        place: Change(
            _sample_name(pipeline, samples, place),
            written.line((place,)),
            tuple(found),
            _loss(pipeline, samples[place], outcomes[place]),
        )
        for place in outcomes
        if (found := differences(samples[place], outcomes[place]))
    }
    taken = {
        place: outcomes[place] for place, change in changes.items() if change.worse is None or change.sample in accepted
    }
    before = file.read_bytes().decode()
    return Update(
        pipeline.name,
        file,
        before,
        _updated(before, written, samples, taken) if taken else before,
        frozenset(_sample_name(pipeline, samples, place) for place in outcomes),
        tuple(changes[place] for place in taken),
        tuple(change for place, change in changes.items() if place not in taken),
    )


def _updated(text: str, written: MarkedYAML, samples: Sequence[SampleModel], outcomes: Mapping[int, Outcome]) -> str:
    """The new text, which was read again to see that it says what it shall."""
    wanted = {place: _without_empty_tags(samples[place], found) for place, found in outcomes.items()}
    after = rewritten(text, written, wanted)
    again = validated(tuple[SampleModel, ...], _completed(marked(after, written.file)))
    for place, found in outcomes.items():
        if differences(again[place], found):
            message = "The sample is written in a way that cannot be updated: write `expect: {}` in it, then update."
            raise ConfigurationError([Problem(message, written.file, written.line((place,)))])
    return after


def write_update(update: Update) -> None:
    """Replace the file, whole or not at all. Raises OSError with its name if that cannot be done."""
    target = update.file.resolve()
    try:
        owner = target.stat()
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            draft = Path(folder) / target.name
            with draft.open("wb") as file:
                file.write(update.after.encode())
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(owner.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(draft, owner.st_uid, owner.st_gid)
            draft.replace(target)
    except OSError as error:
        # Which of the steps failed, and on the draft, says nothing to a person.
        raise OSError(error.errno, f"The file cannot be written: {error.strerror}", str(update.file)) from None


def _completed(written: MarkedYAML) -> MarkedYAML:
    """With samples that say nothing of their outcome yet: they are there to be filled in."""
    if not isinstance(written.data, list):
        return written
    data = [
        {**sample, "expect": sample.get("expect") or {}}
        if isinstance(sample, dict) and "filtered" not in sample
        else sample
        for sample in written.data
    ]
    return replace(written, data=data)


def _outcomes(
    pipeline: Pipeline, samples: Sequence[SampleModel], written: MarkedYAML
) -> tuple[dict[int, Outcome], list[Problem]]:
    outcomes, problems = {}, []
    for place, sample in enumerate(samples):
        found = outcome(pipeline, sample)
        if found is None:
            message = f"The sample '{sample.name or place + 1}' {differences(sample, None)[0]}"
            problems.append(Problem(message, written.file, written.line((place,))))
        else:
            outcomes[place] = found
    return outcomes, problems


def _without_empty_tags(sample: SampleModel, found: Outcome) -> Outcome:
    """No tags need not be said, but may be."""
    if found.fields is None or found.tags or "tags" in (sample.expect or {}):
        return found
    return Outcome({name: value for name, value in found.fields.items() if name != "tags"}, None)


def _sample_name(pipeline: Pipeline, samples: Sequence[SampleModel], place: int) -> str:
    return f"{pipeline.name}/{samples[place].name or place + 1}"


def _loss(pipeline: Pipeline, sample: SampleModel, found: Outcome) -> str | None:
    """Why an outcome is worse than what a sample expects, as the end of a sentence."""
    if sample.filtered is None and found.rule is not None:
        return f"it is filtered by '{found.rule}' and not shipped"
    times = orjson.loads(pipeline.definition)["rules"].get("timestamp", ())
    untimed = any(time["by"] == "modification" for time in times)
    known = set(expected_fields(sample)["tags"]) | ({INHERITED} if untimed else set())
    tags = sorted(found.tags - known)
    return f"it gets the {'tag' if len(tags) == 1 else 'tags'} {', '.join(tags)}" if tags else None
