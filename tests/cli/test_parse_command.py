"""`shipper parse` shows what would be stored."""

import gzip
import io
import json
import os
import sys
from pathlib import Path

import pytest

from shipper.cli import execute
from shipper.hashes import fingerprint

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
TRANSFERS = SAMPLES / "gridftp" / "pst_all" / "gridftp-transfer.log"
KILLED = SAMPLES / "tstat" / "killed_truncated" / "2026_11_21_23_21.out" / "log_tcp_complete"


def test_ndjson_is_one_document_a_line_and_nothing_else(capsys):
    assert (
        execute(["parse", "--pipeline", "gridftp-transfer", "--ndjson", "--host", "h.example.org", str(TRANSFERS)]) == 0
    )
    out, err = capsys.readouterr()
    documents = [json.loads(line) for line in out.splitlines()]
    lines = TRANSFERS.read_bytes().count(b"\n")
    assert len(documents) == lines
    assert documents[0]["gridftp"]["nbytes"] == 5000
    assert documents[0]["host"] == {"name": "h.example.org"}
    assert documents[0]["log"]["file"] == {
        "path": str(TRANSFERS),
        "fingerprint": fingerprint("h.example.org", "gridftp-transfer", TRANSFERS.read_bytes()[:32]),
    }
    assert err == f"{lines} documents, 0 of them unparsed.\n"


def test_lines_that_are_not_parsed_or_refused_are_counted_and_told_by_the_exit_code(capsys):
    assert execute(["parse", "--pipeline", "tstat-tcp", str(KILLED)]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("refused, incomplete: ")
    assert err == "184 documents, 0 of them unparsed, 1 line filtered by 'header', 1 refused.\n"


def test_a_compressed_copy_gives_the_same_documents_but_for_the_path(tmp_path, capsys):
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(TRANSFERS.read_bytes()))
    execute(["parse", "--pipeline", "gridftp-transfer", "--ndjson", str(TRANSFERS)])
    plain = capsys.readouterr().out.replace(str(TRANSFERS), "PATH")
    execute(["parse", "--pipeline", "gridftp-transfer", "--ndjson", str(packed)])
    assert capsys.readouterr().out.replace(str(packed), "PATH") == plain


def test_standard_input_is_read_and_controls_do_not_reach_the_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a \x1b[31m line\n\n")))
    assert execute(["parse", "--pipeline", "raw"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("[_timestamp_inherited] a \\x1b[31m line\n")
    assert err == "1 document, 0 of them unparsed, 1 line filtered by 'blank'.\n"


def test_dates_come_from_the_modification_time(tmp_path, capsys):
    log = tmp_path / "storm-backend.log"
    log.write_text("23:59:59.000 - INFO [main] - one\n00:00:01.000 - INFO [main] - two\n")
    os.utime(log, (1_795_302_960, 1_795_302_960))
    assert execute(["parse", "--pipeline", "storm-backend", "--timezone", "Europe/Rome", "--ndjson", str(log)]) == 0
    times = [json.loads(line)["@timestamp"] for line in capsys.readouterr().out.splitlines()]
    assert times == ["2026-11-21T22:59:59.000Z", "2026-11-21T23:00:01.000Z"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--pipeline", "gridftp"], "There is no pipeline 'gridftp'"),
        (["--pipeline", "gridftp-transfr"], "tstat-video. Did you mean 'gridftp-transfer'?"),
        (["--pipeline", "storm-backend"], "the input needs a 'timezone'"),
    ],
)
def test_a_wrong_pipeline_is_a_mistake_of_usage(arguments, sentence, capsys):
    assert execute(["parse", *arguments, str(TRANSFERS)]) == 2
    assert sentence in capsys.readouterr().err


def test_own_pipelines_and_patterns_win(tmp_path, capsys):
    (tmp_path / "mine.yml").write_text("dataset: mine\nparse: [{grok: ['%{MINE}']}]\ntimestamp: {by: modification}\n")
    (tmp_path / "mine.grok").write_text("MINE ^%{INT:mine.number:int}$\n")
    log = tmp_path / "log"
    log.write_text("42\n")
    options = ["--pipelines", str(tmp_path), "--patterns", str(tmp_path / "mine.grok")]
    assert execute(["parse", "--pipeline", "mine", *options, str(log)]) == 0
    assert capsys.readouterr().out.rstrip().endswith("mine.number=42")


def test_fields_that_the_definition_does_not_declare_are_named_on_standard_error(tmp_path, monkeypatch, capsys):
    (tmp_path / "app.yml").write_text(
        "dataset: app\nparse: [{key_value: {into: x}}]\ntypes: {x.a: long}\ntimestamp: {by: modification}\n"
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a=1 b=2 c=x\na=1 b=3\n")))
    assert execute(["parse", "--pipeline", "app", "--pipelines", str(tmp_path), "--ndjson"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["x"] for line in out.splitlines()] == [{"a": 1, "b": 2, "c": "x"}, {"a": 1, "b": 3}]
    assert err.splitlines()[1:] == [
        "The definition gives these fields no type, so their first values decided: x.b, x.c."
    ]
