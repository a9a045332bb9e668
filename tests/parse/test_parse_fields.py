"""Values are converted exactly or kept as text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import parse_one

from shipper.parse.fields import TypeTable, to_boolean, to_double, to_float, to_int, to_ip, to_long

COLUMNS = """
parse: [{columns: {names: [a, b, c], into: x, separator: ';'}}]
timestamp: {by: modification}
types: {%s}
"""


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (to_long, "9223372036854775807", 2**63 - 1),
        (to_long, "-9223372036854775808", -(2**63)),
        (to_long, "007", 7),
        (to_long, "+5", 5),
        (to_int, "2147483647", 2**31 - 1),
        (to_double, "1.0E-4", 0.0001),
        (to_double, "12", 12.0),
        (to_double, ".5", 0.5),
        (to_float, "3.5", 3.5),
        (to_boolean, "True", True),
        (to_boolean, "0", False),
        (to_ip, "10.0.0.1", "10.0.0.1"),
        (to_ip, "2001:0db8:0002::0009", "2001:db8:2::9"),
    ],
)
def test_a_value_of_the_type_is_converted(convert, text, value):
    converted = convert(text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (to_long, "9223372036854775808"),
        (to_long, "1_000"),
        (to_long, " 1"),
        (to_long, "1.0"),
        (to_long, "١"),
        (to_long, "9" * 5000),
        (to_int, "2147483648"),
        (to_double, "nan"),
        (to_double, "-nan"),
        (to_double, "Infinity"),
        (to_double, "1e400"),
        (to_double, "1_0.0"),
        (to_double, "1 "),
        (to_double, "\x1f1"),
        (to_double, "١.٥"),
        (to_double, ""),
        (to_double, "0x10"),
        (to_float, "1e39"),
        (to_boolean, "maybe"),
        (to_ip, "<IPv4address>"),
        (to_ip, "10.0.0.300"),
        (to_ip, "fe80::1%eth0"),
        (to_ip, "010.0.0.1"),
    ],
)
def test_what_is_not_of_the_type_is_refused(convert, text):
    with pytest.raises(ValueError):
        convert(text)


def test_a_failed_conversion_keeps_the_text_and_is_tagged_once(lab):
    pipeline = lab.pipeline(COLUMNS % "x.a: long, x.b: ip, x.c: keyword")
    document = parse_one(pipeline, "99999999999999999999;<IPv4address>;0304")
    assert document["x"] == {"a_text": "99999999999999999999", "b_text": "<IPv4address>", "c": "0304"}
    assert document["tags"].count("_type_failure") == 1


def test_a_list_is_converted_whole_or_not_at_all(lab):
    pipeline = lab.pipeline(COLUMNS % "x.a: [int], x.b: [int]")
    document = parse_one(pipeline, "0,17,3;1,x;y")
    assert document["x"] == {"a": [0, 17, 3], "b_text": "1,x", "c": "y"}


texts = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.integers(0, 100).map(str),
    st.sampled_from(["", "+1", " 1", "1_0", "٣", "-0", "1.5", "x"]),
)


@given(a=texts, b=texts, c=texts)
def test_each_field_is_converted_or_kept_whatever_the_others_are(a, b, c):
    texts = {"a": a, "b": b, "c": c}
    kinds = {"a": to_int, "b": to_long, "c": to_long}
    together, tags = dict(texts), []
    TypeTable(kinds).convert(together, tags)
    alone = {}
    for name, text in texts.items():
        try:
            alone[name] = kinds[name](text)
        except ValueError:
            alone[name + "_text"] = text
    assert together == alone
    assert tags == (["_type_failure"] if any(name.endswith("_text") for name in alone) else [])


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_double_is_finite_and_exact_or_refused(value):
    try:
        assert to_double(repr(value)) == value
    except ValueError:
        assert not math.isfinite(value)
