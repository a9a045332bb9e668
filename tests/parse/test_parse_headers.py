"""Columns: several separators, several header lines, layouts for files without a header, and restarts in between."""

import json

import pytest
from support.pipeline_lab import Reading, parse

from shipper.parse.headers import CHARACTERS, LINES, HeaderBlock

TAIL = "\ntimestamp: {by: modification}\n"
TWO_KINDS = (
    """
header: '^#'
parse:
  - first:
      - [{columns: {separator: "\\t", names: header, header: '#C#', into: c}}]
      - [{columns: {separator: "\\t", names: header, header: '#S#', into: s}}]
"""
    + TAIL
)
LAYOUTS = (
    "header: '^#'\nparse: [{columns: {names: header, without_header: [[a, b], [a, b, c]], into: x}}]\nblank: ship"
    + TAIL
)


def fields(document):
    return {name: document[name] for name in ("x", "c", "s") if name in document}


def tags(document):
    return [tag for tag in document["tags"] if not tag.startswith("_timestamp")]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["#a:1\tb c:2", "1 \t2"], None),
        (["#a:1\tb:2", "1 \t2"], {"a": "1 ", "b": "2"}),
        (["#a:1 b:2", "1 2\t3"], {"a": "1", "b": "2\t3"}),
        (["#a:1", "1 2"], {"a": "1 2"}),
    ],
)
def test_the_first_separator_that_the_header_line_holds_is_that_of_its_rows(lab, lines, expected):
    pipeline = lab.pipeline(
        "header: '^#'\nparse: [{columns: {separator: [\"\\t\", ' '], names: header, into: x}}]" + TAIL
    )
    (document,) = parse(pipeline, *lines).documents
    assert document.get("x") == expected


def test_without_header_each_row_tells_its_separator(lab):
    pipeline = lab.pipeline("parse: [{columns: {separator: [\"\\t\", ' '], names: [a, b], into: x}}]" + TAIL)
    outcome = parse(pipeline, "1\t2 3", "1 2", "1")
    assert [fields(document) for document in outcome.documents] == [
        {"x": {"a": "1", "b": "2 3"}},
        {"x": {"a": "1", "b": "2"}},
        {},
    ]


def test_two_header_lines_that_stand_together_name_two_kinds_of_rows(lab):
    outcome = parse(lab.pipeline(TWO_KINDS), "#C#a:1\tb:2", "#S#a:1\tb:2\tc:3", "1\t2", "1\t2\t3", "1")
    assert [fields(document) for document in outcome.documents] == [
        {"c": {"a": "1", "b": "2"}},
        {"s": {"a": "1", "b": "2", "c": "3"}},
        {},
    ]
    assert [filtered.rule for filtered in outcome.filtered] == ["header", "header"]


def test_a_header_after_rows_replaces_all_lines_of_the_one_before(lab):
    outcome = parse(lab.pipeline(TWO_KINDS), "#C#a:1\tb:2", "#S#a:1\tb:2\tc:3", "1\t2", "#S#z:1", "1\t2", "9")
    assert [fields(document) for document in outcome.documents] == [{"c": {"a": "1", "b": "2"}}, {}, {"s": {"z": "9"}}]


@pytest.mark.parametrize("pieces", [[1, 1, 1, 1, 1, 1], [1, 2, 3], [2, 3, 1]])
def test_a_restart_between_header_lines_and_after_them_changes_nothing(lab, pieces):
    pipeline = lab.pipeline(TWO_KINDS)
    lines = [b"#C#a:1\tb:2\n", b"#S#a:1\n", b"1\t2\n", b"7\n", b"#S#q:1\n", b"8\n"]
    whole = Reading(pipeline).read(b"".join(lines)).bodies
    reading = Reading(pipeline)
    for size in pieces:
        reading.read(b"".join(lines[:size]))
        del lines[:size]
    assert reading.outcome.bodies == whole
    assert len(whole) == 3


def test_the_memory_of_an_older_version_with_one_header_line_is_understood(lab):
    reading = Reading(lab.pipeline(TWO_KINDS))
    reading.carry = json.dumps({"header": "#C#a:1\tb:2"})
    outcome = reading.read(b"1\t2\n#S#a:1\n1\t2\n")
    assert [fields(document) for document in outcome.documents] == [{"c": {"a": "1", "b": "2"}}, {}]


def test_a_header_block_remembers_a_limited_number_of_lines_and_characters_and_always_the_last():
    block = HeaderBlock()
    for number in range(2 * LINES):
        block.add(f"# {number}")
    assert block.text.split("\n") == [f"# {number}" for number in range(LINES, 2 * LINES)]
    block.add("#" * CHARACTERS)
    assert block.text == "#" * CHARACTERS


def test_rows_before_any_header_are_named_by_the_layout_of_their_length(lab):
    outcome = parse(lab.pipeline(LAYOUTS), "1 2", "1 2 3", "1 2 ", "1 2 3 ", "1 2 3 4", "1", "")
    assert [fields(document).get("x") for document in outcome.documents] == [
        {"a": "1", "b": "2"},
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "b": "2", "c": ""},
        {"a": "1", "b": "2", "c": "3"},
        None,
        None,
        None,
    ]
    assert [tags(document) for document in outcome.documents[4:]] == [["_columnsfailure"]] * 3


def test_a_layout_is_not_taken_once_the_file_has_a_header(lab):
    outcome = parse(lab.pipeline(LAYOUTS), "1 2", "#z:1", "1 2", "9")
    assert [fields(document).get("x") for document in outcome.documents] == [{"a": "1", "b": "2"}, None, {"z": "9"}]
