"""`shipper status` on real files and a real state."""

import gzip
import json
import os
from dataclasses import replace

import pytest

from shipper.cli import execute
from shipper.cli.console import age_text, size_text, visible
from shipper.cli.status import MOST_FILES
from shipper.clock import SystemClock
from shipper.commit.ledger import Advance
from shipper.commit.state import Stall, State
from shipper.errors import Exit
from shipper.hashes import chain_start, chains, fingerprint, guard_of, head_length, tally_of
from shipper.read.recognise import finished_stamp
from shipper.records import Document, FileRow, Mark, MarkKind, Refusal, Source
from shipper.send.sqlite import SQLiteOutput
from shipper.start import locked

HOST = "dtn01.example.org"
LINE = b"a line of a log that is long enough to have a head of its own\n"


class Place:
    """A folder with a configuration, logs and a state, and what an agent would have written into it."""

    def __init__(self, folder):
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.configuration = folder / "shipper.yml"
        self.configuration.write_text(
            f"host: {HOST}\nstate: state\ninputs: [{{name: app, paths: [logs/*], pipeline: raw}}]\n"
        )

    def state(self):
        state = State.open(self.folder / "state", HOST)
        state.use_output("here")
        return state

    def log(self, name, data):
        path = self.logs / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def settle(self, state, path, content, *, fates=None, marks=(), dead=(), finished=""):
        """As if the agent had shipped this content of the file."""
        status = path.stat()
        head = content[: head_length(content, complete=True) or 0]
        lines = content.splitlines(keepends=True)
        chain = [chain_start(HOST, "app"), *chains(lines, chain_start(HOST, "app"))][-1]
        mark = fingerprint(HOST, "app", head)
        new = FileRow(
            0, "app", str(path), str(path), status.st_dev, status.st_ino, mark, status.st_size, 0, 0, 0, None, "",
            list(marks),
        )  # fmt: skip
        row = state.files.add(new, None)
        tallies = {(0, "stored"): tally_of(lines)} if fates is None else fates
        state.commit(
            [Advance(row.id, len(content), chain, guard_of(content[-1024:]), "{}", finished, tallies, list(dead))], 0.0
        )
        return row


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "patterns_dir: gone",
        "pipelines_dir: gone",
        "output: {elasticsearch: {hosts: ['https://es1'], api_key_file: gone}}",
    ],
)
def test_status_answers_where_what_the_agent_was_started_with_is_gone(place, capsys, line):
    with place.configuration.open("a") as file:
        file.write(f"{line}\n")
    assert execute(["check", "-c", str(place.configuration)]) == Exit.USAGE
    path = place.log("app.log", LINE)
    place.settle(place.state(), path, LINE)
    capsys.readouterr()
    code, found = status(place, capsys)
    assert (code, found["totals"]["stored"]) == (Exit.CLEAN, 1)


def status(place, capsys):
    code = execute(["status", "-c", str(place.configuration), "--json"])
    return code, json.loads(capsys.readouterr().out)


def by_name(answer):
    return {file["path"].rpartition("/")[2]: file for file in answer["files"]}


def test_without_a_state_every_file_is_told_by_what_it_holds(place, capsys):
    place.log("empty.log", b"")
    place.log("header.log", b"#15#c_ip:1 c_port:2\n")
    place.log("new.log", LINE)
    place.log("new.gz", LINE)
    (place.logs / "unfinished.gz").write_bytes(gzip.compress(LINE * 9)[:12])
    code, answer = status(place, capsys)
    assert code == Exit.CLEAN
    assert {name: file["state"] for name, file in by_name(answer).items()} == {
        "empty.log": "empty",
        "header.log": "header only",
        "new.log": "new",
        "new.gz": "new",
        "unfinished.gz": "unfinished archive",
    }
    assert (answer["agent"], answer["output"]) == ("stopped", None)
    assert not (place.folder / "state").exists()


