"""Damage to logs, index and state: done to the real things and, beside them, to the model."""

from __future__ import annotations

from dataclasses import replace

import orjson

from shipper.hashes import document_ids
from shipper.records import Tally, total
from support.damage_model import Cell, Counted, Now, counted, untouched
from support.damage_stories import InIndex, InState, OnDisk, State, Story
from support.damage_world import Entry, Fate, Log, Move, World, chain_after, entries, header, padded

OTHER_INDEX = "another-index"


def log_of(number: int, story: Story) -> tuple[Log, list[int]]:
    """The log of a story, and at which entry each step begins; the end last."""
    name = f"{number}-{story.form}.log"
    written = header(story.form)
    begins = []
    for step, sort in enumerate(story.sorts):
        begins.append(len(written))
        written += entries(story.form, name, step, sort if step else 0)
    begins.append(len(written))
    tallies = [entry.tally for entry in written]
    shipped = begins[len(story.sorts) - story.pending]
    return Log(
        story.form, name, written, begins[story.first], shipped, story.half, story.move, story.early, tallies
    ), begins


class Damager:
    """Does to a log what its story says; `now` is what the model knows of it."""

    def __init__(self, world: World, log: Log, story: Story, begins: list[int], *, state: State) -> None:
        self._world = world
        self._log = log
        self._story = story
        self._begins = begins
        self.now = untouched(log)
        self._fingerprint = next((d.source.fingerprint for d in world.documents_of(log).values()), "")
        rows = log.early and log.move in (Move.COMPRESS, Move.COPYTRUNCATE, Move.OLDER) and log.first < log.shipped
        self._has_older_row = rows and state is State.WHOLE
        self.now.older_rows = self._has_older_row
        if state is State.OLDER:
            self.now.counted = counted(log, log.first)

    def damage(self) -> Now:
        """All of it."""
        for step, kind in self._story.in_index.items():
            self._in_index(self._begins[step], kind)
        if self._story.on_disk or self._story.cut is not None:
            self._on_disk()
        if self._story.in_state is not None and self._fingerprint:
            self._in_state(self._story.in_state)
        if self._story.unreadable:
            self._world.path(self._log).chmod(0)
            self.now.readable = False
        return self.now

    # -- the index

    def _in_index(self, number: int, kind: InIndex) -> None:
        held, documents = self.now.held.get(number), self._world.held.documents
        if held is None:
            return
        document = self._world.documents_of(self._log)[self._log.offsets[number]]
        key = document.index, document.id
        if kind is InIndex.GONE:
            del documents[key]
            del self.now.held[number]
        elif kind is InIndex.TWICE:
            documents[OTHER_INDEX, key[1]] = document
            held.copies = 2
        elif kind is InIndex.TALLY:
            documents[key] = replace(document, tally=document.tally._replace(h1=document.tally.h1 + 1))
            held.tally = True
        elif kind is InIndex.FIELD:
            documents[key] = replace(document, body=_with_other_tags(document.body))
            held.fields = True
        else:
            offset = document.offset + 1
            (foreign,) = document_ids(document.source.fingerprint, [(offset, 12345)])
            tally = document.tally._replace(h0=7)
            documents[key[0], foreign] = replace(document, id=foreign, offset=offset, tally=tally)
            self.now.foreign.add(number)

    # -- the disk

    def _on_disk(self) -> None:
        edits = {self._begins[step]: edit for step, edit in self._story.on_disk.items()}
        cut = len(self._log.written) if self._story.cut is None else self._begins[self._story.cut]
        cells: list[Cell] = []
        for number, entry in enumerate(self._log.written):
            edit = edits.get(number)
            if edit is OnDisk.INSERTED:
                cells.append(
                    Cell(padded(f"in {self._log.name} one more entry is put in before number {number}".encode()), None)
                )
            gone = number >= cut or (edit is OnDisk.DROPPED and self._is_of_whole_lines(number))
            altered = edit is OnDisk.ALTERED and self._is_of_whole_lines(number)
            text = _altered(entry, self._log.name, number) if altered else entry.text
            cells.append(Cell(b"" if gone else text, number, gone))
        self.now.cells = cells
        self._write(b"".join(cell.text for cell in cells) + b"half a line" * self._log.half)

    def _is_of_whole_lines(self, number: int) -> bool:
        return all(self._log.written[n].text.endswith(b"\n") for n in (number - 1, number) if n >= 0)

    def _write(self, data: bytes) -> None:
        path = self._world.path(self._log, self._log.place)
        target = path if self._story.in_place else self._world.root / "edited"
        target.write_bytes(data)
        target.replace(path)

    # -- the state

    def _in_state(self, kind: InState) -> None:
        counts = self.now.counted
        assert counts is not None
        if kind is InState.NEVER_ACKNOWLEDGED:
            self._never_acknowledged(counts)
        elif kind is InState.UNSHIPPED:
            self._count(counts.stored, counts.filtered.plus(Tally(1, 1, 5, 5)), counts.dead)
        elif kind is InState.NO_LEDGER:
            self._count(Tally(), Tally(), Tally())
        elif kind is InState.NO_ROW:
            self._forget()
        elif kind is InState.NO_LETTERS:
            self._of_rows("DELETE FROM dead_letters WHERE file IN")
            counts.letters.clear()
        else:
            self._move_checkpoint(counts, forth=kind is InState.FORTH)

    def _never_acknowledged(self, counts: Counted) -> None:
        stored = [n for n in range(counts.reach) if self._log.written[n].fate is Fate.STORED]
        gone = total(self._log.tallies[n] for n in stored if n not in self.now.held)
        self._count(counts.stored.minus(gone), counts.filtered, counts.dead)

    def _count(self, stored: Tally, filtered: Tally, dead: Tally) -> None:
        """Make the ledger say so."""
        counts = self.now.counted
        assert counts is not None
        ends = [self._log.offsets[counts.reach], *([self._log.offsets[self._log.first]] * self._has_older_row)]
        self.now.adds_up = all(total((stored, filtered, dead)).bytes == end for end in ends)
        self._of_rows("DELETE FROM ledger WHERE file IN")
        for fate, tally in (("stored", stored), ("filtered:some", filtered), ("dead:mapping", dead)):
            if any(tally):
                self._of_rows("INSERT INTO ledger SELECT 1, id, 0, ?, ?, ?, ?, ? FROM files WHERE id IN", fate, *tally)
        counts.stored, counts.filtered, counts.dead = stored, filtered, dead
        self.now.older_rows = False  # they all say the same

    def _forget(self) -> None:
        for table in ("dead_letters", "ledger", "checkpoints", "marks"):
            self._of_rows(f"DELETE FROM {table} WHERE file IN")
        self._of_rows("DELETE FROM files WHERE id IN")
        self.now.counted = None

    def _move_checkpoint(self, counts: Counted, *, forth: bool) -> None:
        """Only of logs with one row, whose entries are of whole lines."""
        if self._log.form == "split" or (self._log.early and self._log.move is not Move.RENAME):
            return
        reach = len(self._log.written) if forth else max(1, counts.reach // 2)
        offset = self._log.offsets[reach]
        self._of_rows(
            "UPDATE checkpoints SET offset = ?, chain = ? WHERE file IN", offset, chain_after(self._log, reach)
        )
        counts.reach = reach
        self.now.adds_up = counts.stored.plus(counts.unshipped).bytes == offset

    def _of_rows(self, statement: str, *values: object) -> None:
        self._world.alter_state(f"{statement} (SELECT id FROM files WHERE fingerprint = ?)", *values, self._fingerprint)


def _with_other_tags(body: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(body), "tags": ["nobody", "knows"]})


def _altered(entry: Entry, name: str, number: int) -> bytes:
    """Another text that the agent would treat alike; in each log another one, for logs are known by how they begin."""
    if entry.text.endswith(b"\r\n"):
        return entry.text.replace(b"\r\n", b" \n")
    if entry.text == b"\n":
        return b"  \n"
    if entry.fate is not Fate.STORED or number % 2:
        return entry.text.replace(b"writer", b"WRITER")
    return padded(f"in {name} another entry stands there instead of number {number}".encode())
