"""What an audit must answer to what became of a log.

Independent of the audit: it knows the truth that the audit must infer. Where the audit's promise is less than the
truth, the weaker rule stands here, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from shipper.audit.findings import Cause, Kind
from shipper.hashes import tally_of
from shipper.records import Tally, total
from support.damage_model import Answer, Cell, Held, Now, counted
from support.damage_world import Entry, Fate

DISK, CONTENTS, LEDGER = "disk", "contents", "ledger"


def answer(now: Now, level: str, *, known: bool, young: bool) -> Answer:
    """What is said of a log; `known` with a state, `young` where the end of a file may still be under way."""
    if level == LEDGER or not now.on_disk:
        return _of_ledger(now, level, known=known)
    return _Walk(now, level, known=known, young=young).answer()


def _of_ledger(now: Now, level: str, *, known: bool) -> Answer:
    said = Answer()
    place, index = now.log.name, now.index
    if not now.readable and level != LEDGER:
        said.report(Kind.UNPROVED, Cause.UNREADABLE, now.log.place, None, 0)
    if not index.lines and (not known or now.counted is None):
        return said
    if not known or now.counted is None:
        said.report(Kind.UNPROVED, Cause.FILE_GONE, place, None, index.lines)
        return said
    if not now.adds_up:
        said.report(Kind.ALTERED, Cause.LEDGER_DISAGREES, place, None, 1)
    below = index if index == now.counted.stored else now.index_below(now.counted.reach)
    if now.older_rows and _is_ambiguous(now):
        said.report(Kind.UNPROVED, Cause.AMBIGUOUS_LEDGER, place, None, index.lines)
        return said
    difference = now.counted.stored.minus(below)
    if any(difference):
        for number in sorted(now.held):
            if number < now.counted.reach and now.held[number].copies > 1:
                lines = max(now.log.tallies[number].lines, 1)
                said.report(Kind.DUPLICATE, Cause.TWO_PLACES, place, None, lines)
                said.deleted.add(number)
                below = below.minus(now.log.tallies[number])
        difference = now.counted.stored.minus(below)
    if difference.lines > 0:
        said.report(Kind.MISSING, Cause.GONE_FROM_INDEX, place, None, difference.lines)
    elif difference.lines < 0:
        said.report(Kind.UNEXPECTED, Cause.BEYOND_LEDGER, place, None, -difference.lines)
    elif any(difference):
        said.report(Kind.ALTERED, Cause.CHANGED_IN_INDEX, place, None, 1)
    if level == LEDGER:
        said.totals["indexed"] += below.lines
    return said


def _is_ambiguous(now: Now) -> bool:
    """Whether the newer row does not fit: the ledger does not say that the one's file went on as the other's.

    Where what the older one counted is held, and no more, the newer one may be of another file of which all is gone.
    """
    assert now.counted is not None
    if not any(_is_stored(now, number) for number in range(now.log.first, now.log.shipped)):
        return False  # they count the same
    if now.index == counted(now.log, now.log.first).stored:
        return True
    stored = [number for number in range(now.log.first) if _is_stored(now, number)]
    whole = all(n in now.held and not now.held[n].tally for n in stored)
    more = {n for n in stored[:-1] if n in now.foreign or (n in now.held and now.held[n].copies > 1)}
    return now.index != now.counted.stored and (not whole or bool(more))


def _is_stored(now: Now, number: int) -> bool:
    return now.log.written[number].fate is Fate.STORED


class _Step(NamedTuple):
    """A cell, and the number of its first line."""

    cell: Cell
    line: int
    entry: Entry
    lines: int


class _Walk:
    """Goes through a file that is on disk, entry by entry."""

    def __init__(self, now: Now, level: str, *, known: bool, young: bool) -> None:
        self._now = now
        self._level = level
        self._known = known
        self._young = young
        self._said = Answer()
        self._steps = list(_steps(now))
        self._settled: list[Tally] = []
        self._edited = False
        self._told = False
        self._missing: list[tuple[_Step, Cause, bool] | None] = []
        held = [n for n, step in enumerate(self._steps) if not step.cell.gone and step.cell.origin in now.held]
        self._last_held = max(held, default=-1)

    def answer(self) -> Answer:
        """All that is said of the file."""
        totals, log = self._said.totals, self._now.log
        totals["disk_lines"] = sum(step.lines for step in self._steps) + log.half
        totals["pending"] = int(log.half)
        if self._level == DISK and self._is_balanced():
            self._balanced()
            return self._said
        for number, step in enumerate(self._steps):
            self._missing.append(None)
            self._step(number, step)
            if step.cell.origin in self._now.foreign:
                self._report(Kind.UNEXPECTED, Cause.NEVER_ON_DISK, step, step.entry.lines)
        self._report_missing()
        self._unseen_edit()
        self._ledger()
        if self._level == CONTENTS:
            self._fields()
        return self._said

    # -- the equation

    def _is_balanced(self) -> bool:
        disk = total(_tally(step) for step in self._steps if not step.cell.gone)
        if any(_is_edit(step) for step in self._steps):
            return False
        counted = self._now.counted if self._known else None
        index = self._now.index.plus(counted.unshipped if counted else Tally())
        return disk == index or (self._known and index == self._below())

    def _balanced(self) -> None:
        counted = self._now.counted if self._known else None
        index = self._now.index
        totals = self._said.totals
        totals["indexed"] = index.lines
        totals["dead_letters"] = counted.dead.lines if counted else 0
        totals["filtered"] = counted.filtered.lines if counted else 0
        accounted = totals["indexed"] + totals["dead_letters"] + totals["filtered"]
        totals["pending"] += totals["disk_lines"] - self._now.log.half - accounted

    def _below(self) -> Tally:
        """The lines that begin below the checkpoint's offset, whatever they are now."""
        counted = self._now.counted
        if counted is None:
            return Tally()
        end, place, below = self._now.log.offsets[counted.reach], 0, []
        for line in b"".join(step.cell.text for step in self._steps if not step.cell.gone).split(b"\n")[:-1]:
            below += [line + b"\n"] if place < end else []
            place += len(line) + 1
        return tally_of(below)

    # -- the entries

    def _step(self, number: int, step: _Step) -> None:
        origin = step.cell.origin
        held = self._now.held.get(origin) if origin is not None else None
        if origin is None:
            self._told = True
            self._report(Kind.ALTERED, Cause.ADDED_ON_DISK, step, step.lines)
        elif step.cell.gone:
            self._gone(step, held)
        elif step.cell.text != step.entry.text:
            self._altered(number, step, held)
        elif held is not None:
            self._held(step, held)
        else:
            self._absent(number, step)
        self._edited = self._edited or _is_edit(step)

    def _held(self, step: _Step, held: Held) -> None:
        for _ in range(held.copies - 1):
            self._report(Kind.DUPLICATE, Cause.TWO_PLACES, step, step.entry.lines)
            self._said.deleted.update({step.cell.origin} - {None})
        if held.tally:
            # Behind an edit its id proves nothing, and its text is not what it says of its lines.
            self._report(Kind.ALTERED, Cause.CHANGED if self._edited else Cause.CHANGED_IN_INDEX, step, step.lines)
            self._told = self._told or self._edited
        else:
            self._said.totals["indexed"] += step.lines

    def _gone(self, step: _Step, held: Held | None) -> None:
        if held is not None:
            self._told = True
            self._report(Kind.UNEXPECTED, Cause.REMOVED_FROM_DISK, step, step.entry.lines)
        elif self._is_letter(step):
            self._told = True  # the ledger tells of it

    def _altered(self, number: int, step: _Step, held: Held | None) -> None:
        if held is not None or self._is_letter(step):
            self._told = True
            self._report(Kind.ALTERED, Cause.CHANGED_ON_DISK, step, step.lines)
        else:
            self._absent(number, step)

    def _absent(self, number: int, step: _Step) -> None:
        origin, totals = step.cell.origin, self._said.totals
        assert origin is not None
        same = step.cell.text == step.entry.text
        if same and self._is_letter(step):
            self._settle("dead_letters", step)
        elif self._known and (self._now.counted is None or origin >= self._now.counted.reach):
            totals["pending"] += step.lines
        elif step.entry.fate is Fate.FILTERED:
            self._settle("filtered", step)
        elif not self._known and self._young and number > self._last_held:
            totals["pending"] += step.lines
        else:
            self._missing[-1] = (step, self._why(), self._edited or _is_edit(step))

    def _is_letter(self, step: _Step) -> bool:
        counted = self._now.counted
        return self._known and counted is not None and step.cell.origin in counted.letters

    def _settle(self, name: str, step: _Step) -> None:
        self._said.totals[name] += step.lines
        self._settled.append(_tally(step))

    def _why(self) -> Cause:
        """The ledger is taken at its word as a whole: it counted all of them as stored, or it did not."""
        counted = self._now.counted
        if not self._known or counted is None:
            return Cause.NOT_IN_INDEX
        log = self._now.log
        due = sum(
            tally.lines
            for entry, tally in zip(log.written[: counted.reach], log.tallies, strict=False)
            if entry.fate is Fate.STORED
        )
        lost = sum(log.tallies[n].lines for n in range(counted.reach) if self._is_lost_letter(n))
        return Cause.GONE_FROM_INDEX if counted.stored.lines >= due + lost else Cause.NEVER_ACKNOWLEDGED

    def _is_lost_letter(self, number: int) -> bool:
        counted = self._now.counted
        assert counted is not None
        return self._now.log.written[number].fate is Fate.DEAD and number not in counted.letters

    def _report_missing(self) -> None:
        """Neighbours for the same reason are one finding."""
        for key, items in groupby(self._missing, lambda item: item and item[1:]):
            if key is not None:
                run = [item[0] for item in items if item is not None]
                self._report(Kind.MISSING, key[0], run[0], sum(step.lines for step in run))
                if not key[1]:
                    self._said.resent.update(step.cell.origin for step in run if step.cell.origin is not None)

    # -- what no document tells

    def _unseen_edit(self) -> None:
        """An edit of what is not shipped is told at the first line that no document before it vouches for.

        Only where documents follow, and where no other edit of the file is told: one tells that it was edited.
        """
        edits = [number for number, step in enumerate(self._steps) if _is_edit(step)]
        if not edits or self._told or self._last_held < edits[0]:
            return
        first = edits[0]
        while first > 0 and not self._vouches(self._steps[first - 1]):
            first -= 1
        self._report(Kind.ALTERED, Cause.CHANGED_ON_DISK, self._steps[first], 1)

    def _vouches(self, step: _Step) -> bool:
        return not step.cell.gone and (step.cell.origin in self._now.held or self._is_letter(step))

    def _ledger(self) -> None:
        counted = self._now.counted
        if not self._known or counted is None:
            return
        settled, below = counted.stored.plus(counted.unshipped), self._below()
        fits = settled == below and not any(_is_edit(step) for step in self._steps)
        if counted.unshipped == total(self._settled) and (self._said.findings or fits):
            return
        lines = max(1, abs(settled.lines - below.lines))
        self._said.report(Kind.ALTERED, Cause.LEDGER_DISAGREES, self._now.log.place, None, lines)

    def _fields(self) -> None:
        for step in self._steps:
            held = self._now.held.get(step.cell.origin) if step.cell.origin is not None else None
            if held and held.fields and not held.tally and not _is_edit(step):
                self._report(Kind.ALTERED, Cause.CHANGED_IN_INDEX, step, step.lines)
                self._said.totals["indexed"] -= step.lines

    def _report(self, kind: Kind, cause: Cause, step: _Step, lines: int) -> None:
        if not lines and kind in (Kind.MISSING, Kind.ALTERED):
            self._said.totals["indexed"] -= 1  # the piece that ends the line has a document, and counts it
        self._said.report(kind, cause, self._now.log.place, step.line, max(lines, 1))


def _steps(now: Now) -> Iterator[_Step]:
    line = 1
    for cell in now.cells:
        entry = now.log.written[cell.origin] if cell.origin is not None else Entry(cell.text)
        lines = 0 if cell.gone else cell.text.count(b"\n")
        yield _Step(cell, line, entry, lines)
        line += lines


def _tally(step: _Step) -> Tally:
    return Entry(step.cell.text).tally


def _is_edit(step: _Step) -> bool:
    return step.cell.gone or step.cell.origin is None or step.cell.text != step.entry.text