def test_files_are_told_by_how_far_they_are(place, capsys):
    state = place.state()
    done = place.log("done.log", LINE)
    place.settle(state, done, LINE)
    behind = place.log("behind.log", b"1" + LINE * 3)
    place.settle(state, behind, b"1" + LINE)
    partial = place.log("partial.log", b"2" + LINE + b"half")
    place.settle(state, partial, b"2" + LINE)
    gone = place.log("gone.log", b"3" + LINE)
    place.settle(state, gone, b"3" + LINE)
    gone.unlink()
    code, answer = status(place, capsys)
    files = by_name(answer)
    assert code == Exit.CLEAN
    assert {name: (file["state"], file["lag_bytes"]) for name, file in files.items()} == {
        "done.log": ("caught up", 0),
        "behind.log": ("reading", 2 * len(LINE)),
        "partial.log": ("holding a partial line", 4),
        "gone.log": ("gone", 0),
    }
    assert answer["totals"]["stored"] == 4
    assert answer["totals"]["lag_bytes"] == 2 * len(LINE) + 4
    assert answer["output"] == "here"


def test_a_file_that_was_renamed_while_no_agent_ran_is_still_the_same(place, capsys):
    path = place.log("a.log", LINE * 2)
    place.settle(place.state(), path, LINE)
    path.rename(place.logs / "a.log.1")
    _, answer = status(place, capsys)
    assert {name: file["state"] for name, file in by_name(answer).items()} == {"a.log.1": "reading"}


def states(answer):
    return sorted((file["path"].rpartition("/")[2], file["state"], file["lag_bytes"]) for file in answer["files"])


def test_a_file_whose_name_leads_to_another_one_is_replaced_and_that_one_is_new(place, capsys):
    path = place.log("a.log", LINE)
    place.settle(place.state(), path, LINE)
    path.rename(place.folder / "elsewhere")
    place.log("a.log", b"other " + LINE)
    code, answer = status(place, capsys)
    assert states(answer) == [("a.log", "new", len(LINE) + 6), ("a.log", "replaced", 0)]
    assert code == Exit.CLEAN


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("a.log", "empty", 0)),
        (b"other", ("a.log", "header only", 5)),
        (b"other " + LINE * 9, ("a.log", "new", 6 + 9 * len(LINE))),
    ],
)
def test_a_file_that_was_truncated_is_replaced_whatever_it_has_grown_to_since(place, capsys, content, expected):
    path = place.log("a.log", LINE * 2)
    place.settle(place.state(), path, LINE * 2)
    path.write_bytes(content)
    code, answer = status(place, capsys)
    assert states(answer) == [expected, ("a.log", "replaced", 0)]
    assert code == Exit.CLEAN


def test_an_archive_that_was_read_is_finished_until_it_changes(place, capsys):
    path = place.log("old.gz", LINE * 4)
    stamp = path.stat()
    place.settle(place.state(), path, LINE * 4, finished=finished_stamp(stamp.st_size, stamp.st_mtime_ns))
    assert states(status(place, capsys)[1]) == [("old.gz", "finished", 0)]
    place.log("old.gz", LINE * 5)
    assert states(status(place, capsys)[1]) == [("old.gz", "new", None), ("old.gz", "replaced", 0)]


def test_every_file_is_told_with_its_identity(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE * 2)
    row = place.settle(state, path, LINE)
    moved = path.rename(place.logs / "a.log.1")
    place.log("short.log", b"x")
    files = by_name(status(place, capsys)[1])
    known = files["a.log.1"]
    assert (known["path"], known["first_path"]) == (str(moved), str(path))
    assert known["fingerprint"] == row.fingerprint
    assert (known["device"], known["inode"]) == (moved.stat().st_dev, moved.stat().st_ino)
    assert (known["size"], known["checkpoint"]) == (2 * len(LINE), len(LINE))
    assert (files["short.log"]["fingerprint"], files["short.log"]["checkpoint"]) == (None, 0)


def test_what_was_unread_of_a_file_that_vanished_is_worth_a_look_unless_an_agent_holds_it(place, capsys):
    path = place.log("a.log", LINE * 2)
    place.settle(place.state(), path, LINE)
    path.unlink()
    code, answer = status(place, capsys)
    assert (code, states(answer)) == (Exit.FINDINGS, [("a.log", "gone", len(LINE))])
    assert answer["files"][0]["needs_attention"]
    with locked(place.folder / "state"):
        assert status(place, capsys)[0] == Exit.CLEAN


