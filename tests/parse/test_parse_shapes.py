"""The short way gives the same bytes as the general way, whatever the values."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import Lab, parse

from shipper.parse.documents import DocumentMaker
from shipper.parse.pipeline import Pipeline

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
    ["%s", "%", "{}", 'say "x"', "back\\slash", "tab\t", "\ue0003\ue001", "é", "\u2028", "\x7f", "plain"]
)
values = st.sampled_from(
    ["-", "", "0", "7", "-7", "2147483648", "9223372036854775808", "nan", "1.5", "x", "é", "x1", "1_0", "٣"]
)
rows = st.lists(
    st.tuples(st.sampled_from(["20261122101112.5", "20261122101112.123456789", "never"]), *[values] * 6), max_size=5
)


def without_shapes(pipeline: Pipeline) -> Pipeline:
    rules = dataclasses.replace(pipeline._rules, shapes=None)
    return Pipeline(pipeline.name, pipeline.definition, pipeline._target, pipeline.framing, rules, pipeline.field_types)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(DEFINITION)


@given(rows)
def test_both_ways_give_the_same_bytes(pipeline, rows):
    assert pipeline._rules.shapes is not None
    lines = [";".join(row) for row in rows]
    assert parse(pipeline, *lines).bodies == parse(without_shapes(pipeline), *lines).bodies


@pytest.fixture(scope="module")
def deriving(tmp_path_factory) -> Pipeline:
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(DERIVING)


letters = st.sampled_from(["a", "b", "x", "é", "-", "0"])


@given(st.lists(st.tuples(times, times, values, values, values, letters, values), max_size=5))
def test_both_ways_compute_the_same(deriving, rows):
    assert deriving._rules.shapes is not None
    lines = [";".join(row) for row in rows]
    assert parse(deriving, *lines).bodies == parse(without_shapes(deriving), *lines).bodies


@pytest.mark.parametrize("row", ["20261122101112.5;20261122101111.5;7;2;0.5;a;8", "20261122101112.5;-;7;0;0.5;b;-"])
def test_computed_fields_are_written_by_a_template_also_where_some_cannot_be_computed(deriving, row, monkeypatch):
    made = []
    monkeypatch.setattr(DocumentMaker, "make", lambda *arguments: made.append(arguments))
    parsed = parse(deriving, row.replace(";a;", ";x;"))
    assert (made, len(parsed.bodies)) == ([], 1)


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
    lines = ["#n:1;v:2;k:3", *(";".join(row) for row in rows)]
    assert parse(inferring, *lines).bodies == parse(without_shapes(inferring), *lines).bodies


def test_usual_lines_take_the_short_way(pipeline):
    shapes = pipeline._rules.shapes
    fields = {"message": "…", "x.t": "20261122101112.5", "x.n": "1", "x.i": "2", "x.d": "0.5", "x.f": "k"}
    shape = shapes.of(fields)
    values = shape.values(fields)
    assert shape.layout(values).nested(values) == {
        "x": {"t": "2026-11-22T10:11:12.5Z", "n": 1, "i": 2, "d": 0.5, "s": "constant"},
        "network": {"transport": "tcp"},
        "event": {"duration": 500},
        "a": {"b": 1},
    }
    assert shape.values({**fields, "x.n": "many"}) is None


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
    lines = [";".join(row) for row in rows]
    assert parse(templated, *lines).bodies == parse(without_shapes(templated), *lines).bodies


def test_a_plain_line_is_written_by_a_template(templated, monkeypatch):
    made = []
    monkeypatch.setattr(DocumentMaker, "make", lambda *arguments: made.append(arguments))
    parsed = parse(templated, "20261122101112.5;7;plain;0.5;1,2;192.0.2.1;true")

    assert (made, len(parsed.bodies)) == ([], 1)
