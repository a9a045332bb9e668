"""A report as one page for people who were not there: the verdict first, then when, why, and what to type.

It needs nothing besides itself and runs no program; its own policy forbids both. Whatever comes from files, file names
and indices is text on it, never markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from shipper import __version__
from shipper.audit.findings import OF_HOSTS, Finding, Verdict
from shipper.audit.report.advice import advice
from shipper.audit.report.chart import LANES, SLOTS, hour_drawing, step_text, timeline_drawing
from shipper.audit.report.document import Report, iso
from shipper.audit.report.hours import by_hour
from shipper.audit.report.page_style import STYLE
from shipper.audit.report.text import next_step, own_outcome, resumed_text, verdict_text, window_text
from shipper.audit.timeline import Fate, Row, Timeline
from shipper.wording import counted

_EXAMPLES = 5
_PLACES = 10
_ROWS = 200
"""Rows of the timeline that are drawn, those with most faults first."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_NUMBERS = (
    ("disk_lines", "lines on disk"), ("indexed", "in the index"), ("filtered", "filtered by a rule"),
    ("dead_letters", "dead letters"), ("pending", "pending"), ("missing", "missing"),
    ("lost_at_source", "lost at source"),
    ("duplicate", "duplicates"), ("altered", "altered"), ("unexpected", "unexpected"), ("unproved", "unproved"),
)  # fmt: skip
_ALWAYS = ("disk_lines", "indexed", "missing")
_NAMES = {
    Fate.SHIPPED: "shipped", Fate.MISSING: "missing", Fate.LOST: "lost at the source", Fate.DEAD: "dead letters",
    Fate.OTHER: "altered, unexpected, duplicate or unproved",
}  # fmt: skip
_HEADLINES = {
    Verdict.CLOSED: "Every line is accounted for",
    Verdict.FINDINGS: "Something needs to be looked at",
    Verdict.INCOMPLETE: "Not everything is proved",
}


def page(report: Report) -> str:
    """The page."""
    outcome = report.outcome
    title = f"Audit of {', '.join(report.hosts)}: {outcome.verdict.value}"
    parts = [*_head(report), *_timeline(report.timeline), *_causes(outcome.findings), *_commands(report)]
    parts += [*_incomplete(outcome.incomplete_values), *_audited(report), _foot(report)]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def headline(report: Report) -> str:
    """What is wrong, in a few words."""
    totals = report.outcome.totals
    faults = [(getattr(totals, name), words) for name, words in _NUMBERS[5:]]
    told = [f"{count:,} {words}" for count, words in faults if count]
    if told:
        begin = f"Of {counted(totals.disk_lines, 'line')} on disk: " if report.disks_read else "Of lines: "
        return begin + ", ".join(told)
    if report.outcome.verdict is Verdict.CLOSED and not report.disks_read:
        return "The index holds what the ledger says"
    return _HEADLINES[report.outcome.verdict]


def _head(report: Report) -> Iterator[str]:
    outcome = report.outcome
    made = max((one.at for one in report.audited), default="")
    yield f'<header class="{outcome.verdict.value}">'
    yield f'<p class="kicker">Audit of {_text(", ".join(report.hosts))}, {_text(made)}</p>'
    yield f"<h1>{_text(headline(report))}</h1>"
    yield f"<p>Verdict: <strong>{outcome.verdict.value}</strong>. {_text(_sentence(report))}</p>"
    for one in report.audited:
        if one.since or one.until:
            yield f'<p class="note">{_text(one.host)}: only what may hold events {_text(window_text(one))}.</p>'
        if one.resumed:
            yield f'<p class="note">{_text(one.host)}: {_text(resumed_text(one.resumed))}</p>'
    yield '<dl class="numbers">'
    for name, words in _NUMBERS:
        count = getattr(outcome.totals, name)
        if count or (name in _ALWAYS and (report.disks_read or name != "disk_lines")):
            yield f"<div><dt>{words}</dt><dd>{count:,}</dd></div>"
    yield "</dl>\n</header>"