def test_what_was_unread_of_a_file_that_vanished_is_not_missed_where_its_copy_was_read(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE * 2)
    place.settle(state, path, LINE)
    place.settle(state, place.log("a.log.gz", LINE * 2), LINE * 2)
    path.unlink()
    code, answer = status(place, capsys)
    assert (code, by_name(answer)["a.log"]["lag_bytes"]) == (Exit.CLEAN, 0)


def test_copies_and_archives_are_counted_once_in_the_totals(place, capsys):
    state = place.state()
    grown = place.log("grown.log", LINE * 5)
    place.settle(state, grown, LINE * 5)
    place.settle(state, place.log("copy.log", LINE * 3), LINE * 3)
    place.settle(state, place.log("old.gz", LINE * 4), LINE * 4)
    other = LINE + b"and then another way\n"
    place.settle(state, place.log("parted.log", other), other)
    _, answer = status(place, capsys)
    assert answer["totals"]["stored"] == 7
    assert {name: file["lines"]["stored"] for name, file in by_name(answer).items()} == {
        "grown.log": 5,
        "copy.log": 3,
        "old.gz": 4,
        "parted.log": 2,
    }


def refusal(path):
    source = Source(HOST, "app", str(path), "0" * 16)
    return Refusal(
        Document("i" * 24, source, "app", "app-default", 0, 0, tally_of([LINE]), "p", b"{}"), "mapping", "no"
    )


def test_stalls_dead_letters_and_losses_are_worth_a_look(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE)
    fates = {(0, "dead:mapping"): tally_of([LINE]), (0, "filtered:header"): tally_of([LINE, LINE])}
    place.settle(state, path, LINE, fates=fates, marks=[Mark(0, MarkKind.GAP, "truncated:30")], dead=[refusal(path)])
    state.note_stalls([Stall("output", "The output is away since a while.", 0.0)])
    code, answer = status(place, capsys)
    assert code == Exit.FINDINGS
    assert answer["dead_letters"] == {"mapping": 1}
    assert answer["stalls"] == [
        {"scope": "output", "reason": "The output is away since a while.", "since": "1970-01-01T00:00:00Z"}
    ]
    (file,) = answer["files"]
    assert file["lines"] == {"stored": 0, "filtered": {"header": 2}, "dead_letters": {"mapping": 1}}
    assert file["lost_bytes"] == 30
    assert file["last_error"] == {"message": "mapping: no", "at": "1970-01-01T00:00:00Z"}
    assert file["needs_attention"]


@pytest.mark.parametrize(("copied", "lost"), [(LINE * 3, 0), (LINE * 2, 40), (LINE + b"other " + LINE * 2, 40)])
def test_what_a_copy_of_a_truncated_file_kept_is_not_lost_at_the_source(place, capsys, copied, lost):
    state = place.state()
    path = place.log("a.log", LINE * 2)
    gap = Mark(2 * len(LINE), MarkKind.GAP, "truncated:40")
    place.settle(state, path, LINE * 2, marks=[gap])
    copy = place.log("a.log.1", copied)
    place.settle(state, copy, copied)
    path.unlink()

    code, answer = status(place, capsys)
    assert code == (Exit.FINDINGS if lost else Exit.CLEAN)
    assert by_name(answer)["a.log"]["lost_bytes"] == lost


@pytest.mark.parametrize("worry", ["stall", "truncated with lines unread", "damaged archive"])
def test_one_worry_is_enough_for_code_1(place, capsys, worry):
    state = place.state()
    if worry == "stall":
        state.note_stalls([Stall("output", "away", 0.0)])
    elif worry == "truncated with lines unread":
        place.settle(state, place.log("a.log", LINE * 2), LINE)
        (place.logs / "a.log").write_bytes(b"")
    else:
        (place.logs / "a.gz").write_bytes(gzip.compress(LINE)[:10] + b"nonsense" * 20)
    code, answer = status(place, capsys)
    assert code == Exit.FINDINGS, answer
    if worry == "damaged archive":
        assert answer["files"][0]["state"] == "unreadable"
        error = answer["files"][0]["last_error"]
        assert "a.gz: damaged archive" in error["message"]
        assert error["at"] is None


