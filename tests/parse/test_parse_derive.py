"""Derived fields: exact where they can be, absent where they cannot be computed, and copies of whichever is there."""

import json

import pytest
from support.pipeline_lab import parse, parse_one

from shipper.errors import ConfigurationError
from shipper.parse.definition import restore_pipeline

TAIL = "\ntimestamp: {by: modification}\n"
TWO = "parse: [{columns: {names: [a, b], separator: ';', into: x, 'null': ['-']}}]\n"
DATES = (
    TWO
    + "types: {x.a: date, x.b: date}\n"
    + "timestamp: {field: x.a, formats: ['%Y%m%d%H%M%S.%f', '%Y%m%d%H%M%S'], timezone: UTC}\n"
)


def derived(lab, types: str, formula: str, line: str):
    pipeline = lab.pipeline(f"{TWO}types: {{{types}}}\nderive: {{y: {formula}}}{TAIL}")
    return parse_one(pipeline, line).get("y")


@pytest.mark.parametrize(
    ("formula", "line", "expected"),
    [
        ("{difference: [x.a, x.b]}", "20261121231237.924590;20261121231236.924591", 999_999_000),
        ("{difference: [x.a, x.b]}", "20261122000000.000000001;20261121235959.999999999", 2),
        ("{difference: [x.a, x.b]}", "20270101000000;20261231235959", 1_000_000_000),
        ("{difference: [x.a, x.b]}", "20261122101112.5;20261122101112.5", 0),
        ("{difference: [x.a, x.b], scale: 0.000000001, type: double}", "20261122101114;20261122101112.5", 1.5),
        ("{difference: [x.a, x.b], scale: 0.001}", "20261122101114;20261122101112", 2_000_000),
        ("{difference: [x.a, x.b]}", "20261122101112;20261122101113", None),
        ("{difference: [x.a, x.b]}", "20261122101112;never", None),
        ("{difference: [x.a, x.b]}", "20261122101112;-", None),
    ],
)
def test_the_time_between_two_dates_is_exact_and_never_negative(lab, formula, line, expected):
    pipeline = lab.pipeline(f"{DATES}derive: {{event.duration: {formula}}}\n")
    assert parse_one(pipeline, line)["event"].get("duration") == expected


@pytest.mark.parametrize(
    ("types", "formula", "line", "expected"),
    [
        ("x.a: long, x.b: int", "{difference: [x.a, x.b]}", "5;7", -2),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b]}", "9007199254740993;1", 9007199254740994),
        ("x.a: long, x.b: double", "{sum: [x.a, x.b]}", "1;0.5", 1.5),
        ("x.a: long, x.b: double", "{sum: [x.a, x.b], type: long}", "1;0.75", 2),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b], type: double}", "1;2", 3.0),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b], scale: 0.5}", "1;2", 2),
        ("x.a: long, x.b: long", "{ratio: [x.a, x.b]}", "1;4", 0.25),
        ("x.a: long, x.b: long", "{ratio: [x.a, x.b], scale: 8000000000}", "100;1000000000", 800.0),
        ("x.a: long, x.b: long", "{ratio: [x.a, x.b], type: long}", "7;2", 4),
        ("x.a: long, x.b: long", "{ratio: [x.a, x.b]}", "1;0", None),
        ("x.a: double, x.b: double", "{ratio: [x.a, x.b]}", "1.0;0.0", None),
        ("x.a: double, x.b: double", "{ratio: [x.a, x.b]}", "1e308;1e-308", None),
        ("x.a: double, x.b: double", "{sum: [x.a, x.b]}", "1e308;1e308", None),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b]}", "9223372036854775807;1", None),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b]}", "9223372036854775807;0", 9223372036854775807),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b]}", "1;-", None),
        ("x.a: long, x.b: long", "{sum: [x.a, x.b]}", "1;many", None),
    ],
)
def test_numbers_are_computed_and_nothing_is_invented(lab, types, formula, line, expected):
    found = derived(lab, types, formula, line)
    assert (found, type(found)) == (expected, type(expected))


CHAIN = (
    TWO
    + "types: {x.a: long, x.b: long}\necs: {network.bytes: x.a}\nderive:\n"
    + "  z.first: {sum: [network.bytes, x.b]}\n  a.second: {ratio: [z.first, x.b]}\n"
    + "drop: [{rule: big, when: {a.second: {'>': 100}}}]"
    + TAIL
)


def test_formulas_build_on_copies_and_on_each_other_in_the_order_written_also_when_restored(lab):
    pipeline = lab.pipeline(CHAIN)
    assert parse_one(pipeline, "6;2")["a"] == {"second": 4.0}
    assert parse_one(restore_pipeline(pipeline.definition), "6;2")["a"] == {"second": 4.0}
    assert (pipeline.field_types["z.first"], pipeline.field_types["a.second"]) == ("long", "double")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("20261121235959.924590;1000", "2026-11-21T23:59:59.924591Z"),
        ("20261121235959.924590;75410000", "2026-11-22T00:00:00.000000Z"),
        ("20261121235959.924590;75410001", "2026-11-22T00:00:00.000000001Z"),
        ("20261231235959;1", "2026-12-31T23:59:59.000000001Z"),
        ("20261231235959;1000000000", "2027-01-01T00:00:00Z"),
        ("20261231235959;0", "2026-12-31T23:59:59Z"),
        ("20261231235959;9223372036854775807", "2319-04-12T23:47:15.854775807Z"),
        ("99991231235959;1000000000", None),
        ("20261231235959;-", None),
        ("20261231235959;soon", None),
    ],
)
def test_the_time_after_a_date_is_exact(lab, line, expected):
    definition = DATES.replace("x.b: date", "x.b: long") + "derive: {event.end: {sum: [x.a, x.b]}}\n"
    pipeline = lab.pipeline(definition)
    assert parse_one(pipeline, line).get("event", {}).get("end") == expected
    assert pipeline.field_types["event.end"] == "date"


