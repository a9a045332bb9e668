"""Logs of four forms as plain lists of entries, and a real host that ships them.

An entry is what becomes one event: a line, a line with those that continue it, or a piece of a line. It is known
beforehand what the agent must make of it.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from shipper.hashes import chain_start, chains, tally_of
from shipper.records import Document, Outcome, OutcomeKind, Source, Tally
from shipper.settings import InputSettings
from support.memory_site import MemorySite
from support.site import HOST

PIPELINES = {
    "plain": "dataset: plain\ntimestamp: {by: modification}\n",
    "several": "dataset: several\nlines: {continues: '[ \\t]'}\ntimestamp: {by: modification}\n",
    "table": (
        "dataset: table\nheader: '^#'\ntimestamp: {by: modification}\n"
        "parse: [{columns: {separator: ' ', names: header, into: table}}]\n"
        "drop: [{rule: control, when: {table.c_text: {equal: control}}}]\n"
    ),
    "split": "dataset: split\nlines: {splits: 'RECORD '}\ntimestamp: {by: modification}\n",
}
"""What reads the logs, by form; each form is an input."""
UNIT = 128
"""Bytes."""
POISON = b"poison"
"""What the output refuses for good."""


class Fate(Enum):
    """What the agent does with an entry."""

    STORED = "stored"
    FILTERED = "filtered"
    DEAD = "dead"


class Entry(NamedTuple):
    """What becomes one event."""

    text: bytes
    fate: Fate = Fate.STORED

    @property
    def lines(self) -> int:
        """The lines that end in it."""
        return self.text.count(b"\n")

    @property
    def tally(self) -> Tally:
        """The tally of an entry of whole lines."""
        return tally_of([line + b"\n" for line in self.text.split(b"\n")[:-1]])


def entries(form: str, name: str, number: int, sort: int) -> list[Entry]:
    """The entries of one step of writing; `sort` chooses among filtered, refused and ordinary ones."""
    subject = f"{name} {number:03} {'x' * (number * 13 % 29)}".encode()
    if form == "several":
        return [_of_several_lines(subject, number, sort)]
    if sort == 1:
        return [Entry(b"\n", Fate.FILTERED)]
    if sort == 2 and form != "split":
        return [Entry(b"the writer of " + subject + POISON + b"\n", Fate.DEAD)]
    if form == "table":
        row = f"the-writer-of-{name} {number:03} ".encode()
        return [Entry(row + b"control\n", Fate.FILTERED) if sort == 3 else Entry(row + b"x" * (number % 7) + b"y\n")]
    if form == "split" and sort in (2, 3):
        return [Entry(b"RECORD one of " + subject + b" cut "), Entry(b"RECORD two of " + subject + b"\n")]
    return [Entry(b"RECORD the writer of " + subject + b" says this\n")]


def _of_several_lines(subject: bytes, number: int, sort: int) -> Entry:
    """An entry whose end, and only its end, lies at a multiple of `UNIT`.

    Without a state events are cut where documents begin and end; in an edited file these places may be within others.
    """
    if sort == 1:
        return Entry(b"\r" * (UNIT - 1) + b"\n", Fate.FILTERED)
    if sort == 2:
        return Entry(padded(b"the writer of " + subject + POISON), Fate.DEAD)
    first = b"the writer of " + subject
    more = [b"\tand line %d of %03d" % (line, number) for line in range(number * 7 % 4)]
    if not more:
        return Entry(padded(first))
    lines = [first.ljust(95, b"."), *(line.ljust(39, b".") for line in more)]
    return Entry(padded(b"\n".join(lines)))


def padded(text: bytes) -> bytes:
    """The last line of a text made so long that it ends at a multiple of `UNIT`."""
    return text + b"." * (-(len(text) + 1) % UNIT) + b"\n"


def header(form: str) -> list[Entry]:
    """What stands at the beginning of a file of a form."""
    return [Entry(b"#c_name:1 c_number:2 c_text:3\n", Fate.FILTERED)] if form == "table" else []


class Move(Enum):
    """What becomes of a file's name once it is written."""

    NONE = "stays"
    RENAME = "renamed"
    COMPRESS = "compressed"
    COPY = "copied"
    OLDER = "an older copy is put beside it"
    COPYTRUNCATE = "copied and truncated"
    DELETE = "deleted"