def _timeline(timeline: Timeline | None) -> Iterator[str]:
    span = timeline.span if timeline is not None else None
    if timeline is None or span is None:
        return
    fitting = timeline.focused().fitting(SLOTS)
    begin, end = fitting.span or span
    used = [fate for fate in Fate if any(fate in row for row in fitting.rows.values())]
    yield "<section>\n<h2>When</h2>"
    step = step_text(fitting.step)
    yield f'<p class="note">By event time, UTC; each step is {step}. The bars of each source have their own scale.</p>'
    swatches = (
        f'<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{fate.value}" width="1" height="1"/></svg>'
        f"{_NAMES[fate]}</li>"
        for fate in used
    )
    yield f'<ul class="legend">{"".join(swatches)}</ul>'
    rows = sorted(fitting.rows.items(), key=lambda item: (-_faults(item[1]), item[0]))
    for (host, name), row in rows[:_ROWS]:
        sums = ", ".join(f"{sum(row[fate].values()):,} {_NAMES[fate]}" for fate in Fate if fate in row)
        yield f"<figure><h3>{_text(name)} on {_text(host)}</h3>"
        yield timeline_drawing(fitting, row, f"{_text(name)} on {_text(host)}: {sums}")
        yield f'<div class="axis"><span>{iso(begin, minutes=True)}</span><span>{iso(end, minutes=True)}</span></div>'
        yield f"<figcaption>{sums}</figcaption></figure>"
    if len(rows) > _ROWS:
        yield f'<p class="note">… and {_count(len(rows) - _ROWS, "more source")} with fewer faults.</p>'
    if timeline.undated:
        yield f'<p class="note">Not drawn, as nobody knows when: {_count(timeline.undated, "finding")}.</p>'
    if fitting.far_away:
        yield f'<p class="note">Not drawn, as far from all others: {_count(fitting.far_away, "line")}.</p>'
    yield "</section>"


def _faults(row: Row) -> int:
    return sum(sum(row[fate].values()) for fate in LANES if fate in row)


