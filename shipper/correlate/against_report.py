"""How the comparison with a foreign index is told: as text, and as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shipper.correlate.against import EVERYTHING, Against, Duplicates, Row, Span
from shipper.correlate.report import iso
from shipper.errors import Exit
from shipper.wording import counted

SHOWN = 20
"""Rows of a kind that the text lists."""
_GROUPS = 60
_NOT_IN_INDEX = "not in the index"
_SAME_DOCUMENT = "the same document again"
_NOT_ON_DISK = "no record on disk"
_NO_KEY = "the record lacks a field of the key"


def exit_code(against: Against, problems: Sequence[str]) -> Exit:
    """3 where something could not be compared, 1 where something is to be looked at."""
    if problems or against.disk.unkeyed:
        return Exit.UNFINISHED
    return Exit.FINDINGS if against.missing or against.unexpected or against.duplicates else Exit.CLEAN


def as_json(against: Against, problems: Sequence[str]) -> dict[str, Any]:
    """Everything, as one document."""
    verdicts = {Exit.CLEAN: "closed", Exit.FINDINGS: "findings", Exit.UNFINISHED: "incomplete"}
    return {
        "verdict": verdicts[exit_code(against, problems)],
        "index_read_at": iso(against.index_read_at),
        **_span(against.span),
        "totals": totals(against),
        "findings": [
            *(_missing(against, row) for row in against.missing),
            *(_duplicate(against, group) for group in against.duplicates),
            *(_unexpected(against, row) for row in against.unexpected),
            *(_finding("unproved", _NO_KEY, entry.place, entry.offset, entry.line) for entry in against.disk.unkeyed),
            *(_finding("unproved", "unreadable", "", evidence=problem) for problem in problems),
        ],
    }


def totals(against: Against) -> dict[str, int]:
    """Records and documents by what became of them."""
    outside = _outside(against)
    return {
        "disk": len(against.disk.rows) + len(against.disk.unkeyed),
        "documents": len(against.index.rows),
        "matched": against.matched,
        "missing": len(against.missing),
        "filtered": len(against.filtered),
        "unexpected": len(against.unexpected),
        "unexpected_distinct": against.unexpected_distinct,
        "unexpected_outside_the_time_of_the_files": outside,
        "duplicate": against.duplicate_documents,
        "unproved": len(against.disk.unkeyed),
        "copies": against.disk.copies,
        "documents_without_the_key": len(against.index.unkeyed),
    }


def _span(span: Span) -> dict[str, str]:
    """The ends that a span of time has."""
    ends = {"since": span.since, "until": span.until}
    return {name: iso(at) for name, at in ends.items() if at is not None}


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().isoformat(timespec="seconds") + " local time"


def as_text(against: Against, problems: Sequence[str], index: str, command: str) -> Iterator[str]:
    """The report, line by line; it ends with what to type next, made of the `command` that was typed."""
    if against.span != EVERYTHING:
        words = {"since": "from", "until": "to"}
        ends = " ".join(f"{words[name]} {at} ({_local(at)})" for name, at in _span(against.span).items())
        yield f"Only records and documents of events {ends}."
    count = totals(against)
    filtered = f", {count['filtered']:,} left out by the sender" if count["filtered"] else ""
    yield (
        f"{counted(count['disk'], 'record')} on disk, {counted(count['documents'], 'document')} in {index}, read at "
        f"{iso(against.index_read_at)}: {count['matched']:,} matched, {count['missing']:,} missing{filtered}."
    )
    yield from _missing_text(against)
    yield from _duplicates_text(against)
    yield from _unexpected_text(against, count)
    if against.disk.unkeyed:
        first = against.disk.unkeyed[0]
        yield (
            f"Unproved: {counted(count['unproved'], 'record')} without a field of the key, so not compared, the first "
            f"at {first.place}:{first.line}."
        )
    if against.index.unkeyed:
        yield f"{counted(len(against.index.unkeyed), 'document')} left aside, without the fields of the key."
    for problem in problems:
        yield f"Not read: {problem}"
    yield f"Verdict: {_VERDICTS[exit_code(against, problems)]}"
    yield f"Next: {_next(against, problems, command)}"


def _next(against: Against, problems: Sequence[str], command: str) -> str:
    """What is typed next: the same for what comes later, for every place, or, if it is undecided, again."""
    code = exit_code(against, problems)
    if code is Exit.FINDINGS:
        return f"{command} --json"
    if code is Exit.CLEAN and against.covered and against.span == EVERYTHING:
        return f"{command} --since {iso(against.covered[1])}"
    return command


_VERDICTS = {
    Exit.CLEAN: "closed: every record on disk is in the index, once.",
    Exit.FINDINGS: "findings: disk and index do not agree.",
    Exit.UNFINISHED: "incomplete: something could not be compared.",
}


def _missing_text(against: Against) -> Iterator[str]:
    folders = Counter(str(Path(row.entry.place).parent) for row in against.disk.rows)
    missing: dict[str, list[Row]] = {}
    for row in against.missing:
        missing.setdefault(str(Path(row.entry.place).parent), []).append(row)
    for folder, rows in sorted(missing.items())[:_GROUPS]:
        lines = ", ".join(f"{Path(row.entry.place).name}:{row.entry.line}" for row in rows[:SHOWN])
        more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
        yield f"missing: {len(rows):,} of {counted(folders[folder], 'record')} in {folder}: {lines}{more}"
    if len(missing) > _GROUPS:
        yield f"… and in {counted(len(missing) - _GROUPS, 'more folder')}; --json lists all."
    minutes = _minutes(against)
    if against.missing and minutes:
        yield "Missing by minute of the hour (UTC): " + ", ".join(
            f":{minute:02d} {lost:,} of {of:,}" for minute, (lost, of) in minutes.items() if lost
        )


def _minutes(against: Against) -> dict[int, tuple[int, int]]:
    """Missing records, and all, by the minute of the hour."""
    lost, of = (
        Counter(int(at // 60 % 60) for row in rows if (at := against.time(row)) is not None)
        for rows in (against.missing, against.disk.rows)
    )
    return {minute: (lost[minute], of[minute]) for minute in sorted(of)}


def _duplicates_text(against: Against) -> Iterator[str]:
    for group in against.duplicates[:SHOWN]:
        equal = "equal but for the time of their arrival" if group.identical else "with different content"
        at = against.time(group.rows[0])
        when = "" if at is None else f" of {iso(at)}"
        yield f"duplicate: {len(group.rows):,} documents{when}, {equal}: {', '.join(_names(group))}"
    if len(against.duplicates) > SHOWN:
        yield f"… and {counted(len(against.duplicates) - SHOWN, 'more group')} of duplicates; --json lists all."


def _unexpected_text(against: Against, count: dict[str, int]) -> Iterator[str]:
    if not against.unexpected:
        return
    outside = count["unexpected_outside_the_time_of_the_files"]
    yield (
        f"unexpected: {counted(count['unexpected'], 'document')} ({count['unexpected_distinct']:,} different) to which "
        f"no record on disk belongs"
        + (f"; {outside:,} of them lie before the first or after the last record of the files." if outside else ".")
    )


def _outside(against: Against) -> int:
    if against.covered is None:
        return 0
    first, last = against.covered
    return sum((at := against.time(row)) is not None and not first <= at <= last for row in against.unexpected)


def _missing(against: Against, row: Row) -> dict[str, Any]:
    entry = row.entry
    return _finding("missing", _NOT_IN_INDEX, entry.place, entry.offset, entry.line, entry.size, _when(against, row))


def _unexpected(against: Against, row: Row) -> dict[str, Any]:
    return _finding("unexpected", _NOT_ON_DISK, row.entry.place, evidence=f"{row.entry.id}{_when(against, row)}")


def _duplicate(against: Against, group: Duplicates) -> dict[str, Any]:
    same = "equal but for the time of arrival" if group.identical else "different content"
    evidence = f"{', '.join(_names(group))}: {same}{_when(against, group.rows[0])}"
    return _finding(
        "duplicate", _SAME_DOCUMENT, group.rows[0].entry.place, lines=len(group.rows) - 1, evidence=evidence
    )


def _finding(
    kind: str,
    cause: str,
    path: str,
    offset: int | None = None,
    line: int | None = None,
    size: int = 0,
    evidence: str = "",
    lines: int = 1,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "cause": cause,
        "path": path,
        "offset": offset,
        "first_line": line,
        "last_line": line,
        "lines": lines,
        "bytes": size,
        "evidence": evidence.strip(),
        "repair": None,
    }


def _names(group: Duplicates) -> list[str]:
    return [f"{row.entry.place}/{row.entry.id}" for row in group.rows]


def _when(against: Against, row: Row) -> str:
    at = against.time(row)
    return "" if at is None else f" {iso(at)}"
