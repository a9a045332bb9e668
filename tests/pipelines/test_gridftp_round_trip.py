"""Transfer records come back byte for byte from their documents, whatever names of files and users are made of.

What is not kept: a prefix and blanks at the end; how many digits an unpadded fraction had; how an IPv6 address was
spelled; bytes that are no UTF-8, which are `\\xNN` in all texts.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.gridftp_records import CUT, rebuilt, record
from support.pipeline_lab import Reading
from support.sample_logs import FILES, parse_routed

from shipper.parse.definition import load_pipeline
from shipper.parse.pipeline import Pipeline
from shipper.settings import InputSettings

AS_SERVERS_WRITE = [name for name in FILES if name.endswith("/gridftp-transfer.log") and "variants" not in name]
VARIANTS = [name for name in FILES if "gridftp/variants/gridftp-transfer" in name]
SESSIONS = [name for name in FILES if name.endswith("/gridftp.log") and "/ng/" not in name]
TAIL = " BUFFER=1 BLOCK=2 NBYTES=3 VOLUME=/ STREAMS=4 STRIPES=5 DEST=[6.7.8.9] TYPE=STOR CODE=226"
FORGED = record(b"/etc/passwd", nbytes=1, user="mallory").decode()
HOSTILE = [
    TAIL,
    f"{TAIL} TASKID=none retrans=9",
    f" {FORGED}",
    f"/{FORGED}",
    " NL.EVNT=FTP_INFO START=20010101000000.000000 USER=root",
    " SHARE=0 SHAREE=none",
    " FILE=",
    " BUFFER=",
    " CODE=226",
    "Transfer stats: DATE=",
    " *** TRUNCATED 9 bytes",
    "[7101] Sat Nov 21 15:12:03 2026 :: ",
    "DATE=20240101000000.000000 ",
    "\x1b[31m",
]
SMALL = [
    "",
    " ",
    "  ",
    "=",
    '"',
    "'",
    "\t",
    "\r",
    "[",
    "]",
    "%20",
    "\\",
    "\\xe9",
    ",",
    "é",
    "数据",
    "\u2028",
    "\x85",
    "a",
]


def joined(*, pieces: int, texts: list[str] = HOSTILE + SMALL) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(texts) | st.text(max_size=4), max_size=pieces).map("".join)


def clean(text: str) -> bytes:
    """As a name in a file system: no newline, no NUL."""
    return text.replace("\n", "").replace("\0", "").encode(errors="ignore")


NAMES = st.lists(joined(pieces=4).map(clean) | st.binary(max_size=6), max_size=3).map(
    lambda parts: b"/" + b"".join(parts).replace(b"\n", b"").replace(b"\0", b"")
)
USERS = joined(pieces=3, texts=[" ", "=", "#", ":", '"', "/O=Grid/CN=A B", " BUFFER=1", TAIL, "é", " USER=x"]).map(
    clean
)
RECORDS = st.fixed_dictionaries(
    {
        "host": st.sampled_from(["dtn01.example.org", None]),
        "share": st.sampled_from([None, None, "0"]),
        "nbytes": st.integers(0, 2**63 - 1),
        "dest": st.sampled_from(["0.0.0.0", "192.0.2.10", "2001:db8::5"]),
        "type": st.sampled_from(["RETR", "STOR", "ERET", "ESTO", "LIST", "NLST", "MLSD"]),
        "taskid": st.sampled_from(["none", "9f767c45-2020-11ee-9835-0262a1f2f698", None]),
        "retrans": st.sampled_from(["0", "0,17,3,0", None]),
    }
)


@cache
def installed(name: str = "gridftp-transfer") -> Pipeline:
    return load_pipeline(name, InputSettings("app", ("/l",), name, timezone="UTC"))


def parsed(data: bytes, name: str = "gridftp-transfer") -> list[dict[str, Any]]:
    return Reading(installed(name)).read(data + b"\n", final=True).documents


def text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def is_glued(name: str) -> bool:
    """Whether a record stands in a name, right behind a letter: that cannot be told from a record that was cut."""
    return re.search(r"[^\s/]DATE=\d{14}\.\d{1,6} (HOST=\S+ )?PROG=\S+ NL\.EVNT=FTP_INFO ", name) is not None


@pytest.mark.parametrize("name", AS_SERVERS_WRITE)
def test_each_record_of_a_server_is_rebuilt_byte_for_byte(name: str) -> None:
    documents = parse_routed(name).documents
    assert [rebuilt(document["gridftp"]) for document in documents] == [document["message"] for document in documents]


@pytest.mark.parametrize("name", VARIANTS)
def test_each_record_of_another_form_is_rebuilt_but_for_prefix_padding_and_blanks(name: str) -> None:
    def kept(message: str) -> str:
        record = re.sub(r"\A.*?Transfer stats: ", "", message, count=1)
        padded = re.sub(r"(?<=\d{14}\.)\d{1,5}(?= )", lambda found: found[0].zfill(6), record)
        return padded.rstrip() if "Transfer stats" in message else padded

    documents = parse_routed(name).documents
    assert len(documents) > 10
    assert [rebuilt(d["gridftp"]) for d in documents] == [kept(d["message"]) for d in documents]


@pytest.mark.parametrize("name", SESSIONS)
def test_each_record_in_a_session_log_is_rebuilt(name: str) -> None:
    records = parse_routed(name).with_text("Transfer stats: ")
    assert len(records) > 20
    assert all(d["message"].endswith(f":: Transfer stats: {rebuilt(d['gridftp'])}") for d in records)


@settings(deadline=None, max_examples=300)
@given(file=NAMES, user=USERS, changed=RECORDS)
def test_a_record_comes_back_as_it_was_made_whatever_its_names_say(
    file: bytes, user: bytes, changed: dict[str, Any]
) -> None:
    line = record(file, user=user, **changed)
    if len(line) >= CUT or is_glued(text(file)):
        return
    (document,) = parsed(line)
    gridftp = document["gridftp"]
    assert document["message"] == text(line)
    assert rebuilt(gridftp) == text(line)
    assert gridftp.get("file", "") == text(file)
    assert gridftp.get("user", "") == text(user)
    assert (gridftp["nbytes"], gridftp["type"]) == (changed["nbytes"], changed["type"])
    assert document["destination"]["ip"] == changed["dest"]
    assert ("bytes" in document.get("network", {})) is (changed["type"] not in {"LIST", "NLST", "MLSD"})
    assert "truncated" not in gridftp
    assert [tag for tag in document["tags"] if tag != "_nul_stripped"] == []


@settings(deadline=None, max_examples=50)
@given(before=st.sampled_from(["x", "]", "é", "7"]), forged=st.sampled_from([FORGED, FORGED + TAIL]))
def test_a_name_with_a_record_right_behind_a_letter_costs_fields_but_changes_none(before: str, forged: str) -> None:
    (document,) = parsed(record(f"/data/{before}{forged}".encode()))
    (plain,) = parsed(record())
    gridftp = document["gridftp"]
    assert gridftp.pop("truncated").startswith(f" FILE=/data/{before}DATE=")
    assert gridftp.items() <= plain["gridftp"].items()
    assert gridftp.keys() == {"date", "host", "prog", "start", "user"}


@settings(deadline=None, max_examples=100)
@given(letter=st.sampled_from(["x", " ", "=", "é", "数"]), over=st.integers(1, 320), twice=st.booleans())
def test_of_a_record_that_was_cut_all_that_is_believed_was_written(letter: str, over: int, twice: bool) -> None:
    whole = record(b"/data/", taskid="none")
    room = CUT - len(whole) + over
    long = record(b"/data/" + (letter * room).encode()[:room], taskid="none")
    assert len(long) == CUT + over
    second = record(b"/data/second", nbytes=7)
    documents = parsed(long[:CUT] * (2 if twice else 1) + second)
    assert documents[-1]["gridftp"] == parsed(second)[0]["gridftp"]
    for cut in documents[:-1]:
        gridftp = cut["gridftp"]
        truth = {**parsed(whole)[0]["gridftp"], "file": text(b"/data/" + (letter * room).encode()[:room])}
        # Where names are beyond ASCII, bytes cannot be counted in the text: a record that was cut between two keys, or
        # in its last one, looks whole. What it says is true, and the tag tells that it was split.
        assert rebuilt(gridftp).rstrip(" ") == text(long[:CUT]).rstrip(" ")
        assert gridftp.pop("truncated", "") or not letter.isascii()
        assert gridftp.items() <= truth.items()
        assert cut["tags"] == ["_line_split"]


@pytest.mark.parametrize(
    ("user", "seen_user", "seen_file"),
    [("u FILE=/forged", "u", "/forged FILE=/data/x"), ("u SHARE=1 SHAREE=2", "u", "/data/x")],
)
def test_a_user_ends_at_the_first_file_key_which_nobody_can_tell_better(
    user: str, seen_user: str, seen_file: str
) -> None:
    (document,) = parsed(record(user=user))
    assert (document["gridftp"]["user"], document["gridftp"]["file"]) == (seen_user, seen_file)
    assert document["gridftp"]["nbytes"] == 1073741824


def test_a_newline_in_a_name_ends_the_line_and_no_number_after_it_is_believed() -> None:
    first, second = parsed(record(b"/data/a\nb"))
    assert first["gridftp"]["truncated"] == " FILE=/data/a"
    assert "nbytes" not in first["gridftp"]
    assert (second["message"][:9], second["tags"][0]) == ("b BUFFER=", "_grokparsefailure")


@settings(deadline=None, max_examples=150)
@given(file=NAMES, type_=st.sampled_from(["RETR", "STOR", "MLSD"]))
def test_an_event_of_stdio_ng_comes_back_as_it_was_made(file: bytes, type_: str) -> None:
    name = text(file)
    line = (
        b"ts=2026-11-21T23:13:05.060372Z id=29749 event=globus-gridftp-server.transfer.end localuser=alice file="
        + file
        + f" tcpbuffer=1 blocksize=2 bytes=3 streams=4 stripes=5 remoteIP=192.0.2.9 type={type_} taskid=none".encode()
        + b" status=0"
    )
    (document,) = parsed(line, "gridftp-session-ng")
    gridftp = document["gridftp"]
    assert gridftp["file"] == name
    assert (gridftp["tcpbuffer"], gridftp["bytes"], gridftp["stripes"], gridftp["type"]) == (1, 3, 5, type_)
    assert (document["event"]["outcome"], document["user"]["name"]) == ("success", "alice")


@settings(deadline=None, max_examples=150)
@given(file=NAMES)
def test_a_name_in_a_session_is_what_the_server_says_it_is(file: bytes) -> None:
    if re.search(rb"\[\d+\] \w{3} \w{3} ", file):
        return  # the head of a message within a message: two events, each tagged
    (document,) = parsed(b'[7101] Sat Nov 21 15:12:03 2026 :: Starting to transfer "' + file + b'".', "gridftp-session")
    assert document["gridftp"]["event"] == "Starting to transfer"
    assert document["gridftp"]["file"] == text(file)