@dataclass
class Log:
    """One log: what was written, when, and what became of its file."""

    form: str
    name: str
    written: list[Entry]
    first: int
    """Entries that were there when the agent first looked."""
    shipped: int
    """Entries that were there when it looked for the last time; the others are pending."""
    half: bool
    """Whether a line without end follows them."""
    move: Move
    early: bool
    """Whether the file was moved before the agent looked for the last time, and not after."""
    tallies: list[Tally]
    """By entry."""

    @property
    def offsets(self) -> list[int]:
        """Where the entries begin; and the end of the last."""
        return list(accumulate((len(entry.text) for entry in self.written), initial=0))

    @property
    def grows(self) -> bool:
        """Whether anything can be written to it after it was moved."""
        return self.move in (Move.NONE, Move.RENAME, Move.COPY, Move.OLDER)

    @property
    def place(self) -> str:
        """The name that it is reported under: of copies the longest, then the first that is not compressed."""
        if self.move in (Move.RENAME, Move.COPYTRUNCATE):
            return f"{self.name}.1"
        return f"{self.name}.1.gz" if self.move is Move.COMPRESS else self.name

    def data(self, begin: int, end: int) -> bytes:
        """The bytes of some entries."""
        return b"".join(entry.text for entry in self.written[begin:end])


class World(MemorySite):
    """A host with four inputs whose output is in memory."""

    def __init__(self, root: Path) -> None:
        folder = root / "pipelines"
        folder.mkdir()
        for form, definition in PIPELINES.items():
            (folder / f"{form}.yml").write_text(definition)
        inputs = [InputSettings(form, (f"{root}/logs/{form}/*",), form, timezone="UTC") for form in PIPELINES]
        super().__init__(root, *inputs, answer=_refused)
        self.pipeline_dirs = (folder,)

    def path(self, log: Log, name: str = "") -> Path:
        """Where a log's file is written, or another of that name beside it."""
        folder = self.logs / log.form
        folder.mkdir(exist_ok=True)
        return folder / (name or log.name)

    def happen(self, logs: Sequence[Log], *, keep_state_of_first: bool) -> None:
        """Write, ship, write on, move, ship again, write on; the state may be put back to what it was between."""
        for log in logs:
            self.path(log).write_bytes(log.data(0, log.first))
        self.ship()
        if keep_state_of_first:
            self.keep_state()
        for log in logs:
            _append(self.path(log), log.data(log.first, log.shipped))
            self._move(log, now=log.early)
        self.ship()
        for log in logs:
            self._move(log, now=not log.early)
            _append(self.path(log, log.place), log.data(log.shipped, len(log.written)) + b"half a line" * log.half)
            documents = self.documents_of(log)
            stored = [n for n in range(log.shipped) if log.written[n].fate is Fate.STORED]
            assert list(documents) == [log.offsets[n] for n in stored], "this is no test of the agent"
            for number in stored:
                log.tallies[number] = documents[log.offsets[number]].tally
        if keep_state_of_first:
            self.put_state_back()

    def documents_of(self, log: Log) -> dict[int, Document]:
        """A log's documents by offset, ascending."""
        found = [d for d in self.held.documents.values() if Path(d.source.path).name.startswith(log.name)]
        return {document.offset: document for document in sorted(found, key=lambda document: document.offset)}

    def stray(self, log: Log) -> None:
        """Documents of another host, which are no concern of this one."""
        for key, document in list(self.held.documents.items())[:3]:
            source = Source("other.example.org", log.form, document.source.path, "0" * 16)
            self.held.documents["other", key[1]] = replace(document, source=source)

    def _move(self, log: Log, *, now: bool) -> None:
        if not now:
            return
        path, moved = self.path(log), self.path(log, f"{log.name}.1")
        if log.move is Move.RENAME:
            path.rename(moved)
        elif log.move is Move.COMPRESS:
            self.path(log, log.place).write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        elif log.move is Move.COPY:
            shutil.copyfile(path, moved)
        elif log.move is Move.OLDER:
            moved.write_bytes(log.data(0, log.first))
        elif log.move is Move.COPYTRUNCATE:
            shutil.copyfile(path, moved)
            os.truncate(path, 0)
        elif log.move is Move.DELETE:
            path.unlink()


def chain_after(log: Log, number: int) -> str:
    """The hash chain after so many entries of whole lines, as the state keeps it."""
    lines = [line + b"\n" for line in log.data(0, number).split(b"\n")[:-1]]
    return f"{chains(lines, chain_start(HOST, log.form))[-1] if lines else chain_start(HOST, log.form):016x}"


def _append(path: Path, data: bytes) -> None:
    if data:
        with path.open("ab") as file:
            file.write(data)


def _refused(document: Document) -> Outcome | None:
    return Outcome(OutcomeKind.REFUSED, "mapping", "no such field") if POISON in document.body else None
