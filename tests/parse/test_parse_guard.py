"""A pattern that runs away on a line is interrupted; the line is shipped raw, the others as ever."""

import json
import signal

import pytest
from support.agents import Site

from shipper.grok.timeout import MatchTimeout
from shipper.hashes import chain_start, chains, tally_of
from shipper.overview import overview
from shipper.parse.definition import load_pipeline
from shipper.parse.file_parser import RUNAWAY, FileParser
from shipper.parse.guard import Guard
from shipper.records import Event, Source
from shipper.settings import InputSettings

DEFINITION = r"""
dataset: app.log
parse:
  - grok: ['^%{WORD:app.name} (?<app.twice>(?:\w{1,2}|\w\w?)+)!$']
timestamp: {by: modification}
"""
RUNAWAY_LINE = b"start " + b"a" * 60 + b"?\n"
LIMIT = 0.2


def events_of(*lines):
    links = chains(lines, chain_start("host", "app"))
    found, offset = [], 0
    for line, link in zip(lines, links, strict=True):
        found.append(Event(offset, tally_of([line]), link, line))
        offset += len(line)
    return found


@pytest.fixture
def definitions(tmp_path):
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "app.yml").write_text(DEFINITION)
    return folder


def parsed(definitions, guard, *lines, **changes):
    if changes:
        text = (definitions / "app.yml").read_text()
        (definitions / "app.yml").write_text(text + "".join(f"{key}: {value}\n" for key, value in changes.items()))
    settings = InputSettings("app", (), "app", timezone="UTC")
    pipeline = load_pipeline("app", settings, pipeline_dirs=[definitions], guard=guard)
    parser = pipeline.parser(Source("host", "app", "/x", "0" * 16), [], None)
    with guard.on():
        return parser.parse(events_of(*lines), modified=0.0, at_end=False)


def bodies(outcome):
    return [json.loads(document.body) for document in outcome.documents]


def test_only_the_line_that_runs_away_is_shipped_raw(definitions):
    outcome = parsed(definitions, Guard(LIMIT), b"one ab!\n", RUNAWAY_LINE, b"two cd!\n")
    first, raw, last = bodies(outcome)
    assert (first["app"], last["app"]) == ({"name": "one", "twice": "ab"}, {"name": "two", "twice": "cd"})
    assert RUNAWAY in raw["tags"]
    assert "app" not in raw
    assert raw["message"] == RUNAWAY_LINE.decode().strip()
    assert outcome.unparsed == 1


def test_the_pattern_that_ran_away_is_named(definitions):
    outcome = parsed(definitions, Guard(LIMIT), RUNAWAY_LINE)
    assert outcome.runaways == [r"^%{WORD:app.name} (?<app.twice>(?:\w{1,2}|\w\w?)+)!$"]


def test_every_runaway_of_a_chunk_is_interrupted_also_the_last_event(definitions):
    outcome = parsed(definitions, Guard(LIMIT), RUNAWAY_LINE, RUNAWAY_LINE, b"one ab!\n", RUNAWAY_LINE)
    assert [RUNAWAY in body["tags"] for body in bodies(outcome)] == [True, True, False, True]
    assert len({document.id for document in outcome.documents}) == 4


def test_what_is_redacted_is_redacted_in_a_runaway_line_too(definitions):
    rule = r"[{pattern: 'start', replace: '***'}]"
    outcome = parsed(definitions, Guard(LIMIT), RUNAWAY_LINE, redact=rule)
    assert bodies(outcome)[0]["message"].startswith("*** aaa")


def test_nothing_is_shipped_of_a_line_whose_redaction_runs_away(definitions):
    rule = r"[{pattern: '(?:\w{1,2}|\w\w?)+!', replace: '***'}]"
    outcome = parsed(definitions, Guard(LIMIT), RUNAWAY_LINE, b"two cd!\n", redact=rule)
    assert [body["message"] for body in bodies(outcome)] == ["", "two ***"]


def test_a_drop_rule_that_runs_away_drops_nothing(definitions):
    text = (definitions / "app.yml").read_text()
    (definitions / "app.yml").write_text(
        text.replace("(?<app.twice>", "(?<app.rest>.*)$|^%{WORD:app.name} (?<app.twice>")
    )
    rule = r"[{rule: odd, when: {app.rest: {regex: '^(?:\w{1,2}|\w\w?)+!$'}}}]"
    outcome = parsed(definitions, Guard(LIMIT), b"one ab!\n", RUNAWAY_LINE, b"two c\n", drop=rule)
    raw, last = bodies(outcome)
    assert [filtered.rule for filtered in outcome.filtered] == ["odd"]
    assert (RUNAWAY in raw["tags"], "app" in raw) == (True, False)
    assert last["app"] == {"name": "two", "rest": "c"}
    assert len({document.id for document in outcome.documents}) == 2


@pytest.mark.parametrize("drop", ["[{rule: odd, when: {app.name: {equal: one}}}]", "[]"], ids=["dropping", "shipping"])
def test_an_event_that_is_interrupted_when_it_is_just_done_with_has_one_fate(definitions, monkeypatch, drop):
    document = FileParser._document

    def late(parser, draft, outcome):
        kept = document(parser, draft, outcome)
        if draft.message == "two cd!":
            raise MatchTimeout
        return kept

    monkeypatch.setattr(FileParser, "_document", late)
    outcome = parsed(definitions, Guard(), b"one ab!\n", b"two cd!\n", b"six ef!\n", drop=drop)
    shipped = [body["message"] for body in bodies(outcome)]
    assert shipped == (["one ab!"] if drop == "[]" else []) + ["two cd!", "six ef!"]
    assert len({document.id for document in outcome.documents} - {""}) == len(shipped)
    assert outcome.runaways == []


def test_a_thousand_lines_that_together_take_longer_than_the_limit_are_no_runaways(definitions):
    guard = Guard(0.01)
    outcome = parsed(definitions, guard, *[b"one %s!\n" % (b"ab" * 8) for _ in range(20_000)])
    assert (outcome.runaways, outcome.unparsed) == ([], 0)


def test_the_timer_is_gone_afterwards(definitions):
    parsed(definitions, Guard(LIMIT), b"one ab!\n")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_an_agent_ships_the_line_and_status_names_the_pattern(definitions, tmp_path):
    site = Site(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*.log",), "app", timezone="UTC"))
    site.with_settings(pipeline_dirs=(definitions,), parse_timeout=LIMIT)
    (site.logs / "a.log").write_bytes(b"one ab!\n" + RUNAWAY_LINE + b"two cd!\n")
    totals = site.once()

    assert totals.unparsed == 1
    assert [RUNAWAY in json.loads(body)["tags"] for _, _, body in site.documents()].count(True) == 1
    assert site.events.counts["pattern_ran_away"] == 1
    (stall,) = overview(site.settings).stalls
    assert stall.scope == "pipeline app"
    assert "app.twice" in stall.reason