def _causes(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield "<section>\n<h2>Why</h2>"
    for hour in by_hour(findings):
        found = [f for f in findings if (f.host, f.kind.value, f.cause.value) == (hour.host, hour.kind, hour.cause)]
        yield f"<article><h3>{_text(hour.kind.replace('_', ' '))}: {_text(hour.cause)}, on {_text(hour.host)}</h3>"
        if found[0].kind not in OF_HOSTS:
            yield f'<p><span class="count">{_count(hour.lines, "line")}</span> in {_count(hour.places, "place")}.</p>'
        if hour.minutes:
            peak = ", ".join(f":{minute:02}" for minute in hour.peak)
            yield f'<div class="hours">{hour_drawing(hour.minutes, "Lines by minute of the hour")}'
            yield '<div class="axis"><span>:00</span><span>minute of the hour</span><span>:59</span></div></div>'
            yield f'<p class="note">Most at {peak}.</p>'
        yield from _places(found)
        yield from _examples(found)
        yield "</article>"
    yield "</section>"


def _places(findings: Sequence[Finding]) -> Iterator[str]:
    of_host = [finding for finding in findings if finding.kind in OF_HOSTS]
    if of_host:
        told = (f"{finding.input}: {finding.evidence}" if finding.input else finding.evidence for finding in of_host)
        yield f'<ul class="places">{"".join(f"<li>{_text(one)}.</li>" for one in told)}</ul>'
        return
    by_path = [(path, list(found)) for path, found in groupby(sorted(findings, key=_path), key=_path)]
    yield '<ul class="places">'
    for path, found in by_path[:_PLACES]:
        more = f" and {counted(len(found) - _PLACES, 'more place')}" if len(found) > _PLACES else ""
        places = ", ".join(_place(finding) for finding in found[:_PLACES]) + more
        yield f"<li><code>{_text(path or 'all of input ' + found[0].input)}</code>: {places}."
        yield f'<br><span class="note">{_text(found[0].evidence)}.</span></li>'
    yield "</ul>"
    if len(by_path) > _PLACES:
        yield f'<p class="note">… and {counted(len(by_path) - _PLACES, "more file")}.</p>'


def _place(finding: Finding) -> str:
    """Where in its file a finding is, shorter than in the text."""
    if finding.first_line is None:
        return "the whole of it" if finding.offset is None else f"from byte {finding.offset:,} on"
    if finding.first_line == finding.last_line:
        return f"line {finding.first_line:,}"
    return f"lines {finding.first_line:,}-{finding.last_line:,}"


def _path(finding: Finding) -> str:
    return finding.path


def _examples(findings: Sequence[Finding]) -> Iterator[str]:
    examples = list(dict.fromkeys(finding.example for finding in findings if finding.example))[:_EXAMPLES]
    yield from (f"<pre>{_text(example)}</pre>" for example in examples)


def _commands(report: Report) -> Iterator[str]:
    yield "<section>\n<h2>What to do</h2>"
    for audited in report.audited:
        own = own_outcome(report, audited)
        if len(report.audited) > 1 and not own.findings:
            continue
        command = audited.command
        if any(finding.repair for finding in own.findings):
            said = "see what a repair would send again, send it, and audit again"
            lines = [f"{command} --repair", next_step(own, audited)]
        else:
            said, lines = "look further", [next_step(own, audited)]
        yield f"<p>On {_text(audited.host)}, {said}:</p>"
        yield f"<pre>{'&#10;'.join(_text(line) for line in lines)}</pre>"
    left = sum(finding.repair is None for finding in report.outcome.findings)
    if left:
        yield f'<p class="note">For a person to look at, as no command repairs it: {_count(left, "finding")}.</p>'
    told = [f"<li>{_text(line)}</li>" for line in advice(report.outcome.findings, disks_read=report.disks_read)]
    if told:
        yield f'<ul class="places">{"".join(told)}</ul>'
    yield "</section>"


def _incomplete(values: Sequence[Finding]) -> Iterator[str]:
    if not values:
        return
    yield "<section>\n<h2>Values that did not arrive as they were meant</h2>"
    yield '<p class="note">Their lines are complete: this is no fault of delivery.</p>'
    yield "<table><tr><th>input</th><th>lines</th><th>what</th></tr>"
    for value in values:
        origin = f"{_text(value.input)} on {_text(value.host)}"
        yield f"<tr><td>{origin}</td><td>{value.lines:,}</td><td>{_text(value.evidence)}</td></tr>"
    yield "</table>\n</section>"


def _audited(report: Report) -> Iterator[str]:
    yield "<section>\n<h2>What was audited</h2>"
    for one in report.audited:
        vouched = f", {_count(one.vouched_lines, 'line')} of files that are gone" if one.vouched_lines else ""
        inputs = _text(", ".join(one.inputs))
        yield f"<article><h3>{_text(one.host)}</h3><p>{_count(one.files, 'file')} of {inputs}{vouched}; "
        yield f"level {_text(one.level)}; ended {_text(one.at)}.</p><pre>{_text(one.command)}</pre></article>"
    yield "</section>"


def _sentence(report: Report) -> str:
    """What the verdict means, as a sentence."""
    said = verdict_text(report)
    more = " What is told below may not be all." if report.outcome.verdict is Verdict.INCOMPLETE else ""
    return said[0].upper() + said[1:] + more


def _foot(report: Report) -> str:
    how = "Lines were counted and hashed on disk and compared with what the index itself sums up; what was unequal was "
    how += "looked up line by line."
    if not report.disks_read:
        how = "The files on disk were not read: what agents counted was compared with what the index holds."
    return f"<footer><p>{how} The hashes find accidents, not forgery.</p><p>shipper {_text(__version__)}</p></footer>"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _text(text: str) -> str:
    """Text on the page: no markup, and nothing that cannot be seen, such as signs that reverse its direction."""
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return escape(shown)
