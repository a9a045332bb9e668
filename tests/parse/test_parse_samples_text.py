"""A samples file is rewritten where it must be, and nowhere else."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.errors import ConfigurationError
from shipper.parse.marked_yaml import marked
from shipper.parse.samples import Outcome, flat
from shipper.parse.samples_text import rewritten

FIELDS = {"@timestamp": "2026-11-22T00:00:00Z", "a.number": 1, "a.text": "one: two", "b": [1, 2], "tags": ["_x"]}
KEPT = """\
# Samples of a test.
- name: first    # as the log has it
  # Why it is here.
  text: 'x'
  expect:
    '@timestamp': '2026-11-22T00:00:00Z'
    a: {number: 1,   text: 'one: two'}
    # between
    b:
      - 1
      - 2
    tags: [ _x ]   # damage

    # the end of the first

# the second
- {text: y, filtered: blank}
"""


def updated(text, outcomes):
    return rewritten(text, marked(text, "samples.yml"), outcomes)


def changed_lines(before, after):
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def expectation(text, place=0):
    return flat(marked(text, "samples.yml").data[place]["expect"])


def test_what_is_expected_already_is_not_touched_in_any_byte():
    assert (
        updated(KEPT, {0: Outcome(FIELDS, None), 1: Outcome(None, "blank")}).splitlines()[:-1]
        == (KEPT.splitlines()[:-1])
    )


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        (
            {**FIELDS, "@timestamp": "2027"},
            ["-     '@timestamp': '2026-11-22T00:00:00Z'", "+     '@timestamp': '2027'"],
        ),
        (
            {**FIELDS, "a.number": 2},
            ["-     a: {number: 1,   text: 'one: two'}", "+     a: {number: 2, text: 'one: two'}"],
        ),
        (
            {name: value for name, value in FIELDS.items() if name != "a.number"},
            ["-     a: {number: 1,   text: 'one: two'}", "+     a: {text: 'one: two'}"],
        ),
        ({**FIELDS, "b": [1, 3]}, ["+     b: [1, 3]", "-     b:", "-       - 1", "-       - 2"]),
        ({**FIELDS, "c.d": True}, ["+     c:", "+       d: true"]),
        ({name: value for name, value in FIELDS.items() if name != "tags"}, ["-     tags: [ _x ]   # damage"]),
    ],
)
def test_only_the_lines_of_changed_fields_change(fields, difference):
    after = updated(KEPT, {0: Outcome(fields, None)})
    assert changed_lines(KEPT, after) == difference
    assert expectation(after) == fields


def test_the_comment_behind_a_changed_value_stays():
    after = updated(KEPT, {0: Outcome({**FIELDS, "tags": ["_y"]}, None)})
    assert "    tags: [_y]   # damage\n\n    # the end of the first\n\n# the second\n" in after


def test_one_is_not_true_and_not_a_float():
    text = "- text: x\n  expect:\n    a: 1\n    b: true\n    c: 1.0\n"
    after = updated(text, {0: Outcome({"a": 1.0, "b": 1, "c": True}, None)})
    assert after == "- text: x\n  expect:\n    a: 1.0\n    b: 1\n    c: true\n"


def test_new_fields_are_written_as_their_neighbours_are():
    fields = {"user.name": "bob", "user.id": "7", "x.a": 1, "x.b": 2}
    dotted = "- text: x\n  expect:\n    user.name: bob\n    x: {a: 1}\n"
    assert updated(dotted, {0: Outcome(fields, None)}) == (
        "- text: x\n  expect:\n    user.name: bob\n    x: {a: 1, b: 2}\n    user.id: '7'\n"
    )
    nested = "- text: x\n  expect:\n    user:\n      name: bob\n    x: {a: 1}\n"
    assert updated(nested, {0: Outcome(fields, None)}) == (
        "- text: x\n  expect:\n    user:\n      name: bob\n      id: '7'\n    x: {a: 1, b: 2}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "- text: x\n  expect: {}\n# end\n",
        "- text: x\n  expect:   # fill me\n# end\n",
        "- text: x   # only a text\n# end\n",
        "- expect:\n  text: x\n# end\n",
        "- {text: x}\n# end\n",
        "- {text: x, expect: {}}\n# end\n",
        "- text: x\n  filtered: blank\n# end\n",
        "- text: x",
        "- text: |\n    x\n\n# end\n",
    ],
)
def test_an_outcome_that_was_not_said_is_filled_in(text):
    after = updated(text, {0: Outcome(FIELDS, None)})
    assert expectation(after) == FIELDS
    assert "filtered" not in after
    assert after.endswith("# end\n") == text.endswith("# end\n")


@pytest.mark.parametrize("text", ["- text: x\n  expect:\n    a: 1\n# end\n", "- {text: x, expect: {a: 1}}\n# end\n"])
def test_a_sample_can_become_a_filtered_one(text):
    after = updated(text, {0: Outcome(None, "noise")})
    (sample,) = marked(after, "samples.yml").data
    assert sample == {"text": "x", "filtered": "noise"}
    assert after.endswith("# end\n")


def test_line_ends_of_windows_stay():
    text = KEPT.replace("\n", "\r\n")
    after = updated(text, {0: Outcome({**FIELDS, "@timestamp": "2027", "c": 1}, None)})
    assert after.replace("\r\n", "").count("\n") == 0
    assert expectation(after) == {**FIELDS, "@timestamp": "2027", "c": 1}


def test_a_file_with_an_alias_is_refused_with_its_line():
    text = "- text: x\n  expect: &same {a: 1}\n- text: x\n  expect: *same\n"
    with pytest.raises(ConfigurationError, match=r"samples\.yml:4: An alias stands for several samples"):
        updated(text, {0: Outcome({"a": 2}, None)})


NAMES = st.lists(st.sampled_from(["a", "b", "c", "@t", "0304", "no", "x y"]), min_size=1, max_size=3).map(".".join)
SCALARS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["no", "null", "~", "0304", "1e3", "2026-11-22", " x", "x ", "a: b", "a #b", "- x", "'", '"', "\n"]
    ),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))


def without_parents(fields):
    """A field cannot be a value and have fields below it."""
    return {name: value for name, value in fields.items() if not any(other.startswith(f"{name}.") for other in fields)}


FLAT = st.dictionaries(NAMES, VALUES, min_size=1, max_size=6).map(without_parents)


@settings(deadline=None, max_examples=60)
@given(FLAT, FLAT, FLAT)
def test_whatever_a_sample_expected_it_can_be_made_to_expect_anything_else(first, second, third):
    text = "# head\n- text: x\n# behind\n- {text: y, expect: {}}\n# end\n"
    for fields in (first, second, third):
        text = updated(text, {0: Outcome(fields, None), 1: Outcome(fields, None)})
        assert [flat(sample["expect"]) for sample in marked(text, "samples.yml").data] == [fields, fields]
    assert [line for line in text.splitlines() if line.startswith("#")] == ["# head", "# behind", "# end"]
