"""Steps make fields of text, chain and branch; what fails is tagged and ships."""

import pytest
from support.pipeline_lab import parse, parse_one

from shipper.parse.steps.columns import column_names

TAIL = "\ntimestamp: {by: modification}\n"


def fields(document):
    return {
        name: value
        for name, value in document.items()
        if name not in ("@timestamp", "message", "log", "host", "event", "shipper", "tags")
    }


def tags(document):
    return [tag for tag in document["tags"] if not tag.startswith("_timestamp")]


def test_the_first_grok_that_matches_gives_the_fields(lab):
    pipeline = lab.pipeline("parse: [{grok: ['^a %{WORD:x.a}$', '^a %{GREEDYDATA:x.b}$']}]" + TAIL)
    assert fields(parse_one(pipeline, "a one")) == {"x": {"a": "one"}}
    assert fields(parse_one(pipeline, "a one two")) == {"x": {"b": "one two"}}


def test_an_unmatched_line_is_shipped_raw_and_tagged_and_counted(lab):
    pipeline = lab.pipeline("parse: [{grok: ['^a %{WORD:x.a}$']}]" + TAIL)
    outcome = parse(pipeline, "nothing of the kind")
    assert outcome.unparsed == 1
    assert outcome.documents[0]["message"] == "nothing of the kind"
    assert tags(outcome.documents[0]) == ["_grokparsefailure"]


def test_empty_and_absent_groups_make_no_field_and_repeated_names_a_list(lab):
    pipeline = lab.pipeline(
        "parse: [{grok: ['^(?<x.a>\\w*) (?<x.b>\\w+)?(?: (?<x.c>\\d)(?<x.c>\\d))?$']}]\nblank: ship" + TAIL
    )
    assert fields(parse_one(pipeline, " ")) == {}
    assert fields(parse_one(pipeline, "1 2 34")) == {"x": {"a": "1", "b": "2", "c": ["3", "4"]}}


def test_patterns_of_a_folder_and_types_in_patterns_count(lab):
    pipeline = lab.pipeline(
        "parse: [{grok: ['%{APP}']}]" + TAIL, patterns="APP ^%{NUMBER:x.n:int} %{NUMBER:x.f:float}$\n"
    )
    assert fields(parse_one(pipeline, "42 1.5")) == {"x": {"n": 42, "f": 1.5}}
    assert tags(parse_one(pipeline, "4.2 1.5")) == ["_type_failure"]


def test_a_chain_reads_what_the_step_before_it_found(lab):
    pipeline = lab.pipeline(
        "parse:\n  - grok: ['^(?<x.name>\\w+) (?<rest>.*)$']\n  - key_value: {into: x}\n    field: rest\nremove: [rest]"
        + TAIL
    )
    assert fields(parse_one(pipeline, "job a=1 b=2")) == {"x": {"name": "job", "a": "1", "b": "2"}}
    failed = parse_one(pipeline, "job a=1 b")
    assert fields(failed) == {"x": {"name": "job"}}
    assert tags(failed) == ["_kvfailure"]


def test_a_branch_is_chosen_by_its_first_step(lab):
    pipeline = lab.pipeline(
        """
parse:
  - first:
      - [{grok: ['^json (?<rest>.*)$']}, {json: {into: x}, field: rest}]
      - [{grok: ['^kv (?<rest>.*)$']}, {key_value: {into: x}, field: rest}]
remove: [rest]
"""
        + TAIL
    )
    assert fields(parse_one(pipeline, 'json {"a": 1}')) == {"x": {"a": 1}}
    assert fields(parse_one(pipeline, "kv a=1")) == {"x": {"a": "1"}}
    assert tags(parse_one(pipeline, "json {")) == ["_jsonparsefailure"]
    assert tags(parse_one(pipeline, "other")) == ["_grokparsefailure"]