ENDS = """
parse:
  - {columns: {names: [a, b, c], separator: ';', into: x, 'null': ['-']}}
  - {grok: ['^(?<event.end>2.*)$'], field: x.b, optional: true}
types: {x.a: date, x.c: long, event.end: date}
ecs: {event.start: x.a, event.duration: {from: x.c, scale: 1000}}
derive: {event.end: {sum: [event.start, event.duration]}}
timestamp: {field: x.a, formats: ['%Y%m%d%H%M%S'], timezone: UTC}
"""


def test_what_a_step_found_is_kept_and_only_else_derived(lab):
    pipeline = lab.pipeline(ENDS)
    rows = ["20261121235959;20261122000001;1000000", "20261121235959;-;1000000", "20261121235959;2;1000000"]
    assert [document["event"]["end"] for document in parse(pipeline, *rows).documents] == [
        "2026-11-22T00:00:01Z",
        "2026-11-22T00:00:00Z",
        "2026-11-22T00:00:00Z",
    ]


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("{sum: [x.a, x.b]}", r"'x.b' is not of type long or int; a sum wants numbers, or a date and then nanoseconds"),
        ("{sum: [x.a, x.c], scale: 2}", "it has neither 'scale' nor 'type'"),
        ("{difference: [x.a, x.a]}", "The formula gives long, but the steps give date"),
    ],
)
def test_a_date_that_is_derived_wrongly_is_a_mistake(lab, formula, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        lab.pipeline(ENDS.replace("{sum: [event.start, event.duration]}", formula))


def test_rules_that_drop_see_what_was_derived(lab):
    assert [filtered.rule for filtered in parse(lab.pipeline(CHAIN), "6;2", "600;2").filtered] == ["big"]


def test_a_formula_that_uses_a_later_one_is_a_mistake(lab):
    later = CHAIN.replace("network.bytes, x.b", "a.second, x.b")
    with pytest.raises(ConfigurationError, match=r"'a.second' is derived, but not before"):
        lab.pipeline(later)


def test_a_field_of_the_log_with_the_name_of_a_derived_one_is_typed_alike(lab):
    pipeline = lab.pipeline(
        "parse: [{key_value: {into: x}}]\ntypes: {x.a: long, x.b: long}\nderive: {x.c: {ratio: [x.a, x.b]}}" + TAIL
    )
    rows = ["a=1 b=4 c=7", "a=1 b=0 c=7", "a=1 b=0 c=seven"]
    assert [document["x"] for document in parse(pipeline, *rows).documents] == [
        {"a": 1, "b": 4, "c": 0.25},
        {"a": 1, "b": 0, "c": 7.0},
        {"a": 1, "b": 0, "c_text": "seven"},
    ]


FIRST_OF = (
    "parse: [{key_value: {into: x}}]\n"
    "types: {x.i: int, x.l: long, x.d: double, x.t: date, x.u: date}\n"
    "ecs:\n"
    "  a.plain: [x.i, x.l]\n"
    "  a.number: [x.i, x.d]\n"
    "  a.mixed: [x.i, x.k]\n"
    "  a.scaled: {from: [x.i, x.d], scale: 10}\n"
    "  a.mapped: {from: [x.k, x.i], map: {'1': one}, otherwise: other}\n"
    "  a.date: {from: [x.t, x.u], as: date}\n"
    "timestamp: [{field: x.t, formats: [epoch_s]}, {field: x.u, formats: [epoch_ms]}]\n"
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "i=1 l=2 d=0.5 k=z t=1",
            {"plain": 1, "number": 1, "mixed": 1, "scaled": 10, "mapped": "other", "date": "1970-01-01T00:00:01Z"},
        ),
        ("l=2 d=0.5 u=1000", {"plain": 2, "number": 0.5, "scaled": 5, "date": "1970-01-01T00:00:01.000Z"}),
        ("i=1 u=x", {"plain": 1, "number": 1, "mixed": 1, "scaled": 10, "mapped": "one", "date_text": "x"}),
        ("k=z", {"mixed": "z", "mapped": "other"}),
    ],
)
def test_a_copy_takes_the_first_source_that_is_there_and_reads_it_in_its_own_formats(lab, line, expected):
    assert parse_one(lab.pipeline(FIRST_OF), line)["a"] == expected


def test_the_type_of_a_copy_fits_all_its_sources(lab):
    types = lab.pipeline(FIRST_OF).field_types
    assert {name: kind for name, kind in types.items() if name.startswith("a.")} == {
        "a.plain": "long",
        "a.number": "double",
        "a.mixed": "keyword",
        "a.scaled": "long",
        "a.mapped": "keyword",
        "a.date": "date",
    }


def test_a_definition_recorded_before_there_were_lists_and_formulas_is_understood(lab):
    pipeline = lab.pipeline(TWO + "types: {x.a: long}\necs: {y: x.a}" + TAIL)
    recorded = json.loads(pipeline.definition)
    del recorded["rules"]["derive"]
    recorded["parser"] = 1
    recorded["rules"]["ecs"]["y"]["from"] = "x.a"
    recorded["rules"]["parse"][0]["columns"]["separator"] = ";"
    del recorded["rules"]["parse"][0]["columns"]["without_header"]
    restored = restore_pipeline(json.dumps(recorded))
    assert parse_one(restored, "1;2")["y"] == 1