def test_what_is_wrong_with_a_file_is_told_with_the_time_since_when_the_agent_knows_it(place, capsys):
    state = place.state()
    path = place.log("a.gz", LINE)
    path.write_bytes(path.read_bytes()[:10] + b"nonsense" * 20)
    message = status(place, capsys)[1]["files"][0]["last_error"]["message"]
    state.note_stalls([Stall(f"file {path}", message, 60.0)])
    assert status(place, capsys)[1]["files"][0]["last_error"] == {"message": message, "at": "1970-01-01T00:01:00Z"}


def test_the_last_of_several_refusals_is_the_last_error(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE)
    row = place.settle(state, path, LINE)
    for name, at in (("first", 10.0), ("last", 30.0), ("second", 20.0)):
        document = replace(refusal(path).document, id=name.ljust(24, "x"))
        advance = Advance(
            row.id, len(LINE), 7, guard_of(LINE), "{}", "", {}, [Refusal(document, "mapping", f"the {name} one")]
        )
        state.commit([advance], at)
    error = status(place, capsys)[1]["files"][0]["last_error"]
    assert error == {"message": "mapping: the last one", "at": "1970-01-01T00:00:30Z"}


def test_a_running_agent_is_seen_by_its_lock_and_not_disturbed(place, capsys):
    place.state()
    assert status(place, capsys)[1]["agent"] == "stopped"
    with locked(place.folder / "state"):
        assert status(place, capsys)[1]["agent"] == "running"
    assert status(place, capsys)[1]["agent"] == "stopped"
    with locked(place.folder / "state"):
        pass


def test_a_commit_of_the_agent_is_seen_whole_at_the_next_look(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE * 2)
    row = place.settle(state, path, LINE)
    assert status(place, capsys)[1]["totals"]["stored"] == 1
    end = Advance(row.id, 2 * len(LINE), 7, guard_of(LINE * 2), "{}", "", {(0, "stored"): tally_of([LINE])}, [])
    state.commit([end], 0.0)
    answer = status(place, capsys)[1]
    assert (answer["totals"]["stored"], answer["files"][0]["state"]) == (2, "caught up")


def test_watching_looks_again_until_interrupted(place, capsys, monkeypatch):
    state, looks = place.state(), []

    def wait(clock, bell, seconds):
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt
        place.settle(state, place.log("later.log", LINE), LINE)
        return False

    monkeypatch.setattr(SystemClock, "wait", wait)
    assert execute(["status", "-c", str(place.configuration), "--watch"]) == Exit.INTERRUPTED
    assert looks == [2.0, 2.0]
    assert "later.log" in capsys.readouterr().out


def test_of_several_outputs_the_one_used_last_is_shown(place, capsys):
    state = place.state()
    path = place.log("a.log", LINE)
    place.settle(state, path, LINE)
    index = SQLiteOutput(place.folder / "state" / "index.db")
    state.use_output(index.identity)
    state.use_output("another")
    answer = status(place, capsys)[1]
    assert (answer["output"], answer["other_outputs"]) == ("another", ["here", index.identity])
    assert answer["files"][0]["state"] == "reading"
    index.close()


def test_people_get_a_table_without_control_characters(place, capsys):
    state = place.state()
    path = place.log("a\x1b[31m[b]\n.log", LINE * 2)
    place.settle(state, path, LINE)
    assert execute(["status", "-c", str(place.configuration)]) == Exit.CLEAN
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert r"logs/a\x1b[31m[b]\n.log" in text
    assert f"The agent is stopped on {HOST}" in text
    assert "reading" in text
    (line,) = [line for line in text.splitlines() if line.startswith("all")]
    assert line.split() == ["all", "1", str(len(LINE)), "B", "0", "s", "1", "0", "0", "shared", "lines", "once"]


def many_files(place):
    """More files than are shown: most are fine, some behind, one unreadable, one with a dead letter's error."""
    state = place.state()
    for number in range(MOST_FILES + 10):
        content = b"%d " % number + LINE
        path = place.log(f"{number:03}.log", content + LINE * (number < 3))
        os.utime(path, (1000.0 + number, 1000.0 + number))
        place.settle(state, path, content)
    damaged = place.log("damaged.gz", LINE)
    damaged.write_bytes(damaged.read_bytes()[:10] + b"nonsense" * 20)


