"""`shipper dead-letters` on a real state and a real index."""

import gzip
import io
import json
import sqlite3

import pytest

from shipper.cli import execute
from shipper.commit.ledger import Advance
from shipper.commit.state import State
from shipper.dead_letters import ATTEMPTS, located, retry
from shipper.errors import Exit
from shipper.hashes import tally_of
from shipper.records import STORED, Batch, Document, FileRow, Outcome, OutcomeKind, Receipt, Refusal, Source
from shipper.send.sqlite import SQLiteOutput
from shipper.settings import Settings, SQLiteSettings
from shipper.start import locked

HOST = "dtn01.example.org"
LINES = [f"line {number} of the log, long enough to tell it from others\n".encode() for number in range(9)]


class Place:
    """A folder with a configuration, a log, an index, and a state in which some lines are dead letters."""

    def __init__(self, folder):
        self.configuration = folder / "shipper.yml"
        self.configuration.write_text(
            f"host: {HOST}\nstate: state\ninputs: [{{name: app, paths: [logs/*], pipeline: raw}}]\n"
        )
        self.folder = folder
        self.log = folder / "logs" / "a.log"
        self.log.parent.mkdir()
        self.log.write_bytes(b"".join(LINES))
        self.output = SQLiteOutput(folder / "state" / "index.db")
        self.state = State.open(folder / "state", HOST)
        self.state.use_output(self.output.identity)

    def bury(self, *numbers):
        """Make dead letters of lines; the others are stored."""
        row = FileRow(0, "app", str(self.log), str(self.log), 1, 1, "0" * 16, 0, 0, 0, 0, None, "")
        source = Source(HOST, "app", str(self.log), "0" * 16, self.state.files.add(row, None).id)
        dead = [Refusal(document(source, number), "mapping", f"no field for line {number}") for number in numbers]
        fates = {
            (0, "stored"): tally_of([line for number, line in enumerate(LINES) if number not in numbers]),
            (0, "dead:mapping"): tally_of([LINES[number] for number in numbers]),
        }
        end = sum(map(len, LINES))
        self.state.commit([Advance(source.file, end, 0, 0, "{}", "", fates, dead)], 1_795_262_400.0)
        return dead

    def lines_by_fate(self):
        return {row.fate: row.tally for row in self.state.ledger()}

    def stored_ids(self):
        with sqlite3.connect(self.folder / "state" / "index.db") as index:
            rows = index.execute("SELECT id FROM documents ORDER BY offset").fetchall()
        index.close()
        return [row[0] for row in rows]


def document(source, number):
    line, offset = LINES[number], sum(map(len, LINES[:number]))
    body = json.dumps({"message": line.decode().rstrip(), "tags": []}).encode()
    name = f"-id{number}".ljust(24, "x")
    return Document(name, source, "raw", "raw-default-2026.11", 0, offset, tally_of([line]), "p", body)


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.state.close()
    made.output.close()


def call(place, capsys, *arguments):
    code = execute(["dead-letters", arguments[0], "-c", str(place.configuration), "--json", *arguments[1:]])
    return code, json.loads(capsys.readouterr().out)


def test_the_list_tells_line_reason_and_text(place, capsys):
    place.bury(2, 5)
    code, answer = call(place, capsys, "list")
    assert code == Exit.CLEAN
    assert [(letter["line"], letter["reason"]) for letter in answer["dead_letters"]] == [
        (3, "no field for line 2"),
        (6, "no field for line 5"),
    ]
    assert answer["dead_letters"][0] == {
        "id": "-id2".ljust(24, "x"),
        "refused_at": "2026-11-21T12:00:00Z",
        "input": "app",
        "path": str(place.log),
        "line": 3,
        "offset": sum(map(len, LINES[:2])),
        "category": "mapping",
        "reason": "no field for line 2",
        "text": LINES[2].decode().rstrip(),
    }


def test_a_line_number_is_told_only_where_the_line_still_is(place):
    place.bury(2, 5)
    letters, rows = place.state.dead_letters.all(), place.state.files.all()
    place.log.write_bytes(b"".join(LINES).replace(b"line 2", b"LINE 2"))
    assert [found.line for found in located(letters, rows)] == [None, 6]
    place.log.write_bytes(b"".join(LINES[:3]))
    assert [found.line for found in located(letters, rows)] == [3, None]
    place.log.write_bytes(gzip.compress(b"".join(LINES)))
    assert [found.line for found in located(letters, rows)] == [3, 6]
    place.log.unlink()
    assert [found.line for found in located(letters, rows)] == [None, None]


