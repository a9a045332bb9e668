"""docs/formats.md says what is so: its sections are those of the pipelines, its numbers and its damaged lines are
found again, its fields exist, nothing is left out."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.sample_logs import FILES, SAMPLES, ParsedLog, content, line_count, parse_routed, route

from shipper import resources
from shipper.parse.definition import load_pipeline, pipeline_names
from shipper.parse.models import AboutModel, CopyModel, FormulaModel, SampleModel
from shipper.settings import InputSettings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
PREFIXES = (
    "tstat",
    "gridftp",
    "storm",
    "source",
    "destination",
    "event",
    "network",
    "process",
    "user",
    "file",
    "error",
    "http",
    "url",
    "dns",
    "log",
)
HEADINGS = ("pipeline", "files", "lines", "documents", "filtered", "refused", "unparsed", "with a value that failed")
CUT_VALUES = ("storm.truncated", "gridftp.truncated", "gridftp.truncated_bytes")


@pytest.fixture
def formats(monkeypatch):
    """The program that writes the sections."""
    monkeypatch.syspath_prepend(str(DOCUMENT.parent))
    return importlib.import_module("formats")


@pytest.fixture
def field_rules(monkeypatch):
    """What says in words how a field comes about."""
    monkeypatch.syspath_prepend(str(DOCUMENT.parent))
    return importlib.import_module("field_rules")


@cache
def parsed(name: str) -> ParsedLog:
    """What the pipeline of a sample makes of it."""
    return parse_routed(name)


def flattened(value: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from flattened(item, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def pipelines() -> list[str]:
    return sorted(path.stem for path in resources.pipelines().glob("*.yml"))


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the table of a section of the document."""
    section = DOCUMENT.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


@cache
def counted() -> tuple[dict[str, list[int]], frozenset[str]]:
    """Per pipeline the numbers of the table, and all fields that the samples' documents have."""
    rows: dict[str, list[int]] = {}
    fields: set[str] = set()
    for name in FILES:
        log = parsed(name)
        failed = sum("_type_failure" in document["tags"] for document in log.documents)
        lines = line_count(content(SAMPLES / name))
        filtered = sum(entry.tally.lines for entry in log.filtered)
        numbers = (1, lines, len(log.documents), filtered, len(log.refused), log.unparsed, failed)
        row = rows.setdefault(route(name), [0] * len(numbers))
        rows[route(name)] = [old + new for old, new in zip(row, numbers, strict=True)]
        for document in log.documents:
            fields.update(flattened(document))
    return rows, frozenset(fields)


