"""`shipper audit --against`: files on this host and an index that others filled."""

import json
import shlex
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.permissions import file_permissions_hold
from support.transfers_and_flows import HOSTS_CSV, NOON, flow, flows, sent_document, write_index, write_tstat

from shipper.cli import execute
from shipper.correlate.against import compare_keys
from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Hosts
from shipper.correlate.keys import parse_keys
from shipper.errors import Exit, UsageError

AT = "2018-02-28T12:00:00.400000Z"


@pytest.fixture
def audit(tmp_path, capsys):
    def audit(index, *words, key="tstat_send", path=None, json_wanted=True, code=None):
        where = ["--pipeline", "tstat-tcp", "--path", path or tmp_path / "tstat"]
        arguments = ["audit", "--against", index, "--key", key, *where, *words, *(["--json"] if json_wanted else [])]
        got = execute(list(map(str, arguments)))
        answer = capsys.readouterr()
        assert code is None or got == code, answer.out + answer.err
        return json.loads(answer.out) if json_wanted and answer.out else answer

    return audit


@pytest.fixture
def log(tmp_path):
    return write_tstat(tmp_path / "tstat/a.out/log_tcp_complete", flows(NOON + 0.4))


def compared(records, documents, key="id,at:s", tolerance=1.0):
    """Of (id, time) on both sides."""
    keys = parse_keys([key], tolerance, Hosts())
    disk = [Entry(f"r{n}", "f", {"id": name, "at": at}, n, n + 1) for n, (name, at) in enumerate(records)]
    held = [Entry(f"d{n}", "i", {"id": name, "at": at}) for n, (name, at) in enumerate(documents)]
    return compare_keys(disk, held, keys, lambda: 0.0)


def test_what_is_on_both_sides_once_is_closed(audit, log, tmp_path):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4)])
    report = audit(index, code=Exit.CLEAN)
    assert (report["verdict"], report["totals"]["matched"], report["findings"]) == ("closed", 4, [])


@pytest.mark.parametrize("closed", ["tstat/b.out", "tstat"])
def test_records_in_a_folder_that_nobody_may_look_into_are_not_proved(audit, log, tmp_path, closed):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4)])
    write_tstat(tmp_path / "tstat/b.out/log_tcp_complete", flows(NOON + 60))
    folder = tmp_path / closed
    with file_permissions_hold():
        folder.chmod(0)
        report = audit(index, code=Exit.UNFINISHED)
        folder.chmod(0o700)
    assert report["verdict"] == "incomplete"
    assert f"{folder}: Permission denied" in [finding["evidence"] for finding in report["findings"]]


def test_a_missing_record_is_named_with_file_and_line(audit, log, tmp_path):
    documents = [sent_document(one) for one in flows(NOON + 0.4)]
    report = audit(write_index(tmp_path / "index.ndjson", documents[:2] + documents[3:]), code=Exit.FINDINGS)
    (finding,) = report["findings"]
    lines = log.read_bytes().splitlines(keepends=True)
    assert (finding["kind"], finding["path"], finding["first_line"]) == ("missing", str(log), 4)
    assert (finding["offset"], finding["bytes"]) == (sum(map(len, lines[:3])), len(lines[3]))


def test_documents_of_the_other_direction_are_neither_unexpected_nor_duplicates(audit, log, tmp_path):
    both = []
    for one in flows(NOON + 0.4):
        turned = one._replace(sender=one.receiver, receiver=one.sender)
        both += [sent_document(one), sent_document(turned)]
    report = audit(write_index(tmp_path / "index.ndjson", both), code=Exit.CLEAN)
    assert (report["totals"]["documents"], report["totals"]["matched"]) == (8, 4)


def test_a_duplicate_hides_no_missing_record(audit, log, tmp_path):
    documents = [sent_document(one) for one in flows(NOON + 0.4)][:3]
    again = sent_document(flow(NOON + 0.4), ingested="2018-02-28T15:00:00Z")
    report = audit(write_index(tmp_path / "index.ndjson", [*documents, again]), code=Exit.FINDINGS)
    assert Counter(finding["kind"] for finding in report["findings"]) == {"missing": 1, "duplicate": 1}
    duplicate = next(finding for finding in report["findings"] if finding["kind"] == "duplicate")
    assert "equal but for the time of arrival" in duplicate["evidence"]


