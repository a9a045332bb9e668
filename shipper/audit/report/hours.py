"""Findings by host, cause and minute of the hour: what breaks on a schedule shows where on the clock it breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shipper.audit.findings import Finding

MANY = 20
"""More findings than these are told in a table, too."""
_BARS = "▁▂▃▄▅▆▇█"
_MINUTES = range(60)
_SCALE = "".join(f":{minute:02}".ljust(10) for minute in range(0, 60, 10))


@dataclass(slots=True)
class Hour:
    """The findings of one host and cause."""

    host: str
    kind: str
    cause: str
    lines: int = 0
    places: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    """Lines by minute of the hour, of those whose time is known."""

    @property
    def peak(self) -> list[int]:
        """The minutes with most lines, the fullest first."""
        return [minute for minute, _ in sorted(self.minutes.items(), key=lambda item: (-item[1], item[0]))[:3]]


def by_hour(findings: Iterable[Finding]) -> list[Hour]:
    """One row for each host and cause, that with most lines first."""
    rows: dict[tuple[str, str, str], Hour] = {}
    for finding in findings:
        key = (finding.host, finding.kind.value, finding.cause.value)
        row = rows.setdefault(key, Hour(*key))
        row.lines += finding.lines
        row.places += 1
        for minute, lines in finding.minutes.items():
            row.minutes[minute % 60] += lines
    return sorted(rows.values(), key=lambda row: (-row.lines, row.host, row.kind, row.cause))


def table(rows: Sequence[Hour]) -> Iterator[str]:
    """The rows as lines of text; a bar for each minute, of the row's own scale."""
    names = [f"{row.host}: {row.kind.replace('_', ' ')}, {row.cause}" for row in rows]
    width = max(map(len, names), default=0)
    count_width = max((len(f"{row.lines:,}") for row in rows), default=0)
    yield f"  {'by minute of the hour':{width}}  {'':{count_width}}  {_SCALE}".rstrip()
    for name, row in zip(names, rows, strict=True):
        yield f"  {name:{width}}  {row.lines:>{count_width},}  {_bars(row.minutes) if row.minutes else 'time unknown'}"


def _bars(minutes: Counter[int]) -> str:
    most = max(minutes.values())
    return "".join(_bar(minutes[minute], most) if minutes[minute] else "·" for minute in _MINUTES)


def _bar(lines: int, most: int) -> str:
    return _BARS[min(len(_BARS) - 1, lines * len(_BARS) // most)]
