"""The short way gives the same bytes as the general way, whatever the values."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import Lab, parse

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


def test_usual_lines_take_the_short_way(pipeline):
    shapes = pipeline._rules.shapes
    fields = {"message": "…", "x.t": "20261122101112.5", "x.n": "1", "x.i": "2", "x.d": "0.5", "x.f": "k"}
    assert shapes.nested(fields) == {
        "x": {"t": "2026-11-22T10:11:12.5Z", "n": 1, "i": 2, "d": 0.5, "s": "constant"},
        "network": {"transport": "tcp"},
        "event": {"duration": 500},
        "a": {"b": 1},
    }
    assert shapes.nested({**fields, "x.n": "many"}) is None
