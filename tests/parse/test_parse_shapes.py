"""The short way gives the same bytes as the general way, whatever the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import Lab, parse, without_shapes

from shipper.parse.documents import DocumentMaker
from shipper.parse.pipeline import Pipeline
from shipper.parse.shapes import Unfit
from shipper.records import Mark, MarkKind

DEFINITION = """
header: '^#'
parse:
  - columns: {names: [t, n, i, s, a, d, f], separator: ';', into: x, 'null': ['-']}
  - {grok: ['^(?<z.k>\\w)(?<z.l>\\d)?$'], field: x.f, optional: true}
remove: [x.f]
types: {x.t: date, x.n: long, x.i: int, x.d: double, z.l: int}
set: {network.transport: tcp, x.s: constant}
ecs: {source.ip: x.a, event.duration: {from: x.d, scale: 1000}, a.b: x.n}
timestamp: {field: x.t, formats: ['%Y%m%d%H%M%S.%f'], timezone: UTC}
"""
DERIVING = """
parse:
  - columns: {names: [t, u, n, m, d, k, e], separator: ';', into: x, 'null': ['-']}
types: {x.t: date, x.u: date, x.n: long, x.m: int, x.d: double, x.e: long}
set: {network.transport: tcp}
remove: [x.m]
ecs:
  event.duration: {from: x.d, scale: 1000}
  event.outcome: {from: [x.k, x.m], map: {a: 'say "a"', '0': nought, x: es}}
  event.reason: {from: x.k, map: {a: plain}, otherwise: other}
  a.b: [x.n, x.m]
derive:
  x.took: {difference: [x.t, x.u]}
  x.less: {difference: [x.n, x.m], type: double}
  x.all: {sum: [x.n, x.m, a.b]}
  x.rate: {ratio: [x.n, x.took], scale: 8000000000}
  x.fast: {ratio: [x.d, x.m], type: long}
  x.late: {ratio: [x.rate, event.duration]}
  x.end: {sum: [x.u, x.took]}
  x.e: {sum: [x.n, x.m]}
  x.more: {sum: [x.e, x.n]}
timestamp: {field: x.t, formats: ['%Y%m%d%H%M%S.%f'], timezone: UTC}
"""
times = st.sampled_from(["20261122101112.5", "20261122101112.123456789", "20261122101112.500001", "never", "-"])
texts = st.text(st.characters(codec="utf-8", exclude_characters=";\n\r"), max_size=8) | st.sampled_from(
    [
        "%s",
        "%",
        "{}",
        'say "x"',
        '"say",',
        ",",
        '","',
        "\ue0003\ue001=1",
        "back\\slash",
        "tab\t",
        "\ue0003\ue001",
        "é",
        "\u2028",
        "\x7f",
        "plain",
    ]
)
values = st.sampled_from(
    ["-", "", "0", "7", "-7", "2147483648", "9223372036854775808", "nan", "1.5", "x", "é", "x1", "1_0", "٣"]
)
rows = st.lists(
    st.tuples(st.sampled_from(["20261122101112.5", "20261122101112.123456789", "never"]), *[values] * 6), max_size=5
)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(DEFINITION)


@given(rows)
def test_both_ways_give_the_same_bytes(pipeline, rows):
    assert pipeline._rules.shapes is not None
    lines = [";".join(row) for row in rows * 2]
    assert parse(pipeline, *lines).bodies == parse(without_shapes(pipeline), *lines).bodies


@pytest.fixture(scope="module")
def deriving(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(DERIVING)


letters = st.sampled_from(["a", "b", "x", "é", "-", "0"])


@given(st.lists(st.tuples(times, times, values, values, values, letters, values), max_size=5))
def test_both_ways_compute_the_same(deriving, rows):
    assert deriving._rules.shapes is not None
    lines = [";".join(row) for row in rows * 2]
    assert parse(deriving, *lines).bodies == parse(without_shapes(deriving), *lines).bodies


@pytest.fixture
def written_alone(monkeypatch) -> list[str]:
    """The messages of the lines whose documents go the general way."""
    messages = []
    written = DocumentMaker.written

    def noted(maker, draft, *rest):
        messages.append(draft.message)
        return written(maker, draft, *rest)

    monkeypatch.setattr(DocumentMaker, "written", noted)
    return messages


@pytest.mark.parametrize("row", ["20261122101112.5;20261122101111.5;7;2;0.5;a;8", "20261122101112.5;-;7;0;0.5;b;-"])
def test_computed_fields_are_written_by_a_template_also_where_some_cannot_be_computed(deriving, row, written_alone):
    parsed = parse(deriving, *[row.replace(";a;", ";x;")] * 2)
    assert (written_alone, len(parsed.bodies)) == ([], 2)


def test_of_lines_with_the_same_fields_those_that_do_not_convert_go_the_general_way_alone(deriving, written_alone):
    lines = [f"20261122101112.{n};20261122101111.5;{n};2;0.5;a;8" for n in range(1, 30)]
    wrong = {4: ";4;2;0.5", 11: ";11;2;0.5", 28: ";28;2;0.5"}
    for place, values in wrong.items():
        lines[place - 1] = lines[place - 1].replace(values, ";many;2;x" if place == 11 else ";-;2;nan")
    parsed = parse(deriving, *lines)
    assert sorted(written_alone) == sorted(lines[place - 1] for place in wrong)
    assert [document["message"] for document in parsed.documents] == lines
    assert parsed.bodies == parse(without_shapes(deriving), *lines).bodies


DATED = """
parse:
  - first:
      - - {grok: ['^(?<x.t>\\d\\d:\\d\\d:\\d\\d)(?: n=(?<x.n>\\S+))?$']}
