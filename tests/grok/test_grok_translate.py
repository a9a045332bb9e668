import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.grok.translate import FLAGS, Start, TranslationError, translate


def compiled(expression):
    return re.compile(translate(expression).regex, FLAGS)


def found(expression, text):
    match = compiled(expression).search(text)
    return match[0] if match else None


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        (r"\h+", "xyz 09afAF g", "09afAF"),
        (r"\H+", "09xyz", "xyz"),
        (r"\w+", "ä_b9", "_b9"),
        (r"\W+", "abäö c", "äö "),
        (r"\d+", "٣4", "4"),
        (r"\D+", "4٣x", "٣x"),
        (r"\s", "\u00a0 ", " "),
        (r"\S+", " \u00a0x", "\u00a0x"),
        (r"a.b", "a\nb", "a\nb"),
        (r"(?m)a.b", "a\nb", "a\nb"),
        (r"(?-m:a.b)", "a\nb", None),
        (r"^b$", "a\nb\nc", "b"),
        (r"b\z", "b\n", None),
        (r"b\Z", "b\n", "b"),
        (r"\Ab", "a\nb", None),
        (r"a\Rb", "a\r\nb", "a\r\nb"),
        (r"\x41\x{1F600}\u00e4\t\e", "A😀ä\t\x1b", "A😀ä\t\x1b"),
        (r"\101\ca", "A\x01", "A\x01"),
        (r"[[:alnum:]]+", "-naïve9-", "naïve9"),
        (r"[[[:alnum:]]_%!$@:.,+~-]*", "ä_%-x y", "ä_%-x"),
        (r"[[:^digit:]]+", "12ab", "ab"),
        (r"[^[:space:]x]+", " x\u2003ab", "ab"),
        (r"\p{Upper}\P{Upper}\p{^Upper}", "aBcd", "Bcd"),
        (r"[a-z&&[^aeiou]]+", "aebcd", "bcd"),
        (r"[a-c[x-z]]+", "dazby!", "azby"),
        (r"[]a]+", "x]a", "]a"),
        (r"[a\]-]+", "x]-a", "]-a"),
        (r"[\w-]+", "+a-b", "a-b"),
        (r"[\n\t]+", "a\n\tb", "\n\t"),
        (r"(?i)AB", "xab", "ab"),
        (r"a(?i)b|c", "aC", "aC"),
        (r"(?i:a)b", "AB", None),
        (r"(?i)[^a]", "A", None),
        ("(?x) a b # comment\n c", "abc", "abc"),
        (r"a(?#no)b", "ab", "ab"),
        (r"(?<=a|bc)d", "bcd", "d"),
        (r"(?<!a|bc)d", "bcd ad xd", "d"),
        (r"(?>a+)ab", "aaab", None),
        (r"a++b", "aab", "aab"),
        (r"x{2}{3}", "xxxxxxx", "xxxxxx"),
        (r"x{3}?y", "y", "y"),
        (r"x{,2}", "xxx", "xx"),
        (r"x{2,3}+x", "xxx", "xxx"),
        (r"a{,}", "a{,}", "a{,}"),
        (r"{x}", "{x}", "{x}"),
        (r".?*z", "aaz", "aaz"),
        (r"(?<a>x)\k<a>", "yxx", "xx"),
        (r"(x|y)\1", "xyy", "yy"),
        (r"(?P<a>x)(?P=a)", "xx", "xx"),
    ],
)
def test_an_expression_of_oniguruma_means_the_same_in_python(expression, text, expected):
    assert found(expression, text) == expected


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("(a", "'(' without ')'"),
        ("a)", "')' without '('"),
        ("*a", "nothing to repeat"),
        ("a|{2}", "nothing to repeat"),
        ("[a", "ends in the middle"),
        ("[z-a]", "range z-a is empty"),
        (r"\p{Klingon}", "'Klingon' is unknown"),
        ("[[:foo:]]", "no POSIX class"),
        (r"\x{110000}", "no code of a character"),
        (r"\g<a>", r"'\g', which is not supported"),
        (r"a\K", r"'\K', which is not supported"),
        (r"\k<a>", "does not stand before it"),
        (r"(?<a>x)(y)\1", "name it"),
        ("(?~x)", "not supported"),
        ("(?<>x)", "empty name"),
        ("(?#x", "no closing"),
        ("a\\", "ends in the middle"),
    ],
)
def test_what_cannot_be_translated_is_named(expression, part):
    with pytest.raises(TranslationError) as raised:
        translate(expression)
    assert part in str(raised.value)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("([A-Za-z0-9+.-]+)+://", "a" * 5000),
        ("(?:(?:x*)*)*y", "x" * 5000),
        (r"(/([\w_]+|\\.)*)+!", "/" + "a" * 2000),
        (r"(?:\s*)*x", " " * 5000),
    ],
)
def test_a_quantifier_on_a_quantifier_fails_without_backtracking_over_every_split(expression, text):
    # `match`, for a search is quadratic by nature. The unchanged expression would not end within a lifetime.
    assert compiled(expression).match(text) is None


@pytest.mark.parametrize(
    ("expression", "start"),
    [
        ("a", Start.ANYWHERE),
        ("^a", Start.LINE),
        (r"\Aa|\Ab", Start.TEXT),
        (r"\Aa|b", Start.ANYWHERE),
        ("^a|.*b", Start.LINE),
        (".*a", Start.TEXT),
        ("(?<x>.*?)a", Start.TEXT),
        ("(?-m:.*)a", Start.ANYWHERE),
        ("(?:^a)?b", Start.ANYWHERE),
        ("(?:^a)+b", Start.LINE),
        ("(?:^a){0,2}b", Start.ANYWHERE),
        ("(?>.*)a", Start.ANYWHERE),
        (r"(?<x>.*)\k<x>", Start.ANYWHERE),
        (r"\A(?<x>.*)\k<x>", Start.TEXT),
        (r"(?:\A(?<x>a)|\Ab)\k<x>", Start.TEXT),
        (r"(?:\A(?<x>a)|b)\k<x>", Start.ANYWHERE),
        (r"(?:\A(?<x>a))?\k<x>", Start.ANYWHERE),
        ("", Start.ANYWHERE),
    ],
)
def test_where_a_match_can_begin_is_known(expression, start):
    assert translate(expression).start is start


PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "^", "$", "a+", "b*", "a?", ".*", "(?:a|b+)", "(a+)+", "(?:a*)*", "(b|a+)*"]
)


@given(st.lists(PIECES, max_size=5).map("".join), st.text("ab\n", max_size=8))
def test_merging_quantifiers_changes_no_match(expression, text):
    changed, unchanged = compiled(expression).search(text), re.compile(expression, FLAGS).search(text)
    assert (changed and changed.span()) == (unchanged and unchanged.span())


@given(st.lists(PIECES, max_size=4).map("".join), st.text("ab\n", max_size=8))
def test_trying_only_where_a_match_can_begin_finds_what_a_search_finds(expression, text):
    from shipper.grok.match import finder

    translation = translate(expression)
    regex = re.compile(translation.regex, FLAGS)
    quick, whole = finder(regex, translation.start)(text), regex.search(text)
    assert (quick and quick.span()) == (whole and whole.span())


@given(st.text(max_size=6))
def test_every_character_can_be_written_as_itself_with_a_backslash_or_in_a_class(text):
    for character in text:
        if not character.isalnum():
            assert found("\\" + character, "x" + character) == character
        if character not in "[]\\^-&":
            assert found(f"[{character}]", character) == character
