import pytest

from shipper.errors import Exit, PatternError
from shipper.grok import Library


def message(library, pattern, **place):
    with pytest.raises(PatternError) as raised:
        library.compile(pattern, **place)
    assert raised.value.exit_code == Exit.USAGE
    return str(raised.value)


@pytest.fixture
def library(tmp_path):
    file = tmp_path / "own.grok"
    file.write_text(
        "# a comment\n"
        "GOOD [a-z]+\n"
        "OUTER <%{MIDDLE:m}>\n"
        "MIDDLE %{MISSING:x:int}\n"
        "LOOP1 a%{LOOP2}\n"
        "LOOP2 b%{LOOP1:x}\n"
        "UNBALANCED %{GOOD}(\n"
        "AROUND %{UNBALANCED} x\n"
    )
    return Library.load([file], base=None)


def test_an_undefined_name_is_reported_where_it_is_used_with_the_way_there(library, tmp_path):
    text = message(library, "%{OUTER}")
    assert text.startswith(f"{tmp_path}/own.grok:4: The pattern MIDDLE uses %{{MISSING:x:int}}")
    assert "%{OUTER} → %{MIDDLE}" in text


def test_an_undefined_name_in_the_expression_is_reported_where_that_is_written(library):
    assert message(library, "%{NOPE-X}", file="p.yml", line=7).startswith("p.yml:7: The expression '%{NOPE-X}' uses")


def test_a_loop_is_reported_with_its_chain(library):
    assert "%{LOOP1} → %{LOOP2} → %{LOOP1}" in message(library, "%{LOOP1}")


def test_a_wrong_expression_is_reported_at_the_innermost_definition_that_is_wrong(library, tmp_path):
    assert message(library, "%{AROUND}").startswith(f"{tmp_path}/own.grok:7: The pattern UNBALANCED has a '(' without")


def test_a_definition_that_is_wrong_but_not_used_does_no_harm(library):
    assert library.compile("%{GOOD:g}").match("x") == {"g": "x"}


@pytest.mark.parametrize("pattern", ["%{GOOD", "%{}", "a %{ b"])
def test_a_reference_that_is_not_complete_is_an_error(library, pattern):
    assert "begins no complete" in message(library, pattern)


def test_a_literal_percent_brace_can_be_written(library):
    assert library.compile(r"%\{%{GOOD:g}\}").match("%{x}") == {"g": "x"}


def test_a_field_cannot_be_a_value_and_have_fields(library):
    assert "[a] both a value and the parent of [a][b]" in message(library, "%{GOOD:[a][b]} %{GOOD:a}")


def test_definitions_that_double_each_other_are_refused_before_they_fill_the_memory():
    definitions = {f"D{n}": f"%{{D{n + 1}}}%{{D{n + 1}}}" for n in range(40)}
    library = Library.from_definitions({**definitions, "D40": "x" * 100})
    assert "grows beyond" in message(library, "%{D0}")


def test_what_python_refuses_is_reported_too(library):
    assert "no valid regular expression" in message(library, "(?<=a*)b")


def test_groups_nested_beyond_reason_are_an_error(library):
    assert "nested too deeply" in message(library, "(" * 5000 + "a" + ")" * 5000)
