"""When the files are looked at, what is taken as one set, and what is remembered."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest
from support.clock import VirtualClock

from shipper.commit.state import State
from shipper.errors import ConfigurationError
from shipper.events_log import EventsLog, silent
from shipper.parse.guard import Guard
from shipper.reload.accepted import accept, accepted_pipelines, pipelines_in_force
from shipper.reload.reloader import SETTLED, Reloader
from shipper.reload.requests import Request, Verdict, answer_to, leave_request, take_request
from shipper.settings import InputSettings, Settings, SQLiteSettings

DEFINITION = "dataset: app.log\nparse: [{grok: ['%{APP}']}]\ntimestamp: {by: modification}\n"
HOST = "dtn01.example.org"


class Bench:
    """A reloader without an agent: two inputs, one pipeline each, and a pattern file that both use."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "pipelines").mkdir()
        (folder / "patterns").mkdir()
        (folder / "logs").mkdir()
        self.define("one", DEFINITION)
        self.define("two", DEFINITION.replace("APP", "APP} %{WORD:app.more").replace("app.log", "app.two"))
        self.pattern("APP %{WORD:app.word}")
        inputs = tuple(
            InputSettings(name, (f"{folder}/logs/{name}.log",), name, timezone="UTC") for name in ("one", "two")
        )
        self.settings = Settings(
            HOST,
            folder / "state",
            inputs,
            SQLiteSettings(folder / "index.db"),
            pipeline_dirs=(folder / "pipelines",),
            pattern_dirs=(folder / "patterns",),
        )
        self.clock = VirtualClock()
        self.events = EventsLog(silent)
        self.state = State.open(self.settings.state, HOST)
        self.serial = 0

    def define(self, name, text):
        (self.folder / "pipelines" / f"{name}.yml").write_text(text)

    def pattern(self, text):
        (self.folder / "patterns" / "app.grok").write_text(text + "\n")

    def started(self):
        found = Reloader(self.settings, Guard(), self.state, self.clock, self.events, lambda: 0.0)
        found.start()
        accept(self.state, found.pipelines)
        return found

    def rows(self, reloader, accept=None):
        self.serial += 1
        leave_request(self.settings.state, Request(str(self.serial), accept))
        changed = reloader.look(asked=True)
        rows = {row.input: row for row in answer_to(str(self.serial), self.state.pins())}
        assert {name for name, row in rows.items() if row.verdict is Verdict.TAKEN} == set(changed)
        return rows


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.state):
        yield made


def test_changes_are_taken_once_they_have_not_changed_for_two_seconds(bench):
    reloader = bench.started()
    assert reloader.look(asked=False) == {}
    bench.pattern("APP %{WORD:app.word}(?: %{NUMBER:app.number})?")
    assert reloader.look(asked=False) == {}
    bench.clock.advance(bench.settings.rescan)
    assert reloader.look(asked=False) == {}
    bench.clock.advance(SETTLED / 2)
    bench.pattern("APP %{WORD:app.word}(?: %{NUMBER:app.numbers})?")
    assert reloader.look(asked=False) == {}
    bench.clock.advance(SETTLED / 2)
    assert reloader.look(asked=False) == {}
    bench.clock.advance(SETTLED)
    assert set(reloader.look(asked=False)) == {"one", "two"}
    assert "app.numbers" in reloader.pipelines["one"].field_types
    bench.clock.advance(bench.settings.rescan)
    assert reloader.look(asked=False) == {}
    assert bench.events.counts["reload_taken"] == 2


def test_one_who_asks_does_not_wait(bench):
    reloader = bench.started()
    bench.pattern("APP %{WORD:app.word}(?: %{NUMBER:app.number})?")
    assert {row.verdict for row in bench.rows(reloader).values()} == {Verdict.TAKEN}
    assert {row.verdict for row in bench.rows(reloader).values()} == {Verdict.UNCHANGED}


def test_the_files_are_one_set_so_a_mistake_in_one_keeps_all_from_being_taken(bench):
    reloader = bench.started()
    before = dict(reloader.pipelines)
    bench.define("one", DEFINITION.replace("timestamp", "timestemp"))
    bench.define("two", DEFINITION.replace("'%{APP}'", "'%{APP}(?: %{WORD:app.more})?'").replace("app.log", "app.two"))
    rows = bench.rows(reloader)
    assert rows["one"].new is None
    assert "timestemp" in " ".join(rows["one"].reasons)
    assert f"{bench.folder}/pipelines/one.yml:" in rows["one"].reasons[0]
    assert rows["two"].verdict is Verdict.REFUSED
    assert reloader.pipelines == before
    assert set(reloader.troubles()) == {"pipeline one", "pipeline two"}

    bench.define("one", DEFINITION)
    assert bench.rows(reloader)["two"].verdict is Verdict.TAKEN
    assert reloader.troubles() == {}


