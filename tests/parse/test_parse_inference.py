"""Names that a log brings along and no definition declares: kept, typed by their first value in the file, announced."""

import json
import random

import pytest
from support.agents import Site
from support.pipeline_lab import Reading, parse

from shipper.events_log import EventsLog
from shipper.parse.definition import restore_pipeline
from shipper.parse.inference import LIMIT
from shipper.settings import InputSettings

TABLE = """
header: '^#'
parse: [{columns: {names: header, into: x, 'null': ['-']}}]
types: {x.known: keyword}
timestamp: {by: modification}
"""
PAIRS = """
parse: [{key_value: {into: x}}]
types: {x.known: keyword}
timestamp: {by: modification}
"""


def fields(outcome):
    return [document.get("x") for document in outcome.documents]


def tags(document):
    return [tag for tag in document["tags"] if not tag.startswith("_timestamp")]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "0.25", "-0.0", "9223372036854775807", "123456789012345678901.5"])
def test_a_plain_number_as_first_value_makes_a_column_numeric(lab, text):
    first, second = fields(parse(lab.pipeline(TABLE), "#new:1", text, "7"))
    assert first["new"] == json.loads(text)
    assert second["new"] == 7
    assert type(second["new"]) is int


@pytest.mark.parametrize(
    "text", ["007", "00", "1.", ".5", "+1", "1e5", "0x10", "nan", "inf", "9223372036854775808", "1_0", "٣", "x", "1,5"]
)
def test_any_other_first_value_makes_it_text_for_good(lab, text):
    assert fields(parse(lab.pipeline(TABLE), "#new:1", text, "7")) == [{"new": text}, {"new": "7"}]


def test_a_later_value_that_is_no_number_is_kept_as_text_and_tagged(lab):
    outcome = parse(lab.pipeline(TABLE), "#new:1", "1", "2.5", "1e3", "nan", "9223372036854775808", "007")
    assert fields(outcome) == [
        {"new": 1},
        {"new": 2.5},
        {"new": 1000.0},
        {"new_text": "nan"},
        {"new_text": "9223372036854775808"},
        {"new": 7},
    ]
    assert [tags(document) for document in outcome.documents] == [[], [], [], ["_type_failure"], ["_type_failure"], []]


def test_a_null_decides_nothing(lab):
    assert fields(parse(lab.pipeline(TABLE), "#new:1 known:2", "- a", "4 a")) == [
        {"known": "a"},
        {"known": "a", "new": 4},
    ]


def test_keys_are_inferred_and_each_name_is_announced_once(lab):
    outcome = parse(lab.pipeline(PAIRS), "known=1 a=1 b.c=x", "a=2 known=2", "d=1 a=3")
    assert fields(outcome) == [{"known": "1", "a": 1, "b": {"c": "x"}}, {"known": "2", "a": 2}, {"d": 1, "a": 3}]
    assert outcome.notices == ["x.a", "x.b.c", "x.d"]


@pytest.mark.parametrize("types", ["", "types: {y.known: long}\necs: {y.known: x.a}"])
def test_a_definition_that_types_nothing_beside_them_wants_text(lab, types):
    text = PAIRS.replace("types: {x.known: keyword}", types)
    if "y.known" in text:
        text = text.replace("parse: [", "parse: [{grok: ['^(?<y.known>z)?'], optional: true}, ")
    outcome = parse(lab.pipeline(text), "a=1 b=x")
    assert (fields(outcome), outcome.notices) == ([{"a": "1", "b": "x"}], [])


def test_what_is_declared_in_any_way_is_not_inferred(lab):
    pipeline = lab.pipeline(
        PAIRS.replace("types:", "ecs: {x.copy: x.known}\nset: {x.fixed: 1}\nremove: [x.gone]\ntypes:")
    )
    outcome = parse(pipeline, "known=1 copy=2 fixed=3 gone=4")
    assert (fields(outcome), outcome.notices) == ([{"known": "1", "copy": "2", "fixed": 1}], [])


def test_chosen_keys_are_text_unless_typed(lab):
    outcome = parse(lab.pipeline(PAIRS.replace("into: x", "into: x, only: [known, a]")), "known=1 a=2 b=3")
    assert (fields(outcome), outcome.notices) == ([{"known": "1", "a": "2"}], [])


def test_decisions_survive_restarts(lab):
    pipeline = lab.pipeline(TABLE)
    lines = [b"#a:1 b:2 c:3\n", b"1 x -\n", b"y 2 3\n", b"2 3 z\n", b"#c:1 d:2\n", b"4 5\n", b"5 -\n", b"6 w\n"]
    whole = Reading(pipeline).read(b"".join(lines))
    for seed in range(5):
        pieces, reading = random.Random(seed), Reading(pipeline)
        position = 0
        while position < len(lines):
            size = pieces.randint(1, 3)
            reading.read(b"".join(lines[position : position + size]))
            position += size
        assert reading.outcome.bodies == whole.bodies
        assert reading.outcome.notices == whole.notices == ["x.a", "x.b", "x.c", "x.d"]


def test_the_memory_for_names_is_limited_and_those_beyond_are_text(lab):
    lines = [f"key{number}={number}" for number in range(LIMIT + 5)]
    reading = Reading(lab.pipeline(PAIRS))
    outcome = reading.read("".join(f"{line}\n" for line in lines).encode())
    values = [next(iter(found.values())) for found in fields(outcome)]
    assert values == [*range(LIMIT), *(str(number) for number in range(LIMIT, LIMIT + 5))]
    assert len(outcome.notices) == len(json.loads(reading.carry)["numeric"]) == LIMIT


def test_rules_that_drop_see_the_inferred_number(lab):
    outcome = parse(lab.pipeline(PAIRS + "drop: [{rule: big, when: {x.new: {'>': 5}}}]"), "new=1", "new=9", "new=z")
    assert [filtered.rule for filtered in outcome.filtered] == ["big"]
    assert fields(outcome) == [{"new": 1}, {"new_text": "z"}]


def test_a_definition_recorded_before_types_were_inferred_makes_what_it_made_then(lab):
    recorded = json.loads(lab.pipeline(PAIRS).definition)
    recorded["parser"] = 1
    outcome = parse(restore_pipeline(json.dumps(recorded)), "known=1 a=2")
    assert (fields(outcome), outcome.notices) == ([{"known": "1", "a": "2"}], [])


def test_an_agent_announces_each_name_once_and_ships_its_values(tmp_path):
    definitions = tmp_path / "pipelines"
    definitions.mkdir()
    (definitions / "app.yml").write_text("dataset: app" + PAIRS)
    site = Site(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*.log",), "app"))
    site.with_settings(pipeline_dirs=(definitions,))
    (site.logs / "a.log").write_bytes(b"known=1 new=2 and=x\n" * 2)
    (site.logs / "b.log").write_bytes(b"known=of_the_other_file new=3 late=0.5\n")
    facts = []
    site.events = EventsLog(lambda _, event, fields: facts.append((event, fields)))
    site.once()

    told = [fields["field"] for event, fields in facts if event == "type_inferred"]
    assert sorted(told) == ["x.and", "x.late", "x.new"]
    assert site.events.counts["type_inferred"] == 3
    values = [json.loads(body)["x"] for _, _, body in site.documents()]
    assert sorted(value["new"] for value in values) == [2, 2, 3]
