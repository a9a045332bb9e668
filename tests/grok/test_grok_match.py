import pytest

from shipper.grok import Grok, Library

LIBRARY = Library.from_definitions(
    {"INT": r"[+-]?\d+", "WORD": r"\b\w+\b", "DATA": ".*?", "ANY": ".*", "NOTSPACE": r"\S+"}
)


def fields(pattern, text):
    return LIBRARY.compile(pattern).match(text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%{WORD:a} %{WORD:b}", "x y", {"a": "x", "b": "y"}),
        ("%{WORD} %{INT:n}", "x 7", {"n": "7"}),
        ("%{INT:[a][b]} %{INT:[a][c]:int}", "1 2", {"a": {"b": "1", "c": 2}}),
        ("%{INT:a.b} %{INT:@c} %{INT:d-e}", "1 2 3", {"a.b": "1", "@c": "2", "d-e": "3"}),
        ("(?<x>a)(?P<y>b)(?'z'c)", "abc", {"x": "a", "y": "b", "z": "c"}),
        ("%{WORD:x}( %{INT:x})?", "a 1", {"x": ["a", "1"]}),
        ("%{WORD:x}( %{INT:x})?", "a", {"x": "a"}),
        ("%{INT:x} %{WORD:x} %{INT:x}", "1 a 2", {"x": ["1", "2", "a"]}),
        ("%{INT:x:int} %{INT:x:int}", "1 2", {"x": 1}),
        ("%{DATA:x}end%{DATA:}", "end", {}),
        ("%{COLOUR:c=red|blue} %{COLOUR:d}", "red blue", {"c": "red", "d": "blue"}),
        ("%{TWO=\\d{2}}%{TWO:x}", "1234", {"x": "34"}),
        ("%{WORD - a comment}%{INT:[n]?}", "1x", None),
        ("%{WORD - a comment} %{INT:[n]?}", "x 1", {"n": "1"}),
        ("%{ANY:x}", "", {}),
        ("%{WORD:x}", "😀 ä b", {"x": "b"}),
        ("x", "y", None),
    ],
)
def test_a_match_gives_the_named_fields(pattern, text, expected):
    assert fields(pattern, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("int", "12abc", 12),
        ("int", "-", 0),
        ("int", "5.75", 5),
        ("int", "1_000", 1000),
        ("long", "99999999999", 99999999999),
        ("float", "2.5kg", 2.5),
        ("float", ".5", 0.5),
        ("float", "1e3", 1000.0),
        ("float", "abc", 0.0),
        ("double", "5.", 5.0),
        ("boolean", "True", True),
        ("boolean", "maybe", "maybe"),
        ("nonsense", "1", "1"),
    ],
)
def test_types_convert_as_logstash_and_elasticsearch_do(kind, text, expected):
    value = fields("%{NOTSPACE:x:" + kind + "}", text)["x"]
    assert value == expected
    assert type(value) is type(expected)


def test_the_flat_view_says_which_group_fills_which_field():
    grok = LIBRARY.compile("(x)?%{INT:[a][b]:int} %{WORD:c}")
    assert [(capture.group, capture.path, capture.type) for capture in grok.captures] == [
        (1, ("a", "b"), "int"),
        (2, ("c",), None),
    ]
    assert grok.regex.search("7 y").groups() == ("7", "y")


def test_unnamed_references_are_captured_on_request():
    grok = LIBRARY.compile("%{WORD} %{INT:n}", named_captures_only=False)
    assert grok.match("x 1") == {"WORD": "x", "n": "1"}


def test_a_text_is_searched_at_every_line():
    assert fields("^%{INT:n}$", "a\n12\nb") == {"n": "12"}


def test_the_class_is_called_like_that_of_pygrok(tmp_path):
    (tmp_path / "own").write_text("SHOUT [A-Z]+!\n")
    grok = Grok(
        "%{SHOUT:a} %{LOUD:b} %{NUMBER:n:int}", custom_patterns_dir=str(tmp_path), custom_patterns={"LOUD": "[a-z]+!"}
    )
    assert grok.match("say HI! hey! 3") == {"a": "HI!", "b": "hey!", "n": 3}


def test_an_expression_knows_the_definitions_it_is_made_of():
    library = LIBRARY.with_definitions({"PAIR": "%{WORD:k}=%{VALUE:v}", "VALUE": "%{INT}", "OTHER": "x"})
    used = {"PAIR": "%{WORD:k}=%{VALUE:v}", "VALUE": "%{INT}", "WORD": r"\b\w+\b", "INT": r"[+-]?\d+"}
    assert library.definitions_used("%{PAIR}") == used
    assert Library.from_definitions(used).compile("%{PAIR}").match("a=1") == {"k": "a", "v": "1"}