def test_a_change_that_is_worse_for_one_input_is_taken_for_the_other(bench):
    (bench.folder / "logs" / "one.log").write_bytes(b"word\n" * 20)
    reloader = bench.started()
    bench.pattern("APP %{WORD:app.word} %{NUMBER:app.number}")
    rows = bench.rows(reloader)
    assert (rows["one"].verdict, rows["two"].verdict) == (Verdict.REFUSED, Verdict.TAKEN)
    assert "_grokparsefailure on 20 of 20 recent events, before on 0." in rows["one"].reasons
    assert bench.rows(reloader, accept=rows["one"].new)["one"].verdict is Verdict.TAKEN


def test_a_refusal_is_logged_once(bench):
    (bench.folder / "logs" / "one.log").write_bytes(b"word\n" * 20)
    reloader = bench.started()
    bench.pattern("APP %{WORD:app.word} %{NUMBER:app.number}")
    bench.rows(reloader)
    bench.rows(reloader)
    assert bench.events.counts["reload_refused"] == 1


def test_a_restart_with_broken_files_uses_the_same_versions(bench):
    before = {name: each.version for name, each in bench.started().pipelines.items()}
    bench.pattern("APP %{NOWHERE:app.word}")
    again = bench.started()
    assert {name: each.version for name, each in again.pipelines.items()} == before
    assert set(again.troubles()) == {"pipeline one", "pipeline two"}
    with pipelines_in_force(bench.settings) as found:
        assert {name: each.version for name, each in found.items()} == before


def remove_patterns(bench):
    shutil.rmtree(bench.folder / "patterns")


def remove_pipelines(bench):
    shutil.rmtree(bench.folder / "pipelines")


def write_binary_patterns(bench):
    (bench.folder / "patterns" / "app.grok").write_bytes(b"APP \xff\xfe\n")


def write_binary_pipeline(bench):
    bench.define("one", "\0: [")


def write_empty_pipeline(bench):
    bench.define("one", "")


def write_list_as_pipeline(bench):
    bench.define("one", "- 1\n- 2\n")


def write_pipeline_that_is_nested_too_deeply(bench):
    bench.define("one", "a: " + 3000 * "[" + 3000 * "]")


def write_pattern_that_is_nested_too_deeply(bench):
    bench.pattern("APP " + 5000 * "(" + 5000 * ")")


def write_pattern_that_refers_to_itself(bench):
    bench.pattern("APP %{APP}")


def write_samples_that_are_none(bench):
    (bench.folder / "pipelines" / "samples").mkdir()
    (bench.folder / "pipelines" / "samples" / "one.yml").write_text("{{{")
    bench.define("one", DEFINITION.replace("'%{APP}'", "'%{APP}(?: %{WORD:app.more})?'"))


@pytest.mark.parametrize(
    "damage",
    [
        remove_patterns,
        remove_pipelines,
        write_binary_patterns,
        write_binary_pipeline,
        write_empty_pipeline,
        write_list_as_pipeline,
        write_pipeline_that_is_nested_too_deeply,
        write_pattern_that_is_nested_too_deeply,
        write_pattern_that_refers_to_itself,
        write_samples_that_are_none,
    ],
)
def test_whatever_is_wrong_with_the_files_takes_no_agent_down(bench, damage):
    reloader = bench.started()
    before = dict(reloader.pipelines)
    damage(bench)
    row = bench.rows(reloader)["one"]
    assert row.verdict is Verdict.REFUSED
    assert row.reasons
    assert reloader.pipelines == before
    again = bench.started()
    assert {name: each.version for name, each in again.pipelines.items()} == {
        name: each.version for name, each in before.items()
    }


def test_a_restart_takes_what_is_better(bench):
    before = bench.started().pipelines["one"].version
    bench.pattern("APP %{WORD:app.word}(?: %{NUMBER:app.number})?")
    assert bench.started().pipelines["one"].version != before


def test_an_input_that_was_never_shipped_needs_correct_files(bench):
    bench.pattern("APP %{NOWHERE:app.word}")
    with pytest.raises(ConfigurationError, match="NOWHERE"):
        bench.started()


def test_what_an_input_says_of_parsing_now_holds_for_the_recorded_definition_too(bench):
    bench.started()
    bench.pattern("APP %{NOWHERE:app.word}")
    one, two = bench.settings.inputs
    moved = InputSettings(one.name, one.paths, one.pipeline, timezone="Europe/Rome")
    settings = Settings(HOST, bench.settings.state, (moved, two), bench.settings.output)
    found = accepted_pipelines(bench.state, settings, Guard())
    assert '"timezone":"Europe/Rome"' in found["one"].definition


def test_an_input_that_names_another_pipeline_does_not_fall_back_to_the_old_one(bench):
    bench.started()
    one, two = bench.settings.inputs
    other = InputSettings(one.name, one.paths, "two", timezone="UTC")
    settings = Settings(HOST, bench.settings.state, (other, two), bench.settings.output)
    assert set(accepted_pipelines(bench.state, settings, Guard())) == {"two"}


def test_a_request_is_taken_once_and_one_that_is_not_whole_is_none(tmp_path):
    assert take_request(tmp_path) is None
    leave_request(tmp_path, Request("1", "abc"))
    assert (take_request(tmp_path), take_request(tmp_path)) == (Request("1", "abc"), None)
    (tmp_path / "reload.json").write_text('{"id": ')
    assert take_request(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