def test_an_optional_step_may_fail(lab):
    pipeline = lab.pipeline("parse: [{grok: ['^%{INT:x.n}$'], optional: true}]" + TAIL)
    outcome = parse(pipeline, "no number")
    assert (outcome.unparsed, tags(outcome.documents[0])) == (0, [])


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("#15#c_ip:1 c_port:2", ("c_ip", "c_port")),
        ("#c_ip:1 c_port:2", ("c_ip", "c_port")),
        ("#C#c_ip:1 c_port:2 ", ("c_ip", "c_port")),
        ("#c_ip:0 c_port:1", ("c_ip", "c_port")),
        ("#c_ip:1 c_port:3", ("c_ip", "c_port")),
        ("#c_ip:1 c_ip:2 c-ip:3 c_ip:4", ("c_ip", "c_ip_2", "c-ip", "c_ip_3")),
        ("#c_ip:1 c_ip:2 c_ip_2:3", None),
        ("#c_ip:1 c_port", None),
        ("# a remark", None),
        ("c_ip:1", None),
        ("", None),
    ],
)
def test_the_header_of_a_table_gives_its_names(header, names):
    assert column_names(header, " ") == names


TABLE = """
header: '^#'
parse: [{columns: {names: header, into: x, 'null': ['-', '---']}}]
"""


def test_rows_are_named_by_the_last_header_and_nulls_are_left_out(lab):
    outcome = parse(lab.pipeline(TABLE + TAIL), "#a:1 b:2", "1 -", "#b:1 a:2 c:3", "1 --- 3")
    assert [fields(document) for document in outcome.documents] == [{"x": {"a": "1"}}, {"x": {"b": "1", "c": "3"}}]
    assert [filtered.rule for filtered in outcome.filtered] == ["header", "header"]


def test_a_remark_below_the_header_takes_no_names_away(lab):
    outcome = parse(lab.pipeline(TABLE + TAIL), "#a:1 b:2", "# anonymised on Monday", "1 2")
    assert fields(outcome.documents[0]) == {"x": {"a": "1", "b": "2"}}


def test_a_row_of_another_width_or_without_header_is_shipped_raw(lab):
    outcome = parse(lab.pipeline(TABLE + TAIL), "1 2", "#a:1 b:2", "1 2 3", "1", "1 2 ")
    assert [fields(document) for document in outcome.documents] == [{}, {}, {}, {"x": {"a": "1", "b": "2"}}]
    assert [tags(document) for document in outcome.documents] == [["_columnsfailure"]] * 3 + [[]]


def test_pairs_may_be_quoted_and_stand_among_other_signs(lab):
    pipeline = lab.pipeline(
        "parse: [{key_value: {between: ' ,()', quote: '\"', into: x, 'null': ['-'], only: [a, b, c]}}]" + TAIL
    )
    assert fields(parse_one(pipeline, '(a=1, b="x, y=2") c=- d=4')) == {"x": {"a": "1", "b": "x, y=2"}}
    assert tags(parse_one(pipeline, "a=1 and so on")) == ["_kvfailure"]
    assert tags(parse_one(pipeline, "none")) == ["_kvfailure"]


def test_json_is_flattened_exactly(lab):
    pipeline = lab.pipeline("parse: [{json: {into: x}}]" + TAIL)
    line = '{"a": {"b": 1, "c": [1, {"d": null}]}, "n": 12345678901234567890123, "s": "\\ud800", "": 2, "t": true}'
    assert fields(parse_one(pipeline, line)) == {
        "x": {"a": {"b": 1, "c": [1, {"d": None}]}, "n": "12345678901234567890123", "s": "\\ud800", "_": 2, "t": True}
    }


@pytest.mark.parametrize(
    "line",
    [
        "[1]",
        "{",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": 1} x',
        "{" * 5000,
        '{"a":' * 30 + "1" + "}" * 30,
        '{"a":' + "[" * 900,
    ],
)
def test_what_is_no_sane_object_is_shipped_raw(lab, line):
    document = parse_one(lab.pipeline("parse: [{json: {into: x}}]" + TAIL), line)
    assert tags(document) == ["_jsonparsefailure"]
    assert fields(document) == {}


def test_a_name_that_is_a_value_and_an_object_keeps_both(lab):
    pipeline = lab.pipeline("parse: [{json: {into: x}}]" + TAIL)
    assert fields(parse_one(pipeline, '{"a": 1, "a.b": 2}')) == {"x": {"a_text": 1, "a": {"b": 2}}}
