"""What holds for any expression made of the library's pieces, on any line."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper import resources
from shipper.grok import Library
from shipper.grok.coverage import Coverage, Line

LIBRARY = Library.load([resources.patterns()], glob="*.grok")
NAMES = sorted(name for name in LIBRARY if len(LIBRARY.compile(f"%{{{name}}}").expanded) < 3000)
WORDS = (
    "10.0.0.1", "::1", "2026-11-22 00:25:22,025", "22/Nov/2026:00:00:01 +0000", "Nov 22 10:00:00", "dtn01.example.org",
    '"a b"', "[x]", "INFO", "42", "-1.5e3", "/srv/a b", "GET / HTTP/1.1", "a@b.org", "é\u2028", "\n", "-", "\\E", "",
)  # fmt: skip

pieces = st.one_of(
    st.sampled_from(NAMES).map("%{{{}}}".format),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["a", "[b][c]", "d:int"])).map(
        lambda each: "%{{{}:{}}}".format(*each)
    ),
    st.sampled_from(
        [" ", " ", "-", ":", r"\[", "^", "$", r"\s+", ".*", r"\d{2,3}", "[a-z]+", "(?i)", "x?", r"(?<e>\w+)"]
    ),
)
sequences = st.lists(pieces, min_size=1, max_size=5).map("".join)
grouped = st.tuples(sequences, st.sampled_from(["(?:{})", "(?:{})?", "(?<f>{})", "(?:x|{})"])).map(
    lambda each: each[1].format(each[0])
)
patterns = st.lists(st.lists(sequences | grouped, min_size=1, max_size=3).map("".join), min_size=1, max_size=2).map(
    "|".join
)
lines = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=6).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(patterns, lines)
def test_explain_says_that_it_matches_exactly_when_match_does(pattern, line):
    grok = LIBRARY.compile(pattern)
    explained = grok.explain(line)
    assert (explained.failing is None) == (grok.match(line) is not None)


@settings(max_examples=150, deadline=None)
@given(patterns, lines)
def test_the_beginning_that_explain_reports_matches_where_it_says(pattern, line):
    explained = LIBRARY.compile(pattern).explain(line)
    found = LIBRARY.compile(explained.matched).search(line)
    assert found is not None
    assert found.span() == (explained.start, explained.end)
    assert explained.found == line[explained.end :]
    assert explained.end <= explained.place <= len(line)


@settings(max_examples=150, deadline=None)
@given(patterns, lines)
def test_the_beginning_and_the_failing_piece_together_do_not_match(pattern, line):
    explained = LIBRARY.compile(pattern).explain(line)
    if explained.failing is not None:
        assert LIBRARY.compile(explained.matched + explained.failing).search(line) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=3), st.lists(lines, max_size=8))
def test_lines_in_a_chunk_match_as_they_do_alone(expressions, chunk):
    groks = [LIBRARY.compile(pattern) for pattern in expressions]
    together = Coverage(groks, itertools.count().__next__, 0)
    together.add([Line("a", number, line) for number, line in enumerate(chunk)])
    alone = [any(grok.match(line) is not None for grok in groks) for line in chunk]
    assert (together.matched, together.failed) == (sum(alone), len(alone) - sum(alone))
    assert sum(each.hits for each in together.alternatives) == together.matched
    filled = sum(_fills_a(groks, line) for line in chunk)
    assert together.fields[("a",)].filled == filled if ("a",) in together.fields else filled == 0


def _fills_a(groks, line):
    fields = next((found for grok in groks if (found := grok.match(line)) is not None), {})
    return "a" in fields


@pytest.mark.parametrize("pattern", ["(?i)abc|def", r"(a)\1|b", "(?-m)a.b|c.d", r"(?<q>['\"]).*\k<q>|x"])
@pytest.mark.parametrize("line", ["DEF", "aa", "bb", "c\nd", "'x'", "q"])
def test_alternatives_that_depend_on_what_is_before_them_are_explained_truly(pattern, line):
    grok = LIBRARY.compile(pattern)
    assert (grok.explain(line).failing is None) == (grok.match(line) is not None)