def shown_files(text):
    return [
        line.rpartition("/")[2] for line in text.splitlines() if f"{os.sep}logs{os.sep}" in line and "Last" not in line
    ]


def test_of_many_files_those_that_need_attention_come_first_then_those_that_are_behind_longest(place, capsys):
    many_files(place)
    assert execute(["status", "-c", str(place.configuration)]) == Exit.FINDINGS
    text = capsys.readouterr().out
    assert shown_files(text) == ["damaged.gz", "000.log", "001.log", "002.log"]
    assert "27 files with nothing to look at; `--all` shows every file." in text
    (line,) = [line for line in text.splitlines() if line.startswith("app ")][:1]
    assert line.endswith("27 caught up, 3 reading, 1 unreadable")
    assert "Last error of" in text


def test_all_files_are_shown_when_asked_for(place, capsys):
    many_files(place)
    execute(["status", "-c", str(place.configuration), "--all"])
    text = capsys.readouterr().out
    assert shown_files(text)[:5] == ["damaged.gz", "000.log", "001.log", "002.log", "003.log"]
    assert len(shown_files(text)) == MOST_FILES + 11
    assert "--all" not in text


def test_of_too_many_files_that_are_behind_the_number_of_the_others_is_told(place, capsys):
    for number in range(MOST_FILES + 5):
        place.log(f"{number:03}.log", b"%d " % number + LINE)
    execute(["status", "-c", str(place.configuration)])
    text = capsys.readouterr().out
    assert len(shown_files(text)) == MOST_FILES
    assert "… and 5 more that are behind or need attention; `--all` shows every file." in text


def test_each_input_is_summed_up_also_one_without_files(place, capsys):
    inputs = "inputs: [{name: app, paths: [logs/*], pipeline: raw}, {name: none, paths: [none/*], pipeline: raw}]"
    place.configuration.write_text(f"host: {HOST}\nstate: state\n{inputs}\n")
    state = place.state()
    path = place.log("a.log", LINE * 3)
    os.utime(path, (1000.0, 1000.0))
    place.settle(state, path, LINE)
    answer = status(place, capsys)[1]
    app, none = answer["inputs"]["app"], answer["inputs"]["none"]
    assert (app["files"], app["states"], app["lag_bytes"], app["stored"]) == (1, {"reading": 1}, 2 * len(LINE), 1)
    assert app["lag_seconds"] == answer["files"][0]["lag_seconds"] == answer["totals"]["lag_seconds"] > 1e9
    assert (none["files"], none["states"], none["lag_bytes"], none["lag_seconds"]) == (0, {}, 0, 0.0)


def test_json_and_watch_exclude_each_other(place, capsys):
    assert execute(["status", "-c", str(place.configuration), "--json", "--watch"]) == Exit.USAGE
    assert "--watch" in capsys.readouterr().err


def test_a_damaged_state_is_an_error_with_the_ways_out(place, capsys):
    place.state().close()
    (place.folder / "state" / "state.db").write_bytes(b"not a database at all, but long enough to be read as one" * 99)
    assert execute(["status", "-c", str(place.configuration)]) == Exit.UNFINISHED
    assert "state.db" in capsys.readouterr().err


def test_a_state_of_another_user_is_an_error(place, capsys, monkeypatch):
    place.state().close()
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(place.folder / "state"))
    assert execute(["status", "-c", str(place.configuration)]) == Exit.UNFINISHED
    assert "this user may not look into the state" in capsys.readouterr().err


def test_sizes_are_told_in_the_unit_that_suits_them():
    assert [size_text(count) for count in (None, 0, 1023, 1024, 3 << 20, 5 << 40)] == [
        "?", "0 B", "1023 B", "1.0 KiB", "3.0 MiB", "5.0 TiB",
    ]  # fmt: skip


def test_what_is_not_printable_is_spelled_out():
    assert visible("a\tb\x1b\udcff–") == "a\\tb\\x1b\\udcff–"


def test_ages_are_told_in_the_unit_that_suits_them():
    assert [age_text(seconds) for seconds in (None, 0.4, 119.0, 120.0, 7199.0, 7200.0, 172_799.0, 864_000.0)] == [
        "?", "0 s", "119 s", "2 min", "120 min", "2 h", "48 h", "10 d",
    ]  # fmt: skip
