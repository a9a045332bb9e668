"""The whole audit against a model: random damage to files, index and pending ends, and exactly that must be found."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_output import MemoryOutput
from support.site import Site

from shipper.audit.findings import Kind, Verdict
from shipper.hashes import document_ids
from shipper.settings import InputSettings

APART = 8
"""Whole lines between two damages: closer ones cannot be told apart by anyone."""


class Damage(Enum):
    DELETED = "document deleted"
    TALLY = "tally of a document changed"
    FIELD = "field of a document changed"
    FOREIGN = "document that was never shipped"
    DROPPED = "line dropped on disk"
    ALTERED = "line altered on disk"


@dataclass(frozen=True)
class Log:
    """A file as it was shipped, what is done to it afterwards, and how many lines are written after that."""

    lines: int
    damage: dict[int, Damage]
    pending: int


def text(name: str, number: int) -> bytes:
    if number % 11 == 7:
        return b"\n"
    return f"the writer of {name} says {number:03} {'x' * (number * 13 % 29)}\n".encode()


@st.composite
def logs(draw: st.DrawFn) -> Log:
    lines = draw(st.integers(1, 120))
    damage: dict[int, Damage] = {}
    for number in sorted(draw(st.sets(st.integers(0, lines - 1), max_size=8))):
        if number % 11 != 7 and number - max(damage, default=-APART) >= APART and number + APART < lines:
            damage[number] = draw(st.sampled_from(Damage))
    return Log(lines, damage, draw(st.integers(0, 4)))


def damage_index(output: MemoryOutput, name: str, offsets: list[int], log: Log) -> None:
    for number, kind in log.damage.items():
        if kind in (Damage.DROPPED, Damage.ALTERED):
            continue
        key = output.at(name, offsets[number])
        document = output.documents[key]
        if kind is Damage.DELETED:
            del output.documents[key]
        elif kind is Damage.TALLY:
            output.documents[key] = replace(document, tally=document.tally._replace(h1=document.tally.h1 + 1))
        elif kind is Damage.FIELD:
            body = {**orjson.loads(document.body), "tags": ["nobody", "knows"]}
            output.documents[key] = replace(document, body=orjson.dumps(body))
        else:
            (foreign,) = document_ids(document.source.fingerprint, [(offsets[number] + 1, 12345)])
            tally = document.tally._replace(h0=7)
            output.documents["x", foreign] = replace(document, id=foreign, offset=offsets[number] + 1, tally=tally)


def damage_disk(name: str, log: Log) -> list[bytes]:
    kept = []
    for number in range(log.lines + log.pending):
        kind = log.damage.get(number)
        if kind is not Damage.DROPPED:
            kept.append(b"another line\n" if kind is Damage.ALTERED else text(name, number))
    return kept


KINDS = {
    Damage.DELETED: Kind.MISSING,
    Damage.TALLY: Kind.ALTERED,
    Damage.FIELD: Kind.ALTERED,
    Damage.FOREIGN: Kind.UNEXPECTED,
    Damage.DROPPED: Kind.UNEXPECTED,
    Damage.ALTERED: Kind.ALTERED,
}


def expected(name: str, log: Log, *, fields: bool) -> list[tuple[str, Kind, int]]:
    """File, kind and number of the line on today's disk."""
    found = []
    dropped = 0
    for number, kind in sorted(log.damage.items()):
        if kind is not Damage.FIELD or fields:
            found.append((name, KINDS[kind], number + 1 - dropped))
        dropped += kind is Damage.DROPPED
    return found


@settings(max_examples=40, deadline=None)
@given(first=logs(), second=logs())
def test_exactly_what_was_damaged_is_found(first: Log, second: Log) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        site = Site(root, (InputSettings("app", (f"{root}/logs/*",), "raw"),))
        site.output = output = MemoryOutput()
        both = {"first.log": first, "second.log": second}
        for name, log in both.items():
            site.write(name, [text(name, number) for number in range(log.lines)])
        site.ship()
        for name, log in both.items():
            offsets = [sum(len(text(name, n)) for n in range(number)) for number in range(log.lines)]
            damage_index(output, name, offsets, log)
            (site.logs / name).write_bytes(b"".join(damage_disk(name, log)))
        check(site, both)


def check(site: Site, both: dict[str, Log]) -> None:
    for level in ("disk", "contents"):
        outcome = site.audit(level=level)
        wanted = [item for name, log in both.items() for item in expected(name, log, fields=level == "contents")]
        assert [(Path(f.path).name, f.kind, f.first_line) for f in outcome.findings] == wanted
        assert outcome.verdict is (Verdict.FINDINGS if wanted else Verdict.CLOSED)
        totals = outcome.totals
        on_disk = sum(f.lines for f in outcome.findings if f.kind is Kind.ALTERED)
        fates = totals.indexed + totals.filtered + totals.dead_letters + totals.pending + totals.missing + on_disk
        assert totals.disk_lines == fates
        assert totals.pending <= sum(log.pending for log in both.values())
    without = site.audit(level="contents", use_state=False, grace=1e12)
    wanted = [item for name, log in both.items() for item in expected(name, log, fields=True)]
    assert [(Path(f.path).name, f.kind, f.first_line) for f in without.findings] == wanted
