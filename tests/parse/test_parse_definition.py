"""Definitions: every mistake at once, with its place; recorded definitions make the same documents."""

import json
from pathlib import Path

import pytest
from support.pipeline_lab import parse

from shipper.errors import ConfigurationError
from shipper.parse.definition import about, for_input, load_pipeline, pipeline_names, restore_pipeline
from shipper.parse.models import AboutModel
from shipper.settings import InputSettings

X_I = "ecs: {x.i: {from: x.word, scale: 2}}\ntypes: {"
GOOD = """
dataset: app
parse: [{grok: ['^(?<x.time>\\S+) %{WORD:x.word}']}]
types: {x.word: keyword}
timestamp: {field: x.time, formats: ['%H:%M:%S']}
"""


def mistakes(lab, text: str, **settings) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(ConfigurationError) as caught:
        lab.pipeline(text, **settings)
    assert all(problem.file == str(lab.folder / "app.yml") for problem in caught.value.problems)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_all_mistakes_are_told_at_once_with_line_and_key(lab):
    found = mistakes(
        lab,
        "dataset: My-App\n"
        "parsing: []\n"
        "lines: {starts: '(', quiet: 5 parsecs}\n"
        "types:\n"
        "  x: longish\n"
        "timestamp:\n"
        "  field: t\n"
        "  formats: ['%Q']\n"
        "  timezone: Europe/Roma\n"
        "drop:\n"
        "  - {rule: header, when: {x: {around: 3, '<': many}}}\n",
    )
    places = {(line, key) for line, key, _ in found}
    assert places == {
        (1, "dataset"),
        (2, "parsing"),
        (3, "lines.starts"),
        (3, "lines.quiet"),
        (5, "types.x"),
        (8, "timestamp.0.formats.0"),
        (9, "timestamp.0.timezone"),
        (11, "drop.0.rule"),
        (11, "drop.0.when.x"),
    }
    sentences = {key: message for _, key, message in found}
    assert "Did you mean 'parse'?" in sentences["parsing"]
    assert "Did you mean 'Europe/Rome'?" in sentences["timestamp.0.timezone"]
    assert "5 parsecs" in sentences["lines.quiet"]
    assert all(
        sentence.endswith((".", "Did you mean 'Europe/Rome'?", "Did you mean 'parse'?"))
        for sentence in sentences.values()
    )


