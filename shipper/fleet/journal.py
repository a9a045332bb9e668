"""What of a ledger was written before, and what has to be written now. No input, no output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest

from shipper.fleet.account import Account, Fates
from shipper.fleet.notes import Identity, fate_document, file_document, file_key, read_fate, read_file
from shipper.records import FileRow, Tally
from shipper.send.ledger_index import LedgerDocument, LedgerKind

_NOTHING = Tally()


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
        self._seen: set[str] = set()
        """Files of the account that was looked at last."""
        self._settled = 0
        in_use = self._keys(account)
        for body in files:
            note = read_file(body)
            if not note.superseded or note.key in in_use:
                self._files[note.key] = xxh3_64_intdigest(orjson.dumps(body))
            else:
                self._former.add(note.key)
        for body in fates:
            fate = read_fate(body)
            if fate.key in self._files:
                self._fates.setdefault(fate.key, {})[fate.bucket, fate.fate] = hash(fate.tally)

    def covers(self, account: Account) -> bool:
        """Whether it is known what is there of all files of an account."""
        return not self._former or self._former.isdisjoint(self._keys(account))

    def changes(self, account: Account) -> Iterator[LedgerDocument]:
        """What has to be written so that the output says what the account says."""
        self._seen, self._settled = set(), 0
        for row, fates in account.entries:
            document = file_document(self._who, row)
            self._seen.add(document.id)
            self._settled += row.offset
            if self._files.get(document.id) != xxh3_64_intdigest(document.body):
                yield document
            yield from self._changed_fates(document.id, row, fates)

    def left(self) -> set[str]:
        """Files that the account does not know any more, once all its changes were asked for."""
        return self._files.keys() - self._seen

    @property
    def files(self) -> int:
        """How many files there were in the account, once all its changes were asked for."""
        return len(self._seen)

    @property
    def settled(self) -> int:
        """How many bytes of them were settled."""
        return self._settled

    def wrote(self, documents: Iterable[LedgerDocument]) -> None:
        """They are in the output now."""
        for document in documents:
            if document.kind is LedgerKind.FILE:
                self._files[document.id] = xxh3_64_intdigest(document.body)
            else:
                note = read_fate(orjson.loads(document.body))
                self._fates.setdefault(note.key, {})[note.bucket, note.fate] = hash(note.tally)

    def superseded(self, keys: Iterable[str]) -> None:
        """These files are marked as forgotten in the output now."""
        for key in keys:
            self._files.pop(key, None)
            self._fates.pop(key, None)
            self._former.add(key)

    def _changed_fates(self, key: str, row: FileRow, fates: Fates) -> Iterator[LedgerDocument]:
        """With those that no line has any more, as when a dead letter was sent again."""
        there = self._fates.get(key, {})
        for place, tally in fates.items():
            if there.get(place) != hash(tally):
                yield fate_document(self._who, row, *place, tally)
        for place in [place for place, known in there.items() if place not in fates and known != hash(_NOTHING)]:
            yield fate_document(self._who, row, *place, _NOTHING)

    def _keys(self, account: Account) -> set[str]:
        return {file_key(self._who.agent, *item) for item in account.fingerprints.items()}
