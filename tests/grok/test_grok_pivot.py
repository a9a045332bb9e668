"""Looking for the rest of an expression first changes nothing but the time that failing takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import PatternError
from shipper.grok import Library
from shipper.grok.translate import translate

LIBRARY = Library.load([])
PIECES = [
    "%{WORD:a}", "%{INT:b}", "(?:x|yy)?", "[^:]*", "%{NOTSPACE:c}", ": ", " [", "\\[", "] ", "--", "a", "\\.", ".*?",
    "(?<d>b+)", "(?=:)", "(?<!a)", "$", "\\b", "(?:-- %{WORD:e})", "(?i)A: ", "é: ",
]  # fmt: skip
expressions = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join)
texts = st.lists(st.text("ab1: []-.xyAé\n", max_size=14), min_size=1, max_size=6)


@given(expressions, texts)
def test_any_expression_finds_the_same_as_its_regex_whatever_came_before(expression, lines):
    try:
        grok = LIBRARY.compile(expression)
    except PatternError:
        return
    for line in lines:
        found, expected = grok.search(line), grok.regex.search(line)
        assert (found and (found.span(), found.groups())) == (expected and (expected.span(), expected.groups()))


@pytest.mark.parametrize(
    ("expression", "rest"),
    [
        (r"[0-9]+ - ([a-z]+)", r" \- [a-z]+"),
        (r"(?:[0-9]+(?: \[)[a-z])\] x", r" \[[a-z]\] x"),
        (r"literal [0-9]+", None),
        (r"[0-9]+: |x: ", None),
        (r"([0-9]): \1", None),
        (r"^[0-9]+: x", None),
    ],
)
def test_the_rest_begins_with_the_first_run_of_plain_characters(expression, rest):
    assert translate(expression).rest == rest


def test_a_failing_line_is_given_up_without_trying_every_place():
    grok = LIBRARY.compile("%{COMBINEDAPACHELOG}")
    line = '198.51.100.1 - u [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "x"'

    assert [grok.match(line) is not None for _ in range(2)] == [True, True]
    assert [grok.match(line.replace(" 200 ", " abc ")) for _ in range(3)] == [None] * 3
    assert grok.match("before it " + line)["clientip"] == "198.51.100.1"
