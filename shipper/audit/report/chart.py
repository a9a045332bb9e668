"""Drawings of a report's page: a timeline, and the minutes of the hour. Shapes only; the page's style colours them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from math import log

from shipper.audit.report.document import iso
from shipper.audit.timeline import Fate, Row, Timeline

SLOTS = 96
"""So many steps are drawn at most."""
_SLOT = 10
_TALL = 56
_LANE = 9
_GAP = 3
LANES = (Fate.MISSING, Fate.LOST, Fate.DEAD, Fate.OTHER)
"""What is drawn below the bars of what was shipped, each in a lane of its own: three lines among millions must show."""


def timeline_drawing(timeline: Timeline, row: Row, title: str) -> str:
    """One row of a timeline as SVG: bars of what was shipped, and below them a lane for each other fate."""
    span = timeline.span
    assert span is not None
    count = (span[1] - span[0]) // timeline.step
    lanes = [fate for fate in LANES if any(fate in other for other in timeline.rows.values())]
    height = _TALL + len(lanes) * (_LANE + _GAP)
    most = max(row.get(Fate.SHIPPED, Counter[int]()).values(), default=1)
    shapes = [_track(_TALL + _GAP + number * (_LANE + _GAP), count) for number in range(len(lanes))]
    for at, lines in sorted(row.get(Fate.SHIPPED, {}).items()):
        size = max(round(_TALL * lines / most, 1), 1.5)
        place = (_x(at, span[0], timeline.step), _TALL - size, size)
        shapes.append(_cell(place, Fate.SHIPPED.value, 1.0, _said(at, timeline.step, "shipped", lines)))
    for number, fate in enumerate(lanes):
        counts: Mapping[int, int] = row.get(fate, {})
        worst = max((max(other.get(fate, {0: 0}).values()) for other in timeline.rows.values()), default=1)
        for at, lines in sorted(counts.items()):
            place = (_x(at, span[0], timeline.step), _TALL + _GAP + number * (_LANE + _GAP), _LANE)
            shapes.append(
                _cell(place, fate.value, _strength(lines, worst), _said(at, timeline.step, fate.value, lines))
            )
    return (
        f'<svg class="timeline" role="img" viewBox="0 0 {count * _SLOT} {height}" preserveAspectRatio="none" '
        f'style="height:{height}px"><title>{escape(title)}</title>{"".join(shapes)}</svg>'
    )


def hour_drawing(minutes: Mapping[int, int], title: str) -> str:
    """Lines by minute of the hour, as SVG."""
    most = max(minutes.values())
    shapes = [f'<rect class="track" x="0" y="{_TALL / 2 - 1}" width="{60 * _SLOT}" height="1"/>']
    for minute, lines in sorted(minutes.items()):
        size = max(round(_TALL / 2 * lines / most, 1), 2)
        place = (minute * _SLOT + 1, _TALL / 2 - size, size)
        shapes.append(_cell(place, "hour", 1.0, f"minute {minute} of the hour, lines: {lines:,}"))
    return (
        f'<svg class="hour" role="img" viewBox="0 0 {60 * _SLOT} {_TALL // 2}" preserveAspectRatio="none">'
        f"<title>{escape(title)}</title>{''.join(shapes)}</svg>"
    )


def _x(at: int, begin: int, step: int) -> int:
    return (at - begin) // step * _SLOT + 1


def _track(y: float, count: int) -> str:
    return f'<rect class="track" x="0" y="{y}" width="{count * _SLOT}" height="{_LANE}"/>'


def _cell(place: tuple[float, float, float], style: str, strength: float, said: str) -> str:
    x, y, height = place
    return (
        f'<rect class="{style}" x="{x}" y="{y:g}" width="{_SLOT - 2}" height="{height:g}" opacity="{strength:.2f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _strength(lines: int, most: int) -> float:
    """How strongly a cell is coloured; the least is still plain to see."""
    return 1.0 if most <= 1 else 0.45 + 0.55 * log(max(lines, 1)) / log(most)


def _said(at: int, step: int, what: str, lines: int) -> str:
    return f"{iso(at, minutes=True)}, {step_text(step)}: {what}, lines: {lines:,}"


def step_text(step: int) -> str:
    """How long a step takes: `1 minute`, `6 hours`."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if step % length == 0:
            count = step // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{step} seconds"
