"""Documents: fixed keys, nothing of ours overwritten, every event accounted for, the same bytes however it is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipeline_lab import HOST, PATH, Lab, Reading, parse, parse_one

from shipper.hashes import chain_start, chains, document_ids, tally_of
from shipper.records import total

TABLE = """
lines: {incomplete: refuse}
header: '^#'
parse: [{columns: {names: header, into: x, 'null': ['-']}}]
types: {x.n: long, x.t: date}
timestamp: {field: x.t, formats: [epoch_s]}
"""
PLAIN = "timestamp: {by: modification}"


def test_a_document_has_its_keys_in_a_fixed_order(lab):
    raw = b"first line\n"
    outcome = Reading(lab.pipeline(PLAIN)).read(raw, modified=1_795_302_960.0)
    tally = tally_of([raw])
    expected = {
        "@timestamp": "2026-11-21T00:00:00Z",
        "message": "first line",
        "log": {"offset": 0, "file": {"path": PATH, "fingerprint": "0123456789abcdef"}},
        "host": {"name": HOST},
        "event": {"dataset": "app"},
        "shipper": {
            "input": "app",
            "lines": 1,
            "bytes": len(raw),
            "h0": tally.h0,
            "h1": tally.h1,
            "pipeline": lab.pipeline(PLAIN).version,
            "date_from": 0,
            "date": "2026-11-21",
        },
        "tags": ["_timestamp_inherited"],
    }
    assert outcome.bodies[0].decode() == json.dumps(expected, separators=(",", ":"))
    assert outcome.ids == document_ids("0123456789abcdef", [(0, chains([raw], chain_start(HOST, "app"))[0])])


def test_no_field_of_a_log_replaces_one_of_ours(lab):
    definition = "parse: [{json: {into: event}}, {json: {into: log}}, {json: {into: host}}]\n" + PLAIN
    line = '{"dataset": "fake", "offset": 7, "file": {"path": "/etc/passwd"}, "name": "fake", "kind": "alert"}'
    document = parse_one(lab.pipeline(definition), line)
    assert document["event"] == {
        "dataset": "app",
        "offset": 7,
        "file": {"path": "/etc/passwd"},
        "name": "fake",
        "kind": "alert",
    }
    assert document["log"]["offset"] == 0
    assert document["log"]["file"] == {"path": PATH, "fingerprint": "0123456789abcdef"}
    assert document["log"]["kind"] == "alert"
    assert document["host"]["name"] == HOST


def test_text_has_no_carriage_returns_and_bad_bytes_are_escaped(lab):
    definition = "lines: {continues: ' '}\n" + PLAIN
    outcome = Reading(lab.pipeline(definition)).read(b"caf\xe9 \xc3\xa9\r\n  more\rhere\r\n\0\0last\n", final=True)
    assert [document["message"] for document in outcome.documents] == ["caf\\xe9 é\n  more\rhere", "last"]
    assert outcome.documents[0]["shipper"]["lines"] == 2
    assert "_nul_stripped" in outcome.tags[1]


def test_a_very_long_line_is_cut_on_a_character(lab):
    line = b"x" * ((1 << 20) - 1) + "é".encode() * 10 + b"\n"
    outcome = Reading(lab.pipeline(PLAIN)).read(line)
    assert outcome.documents[0]["message"] == "x" * ((1 << 20) - 1)
    assert outcome.documents[0]["shipper"]["bytes"] == len(line)
    assert "_line_truncated" in outcome.tags[0]


def test_blank_lines_are_filtered_unless_the_definition_ships_them(lab):
    assert [filtered.rule for filtered in parse(lab.pipeline(PLAIN), "", " \t", "x").filtered] == ["blank", "blank"]
    assert len(parse(lab.pipeline("blank: ship\n" + PLAIN), "", " \t", "x").documents) == 3


def test_a_cut_line_is_refused_or_shipped_as_the_definition_says(lab):
    data = b"#n:1 t:2\n1 1795302960\n2 17953029"
    refused = Reading(lab.pipeline(TABLE)).read(data, final=True)
    assert len(refused.documents) == 1
    (refusal,) = refused.refused
    assert refusal.category == "incomplete"
    assert refusal.document.offset == 22
    assert len(refusal.document.id) == 24
    body = json.loads(refusal.document.body)
    assert body["@timestamp"] == "2026-11-21T23:16:00Z"
    assert "x" not in body
    shipped = Reading(lab.pipeline(TABLE, incomplete="ship")).read(data, final=True)
    assert "_line_incomplete" in shipped.tags[1]
    assert shipped.refused == []


def test_drop_rules_filter_by_name_on_converted_values(lab):
    definition = TABLE + (
        "drop:\n"
        "  - {rule: small, when: {x.n: {'<': 10, '>': 0}}}\n"
        "  - {rule: chosen, when: {x.n: {in: [20, 21]}}}\n"
        "  - {rule: exact, when: {x.n: {equal: 30}}}\n"
        "  - {rule: none, when: {x.n: {exists: false}, message: {regex: '^-'}}}\n"
    )
    outcome = parse(lab.pipeline(definition), "#n:1 t:2", *(f"{n} 1795302960" for n in (5, 20, 30, "-", 40, 0)))
    assert [filtered.rule for filtered in outcome.filtered[1:]] == ["small", "chosen", "exact", "none"]
    assert [document["x"]["n"] for document in outcome.documents] == [40, 0]


def test_redaction_changes_text_and_fields_and_no_hash(lab):
    definition = (
        "redact: [{pattern: '(?<=PASS )\\S+', replace: '[redacted]'}, {pattern: 's3cret', replace: '#'}]\n"
        "parse: [{grok: ['(?<x.command>\\w+) (?<x.rest>.*)']}, {json: {into: y}, field: x.rest, optional: true}]\n"
        + PLAIN
    )
    raw = b"PASS hunter2\n"
    outcome = Reading(lab.pipeline(definition)).read(raw + b'say {"a": "s3\\u0063ret"}\n')
    assert outcome.documents[0]["message"] == "PASS [redacted]"
    assert outcome.documents[0]["x"] == {"command": "PASS", "rest": "[redacted]"}
    assert outcome.documents[0]["shipper"]["h0"] == tally_of([raw]).h0
    assert outcome.documents[1]["y"] == {"a": "#"}
    assert b"hunter2" not in b"".join(outcome.bodies)


def test_copies_are_scaled_translated_and_dated_exactly(lab):
    definition = TABLE + (
        "ecs:\n"
        "  a.plain: x.n\n"
        "  a.scaled: {from: x.n, scale: 0.001}\n"
        "  a.outcome: {from: x.w, map: {OK: success}, otherwise: failure}\n"
        "  a.strict: {from: x.w, map: {OK: success}}\n"
        "  a.start: {from: x.s, as: date}\n"
    )
    outcome = parse(
        lab.pipeline(definition), "#n:1 t:2 w:3 s:4", "1500 1795302960 OK 1795302960.000000001", "x 1795302960 NO -1"
    )
    assert outcome.documents[0]["a"] == {
        "start": "2026-11-21T23:16:00.000000001Z",
        "plain": 1500,
        "scaled": 2,
        "outcome": "success",
        "strict": "success",
    }
    assert outcome.documents[1]["a"] == {"start_text": "-1", "outcome": "failure"}
    assert "_type_failure" in outcome.tags[1]


def test_the_header_is_remembered_across_restarts(lab):
    reading = Reading(lab.pipeline(TABLE))
    reading.read(b"#n:1 t:2\n")
    outcome = reading.read(b"7 1795302960\n")
    assert outcome.documents[0]["x"]["n"] == 7


rows = st.lists(
    st.sampled_from(
        [
            b"#n:1 t:2\n",
            b"#t:1 n:2\n",
            b"#C#n:1\n",
            b"1 1795302960\n",
            b"1795302961 2\n",
            b"\n",
            b"x - 3\n",
            b"- -\n",
            b"9\r\n",
            b"\xff\n",
        ]
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("lab")).pipeline(TABLE)


@given(rows, st.lists(st.integers(0, 20), max_size=3))
def test_every_event_has_one_fate_and_the_same_bytes_however_the_file_is_cut(table, rows, cuts):
    whole = Reading(table).read(b"".join(rows))
    pieces = Reading(table)
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for begin, end in zip(borders, borders[1:]):  # noqa: B905, RUF007
        pieces.read(b"".join(rows[begin:end]))
    assert pieces.outcome.bodies == whole.bodies
    assert pieces.outcome.ids == whole.ids
    assert pieces.outcome.filtered == whole.filtered
    shipped = [tally_of([row]) for row in rows]
    fates = [filtered.tally for filtered in whole.filtered]
    stored = [
        tuple(document["shipper"][part] for part in ("lines", "bytes", "h0", "h1")) for document in whole.documents
    ]
    assert sorted([*fates, *stored]) == sorted(shipped)
    assert total(shipped).lines == len(whole.documents) + len(whole.filtered)


@pytest.mark.parametrize("text", ["\u2028", "\x1b[31m", '"', "\\", "\U0001f600"])
def test_any_character_survives_in_the_message(lab, text):
    assert parse_one(lab.pipeline(PLAIN), f"a{text}b")["message"] == f"a{text}b"