def test_documents_with_one_key_and_other_contents_are_told_apart_from_repeats(audit, log, tmp_path):
    documents = [sent_document(one) for one in flows(NOON + 0.4)]
    other = sent_document(flow(NOON + 0.4), percent_retrans=7)
    report = audit(write_index(tmp_path / "index.ndjson", [*documents, other]), code=Exit.FINDINGS)
    (duplicate,) = report["findings"]
    assert "different content" in duplicate["evidence"]


def test_a_document_without_record_is_unexpected(audit, log, tmp_path):
    documents = [sent_document(one) for one in [*flows(NOON + 0.4), flow(NOON - 86_400)]]
    report = audit(write_index(tmp_path / "index.ndjson", documents), code=Exit.FINDINGS)
    (finding,) = report["findings"]
    assert finding["kind"] == "unexpected"
    assert report["totals"]["unexpected_outside_the_time_of_the_files"] == 1


def test_names_in_the_index_are_led_back_to_addresses_on_disk(audit, log, tmp_path):
    (tmp_path / "hosts.csv").write_text(HOSTS_CSV)
    documents = [
        {"from": "stash.example.org", "port": one.sender.port, "to": "DTN01.example.org", "t": NOON}
        for one in flows(NOON + 0.4)
    ]
    key = "tstat.c_ip:host=from:host,tstat.c_port=port,tstat.s_ip:host=to:host,event.start:date=t:s"
    index = write_index(tmp_path / "index.ndjson", documents)
    assert audit(index, "--hosts", tmp_path / "hosts.csv", key=key, code=Exit.CLEAN)["totals"]["matched"] == 4
    assert audit(index, key=key, code=Exit.FINDINGS)["totals"]["matched"] == 0


def test_bits_and_bytes_milliseconds_and_seconds_are_compared(audit, log, tmp_path):
    documents = [{"p": one.sender.port, "bits": 8 * 100_050_000, "t": NOON} for one in flows(NOON)]
    index = write_index(tmp_path / "index.ndjson", documents)
    key = "tstat.c_port=p,tstat.first:ms=t:s,tstat.c_bytes_uniq:B=bits:bit~{}"
    assert audit(index, key=key.format("0.1%"), code=Exit.CLEAN)["totals"]["matched"] == 4
    assert audit(index, key=key.format("10kB"), code=Exit.FINDINGS)["totals"]["matched"] == 0


def test_what_the_sender_leaves_out_is_not_missing(audit, tmp_path):
    write_tstat(tmp_path / "tstat/a.out/log_tcp_complete", [flow(NOON), flow(NOON, 20_002, bytes=5e6)])
    index = write_index(tmp_path / "index.ndjson", [sent_document(flow(NOON))])
    report = audit(index, "--sender-skips", "tstat.c_bytes_uniq<100MB", code=Exit.CLEAN)
    assert (report["totals"]["filtered"], report["totals"]["missing"]) == (1, 0)


def test_a_row_that_cannot_be_compared_is_unproved_and_not_closed(audit, log, tmp_path):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4)])
    log.write_text(log.read_text() + "203.0.113.10 20009 17\n")
    report = audit(index, code=Exit.UNFINISHED)
    assert (report["verdict"], report["totals"]["unproved"], report["totals"]["missing"]) == ("incomplete", 1, 0)
    assert report["findings"][0]["first_line"] == 6


def test_a_key_that_fits_nothing_is_a_mistake_and_not_a_loss(audit, log, tmp_path):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4)])
    assert "not one of 4" in audit(index, key="tstat.c_port=meta.sport", code=Exit.USAGE).err
    assert "not one of 4" in audit(index, key="tstat.port=meta.src_port", code=Exit.USAGE).err


def test_an_empty_index_lacks_all_and_is_no_mistake(audit, log, tmp_path):
    assert audit(write_index(tmp_path / "index.ndjson", []), code=Exit.FINDINGS)["totals"]["missing"] == 4


