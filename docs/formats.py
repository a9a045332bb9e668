"""Writes what the pipelines say of their logs into docs/formats.md, between the marks that name a pipeline.

Usage: python docs/formats.py [--check]

With --check it writes nothing, and says on standard error which parts are not as the pipelines have them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import orjson
from documented_logs import Log, read
from field_rules import origin

from shipper.parse.models import FieldAboutModel, PipelineModel, SampleModel
from shipper.parse.samples import expected_fields

DOCUMENT = Path(__file__).with_name("formats.md")
COMMAND = "python docs/formats.py"
PART = re.compile(r"(<!-- of the pipelines: ([\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
FAMILIES = {"tstat": "tstat", "gridftp": "GridFTP", "storm": "StoRM", "raw": "any other"}
LONGEST_LINE, MOST_LINES, LONGEST_VALUE, MOST_FIELDS = 200, 4, 100, 20
"""What is shown of an example: letters of a line, lines of an event, letters of a value, fields of the log's own."""


def current(text: str) -> str:
    """The document with all marked parts as the pipelines have them."""
    logs = {name: read(name) for _, name, _ in PART.findall(text) if name not in OVERVIEWS}

    def renewed(part: re.Match[str]) -> str:
        name = part[2]
        content = OVERVIEWS[name](logs.values()) if name in OVERVIEWS else section(logs[name])
        return f"{part[1]}\n{content}\n{part[3]}"

    return PART.sub(renewed, text)


def outdated(text: str) -> list[str]:
    """The names of the marked parts of a document that are not as the pipelines have them."""
    pairs = zip(PART.finditer(text), PART.finditer(current(text)), strict=True)
    return [written[2] for written, made in pairs if written[0] != made[0]]


def overview(logs: Iterable[Log]) -> str:
    """Which file is described where."""
    rows = [(FAMILIES[log.name.partition("-")[0]], _code(log.about.files) or "any", _link(log)) for log in logs]
    return table(("of", "files", "pipeline"), rows)


def shared_fields(logs: Iterable[Log]) -> str:
    """Which fields of the common schema are in more than one log, and in which."""
    having: dict[str, list[Log]] = {}
    for log in logs:
        for field in log.types:
            if not field.startswith(log.own):
                having.setdefault(field, []).append(log)
    rows = []
    for field, found in sorted(having.items()):
        if len(found) > 1:
            kinds = ", ".join(dict.fromkeys(_kind(log, field) for log in found))
            rows.append((f"`{field}`", kinds, found[0].units.get(field, ""), _by_family(found)))
    return table(("field", "type", "unit", "in the logs"), rows)


def _by_family(logs: Iterable[Log]) -> str:
    families: dict[str, list[str]] = {}
    for log in logs:
        family, _, rest = log.name.partition("-")
        families.setdefault(FAMILIES[family], []).append(rest)
    return "; ".join(f"{family}: {', '.join(names)}" for family, names in families.items())


def _link(log: Log) -> str:
    return f"[{log.name}](#{log.name})"


def section(log: Log) -> str:
    """All that there is to say of a log."""
    parts = [f"### {log.name}", log.about.reads or "", "\n".join(f"* {fact}" for fact in facts(log)), example(log)]
    own, common = own_fields(log), common_fields(log)
    if own:
        parts += ["Its fields:", table(("field", "type", "unit", "meaning", "also as"), own)]
    if common:
        parts += ["Common and computed fields:", table(("field", "type", "unit", "made of", "remark"), common)]
    if log.about.damage:
        damage = [(damage.what, damage.becomes) for damage in log.about.damage]
        parts.append(table(("damage", "what becomes of it"), damage))
    return "\n\n".join(part for part in parts if part) + "\n"


def facts(log: Log) -> Iterator[str]:
    """Where it is, what an event is, which time counts, what is not shipped."""
    source = f"pipelines/{log.name}.yml"
    if log.about.files:
        yield f"files: {_code(log.about.files)}"
    yield f"dataset: `{log.model.dataset}`; definition: [{source}](../{source})"
    yield f"events: {_events(log.model)}"
    if log.about.time:
        yield f"time: {log.about.time}"
    if log.zone_required:
        yield "the input must say its `timezone`"
    if log.date_missing:
        yield "what its times lack of the date: as [years and dates](#years-and-dates) says"
    rules = [*(["header"] if log.model.header else []), *(["blank"] if log.model.blank == "drop" else [])]
    rules += [drop.rule for drop in log.model.drop]
    if rules:
        yield f"filtered, by the rules of these names: {_code(rules)}"
    if log.model.lines.incomplete == "refuse":
        yield "a last line that was cut: refused, a dead letter `incomplete`"


def _events(model: PipelineModel) -> str:
    within = "; another begins within a line where a new record or message does" if model.lines.splits else ""
    if model.lines.starts:
        return f"several lines, from one that begins like `{model.lines.starts}` up to the next such line{within}"
    if model.lines.continues:
        return f"a line, and those after it that begin like `{model.lines.continues}`{within}"
    return f"each line is one{within}"


