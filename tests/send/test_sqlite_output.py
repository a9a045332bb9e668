"""The embedded index: exact receipts, exact answers, readable as tables."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from shipper.errors import OutputError
from shipper.records import ALREADY_STORED, STORED, Batch, Document, OutcomeKind, Source, Tally
from shipper.send.output import Dataset, Scope
from shipper.send.sqlite import SQLiteOutput
from shipper.send.sqlite_file import connect_to_read

DATASET = Dataset("gridftp.transfer", "default", {"gridftp.nbytes": "long", "user.name": "keyword"})


def document(number: int, *, fingerprint: str = "a" * 16, offset: int | None = None) -> Document:
    body = b'{"message": "m%d", "log": {"file": {"path": "/l"}}, "gridftp": {"nbytes": %d}, "tags": ["t"]}'
    return Document(
        f"id{number:022d}",
        Source("h", "i", "/l", fingerprint),
        "gridftp.transfer",
        "gridftp.transfer-default-2026.11",
        number * 10**9,
        number * 100 if offset is None else offset,
        Tally(1, 100, number, number + 1),
        "p" * 16,
        body % (number, number),
    )


def batch(*documents: Document) -> Batch:
    return Batch(1, documents, sum(len(one.body) for one in documents))


@pytest.fixture
def output(tmp_path):
    with closing(SQLiteOutput(tmp_path / "index.db", [DATASET])) as opened:
        yield opened


def test_a_new_document_is_stored_and_a_repeated_one_was_there_already(output):
    first = output.send(batch(document(1), document(2)))
    second = output.send(batch(document(2), document(3)))

    assert first.outcomes == [STORED, STORED]
    assert second.outcomes == [ALREADY_STORED, STORED]


def test_the_same_document_twice_in_a_batch_is_stored_once(output):
    assert output.send(batch(document(1), document(1))).outcomes == [STORED, ALREADY_STORED]


def test_tallies_are_sums_per_fingerprint_and_bucket(output):
    output.send(batch(document(1), document(2), document(3, offset=1 << 24), document(4, fingerprint="b" * 16)))
    tallies = {(row.fingerprint, row.bucket): (row.documents, row.tally, row.first) for row in output.tallies(Scope())}

    assert tallies == {
        ("a" * 16, 0): (2, Tally(2, 200, 3, 5), 100),
        ("a" * 16, 1): (1, Tally(1, 100, 3, 4), 1 << 24),
        ("b" * 16, 0): (1, Tally(1, 100, 4, 5), 400),
    }
    assert list(output.tallies(Scope(host="other"))) == []
    assert [row.fingerprint for row in output.tallies(Scope(fingerprints=("b" * 16,)))] == ["b" * 16]


def test_spans_come_by_offset_with_what_the_index_knows(output):
    output.send(batch(document(3), document(1), document(2)))
    spans = list(output.spans("a" * 16, 100, 300))

    assert [span.offset for span in spans] == [100, 200]
    assert (spans[0].path, spans[0].tags, spans[0].tally) == ("/l", ("t",), Tally(1, 100, 1, 2))


def test_bodies_are_the_stored_json(output):
    output.send(batch(document(1)))

    assert output.bodies(["id" + "0" * 21 + "1", "absent"], fingerprint="a" * 16) == {
        "id" + "0" * 21 + "1": document(1).body
    }


def test_the_view_of_a_dataset_has_its_fields_as_columns(output, tmp_path):
    output.send(batch(document(7)))
    with closing(sqlite3.connect(tmp_path / "index.db")) as db:
        row = db.execute('SELECT "gridftp.nbytes", message FROM "gridftp.transfer"').fetchone()

    assert row == (7, "m7")


def test_a_database_keeps_its_identity_and_another_has_its_own(output, tmp_path):
    with closing(SQLiteOutput(tmp_path / "index.db")) as again, closing(SQLiteOutput(tmp_path / "other.db")) as other:
        assert again.identity == output.identity
        assert other.identity != output.identity


@pytest.mark.parametrize("attempt", range(6))
def test_agents_that_are_started_together_make_one_index(tmp_path, attempt):
    together = Barrier(8)

    def start(_number):
        together.wait(60)
        with closing(SQLiteOutput(tmp_path / "index.db", [Dataset("logs", "default", {})])) as output:
            return output.identity

    with ThreadPoolExecutor(8) as agents:
        assert len(set(agents.map(start, range(8)))) == 1


def test_a_locked_index_means_send_again(output, tmp_path):
    output._db.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(tmp_path / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = output.send(batch(document(1))).outcomes
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RETRY]
    assert "locked" in outcomes[0].reason

    assert output.send(batch(document(1))).outcomes == [STORED]


def test_a_file_that_is_no_database_is_an_error_with_its_name(tmp_path):
    (tmp_path / "index.db").write_text("this is not a database, and long enough to be seen as such" * 10)

    with pytest.raises(OutputError, match=r"index\.db"):
        SQLiteOutput(tmp_path / "index.db")


def test_an_index_that_is_only_read_is_not_changed_nor_made(output, tmp_path):
    output.send(batch(document(1)))
    with closing(SQLiteOutput(tmp_path / "index.db", (), connect_to_read)) as reading:
        assert [row.documents for row in reading.tallies(Scope())] == [1]
        assert reading.send(batch(document(2))).outcomes[0].kind is OutcomeKind.RETRY
    with pytest.raises(OutputError, match=r"absent\.db: there is no index"):
        SQLiteOutput(tmp_path / "absent.db", (), connect_to_read)

    assert not (tmp_path / "absent.db").exists()


def test_a_full_disk_means_send_again_and_says_so(output):
    output.send(batch(document(1)))
    output._db.execute(f"PRAGMA max_page_count = {output._db.execute('PRAGMA page_count').fetchone()[0]}")
    many = batch(*[document(number) for number in range(2, 500)])
    for _ in range(2):
        outcome = output.send(many).outcomes[0]
        assert (outcome.kind, outcome.reason.endswith("database or disk is full")) == (OutcomeKind.RETRY, True)
    output._db.execute("PRAGMA max_page_count = 100000")

    assert set(output.send(many).outcomes) == {STORED}


def test_what_is_written_to_a_file_that_has_lost_its_name_is_not_taken_for_stored(output, tmp_path):
    output.send(batch(document(1)))
    for path in list(tmp_path.glob("index.db*")):
        path.rename(path.with_name(f"kept-{path.name}"))
    (gone,) = output.send(batch(document(2))).outcomes
    with closing(SQLiteOutput(tmp_path / "index.db")):
        (replaced,) = output.send(batch(document(3))).outcomes
    assert (gone.kind, gone.category) == (replaced.kind, replaced.category) == (OutcomeKind.PAUSED, "replaced")
    assert "index.db: the index was moved away or replaced while the agent used it" in gone.reason

    for path in list(tmp_path.glob("kept-*")):
        path.rename(path.with_name(path.name.removeprefix("kept-")))
    assert output.send(batch(document(2), document(4))).outcomes == [ALREADY_STORED, STORED]