def test_people_get_a_table_without_control_characters(place, capsys):
    escape = b"\x1b[31mred\n"
    dead = place.bury(1)
    body = json.dumps({"message": escape.decode().rstrip()}).encode()
    refusal = Refusal(dead[0].document, "mapping", "server said \x1b]0;title\x07")
    refusal.document.body = body
    place.state.commit([Advance(1, 1, 0, 0, "{}", "", {}, [refusal])], 0.0)
    assert execute(["dead-letters", "list", "-c", str(place.configuration)]) == Exit.CLEAN
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"server said \x1b]0;title\x07" in text
    assert r"\x1b[31mred" in text


def test_without_a_state_there_are_none(tmp_path, capsys):
    path = tmp_path / "shipper.yml"
    path.write_text(f"host: {HOST}\nstate: state\ninputs: [{{name: app, paths: [x], pipeline: raw}}]\n")
    assert execute(["dead-letters", "list", "-c", str(path)]) == Exit.CLEAN
    assert capsys.readouterr().out == "There are no dead letters.\n"
    assert execute(["dead-letters", "retry", "--all", "-c", str(path)]) == Exit.CLEAN
    assert not (tmp_path / "state").exists()


def test_show_gives_the_whole_document_also_of_an_id_that_begins_with_a_hyphen(place, capsys):
    (dead,) = place.bury(4)
    code, answer = call(place, capsys, "show", dead.document.id)
    assert code == Exit.CLEAN
    assert answer["document"] == {"message": LINES[4].decode().rstrip(), "tags": []}
    assert (answer["index"], answer["lines"], answer["line"]) == ("raw-default-2026.11", 1, 5)


def test_an_unknown_id_is_a_mistake(place, capsys):
    place.bury(4)
    for command in ("show", "retry"):
        assert execute(["dead-letters", command, "-c", str(place.configuration), "nothing"]) == Exit.USAGE
        assert "There is no dead letter nothing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--all", "-id2".ljust(24, "x")]])
def test_retry_wants_either_ids_or_all(place, capsys, arguments):
    place.bury(2)
    assert execute(["dead-letters", "retry", "-c", str(place.configuration), *arguments]) == Exit.USAGE
    assert "--all" in capsys.readouterr().err


def test_retry_of_one_stores_it_and_moves_its_tally_from_dead_to_stored(place, capsys):
    first, second = place.bury(2, 5)
    code, answer = call(place, capsys, "retry", first.document.id)
    nothing = {"refused": {}, "undelivered": {}, "given_up": []}
    assert (code, answer) == (Exit.CLEAN, {"stored": [first.document.id], **nothing})
    assert place.stored_ids() == [first.document.id]
    assert place.lines_by_fate() == {
        "stored": tally_of([line for number, line in enumerate(LINES) if number != 5]),
        "dead:mapping": tally_of([LINES[5]]),
    }
    assert [letter["id"] for letter in call(place, capsys, "list")[1]["dead_letters"]] == [second.document.id]


def test_retry_of_all_empties_the_list(place, capsys):
    dead = place.bury(2, 5, 7)
    code, answer = call(place, capsys, "retry", "--all")
    assert (code, len(answer["stored"])) == (Exit.CLEAN, 3)
    assert place.stored_ids() == [refusal.document.id for refusal in dead]
    assert place.lines_by_fate() == {"stored": tally_of(LINES)}
    code, answer = call(place, capsys, "retry", "--all")
    assert (code, answer["stored"], answer["refused"]) == (Exit.CLEAN, [], {})


def test_a_letter_that_is_stored_already_is_settled_and_not_doubled(place, capsys):
    (dead,) = place.bury(2)
    call(place, capsys, "retry", "--all")
    place.state.commit([Advance(1, 1, 0, 0, "{}", "", {}, [dead])], 0.0)
    assert call(place, capsys, "retry", "--all")[1]["stored"] == [dead.document.id]
    assert place.stored_ids() == [dead.document.id]


def test_retry_while_an_agent_runs_is_refused(place, capsys):
    place.bury(2)
    with locked(place.folder / "state"):
        assert execute(["dead-letters", "retry", "--all", "-c", str(place.configuration)]) == Exit.UNFINISHED
    assert "an agent runs" in capsys.readouterr().err
    assert place.stored_ids() == []


class Clock:
    """Time that passes only by waiting."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def wait(self, bell, seconds):
        self.now += seconds
        return False


class Scripted:
    """An output that gives one outcome per document and request."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, batch):
        self.sent.append([document.id.rstrip("x") for document in batch.documents])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Receipt(batch, [answer(document) for document in batch.documents])


REFUSED = Outcome(OutcomeKind.REFUSED, "mapping", "still no field")
AWAY = Outcome(OutcomeKind.RETRY, "unreachable", "connection refused")


