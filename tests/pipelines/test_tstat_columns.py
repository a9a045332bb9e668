"""Every column of every header that tstat writes has a type and an explanation."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.sample_logs import FILES, SAMPLES, content, route

from shipper.parse.definition import about, load_pipeline, pipeline_names
from shipper.settings import InputSettings

COLUMNS = Path(__file__).parents[3] / "shared" / "reference" / "tstat_columns.csv"
"""All columns of all headers of tstat 2.4 to 3.3, taken from the real programs; beside the checkout, as data."""
PIPELINES = [name for name in pipeline_names() if name.startswith("tstat-")]


@cache
def types_of(pipeline: str) -> dict[str, str]:
    return dict(load_pipeline(pipeline, InputSettings("logs", ("/l",), pipeline)).field_types)


def known_columns() -> Iterator[tuple[str, str, str]]:
    """File, version and name of each column in the list."""
    if not COLUMNS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{COLUMNS} is not there.")
        pytest.skip(f"The list of tstat's columns is not at {COLUMNS}.")
    with COLUMNS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["file"], row["tstat_version"], row["name"]


def columns_of_samples() -> Iterator[tuple[str, str]]:
    """Pipeline and name of each column in the headers of the samples."""
    for name in FILES:
        pipeline = route(name)
        if pipeline in PIPELINES:
            for line in content(SAMPLES / name).decode(errors="replace").split("\n"):
                if line.startswith("#"):
                    yield from ((pipeline, column) for column in re.findall(r"([A-Za-z_][\w-]*):\d+", line))


def test_every_column_of_every_known_header_has_a_type() -> None:
    columns = list(known_columns())
    assert len(columns) > 2200
    assert {version for _, version, _ in columns} == {"2.4", "3.0.0", "3.1.0", "3.2.1", "3.3.0"}
    untyped = {
        (file, name) for file, _, name in columns if f"tstat.{name}" not in types_of(route(f"tstat/x.out/{file}"))
    }
    assert untyped == set()


def test_every_column_of_every_sample_has_a_type() -> None:
    columns = set(columns_of_samples())
    assert len({name for pipeline, name in columns if pipeline == "tstat-tcp"}) == 138
    assert {(pipeline, name) for pipeline, name in columns if f"tstat.{name}" not in types_of(pipeline)} == set()


def test_a_column_of_several_logs_has_one_type() -> None:
    """But for those that mean different things: `type` of a chat and of a message."""
    kinds: dict[str, set[str]] = {}
    for pipeline in PIPELINES:
        for name, kind in types_of(pipeline).items():
            kinds.setdefault(name, set()).add(kind)
    assert {name for name, found in kinds.items() if len(found) > 1} == {"tstat.type"}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_field_is_explained_but_plain_copies_of_addresses_and_volumes(pipeline: str) -> None:
    plain = re.compile(r"(source|destination)\.(ip|port|bytes|packets)|network\.(transport|protocol)")
    told = about(pipeline)
    assert [name for name in types_of(pipeline) if name not in told.fields and not plain.fullmatch(name)] == []
    assert told.reads
    assert told.time
    assert told.damage


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_time_and_every_size_has_a_unit(pipeline: str) -> None:
    measured = re.compile(
        r"tstat\.([cs]_)?(bytes_\w+|throughput|time_\w+|durat(ion)?|starttime|databytes|first(_\w+)?|last|rtt_(avg|min|max))"
        r"|event\.duration|network\.bytes"
    )
    fields = about(pipeline).fields
    as_in_tcp = {name for name, field in fields.items() if field.meaning == "as in tstat-tcp"}
    lacking = [name for name, field in fields.items() if measured.fullmatch(name) and not field.unit]
    assert sorted(set(lacking) - as_in_tcp) == []
    assert as_in_tcp <= set(about("tstat-tcp").fields)
