"""What of a ledger was written before, and what has to be written now. No input, no output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest

from shipper.fleet.account import Account
from shipper.fleet.notes import Identity, fate_document, file_document, file_key, read_fate, read_file
from shipper.records import FileRow, Tally
from shipper.send.ledger_index import LedgerDocument

_NOTHING = Tally()


@dataclass(slots=True)
class Changes:
    """What has to be written."""

    documents: list[LedgerDocument] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Keys of files that the state does not know any more: they are to be marked as superseded."""


class Journal:
    """The documents of one agent, as they are in the output.

    Of files that the state has forgotten their keys are enough, as long as none of them comes back.
    """

    def __init__(
        self,
        who: Identity,
        files: Iterable[Mapping[str, Any]],
        fates: Iterable[Mapping[str, Any]],
        account: Account,
    ) -> None:
        """`files` and `fates` are the documents that are there, `account` says which are in use."""
        self._who = who
        self._files: dict[str, int] = {}
        self._fates: dict[str, dict[tuple[int, str], int]] = {}
        self._former: set[str] = set()
        in_use = self._keys(account)
        for body in files:
            note = read_file(body)
            if not note.superseded or note.key in in_use:
                self._files[note.key] = _digest(body)
            else:
                self._former.add(note.key)
        for body in fates:
            fate = read_fate(body)
            if fate.key in self._files:
                self._fates.setdefault(fate.key, {})[fate.bucket, fate.fate] = _of_tally(fate.tally)

    def covers(self, account: Account) -> bool:
        """Whether it is known what is there of all files of an account."""
        return not self._former or self._former.isdisjoint(self._keys(account))

    def changes(self, account: Account) -> Changes:
        """What has to be written so that the output says what the account says."""
        found = Changes()
        current: dict[str, FileRow] = {}
        for row in account.files.values():
            document = file_document(self._who, row)
            current[document.id] = row
            if self._files.get(document.id) != xxh3_64_intdigest(document.body):
                found.documents.append(document)
        there: dict[str, set[tuple[int, str]]] = {}
        for entry in account.ledger:
            row = account.files[entry.file]
            key, place = file_key(self._who.agent, row), (entry.bucket, entry.fate)
            there.setdefault(key, set()).add(place)
            if self._fates.get(key, {}).get(place) != _of_tally(entry.tally):
                found.documents.append(fate_document(self._who, row, *place, entry.tally))
        for key, row in current.items():
            found.documents += self._emptied(key, row, there.get(key, set()))
        found.left = [key for key in self._files if key not in current]
        return found

    def wrote(self, changes: Changes) -> None:
        """They are in the output now, and what was left is marked."""
        for document in changes.documents:
            body = orjson.loads(document.body)
            if "fate" in body["shipper"]:
                note = read_fate(body)
                self._fates.setdefault(note.key, {})[note.bucket, note.fate] = _of_tally(note.tally)
            else:
                self._files[document.id] = xxh3_64_intdigest(document.body)
        for key in changes.left:
            self._files.pop(key, None)
            self._fates.pop(key, None)
            self._former.add(key)

    def _keys(self, account: Account) -> set[str]:
        return {file_key(self._who.agent, row) for row in account.files.values()}

    def _emptied(self, key: str, row: FileRow, there: set[tuple[int, str]]) -> Iterable[LedgerDocument]:
        """Fates that no line of a file has any more, as when a dead letter was sent again."""
        for (bucket, fate), digest in self._fates.get(key, {}).items():
            if (bucket, fate) not in there and digest != _EMPTY:
                yield fate_document(self._who, row, bucket, fate, _NOTHING)


def _digest(body: Mapping[str, Any]) -> int:
    return xxh3_64_intdigest(orjson.dumps(body))


def _of_tally(tally: Tally) -> int:
    """Some bytes for each fate, whatever its tally is."""
    return hash(tally)


_EMPTY = _of_tally(_NOTHING)
