import pytest

from shipper.errors import PatternError, UsageError
from shipper.grok import GrokFilter, Library

LIBRARY = Library.load()


def filtered(event, match, **options):
    return GrokFilter(LIBRARY, match=match, **options)(event)


def test_a_captured_field_joins_the_one_that_is_there_unless_it_is_overwritten():
    assert filtered({"message": "a b"}, {"message": "%{WORD} %{WORD:message}"})["message"] == ["a b", "b"]
    overwritten = filtered({"message": "a b"}, {"message": "%{WORD} %{WORD:message}"}, overwrite=["message"])
    assert overwritten == {"message": "b"}


def test_a_field_that_is_no_text_keeps_its_value():
    assert filtered({"message": "7", "n": 1}, {"message": "%{INT:n}"})["n"] == 1


def test_no_match_is_tagged_once():
    event = {"message": "x", "tags": "_grokparsefailure"}
    assert filtered(event, {"message": "%{INT:n}"})["tags"] == "_grokparsefailure"
    assert filtered({}, {"message": "%{INT:n}"}, tag_on_failure=["a", "b"]) == {"tags": ["a", "b"]}


def test_nothing_is_lost_when_a_field_stands_in_the_way_of_a_nested_one():
    event = filtered({"message": "7", "a": "text"}, {"message": "%{INT:[a][b]}"})
    assert event == {"message": "7", "a": "text", "tags": ["_grokparsefailure"]}


def test_a_match_adds_and_removes_in_the_order_of_logstash():
    event = filtered(
        {"message": "42 x", "list": ["p", "q"], "tags": ["old"]},
        {"message": "%{INT:[n][m]:int}"},
        add_field={"copy": "%{[n][m]}-%{list}-%{nothing}", "list": "r"},
        add_tag=["t%{[n][m]}"],
        remove_field=["message", "[no][where]"],
        remove_tag=["old"],
    )
    assert event == {"list": ["p", "q", "r"], "n": {"m": 42}, "copy": "42-p,q-%{nothing}", "tags": ["t42"]}


def test_numbers_booleans_and_missing_fields_are_matched_as_text():
    assert "tags" not in filtered({"x": True}, {"x": "^true$"})
    assert "tags" not in filtered({"x": 1.0}, {"x": r"^1\.0$"})
    assert "tags" not in filtered({}, {"x": "^$"})


def test_an_expression_that_takes_too_long_is_interrupted_and_tagged():
    slow = filtered({"message": "a" * 60 + "b"}, {"message": r"^(?:a|a|aa)+$"}, timeout_millis=50)
    assert slow["tags"] == ["_groktimeout"]
    slow = filtered(
        {"message": "a" * 60 + "b"}, {"message": r"^(?:a|a|aa)+$"}, timeout_millis=50, timeout_scope="event"
    )
    assert slow["tags"] == ["_groktimeout"]


def test_wrong_options_and_expressions_are_errors_before_the_first_event():
    with pytest.raises(UsageError, match="pattern or event"):
        GrokFilter(LIBRARY, match={}, timeout_scope="line")
    with pytest.raises(PatternError):
        GrokFilter(LIBRARY, match={"message": ["%{INT}", "%{NOPE}"]})
