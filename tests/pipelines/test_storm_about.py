"""What StoRM's pipelines tell of themselves is whole: every field of the log has a meaning, every figure a unit."""

from __future__ import annotations

import pytest

from shipper import resources
from shipper.parse.definition import about, load_pipeline
from shipper.settings import InputSettings

NAMES = sorted(path.stem for path in resources.pipelines().glob("storm-*.yml"))
OWN = ("storm.", "error.", "url.", "file.", "http.version", "log.level", "process.pid")


def fields_of(name: str) -> dict[str, str]:
    return load_pipeline(name, InputSettings("i", ("/l",), name, timezone="UTC")).field_types


def test_all_logs_of_storm_are_there() -> None:
    assert len(NAMES) == 9


@pytest.mark.parametrize("name", NAMES)
def test_every_field_that_a_log_of_storm_has_is_told(name: str) -> None:
    told = about(name)
    assert told.reads
    assert told.files
    assert told.time
    assert told.damage
    assert [field for field in fields_of(name) if field.startswith(OWN) and field not in told.fields] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_fraction_and_duration_has_a_unit_or_is_a_share(name: str) -> None:
    told = about(name).fields
    timed = {field for field, kind in fields_of(name).items() if kind == "double" or field.endswith("duration")}
    shares = {field for field in timed if field in told and told[field].meaning.startswith("share of")}
    assert [field for field in sorted(timed - shares) if field not in told or not told[field].unit] == []


def test_a_field_has_one_type_in_all_logs_of_storm() -> None:
    kinds: dict[str, set[str]] = {}
    for name in NAMES:
        for field, kind in fields_of(name).items():
            kinds.setdefault(field, set()).add(kind)
    assert len(kinds) > 100
    assert {field: found for field, found in kinds.items() if len(found) > 1} == {}
    assert [field for field in kinds if any(other.startswith(f"{field}.") for other in kinds)] == []