def table() -> str:
    lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1))]
    lines += [(f"`{name}`", *map(str, numbers)) for name, numbers in sorted(counted()[0].items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def damaged_lines(name: str) -> dict[int, set[str]]:
    """The lines of a sample that were damaged, by their numbers, and what tells of it."""
    log, data = parsed(name), content(SAMPLES / name)
    found: dict[int, set[str]] = {}
    for document in log.documents:
        marks = {tag for tag in document["tags"] if (route(name), tag) != ("raw", "_timestamp_inherited")}
        marks |= {field for field in flattened(document) if field in CUT_VALUES}
        marks |= {r"\xNN"} if re.search(r"\\x[0-9a-f]{2}", document["message"]) else set()
        if marks:
            found.setdefault(data[: document["log"]["offset"]].count(b"\n") + 1, set()).update(marks)
    for refusal in log.refused:
        found.setdefault(data[: refusal.document.offset].count(b"\n") + 1, set()).add("refused")
    return found


def test_the_sections_are_those_of_the_pipelines(formats) -> None:
    old = formats.outdated(DOCUMENT.read_text())
    assert old == [], f"docs/formats.md is not current. Write it anew: {formats.COMMAND}"


def test_a_section_that_was_changed_by_hand_is_noticed(formats) -> None:
    changed = DOCUMENT.read_text().replace("* dataset: `gridftp.usage`", "* dataset: `gridftp.use`")
    assert formats.outdated(changed) == ["gridftp-usage"]
    assert formats.current(changed) == DOCUMENT.read_text()


def test_every_pipeline_has_a_section(formats) -> None:
    sections = re.findall(r"^### ([a-z-]+)$", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(sections) == pipelines() == pipeline_names()


def test_every_pipeline_can_be_found_by_the_names_of_its_files(formats) -> None:
    overview = DOCUMENT.read_text().split("## Find a log")[1].split("\n## ")[0]
    assert re.findall(r"\[([a-z-]+)\]\(#\1\)", overview) == re.findall(
        r"^### ([a-z-]+)$", DOCUMENT.read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("name", pipelines())
def test_every_section_has_all_fields_with_their_types_and_what_they_mean(formats, name: str) -> None:
    log = formats.read(name)
    rows = formats.own_fields(log) + formats.common_fields(log)
    assert sorted(field for row in rows for field in re.findall("`([^`]+)`", row[0])) == sorted(log.types)
    explained = [row[0] for row in formats.own_fields(log) if row[3] != "–"]
    assert len(explained) == len(formats.own_fields(log))
    assert [row[0] for row in formats.common_fields(log) if row[3] == "the line" and not row[4]] == []


def test_an_example_is_a_typical_line(formats) -> None:
    def sample(text: str, fields: int, *, tags: tuple[str, ...] = ()) -> SampleModel:
        expected = {f"field{number}": number for number in range(fields)} | {"tags": list(tags)}
        return SampleModel(text=text, expect=expected)

    short, usual, richest = sample("short", 3), sample("usual", 8), sample("richest", 10)
    damaged, filtered = sample("damaged", 20, tags=("_line_split",)), SampleModel(text="#", filtered="header")
    assert formats.typical([filtered, damaged, short, usual, richest]) is usual
    assert formats.typical([filtered, damaged]) is damaged


def test_what_another_definition_explains_is_looked_up_there(formats) -> None:
    logs = importlib.import_module("documented_logs")
    fields = {"tstat.durat": {"meaning": "as in tstat-tcp"}, "tstat.other": {"meaning": "as in tstat-tcp"}}
    found = logs.looked_up(AboutModel.model_validate({"fields": fields})).fields
    assert (found["tstat.durat"].meaning, found["tstat.durat"].unit) == ("first to last packet", "ms")
    assert found["tstat.other"].meaning == "as in tstat-tcp"


def test_no_section_says_only_that_another_one_explains_a_field() -> None:
    assert re.findall(r"\| as in [\w-]+ \|", DOCUMENT.read_text()) == []


def test_formulas_are_in_words_with_times_in_seconds(field_rules) -> None:
    units = {"event.duration": "ns", "t.durat": "ms"}
    throughput = FormulaModel(ratio=("network.bytes", "event.duration"), scale=8_000_000_000)
    assert field_rules.formula(throughput, units) == "8 × `network.bytes` / `event.duration` in seconds"
    by_flow = FormulaModel(ratio=("t.bytes", "t.durat"), scale=8000)
    assert field_rules.formula(by_flow, units) == "8 × `t.bytes` / `t.durat` in seconds"
    assert field_rules.formula(FormulaModel(difference=("t.end", "t.start")), units) == "`t.end` − `t.start`"
    assert field_rules.formula(FormulaModel(sum=("a", "b"), scale=2), units) == "2 × (`a` + `b`)"
    assert field_rules.formula(FormulaModel(ratio=("a", "b")), units) == "`a` / `b`"
    assert field_rules.formula(FormulaModel(ratio=("a", "t.durat"), scale=8), units) == "8 × `a` / `t.durat`"


def test_copies_say_what_is_done_to_them(field_rules) -> None:
    def said(rule: dict[str, Any], unit: str = "") -> str:
        return field_rules.copied(CopyModel.model_validate(rule), unit, {"a": "ms"})

    assert said({"from": ["a", "b"]}) == "the first that is there of `a`, `b`"
    assert said({"from": "a", "scale": 1000000}, "ns") == "`a` in ns"
    assert said({"from": "b", "scale": 1000}) == "`b` × 1000"
    assert said({"from": "a", "as": "date"}) == "`a` as a date"
    outcomes = {"from": "b", "map": {"OK": "success", "DONE": "success", "E": "failure"}, "otherwise": "unknown"}
    assert said(outcomes) == "`b`: `success` for OK, DONE; `failure` for E; `unknown` for all others"


def test_the_numbers_of_the_samples_are_as_documented() -> None:
    assert table() in DOCUMENT.read_text(), f"docs/formats.md should have:\n{table()}"


def test_no_line_of_the_samples_is_unparsed() -> None:
    assert [name for name in FILES if parsed(name).unparsed] == []


def test_every_damaged_line_of_the_samples_is_documented_with_what_tells_of_it() -> None:
    documented: dict[tuple[str, int], set[str]] = {}
    for file, lines, _, told in rows_below("Damaged lines of the samples"):
        marks = set(re.findall("`([^`]+)`", told)) or {told}
        for number in lines.split(", "):
            assert (file.strip("`"), int(number)) not in documented
            documented[file.strip("`"), int(number)] = marks
    found = {(name, number): marks for name in FILES for number, marks in damaged_lines(name).items()}
    assert len(found) > 30
    assert found == documented


def test_only_notes_that_no_program_logs_are_read_as_raw_text() -> None:
    assert {Path(name).suffix for name in FILES if route(name) == "raw"} == {".txt"}


def test_every_documented_field_exists() -> None:
    known = set(counted()[1])
    for name in pipelines():
        pipeline = load_pipeline(name, InputSettings("i", ("/l",), name, timezone="UTC"))
        known |= {pipeline.dataset, *pipeline.field_types}
    prefixes = "|".join(PREFIXES)
    quoted = re.findall(rf"`((?:{prefixes})\.[\w.-]+)`", DOCUMENT.read_text())
    named = {name.removesuffix("_text") for name in quoted if not name.endswith(".log")}
    parents = {field[:at] for field in known for at, sign in enumerate(field) if sign == "."}
    assert len(named) > 400
    assert sorted(named - known - parents) == []


def test_every_tag_of_a_failure_is_documented() -> None:
    text = DOCUMENT.read_text()
    tags = {tag for name in FILES for document in parsed(name).documents for tag in document["tags"]}
    assert "_type_failure" in tags
    tags |= {"_columnsfailure", "_grokparsefailure", "_line_incomplete"}
    assert sorted(tag for tag in tags if f"`{tag}`" not in text) == []
