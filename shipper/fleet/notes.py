"""What agents note of themselves, and how it is written: one document for the agent, each file, and each of its fates.

The id of a document names the agent, and of a file the row of the state and the fingerprint: a state that was lost or
put back may give the row of one file to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from shipper.errors import OutputError
from shipper.records import FileRow, Mark, MarkKind, Tally
from shipper.send.ledger_index import LedgerDocument, LedgerKind
from shipper.settings import Expectation


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent: a host may have several, each with a state of its own."""

    host: str
    agent: str
    """16 hex digits of host and state folder."""


@dataclass(frozen=True, slots=True)
class InputNote:
    """An input as an agent reads it."""

    name: str
    dataset: str
    namespace: str
    pipeline: str
    version: str
    """Of the pipeline: also of what the input says of parsing."""
    rules: str
    """Hash of the pipeline's definition and patterns alone: equal on hosts that parse alike."""
    expect: Expectation | None = None


@dataclass(frozen=True, slots=True)
class StallNote:
    """Something that stands still."""

    scope: str
    reason: str
    since: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class AgentNote:
    """A sign of life. Times are in seconds since the epoch, by the host's clock."""

    host: str
    agent: str
    at: float
    """When the state was looked at that it, and what was written just before it, tell of."""
    every: float
    """Seconds until the next one."""
    ended: bool
    """Whether the agent has ended in good order."""
    version: str
    started: float
    state: str
    configuration: str
    """Path of the configuration file."""
    inputs: tuple[InputNote, ...] = ()
    stalls: tuple[StallNote, ...] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    """Documents that wait for somebody, by category."""
    unread: Mapping[str, int] = field(default_factory=dict)
    """Bytes of open files that were not read yet, by input."""
    committed_at: float = 0.0
    files: int = 0
    """That it knew; documents of as many are there,"""
    settled: int = 0
    """and say in all that so many bytes of them are settled. Who finds less does not see the whole ledger."""

    def document(self) -> LedgerDocument:
        """As it is written."""
        body = {
            "@timestamp": int(self.at * 1000),
            "kind": LedgerKind.AGENT.value,
            "host": {"name": self.host},
            "shipper": {"agent": self.agent, "version": self.version},
            "details": {name: value for name, value in asdict(self).items() if name not in _ABOVE},
        }
        return LedgerDocument(self.agent, LedgerKind.AGENT, self.host, self.agent, orjson.dumps(body))


_ABOVE = frozenset({"host", "agent", "version"})


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file as the state of its agent knows it; or, `superseded`, as it knew it once."""

    agent: str
    row: FileRow
    superseded: bool = False

    @property
    def key(self) -> str:
        """Names the file among all of all agents."""
        return file_key(self.agent, self.row.id, self.row.fingerprint)


@dataclass(frozen=True, slots=True)
class FateNote:
    """A part of a file's ledger."""

    key: str
    """Of the file."""
    bucket: int
    fate: str
    tally: Tally


def agent_id(host: str, state: str) -> str:
    """The name of the agent of a state folder."""
    return xxh3_64_hexdigest(f"{host}\0{state}".encode())


def file_key(agent: str, number: int, fingerprint: str) -> str:
    """The id of the document of a file, by the number of its row; those of its fates begin with it."""
    return f"{agent}-{number:x}-{fingerprint}"


def fate_id(key: str, bucket: int, fate: str) -> str:
    """The id of the document of a fate."""
    return f"{key}-{bucket:x}-{fate}"