def example(log: Log) -> str:
    """A sample, cut, and what it gives."""
    chosen = typical(log.samples)
    heading = [line for line in chosen.before if log.model.header and line.startswith("#")][-2:]
    lines = [*heading, *chosen.text.split("\n")]
    cut = [_cut(line, LONGEST_LINE) for line in lines[:MOST_LINES]]
    cut += [f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join(["A line, and what it gives:", "", "```text", *cut, "", *_given(log, chosen), "```"])


def typical(samples: Sequence[SampleModel]) -> SampleModel:
    """The first sample that has at least two thirds of the most fields; if possible undamaged, and with a header."""
    shipped = [sample for sample in samples if sample.expect is not None]
    chosen = [sample for sample in shipped if not expected_fields(sample)["tags"]] or shipped
    chosen = [sample for sample in chosen if sample.before] or chosen
    most = max(len(expected_fields(sample)) for sample in chosen)
    return next(sample for sample in chosen if 3 * len(expected_fields(sample)) >= 2 * most)


def _given(log: Log, sample: SampleModel) -> Iterator[str]:
    fields = {name: value for name, value in expected_fields(sample).items() if value != []}
    own = [name for name in fields if not log.is_common(name)]
    common = sorted((name for name in fields if name not in own), key=lambda name: name == "tags")
    width = max(map(len, [*common, *own[:MOST_FIELDS]]))
    for name in [*common, *own[:MOST_FIELDS]]:
        value = fields[name]
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        yield f"{name:{width}}  {_cut(text, LONGEST_VALUE)}"
    if len(own) > MOST_FIELDS:
        yield f"… and {len(own) - MOST_FIELDS} fields more below {log.own.rstrip('.')}"


def own_fields(log: Log) -> list[tuple[str, ...]]:
    """The rows of fields under the log's own names; those that the definition explains in one entry are one row."""
    rows: list[tuple[str, ...]] = []
    for entry, fields in explained(log):
        shown = [field for field in fields if not log.is_common(field)]
        if shown:
            kinds = dict.fromkeys(_kind(log, field) for field in shown)
            copies = [target for target, rule in log.model.ecs.items() if set(rule.sources) & set(shown)]
            rows.append((_code(shown), ", ".join(kinds), entry.unit or "", entry.meaning, _code(copies)))
    return rows


def explained(log: Log) -> Iterator[tuple[FieldAboutModel, list[str]]]:
    """What the definition says in one entry, and of which fields; at the end those of which it says nothing."""
    together: dict[int, list[str]] = {}
    entries = {id(entry): entry for entry in log.about.fields.values()}
    for field, entry in log.about.fields.items():
        together.setdefault(id(entry), []).append(field)
    for key, fields in together.items():
        yield entries[key], fields
    silent = [name for name in log.types if name not in log.about.fields]
    yield from ((FieldAboutModel(meaning="–"), [name]) for name in silent)


def common_fields(log: Log) -> list[tuple[str, ...]]:
    """The rows of fields that other logs have, too, and of those that are computed."""
    units = log.units
    rows: list[tuple[str, ...]] = []
    for field in dict.fromkeys([*log.about.fields, *log.model.ecs, *log.types]):
        if log.is_common(field):
            made = origin(field, log.model, units)
            rows.append(
                (f"`{field}`", _kind(log, field), units.get(field, ""), made or "the line", _remark(log, field, made))
            )
    return rows


def _remark(log: Log, field: str, made: str) -> str:
    """What the definition says of a field, if it is more than what it is made of."""
    entry = log.about.fields.get(field)
    return "" if entry is None or _plain(log, entry.meaning) in _plain(log, made) else entry.meaning


def _plain(log: Log, text: str) -> str:
    """A sentence without what only makes it readable, to see whether another says the same."""
    return re.sub(rf"[` ]|{re.escape(log.own)}", "", text).replace("·", "×")


def _kind(log: Log, field: str) -> str:
    kind = log.types.get(field, "keyword")
    return f"list of {kind[1:-1]}" if kind.startswith("[") else kind


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cut(text: str, longest: int) -> str:
    text = text.replace("\t", "␉").replace("\r", "")
    return text if len(text) <= longest else f"{text[:longest]} …"


OVERVIEWS = {"all": overview, "common-fields": shared_fields}
"""The parts that are of all logs."""


def main(arguments: Sequence[str]) -> int:
    """Write the document, or only compare."""
    text = DOCUMENT.read_text()
    if "--check" not in arguments:
        DOCUMENT.write_text(current(text))
        return 0
    old = outdated(text)
    if old:
        print(f"{DOCUMENT}: not current of {', '.join(old)}. Write it anew: {COMMAND}", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