types: {x.n: long}
timestamp: {field: x.t, formats: ['%H:%M:%S'], timezone: Europe/Rome}
"""


@pytest.fixture(scope="module")
def dated(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(DATED)


clocks = st.sampled_from(["23:59:58", "00:00:01", "02:30:00", "02:30:00 n=7", "12:00:00 n=x", "24:61:00", "no time"])


@given(st.lists(clocks, max_size=12))
def test_both_ways_write_dates_that_were_taken_and_tags_the_same(dated, lines):
    assert dated._rules.shapes is not None
    lines = [line for line in lines for _ in range(2)]  # a line without its like goes the general way
    marks = [Mark(0, MarkKind.DATE, "2026-10-24"), Mark(18, MarkKind.DATE, "2026-12-24")]
    found = parse(dated, *lines, marks=marks)
    assert found.bodies == parse(without_shapes(dated), *lines, marks=marks).bodies


def test_lines_without_date_or_time_take_the_short_way(dated, written_alone):
    found = parse(dated, "23:59:58", "no time", "no time", "12:00:00", marks=[Mark(0, MarkKind.DATE, "2026-11-22")])
    assert (written_alone, found.times[-1]) == ([], "2026-11-22T11:00:00Z")
    assert found.tags == [[], *[["_grokparsefailure", "_timestamp_inherited"]] * 2, []]
    assert [document["shipper"]["date"] for document in found.documents] == ["2026-11-22"] * 4


def test_a_line_that_has_its_fields_for_itself_goes_the_general_way_for_a_template_would_not_pay(lab, written_alone):
    lines = ["a=1", "b=1", "c=1", "a=2", "b=2"]
    assert len(parse(lab.pipeline(TEXTS_APART), *lines, marks=DAY).bodies) == len(lines)
    assert written_alone == ["c=1"]


DAY = [Mark(0, MarkKind.DATE, "2026-11-22")]
"""Without a day, the time is one that no index takes: such documents are written the general way."""
INFERRING = """
header: '^#'
parse: [{columns: {separator: ';', names: header, into: x, 'null': ['-']}}]
types: {x.n: long}
ecs: {a.b: x.k, a.c: {from: x.v, scale: 2}}
derive: {x.r: {ratio: [x.v, x.n]}}
timestamp: {by: modification}
"""


@pytest.fixture(scope="module")
def inferring(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(INFERRING)


@given(st.lists(st.tuples(values, values, values | texts), max_size=6))
def test_both_ways_infer_the_same(inferring, rows):
    assert inferring._rules.shapes is not None
    lines = ["#n:1;v:2;k:3", *(";".join(row) for row in rows * 2)]
    assert parse(inferring, *lines, marks=DAY).bodies == parse(without_shapes(inferring), *lines, marks=DAY).bodies


def test_usual_lines_take_the_short_way(pipeline):
    shapes = pipeline._rules.shapes
    fields = {"message": "…", "x.t": "20261122101112.5", "x.n": "1", "x.i": "2", "x.d": "0.5", "x.f": "k"}
    shape = shapes.of(fields)
    columns = shape.columns([fields, {**fields, "x.n": "3"}])
    ((layout, chosen),) = shape.layouts(columns)
    assert chosen is None
    assert layout.nested([column[1] if column else "constant" for column in columns]) == {
        "x": {"t": "2026-11-22T10:11:12.5Z", "n": 3, "i": 2, "d": 0.5, "s": "constant"},
        "network": {"transport": "constant"},
        "event": {"duration": 500},
        "a": {"b": 3},
    }
    with pytest.raises(Unfit) as unfit:
        shape.columns([fields, {**fields, "x.n": "many"}])
    assert unfit.value.fits == [True, False]


TEMPLATED = """
parse:
  - columns: {names: [t, n, k, d, l, a, b], separator: ';', into: x}