def retried(place, output, **sizes):
    settings = Settings(HOST, place.folder, (), SQLiteSettings(place.folder), **sizes)
    letters = place.state.dead_letters.all()
    return retry(letters, place.state, output, settings, Clock(), lambda: 1.0)


def test_what_is_refused_again_stays_with_the_new_reason_told(place):
    first, second = place.bury(2, 5)
    found = retried(place, Scripted(lambda d: REFUSED if d.id == first.document.id else STORED))
    assert found.stored == [second.document.id]
    assert found.refused == {first.document.id: "still no field"}
    assert [letter.refusal.document.id for letter in place.state.dead_letters.all()] == [first.document.id]


def test_an_output_that_is_away_is_tried_again_and_then_given_up(place):
    (dead,) = place.bury(2)
    output = Scripted(lambda d: AWAY)
    found = retried(place, output)
    assert len(output.sent) == ATTEMPTS
    assert found.undelivered == {dead.document.id: "connection refused"}
    assert found.stored == []
    assert len(place.state.dead_letters.all()) == 1


def test_an_output_that_comes_back_gets_only_what_it_lacks(place):
    place.bury(2, 5)
    output = Scripted(lambda d: STORED if d.id.startswith("-id2") else AWAY, lambda d: STORED)
    found = retried(place, output)
    assert output.sent == [["-id2", "-id5"], ["-id5"]]
    assert (len(found.stored), found.undelivered, found.refused) == (2, {}, {})


def test_many_letters_leave_in_batches(place):
    place.bury(1, 2, 3, 4, 5)
    output = Scripted(lambda d: STORED)
    assert len(retried(place, output, batch_documents=2).stored) == 5
    assert [len(sent) for sent in output.sent] == [2, 2, 1]


def test_what_is_discarded_is_listed_no_more_and_still_counts(place, capsys):
    place.bury(1, 2, 5)
    before = place.lines_by_fate()
    names = [f"-id{number}".ljust(24, "x") for number in (1, 2, 5)]
    assert call(place, capsys, "discard", "--yes", names[1]) == (Exit.CLEAN, {"discarded": 1})
    _, answer = call(place, capsys, "list")
    assert [letter["id"] for letter in answer["dead_letters"]] == [names[0], names[2]]
    assert execute(["dead-letters", "show", "-c", str(place.configuration), names[1]]) == Exit.USAGE
    assert place.lines_by_fate() == before
    assert place.state.dead_letters.waiting() == {"mapping": 2}
    assert set(place.state.dead_letters.categories()) == set(names)


def test_discarding_a_category_makes_room(place, capsys):
    place.bury(1, 2, 5)
    assert place.state.dead_letters.bytes() > 200
    assert place.state.dead_letters.last_refusals()
    assert call(place, capsys, "discard", "--yes", "--category", "mapping") == (Exit.CLEAN, {"discarded": 3})
    assert place.state.dead_letters.bytes() == 0
    assert not place.state.dead_letters.last_refusals()
    assert call(place, capsys, "discard", "--yes", "--all") == (Exit.CLEAN, {"discarded": 0})


def test_nothing_is_discarded_without_a_yes(place, capsys, monkeypatch):
    place.bury(1)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert execute(["dead-letters", "discard", "-c", str(place.configuration), "--all"]) == Exit.INTERRUPTED
    assert "1 document will never be stored. Discard?" in capsys.readouterr().err
    assert place.state.dead_letters.waiting() == {"mapping": 1}


@pytest.mark.parametrize("arguments", [[], ["--all", "--category", "mapping"], ["--category", "other"]])
def test_discard_wants_to_know_which(place, capsys, arguments):
    place.bury(1)
    assert execute(["dead-letters", "discard", "--yes", "-c", str(place.configuration), *arguments]) == Exit.USAGE
    assert "--category" in capsys.readouterr().err


def test_what_was_discarded_and_is_stored_all_the_same_counts_as_stored(place, capsys):
    refusals = place.bury(1, 2, 5)
    names = [f"-id{number}".ljust(24, "x") for number in (1, 2)]
    place.output.send(Batch(1, [refusals[0].document], 0))
    assert call(place, capsys, "discard", "--yes", *names) == (Exit.CLEAN, {"discarded": 2})
    code, answer = call(place, capsys, "retry", *names)
    assert (code, answer["stored"], answer["given_up"]) == (Exit.FINDINGS, [names[0]], [names[1]])
    code, answer = call(place, capsys, "retry", "--all")
    assert (code, answer["stored"], answer["given_up"]) == (Exit.CLEAN, ["-id5".ljust(24, "x")], [names[1]])
    assert place.lines_by_fate()["dead:mapping"] == tally_of([LINES[2]])
    assert set(place.state.dead_letters.categories()) == {names[1]}
