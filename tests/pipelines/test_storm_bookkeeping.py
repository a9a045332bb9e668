"""StoRM's bookkeeping: one line for each operation on a file, found from both ends."""

from __future__ import annotations

from typing import Any

import pytest
from support.sample_logs import ParsedLog, parse_lines, parse_sample

ROME = "Europe/Rome"
ENDPOINT = "srm://storm-fe.example.org:8444/srm/managerv2?SFN="


def bookkeeping() -> ParsedLog:
    return parse_sample("storm/bookkeeping.log", "storm-bookkeeping", timezone=ROME)


def booked(text: str) -> dict[str, Any]:
    (document,) = parse_lines([f"[2026-11-22 00:25:22,112]: {text}"], "storm-bookkeeping", timezone=ROME).documents
    return document


def test_a_trailing_tab_makes_no_field_s14() -> None:
    documents = bookkeeping().documents
    assert len(documents) == 164
    assert all(document["message"].endswith("\t") for document in documents)
    assert documents[0]["storm"] == {
        "date": "2026-11-22 00:25:22,112",
        "dn": "/DC=ch/DC=cern/OU=computers/CN=fts-test.cern.ch",
        "request": "RM",
        "operation": "srmRm",
        "category": "SYNCHRONOUS",
        "result": "-OK-",
        "surls": f"{ENDPOINT}/atlas/disk/rucio/data14/AOD.499547._000200.pool.root.1",
        "started": "10:11:12,013",
        "duration": 225,
        "token": "SYNCH",
        "vo": "atlas",
    }
    assert documents[0]["event"] == documents[0]["event"] | {"duration": 225_000_000, "outcome": "success"}


def test_an_operation_without_duration_has_none() -> None:
    document = booked("/CN=a\tPNG\tPURESYNCH\t#ko#\t\t10:11:12,013\t-1\tSYNCH\t")
    assert document["event"]["outcome"] == "failure"
    assert "duration" not in document["event"]
    assert "duration" not in document["storm"]


@pytest.mark.parametrize("end", ["\t", ""])
def test_with_and_without_the_last_tab_the_fields_are_the_same_s14(end: str) -> None:
    document = booked(f"/CN=a\tPTG\tASYNCH\t-OK-\tsrm://h/dteam/a\t10:11:12,013\t7\tt-1{end}")
    assert (document["storm"]["token"], document["storm"]["duration"]) == ("t-1", 7)
    assert (document["storm"]["operation"], document["storm"]["vo"]) == ("srmPtG", "dteam")


def test_other_messages_of_the_bookkeeping_are_text() -> None:
    document = booked("Bookkeeping started")
    assert (document["@timestamp"], document["tags"]) == ("2026-11-21T23:25:22.112Z", [])