types: {x.t: date, x.n: long, x.d: double, x.l: [int], x.a: ip, x.b: boolean}
set: {network.transport: '100 % tcp'}
ecs: {source.ip: x.a, event.action: x.k, event.duration: {from: x.d, scale: 1000}, host.ip: x.a}
timestamp: {field: x.t, formats: ['%Y%m%d%H%M%S.%f'], timezone: UTC}
"""
hostile = st.tuples(
    st.just("20261122101112.5"),
    st.sampled_from(["0", "007", "9", "-3"]),
    texts,
    st.sampled_from(["1e400", "1e16", "1e-7", "0.1", "-0.0", "5", "123456789.125"]) | st.floats().map(repr),
    st.sampled_from(["1", "1,2", "01,2"]),
    st.sampled_from(["192.0.2.1", "2001:DB8::1"]),
    st.sampled_from(["true", "no"]),
)


@pytest.fixture(scope="module")
def templated(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(TEMPLATED)


@given(st.lists(hostile, min_size=1, max_size=4))
def test_a_filled_template_is_what_the_general_way_writes(templated, rows):
    lines = [";".join(row) for row in rows * 2]
    assert parse(templated, *lines).bodies == parse(without_shapes(templated), *lines).bodies


TEXTS_APART = """
parse: [{key_value: {between: ';', into: x}}]
timestamp: {by: modification}
"""


@pytest.mark.parametrize(
    "lines",
    [['"one": "a",', '"two": "b"', "}"], ['","', ",", '",', ","], ["\ue0003\ue001=1"] * 2, ["\ue00099\ue001=1"] * 2],
    ids=["a list in JSON", "quotation marks and commas", "a name like a mark", "a name like a mark of nothing"],
)
def test_texts_and_names_are_told_from_what_stands_between_them(lab, lines, written_alone):
    pipeline = lab.pipeline(TEXTS_APART)
    documents = parse(pipeline, *lines, marks=DAY).documents
    assert ([document["message"] for document in documents], written_alone) == (lines, [])
    assert documents == parse(without_shapes(pipeline), *lines, marks=DAY).documents


MIXED = """
parse:
  - {key_value: {into: x}}
  - {json: {into: x}, field: x.j, optional: true}
types: {x.q: long}
timestamp: {by: modification}
"""


def test_a_value_that_is_no_text_keeps_its_type_where_texts_have_made_its_name_numeric(lab):
    pipeline = lab.pipeline(MIXED)
    lines = ["k=5", 'j={"k":[1]}', 'j={"k":true}', 'j={"k":7.0}', "k=6"]
    found = parse(pipeline, *lines, marks=DAY)
    assert [document["x"]["k"] for document in found.documents] == [5, [1], True, 7.0, 6]
    assert found.bodies == parse(without_shapes(pipeline), *lines, marks=DAY).bodies


def test_a_message_that_is_not_of_its_type_is_shipped(lab):
    pipeline = lab.pipeline("parse: []\ntypes: {message: long}\necs: {a.b: message}\ntimestamp: {by: modification}")
    number, text = parse(pipeline, "5", "five", marks=DAY).documents
    assert (number["message"], number["a"]["b"], text["message"]) == ("5", 5, "five")
    assert "_type_failure" in text["tags"]


@pytest.mark.parametrize("text", ["plain", 'say "x"', "", "é\\u2028\\x00", '","'])
def test_a_line_is_written_by_a_template_whatever_its_texts(templated, written_alone, text):
    parsed = parse(templated, *[f"20261122101112.5;7;{text};1e-7;1,2;192.0.2.1;true"] * 2)
    assert (written_alone, len(parsed.bodies)) == ([], 2)