def test_files_of_the_configuration_are_compared_by_their_text(tmp_path, capsys):
    (tmp_path / "a.log").write_text("one\ntwo\ntwo\nthree\n")
    (tmp_path / "shipper.yml").write_text(
        f"host: dtn01.example.org\nstate: {tmp_path}/state\n"
        f"inputs: [{{name: a, paths: ['{tmp_path}/*.log'], pipeline: raw}}]\n"
    )
    index = write_index(
        tmp_path / "index.ndjson", [{"message": text} for text in ("one", "two", "three", "two", "three")]
    )
    words = ["audit", "-c", tmp_path / "shipper.yml", "--against", index, "--key", "message", "--json"]
    assert execute(list(map(str, words))) == Exit.FINDINGS
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert (totals["disk"], totals["matched"], totals["missing"], totals["duplicate"]) == (4, 4, 0, 1)
    assert not (tmp_path / "state").exists()


def test_the_text_ends_with_the_verdict(audit, log, tmp_path):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4, 3)])
    answer = audit(index, json_wanted=False, code=Exit.FINDINGS)
    lines = answer.out.splitlines()
    assert lines[0].startswith("4 records on disk, 3 documents in ")
    assert f"missing: 1 of 4 records in {log.parent}: log_tcp_complete:5" in lines
    assert "Missing by minute of the hour (UTC): :00 1 of 4" in lines
    assert lines[-2] == "Verdict: findings: disk and index do not agree."
    typed = f"--against {index} --key tstat_send --pipeline tstat-tcp"
    assert lines[-1] == f"Next: shipper audit {typed} --path {tmp_path}/tstat --json"
    assert execute(shlex.split(lines[-1].removeprefix("Next: "))[1:]) == Exit.FINDINGS


def test_where_all_is_well_the_next_command_looks_at_what_comes_later(audit, log, tmp_path, capsys):
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4)])
    (tmp_path / "hosts.csv").write_text(HOSTS_CSV)
    words = ["--tolerance", "2s", "--timezone", "Europe/Rome", "--hosts", tmp_path / "hosts.csv"]
    words += ["--sender-skips", "tstat.c_bytes_uniq<100kB"]
    *_, last = audit(index, *words, json_wanted=False, code=Exit.CLEAN).out.splitlines()
    assert shlex.split(last.removeprefix("Next: "))[-2:] == ["--since", AT]
    later = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in flows(NOON + 0.4, 3)])
    assert later == index
    assert execute(shlex.split(last.removeprefix("Next: "))[1:]) == Exit.FINDINGS
    assert "4 records on disk, 3 documents" in capsys.readouterr().out


@pytest.fixture
def days(tmp_path):
    """A record and a document for noon of each of five days, but the document of the third."""
    times = [NOON + number * 86_400 for number in range(5)]
    write_tstat(tmp_path / "tstat/a.out/log_tcp_complete", [flow(at + 0.4) for at in times])
    held = [*times[:2], *times[3:], NOON + 5 * 86_400, NOON - 86_400]
    return write_index(tmp_path / "index.ndjson", [sent_document(flow(at + 0.4)) for at in held])


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (None, None, (5, 6, 4, 1, 2)),
        ("2018-03-01T00:00Z", None, (4, 4, 3, 1, 1)),
        (None, "2018-03-02T12:00:01Z", (3, 3, 2, 1, 1)),
        ("2018-03-02T00:00Z", "2018-03-02T23:00Z", (1, 0, 0, 1, 0)),
        ("2018-03-01T00:00Z", "2018-03-01T23:00Z", (1, 1, 1, 0, 0)),
    ],
)
def test_only_what_happened_in_a_span_of_time_is_told(audit, days, since, until, told):
    words = [*(["--since", since] if since else []), *(["--until", until] if until else [])]
    report = audit(days, *words)
    totals = report["totals"]
    names = ("disk", "documents", "matched", "missing", "unexpected")
    assert tuple(totals[name] for name in names) == told
    assert report["verdict"] == ("findings" if told[3] + told[4] else "closed")
    assert ("since" in report, "until" in report) == (bool(since), bool(until))
    assert len(report["findings"]) == told[3] + told[4]