def file_document(who: Identity, row: FileRow, *, superseded: bool = False) -> LedgerDocument:
    """How far a file is."""
    shipper: dict[str, Any] = {"agent": who.agent, "input": row.input, "file": row.id}
    gaps = [(mark.offset, mark.value) for mark in row.marks if mark.kind is MarkKind.GAP]
    body = {
        "kind": LedgerKind.FILE.value,
        "host": {"name": who.host},
        "shipper": shipper,
        "log": {"offset": row.offset, "file": {"path": row.path, "fingerprint": row.fingerprint}},
        "details": {"current_path": row.current_path, "heir_of": row.heir_of, "gaps": gaps, "superseded": superseded},
    }
    return LedgerDocument(
        file_key(who.agent, row.id, row.fingerprint), LedgerKind.FILE, who.host, who.agent, orjson.dumps(body)
    )


def fate_document(who: Identity, row: FileRow, bucket: int, fate: str, tally: Tally) -> LedgerDocument:
    """What became of lines of a file."""
    shipper = {
        "agent": who.agent, "input": row.input, "file": row.id, "bucket": bucket, "fate": fate, **tally._asdict(),
    }  # fmt: skip
    body = {
        "kind": LedgerKind.FATE.value,
        "host": {"name": who.host},
        "shipper": shipper,
        "log": {"file": {"path": row.path, "fingerprint": row.fingerprint}},
    }
    name = fate_id(file_key(who.agent, row.id, row.fingerprint), bucket, fate)
    return LedgerDocument(name, LedgerKind.FATE, who.host, who.agent, orjson.dumps(body))


def read_agent(body: Mapping[str, Any]) -> AgentNote:
    """A sign of life as it was written. Raises OutputError if it is none."""
    try:
        details = {**body["details"], "host": body["host"]["name"], **body["shipper"]}
        known = {name: details[name] for name in AgentNote.__dataclass_fields__ if name in details}
        inputs = tuple(_input(item) for item in known.pop("inputs"))
        stalls = tuple(StallNote(item["scope"], item["reason"], item["since"]) for item in known.pop("stalls"))
        return AgentNote(**known, inputs=inputs, stalls=stalls)
    except (KeyError, TypeError, AttributeError) as error:
        raise _strange(body, error) from error


def read_file(body: Mapping[str, Any]) -> FileNote:
    """A file as it was written. Raises OutputError if it is none."""
    try:
        shipper, log, details = body["shipper"], body["log"], body["details"]
        row = FileRow(
            id=shipper["file"],
            input=shipper["input"],
            path=log["file"]["path"],
            current_path=details["current_path"],
            device=0,
            inode=0,
            fingerprint=log["file"]["fingerprint"],
            size=0,
            offset=log["offset"],
            chain=0,
            guard=0,
            carry=None,
            marks=[Mark(offset, MarkKind.GAP, value) for offset, value in details["gaps"]],
            heir_of=details["heir_of"],
        )
        return FileNote(shipper["agent"], row, superseded=details["superseded"])
    except (KeyError, TypeError, ValueError) as error:
        raise _strange(body, error) from error


def read_fate(body: Mapping[str, Any]) -> FateNote:
    """A part of a ledger as it was written. Raises OutputError if it is none."""
    try:
        shipper = body["shipper"]
        tally = Tally(*(int(shipper[name]) for name in Tally._fields))
        key = file_key(shipper["agent"], shipper["file"], body["log"]["file"]["fingerprint"])
        return FateNote(key, shipper["bucket"], shipper["fate"], tally)
    except (KeyError, TypeError, ValueError) as error:
        raise _strange(body, error) from error


def _input(item: Mapping[str, Any]) -> InputNote:
    expect = item["expect"]
    known = None
    if expect is not None:
        known = Expectation(expect["every"], expect["by"], _band(expect["lines"]), _band(expect["bytes"]))
    said = {name: item[name] for name in ("name", "dataset", "namespace", "pipeline", "version", "rules")}
    return InputNote(**said, expect=known)


def _band(value: Any) -> tuple[int, int] | str | None:
    return (int(value[0]), int(value[1])) if isinstance(value, list) else value


def _strange(body: Mapping[str, Any], error: Exception) -> OutputError:
    return OutputError(f"A ledger document is not as shipper writes them ({error!r}): {str(body)[:200]}")
