"""docs/formats.md says what is so: its numbers are counted again, its fields exist, no pipeline is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from support.sample_logs import FILES, SAMPLES, content, line_count, parse_routed, route

from shipper import resources
from shipper.parse.definition import load_pipeline
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
)
HEADINGS = ("pipeline", "files", "lines", "documents", "filtered", "refused", "unparsed", "with a value that failed")


def flattened(value: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from flattened(item, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def pipelines() -> list[str]:
    return sorted(path.stem for path in resources.pipelines().glob("*.yml"))


@cache
def counted() -> tuple[dict[str, list[int]], frozenset[str]]:
    """Per pipeline the numbers of the table, and all fields that the samples' documents have."""
    rows: dict[str, list[int]] = {}
    fields: set[str] = set()
    for name in FILES:
        log = parse_routed(name)
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


def test_the_numbers_of_the_samples_are_as_documented() -> None:
    assert table() in DOCUMENT.read_text(), f"docs/formats.md should have:\n{table()}"


def test_every_pipeline_is_documented() -> None:
    text = DOCUMENT.read_text()
    assert [name for name in pipelines() if f"`{name}`" not in text] == []


def test_every_documented_field_exists() -> None:
    known = set(counted()[1])
    for name in pipelines():
        known |= set(load_pipeline(name, InputSettings("i", ("/l",), name, timezone="UTC")).field_types)
    prefixes = "|".join(PREFIXES)
    quoted = re.findall(rf"`((?:{prefixes})\.[\w.-]+)`", DOCUMENT.read_text())
    named = {name.removesuffix("_text") for name in quoted if not name.endswith(".log")}
    parents = {field[:at] for field in known for at, sign in enumerate(field) if sign == "."}
    assert len(named) > 40
    assert sorted(named - known - parents) == []


def test_every_tag_of_a_failure_is_documented() -> None:
    text = DOCUMENT.read_text()
    tags = {tag for name in FILES for document in parse_routed(name).documents for tag in document["tags"]}
    assert "_type_failure" in tags
    tags |= {"_columnsfailure", "_grokparsefailure", "_line_incomplete"}
    assert sorted(tag for tag in tags if f"`{tag}`" not in text) == []