def test_a_pair_that_the_end_of_the_span_divides_is_one_and_lies_where_its_record_is(audit, tmp_path):
    both = [flow(NOON + 0.4), flow(NOON - 86_400)]
    write_tstat(tmp_path / "tstat/a.out/log_tcp_complete", both)
    index = write_index(tmp_path / "index.ndjson", [sent_document(one) for one in both])
    for words in (["--since", "2018-02-28T12:00:00.2Z"], ["--until", "2018-02-28T12:00:00.2Z"]):
        totals = audit(index, *words, code=Exit.CLEAN)["totals"]
        assert (totals["disk"], totals["documents"], totals["matched"]) == (1, 1, 1)


def test_a_document_that_came_late_answers_to_a_record_of_the_span(audit, log, tmp_path):
    """Where the key holds no time, what a document tells of its time may be that of its arrival."""
    texts = log.read_text().splitlines()[1:]
    held = [{"message": text, "@timestamp": "2018-03-05T00:00:00Z"} for text in texts]
    index = write_index(tmp_path / "index.ndjson", [*held, {"message": "x", "@timestamp": "2018-02-28T12:00:00Z"}])
    report = audit(index, "--until", "2018-03-01", key="message", code=Exit.FINDINGS)
    totals = report["totals"]
    assert (totals["disk"], totals["matched"], totals["missing"], totals["unexpected"]) == (4, 4, 0, 1)


def test_the_span_is_told_in_utc_and_local_time(audit, days):
    answer = audit(days, "--since", "2018-03-01T00:00Z", json_wanted=False, code=Exit.FINDINGS)
    first = answer.out.splitlines()[0]
    assert first.startswith("Only records and documents of events from 2018-03-01T00:00:00Z (2018-0")
    assert first.endswith(" local time).")


def test_a_span_without_anything_is_refused(audit, days):
    answer = audit(days, "--since", "2020-01-01", json_wanted=False, code=Exit.USAGE)
    assert "neither a record on disk nor a document is of that time" in answer.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["audit", "--against", "x.ndjson"], "--against needs --key"),
        (["audit", "--key", "message"], "belong to --against"),
        (["audit", "--against", "x", "--key", "message", "--repair"], "--repair does not go together with --against"),
        (["audit", "--against", "x", "--key", "message", "--pipeline", "raw"], "needs --path"),
        (["audit", "--against", "x", "--key", "message", "--tolerance", "1"], "--tolerance 1: "),
        (["audit", "--against", "x", "--key", "message", "--html", "x.html"], "--html does not go together"),
    ],
)
def test_what_cannot_work_is_refused(words, complaint, capsys):
    assert execute(words) == Exit.USAGE
    assert complaint in capsys.readouterr().err


def test_the_nearest_in_time_belong_together():
    result = compared([("a", 10.0), ("a", 11.0)], [("a", 11.2), ("a", 10.2)])
    assert (result.matched, result.missing, result.unexpected) == (2, [], [])


def test_times_may_differ_by_the_tolerance_and_no_more():
    assert compared([("a", 10.0)], [("a", 11.0)]).matched == 1
    assert compared([("a", 10.0)], [("a", 11.001)]).matched == 0


def test_records_of_a_copy_count_once():
    keys = parse_keys(["id"], 1.0, Hosts())
    copies = [Entry("same", "f", {"id": 1}, 0, 1), Entry("same", "f.gz", {"id": 1}, 0, 1)]
    result = compare_keys(copies, [Entry("d", "i", {"id": 1})], keys, lambda: 0.0)
    assert (result.matched, result.missing, result.disk.copies) == (1, [], 1)


def test_no_record_with_the_fields_of_the_key_is_refused():
    with pytest.raises(UsageError, match="record on disk"):
        compare_keys([Entry("r", "f", {})], [], parse_keys(["id"], 1.0, Hosts()), lambda: 0.0)


SIDES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6).map(float)), max_size=8)


@given(records=SIDES, documents=SIDES)
def test_everything_is_accounted_for(records, documents):
    result = compared(records, documents)
    assert result.matched + len(result.missing) == len(records)
    repeats = sum(len(group.rows) - 1 for group in result.duplicates)
    beside = len(documents) - result.matched - len(result.unexpected)
    assert 0 <= beside <= repeats, "a document is matched, unexpected, or repeats one that is matched"
    matchable = {
        name for name, at in records if any(name == other and abs(at - then) <= 1 for other, then in documents)
    }
    assert (result.matched == 0) == (not matchable)
