import pytest

from shipper.grok import Library
from shipper.grok.explain import alternatives

LIBRARY = Library.load()


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("^%{IP:a} - x+", [["^", "%{IP:a}", " - ", "x+"]]),
        (r"a\[b[]x[:alpha:]]{2,3}?(c(d|[)]))|e", [[r"a\[b", "[]x[:alpha:]]{2,3}?", "(c(d|[)]))"], ["e"]]),
        ("(?<[a][b]>x|y)z{", [["(?<[a][b]>x|y)", "z{"]]),
        ("%{A=x{2}|y}b", [["%{A=x{2}|y}", "b"]]),
        (r"ab\d+x\d", [["ab", r"\d+", "x", r"\d"]]),
        (r"\x41\x{42}\u0043\104\p{Alpha}+\cAb", [[r"\x41", r"\x{42}", r"\u0043", r"\104", r"\p{Alpha}+", r"\cA", "b"]]),
        (r"(?<q>['\"])a\k<q>", [[r"(?<q>['\"])", "a", r"\k<q>"]]),
        ("(?x)a # (\nb", [["(?x)a # (\nb"]]),
        ("", [[]]),
    ],
)
def test_an_expression_is_cut_into_pieces_that_stand_alone(pattern, pieces):
    assert alternatives(pattern) == pieces


def test_the_failing_piece_is_named_with_what_stands_there():
    explained = LIBRARY.compile("%{IP:a} %{NUMBER:b}").explain("from 10.0.0.1 x")
    assert (explained.matched, explained.start, explained.end) == ("%{IP:a} ", 5, 14)
    assert (explained.failing, explained.found) == ("%{NUMBER:b}", "x")
    assert explained.expansion.startswith("(?<NUMBER:b>")
    assert "`%{NUMBER:b}` does not match 'x'" in str(explained)


def test_a_reference_that_matches_in_part_is_looked_into():
    explained = LIBRARY.compile("%{COMMONAPACHELOG}").explain("1.2.3.4 - - [x]")
    assert (explained.failing, explained.inside) == ("%{HTTPDATE:timestamp}", ("%{COMMONAPACHELOG}",))
    assert explained.found == "x]"


def test_of_alternatives_the_one_that_gets_furthest_is_explained():
    explained = LIBRARY.compile("x%{INT}|a%{INT}b|a%{INT}c%{WORD}").explain("a1c-")
    assert (explained.matched, explained.end, explained.failing) == ("a%{INT}c", 3, "%{WORD}")


@pytest.mark.parametrize(
    ("pattern", "text", "failing", "found"),
    [
        pytest.param(
            r"^a(?: b=(?<b>\d+)(?: c=(?<c>\d+)(?: d=(?<d>\d+))?)?)?$",
            "a b=1 c=2 d=x",
            r"(?<d>\d+)",
            "x",
            id="a group left out at the end of nested ones",
        ),
        pytest.param(
            r"^(?:(?: a=(?<a>\d+))?(?: b=(?<b>\d+))?(?: c=(?<c>\d+))?)$",
            " a=1 c=x",
            r"(?<c>\d+)",
            "x",
            id="one of several groups left out",
        ),
        pytest.param(
            r"^(?: (?<k>[a-z]+)=(?<v>\d+))*$", " a=1 b=2 c=x", r"(?<v>\d+)", "x", id="the next of any number of groups"
        ),
        pytest.param(r"^(?:(?<o>\d+)\.){3}(?<l>\d+)$", "10.0.x.1", r"(?<o>\d+)", "x.1", id="the third of three groups"),
        pytest.param(
            r"^(?:(?<a>\d+)-x|(?<w>[a-z]+)-y) end$", "12-z end", "-x", "-z end", id="the alternative that fits best"
        ),
        pytest.param(
            r"^.*(?<k>K)=(?<v>\d+) (?:(?<x>X)=\d+|(?<y>Y)=(?<z>\d+)) end$",
            "some text K=5 Y=q end",
            r"(?<z>\d+)",
            "q end",
            id="an alternative after a wildcard",
        ),
        pytest.param(
            r"^(?<p>.*) (?:A=(?<a>\d+) B=(?<b>\d+)) end$",
            "some A=5 B=q and more",
            r"(?<b>\d+)",
            "q and more",
            id="a group behind a wildcard that alone reaches further",
        ),
    ],
)
def test_the_failing_piece_is_found_within_groups(pattern, text, failing, found):
    explained = LIBRARY.compile(pattern).explain(text)
    assert (explained.failing, explained.found) == (failing, found)


def test_a_definition_on_the_spot_holds_for_later_pieces():
    explained = LIBRARY.compile("%{AB=ab}%{AB}!").explain("abab?")
    assert (explained.end, explained.failing) == (4, "!")


def test_an_expression_that_matches_needs_no_explanation():
    explained = LIBRARY.compile("a|b").explain("xb")
    assert (explained.failing, str(explained)) == (None, "The expression matches.")


def test_a_text_that_ends_too_early_is_said_to_end():
    assert str(LIBRARY.compile("ab%{INT}").explain("ab")).endswith("`%{INT}` does not match the end of the text.")


def test_every_definition_can_be_explained_on_a_text_that_it_does_not_match():
    for name in LIBRARY:
        explained = LIBRARY.compile(f"%{{{name}}}\\x00").explain('10.0.0.1 - x [a] "GET /" 5')
        assert explained.failing is not None