@pytest.mark.parametrize("key", ["starts", "continues", "splits"])
def test_an_expression_that_could_hold_up_reading_for_ever_is_refused(lab, key):
    ((line, place, sentence),) = mistakes(lab, f"{GOOD}lines:\n  {key}: '(\\w+\\s?)+:'\n")

    assert (line, place) == (7, f"lines.{key}")
    assert "repeats what is itself repeated" in sentence
    lab.pipeline(f"{GOOD}lines:\n  {key}: '(\\w+\\s)+:'\n", timezone="UTC")


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        (("keyword}", "keyword, x.wrod: int}"), 4, "No step makes a field 'x.wrod'. Did you mean 'x.word'?"),
        (("field: x.time", "field: x.tiem"), 5, "No step makes a field 'x.tiem'"),
        (("{grok:", "{optional: true, grok: ['%{WORD:message}']}, {grok:"), 3, "The field 'message' is set by shipper"),
        (("{grok:", "{grok: ['%{WORD:log.file.path}']}, {grok:"), 3, "The field 'log.file.path' is set by shipper"),
        (("%{WORD:", "%{WROD:"), 3, "but %{WROD} is not defined (did you mean %{WORD}?)."),
        (("types:", "ecs: {host.name: x.word}\ntypes:"), 4, "The field 'host.name' is set by shipper"),
        (("types:", "set: {shipper.input: me}\ntypes:"), 4, "The field 'shipper.input' is set by shipper"),
        (("types:", "ecs: {event.start: {from: x.word, as: date}}\ntypes:"), 4, "complete date"),
        (("x.word: keyword", "x.word: date"), 4, "complete date"),
        (("types:", "ecs: {a: {from: x.word, scale: 2, as: date}}\ntypes:"), 4, "one of 'scale', 'as' and 'map'"),
        (("{grok:", "{json: {into: x}, grok:"), 3, "exactly one of"),
        (("{grok:", "{field: nothing, grok:"), 3, "No step before this one makes a field 'nothing'"),
        (("field: x.time, formats", "formats"), 5, "needs a field and formats"),
        (("types:", "types: {}\ntypes:"), 5, "no valid YAML"),
        (("types:", "lines: {starts: a, continues: b}\ntypes:"), 4, "not both"),
        (("types:", "lines: {splits: 'a*'}\ntypes:"), 4, "at every letter"),
        (("types:", "derive: {a: {sum: [x.word]}}\ntypes:"), 4, "at least 2"),
        (("types:", "derive: {a: {sum: [x.n, x.n], ratio: [x.n, x.n]}}\ntypes:"), 4, "exactly one of difference"),
        (("types:", "derive: {a: {summ: [x.n, x.n]}}\ntypes:"), 4, "Did you mean 'sum'?"),
        (("types:", "derive: {a: {ratio: [x.word, x.word]}}\ntypes:"), 4, "'x.word' is of type keyword; a ratio wants"),
        (("types: {", "derive: {a: {ratio: [x.n, x.n]}}\ntypes: {"), 4, "No step makes a field 'x.n'"),
        (("types: {", "derive: {log.offset: {ratio: [x.i, x.i]}}\n" + X_I), 4, "set by shipper"),
        (("types: {", "derive: {x.i: {ratio: [x.i, x.i]}}\n" + X_I), 4, "made elsewhere"),
        (("types:", "ecs: {a: [x.word, x.wrod]}\ntypes:"), 4, "No step makes a field 'x.wrod'"),
        (("types:", "about: {fields: {x.wrod: a word}}\ntypes:"), 4, "No step makes a field 'x.wrod'"),
        (("types:", "about: {fields: {x.word: {unit: s}}}\ntypes:"), 4, "required"),
        (("types:", "about: {raeds: this}\ntypes:"), 4, "Did you mean 'reads'?"),
        (("types:", "about: {damage: [{what: cut, becomes: a, why: b}]}\ntypes:"), 4, "Allowed are becomes, what"),
        (("types:", "ecs: {a: []}\ntypes:"), 4, "At least one item"),
        (("types:", "remove: x\ntypes:"), 4, "A list belongs here, not 'x'."),
        (("types:", "set: [a]\ntypes:"), 4, "A mapping belongs here, not a list."),
        (("types:", "set: {a: [1]}\ntypes:"), 4, "A single value belongs here, not a list."),
        (("types:", "ecs: {a: 1}\ntypes:"), 4, "A mapping belongs here, not '1'; its keys are as, from, map"),
        (("types:", "blank: x\ntypes:"), 4, "'x' is not allowed here; allowed are 'drop' or 'ship'."),
        (("types:", "header: 3\ntypes:"), 4, "Text (in quotes if need be) belongs here, not '3'."),
        (("types:", "lines: {starts: a, max_lines: x}\ntypes:"), 4, "A whole number belongs here, not 'x'."),
        (("{grok:", "{columns: {names: [a], header: '#', into: x}}, {grok:"), 3, "belong to 'names: header'"),
        (("{grok:", "{columns: {names: header, without_header: [[a], [b]], into: x}}, {grok:"), 3, "equally long"),
        (("{grok:", "{columns: {names: header, without_header: [[a, a]], into: x}}, {grok:"), 3, "a name twice"),
        (("{grok:", "{columns: {names: header, header: '(', into: x}}, {grok:"), 3, "no regular expression"),
        (("{grok:", "{columns: {names: header, separator: [], into: x}}, {grok:"), 3, "At least one item"),
    ],
)
def test_what_does_not_fit_together_is_told_with_its_line(lab, change, line, sentence):
    (found,) = mistakes(
        lab, GOOD.strip().replace("dataset: app\n", "dataset: app\n\n").replace(*change), timezone="UTC"
    )
    assert found[0] == line
    assert sentence in found[2]


@pytest.mark.parametrize(
    ("text", "what"), [("# dataset:\n", "an empty value"), ("- 'dataset:'\n", "a list"), ("'dataset:'\n", "'dataset:'")]
)
def test_a_file_that_is_no_definition_is_told_what_belongs_into_it(lab, text, what):
    ((line, key, sentence),) = mistakes(lab, text)
    assert (line, key) == (None, None)
    assert sentence.startswith(f"A mapping belongs here, not {what}; its keys are about, blank, dataset, derive")


def test_times_without_zone_need_one_from_pipeline_or_input(lab):
    with pytest.raises(ConfigurationError) as caught:
        lab.pipeline(GOOD)
    (problem,) = caught.value.problems
    assert (problem.file, problem.key) == (None, "timezone"), "the mistake is the input's, not the definition's"
    assert "the pipeline 'app' reads have no zone, so the input needs a 'timezone'" in problem.message
    lab.pipeline(GOOD, timezone="Europe/Rome")
    lab.pipeline(GOOD.replace("formats:", "timezone: UTC, formats:"))


def test_an_unknown_pipeline_names_those_that_there_are(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no pipeline 'tstat'.*tstat-tcp"):
        load_pipeline("tstat", InputSettings("i", ("/x",), "tstat"), pipeline_dirs=[tmp_path])


def test_a_later_folder_overrides_an_installed_pipeline(tmp_path):
    (tmp_path / "raw.yml").write_text("dataset: mine\ntimestamp: {by: modification}\n")
    settings = InputSettings("i", ("/x",), "raw")
    assert load_pipeline("raw", settings, pipeline_dirs=[tmp_path]).dataset == "mine"
    assert load_pipeline("raw", settings).dataset == "raw"


def test_the_version_changes_with_what_parsing_depends_on_and_with_nothing_else(lab):
    base = lab.pipeline(GOOD, timezone="UTC").version
    assert lab.pipeline("# a remark\n" + GOOD, timezone="UTC", exclude=("*.gz",)).version == base
    others = [
        lab.pipeline(GOOD, timezone="Europe/Rome"),
        lab.pipeline(GOOD, timezone="UTC", period="day"),
        lab.pipeline(GOOD, timezone="UTC", namespace="test"),
        lab.pipeline(GOOD, timezone="UTC", incomplete="refuse"),
        lab.pipeline(GOOD.replace("x.word: keyword", "x.word: int"), timezone="UTC"),
        lab.pipeline(GOOD, timezone="UTC", patterns="WORD \\S+\n"),
    ]
    assert len({base, *(pipeline.version for pipeline in others)}) == 1 + len(others)


ABOUT = """
about:
  reads: The log of the app, any version.
  files: [/var/log/app.log*]
  time: Local time.
  fields: {x.word: {meaning: what was said, unit: words}, x.time: when it was said}
  damage: [{what: a line without a word, becomes: 'tag `_grokparsefailure`'}]
"""


def test_what_a_definition_tells_its_readers_is_there_and_changes_no_version(lab):
    plain = lab.pipeline(GOOD, timezone="UTC").version
    assert about("app", [lab.folder]) == AboutModel()
    assert lab.pipeline(GOOD + ABOUT, timezone="UTC").version == plain
    told = about("app", [lab.folder])
    assert (told.reads, told.files, told.time) == (
        "The log of the app, any version.",
        ("/var/log/app.log*",),
        "Local time.",
    )
    assert [(name, field.meaning, field.unit) for name, field in told.fields.items()] == [
        ("x.word", "what was said", "words"),
        ("x.time", "when it was said", None),
    ]
    assert [(damage.what, damage.becomes) for damage in told.damage] == [
        ("a line without a word", "tag `_grokparsefailure`")
    ]


def test_what_is_told_of_many_fields_by_a_pattern_is_told_of_each(lab):
    definition = """
dataset: app
parse: [{columns: {names: [c_ip, s_ip, c_port, s_port, old], into: x}}]
remove: [x.old]
types: {x.c_ip: ip, x.s_ip: ip, x.c_port: int, x.s_port: int, x.old: int}
ecs: {source.ip: x.c_ip}
set: {event.kind: event}
timestamp: {by: modification}
about: {fields: {'x.[cs]_ip': an address, x.s_port: its port, 'x.*': another, '*.ip': a copy, event.kind: always}}
"""
    lab.pipeline(definition)
    assert [(name, field.meaning) for name, field in about("app", [lab.folder]).fields.items()] == [
        ("x.c_ip", "an address"),
        ("x.s_ip", "an address"),
        ("x.s_port", "its port"),
        ("x.c_port", "another"),
        ("source.ip", "a copy"),
        ("event.kind", "always"),
    ]
    with pytest.raises(ConfigurationError, match=r"No step makes a field 'y\.\*'"):
        lab.pipeline(definition.replace("'x.*'", "'y.*'"))


def test_a_pattern_that_the_pipeline_does_not_use_does_not_change_its_version(lab):
    plain = lab.pipeline(GOOD, timezone="UTC").version
    assert lab.pipeline(GOOD, timezone="UTC", patterns="NEVER_USED x\n").version == plain


@pytest.mark.parametrize("name", pipeline_names())
def test_a_recorded_definition_restores_the_pipeline_whatever_is_installed(name):
    loaded = load_pipeline(name, InputSettings("i", ("/x",), name, timezone="Europe/Rome", period="day"))
    restored = restore_pipeline(loaded.definition)
    same = ("name", "dataset", "version", "definition", "framing", "field_types", "needs_date")
    assert [getattr(restored, part) for part in same] == [getattr(loaded, part) for part in same]


def test_a_restored_pipeline_makes_the_same_bytes(lab):
    loaded = lab.pipeline(GOOD, timezone="Europe/Rome", patterns="WORD [a-z]+\n")
    restored = restore_pipeline(loaded.definition)
    lines = ["10:00:00 one", "x", "11:00:00 Two"]
    assert parse(restored, *lines).bodies == parse(loaded, *lines).bodies


def test_a_definition_recorded_by_an_older_parser_is_its_version_still_and_for_an_input_that_of_today(lab):
    loaded = lab.pipeline(GOOD, timezone="UTC")
    recorded = json.loads(loaded.definition)
    recorded["parser"] = 1
    del recorded["rules"]["derive"]
    old = restore_pipeline(json.dumps(recorded))
    today = for_input(old.definition, InputSettings("app", ("/x",), "app", timezone="UTC"))
    assert old.version != loaded.version
    assert json.loads(today)["parser"] == json.loads(loaded.definition)["parser"] > 1
    lines = ["10:00:00 one", "x"]
    messages = [document["x"] for document in parse(restore_pipeline(today), *lines).documents[:1]]
    assert messages == [document["x"] for document in parse(old, *lines).documents[:1]]


def test_field_types_name_every_field_that_can_be_known(lab):
    pipeline = lab.pipeline(
        GOOD + "set: {network.transport: tcp, app.answer: 42}\n"
        "ecs: {a.b: x.word, a.n: {from: x.word, scale: 2}, a.m: {from: x.word, map: {a: b}}}\nremove: [x.time]\n",
        timezone="UTC",
    )
    assert pipeline.field_types == {
        "x.word": "keyword",
        "network.transport": "keyword",
        "app.answer": "long",
        "a.b": "keyword",
        "a.n": "long",
        "a.m": "keyword",
    }


def test_a_definition_that_cannot_be_read_names_the_file(lab):
    (lab.folder / "app.yml").mkdir()
    with pytest.raises(ConfigurationError, match="no pipeline 'app'"):
        load_pipeline("app", InputSettings("i", ("/x",), "app"), pipeline_dirs=[Path(lab.folder)])
