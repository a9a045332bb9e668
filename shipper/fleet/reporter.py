"""Writes the ledger and signs of life of one agent to the output: once a minute, beside the agent, in a thread.

Whatever goes wrong here is said and tried again a minute later; shipping does not notice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Protocol

from shipper.errors import ShipperError
from shipper.events_log import EventsLog
from shipper.fleet.account import Account
from shipper.fleet.journal import Journal
from shipper.fleet.notes import AgentNote, Identity, file_document, read_file
from shipper.send.ledger_index import LedgerDocument, LedgerIndex, LedgerKind

EVERY = 60.0
"""Seconds between two signs of life."""
REREAD = 60
"""After so many reports it is read anew what is in the output: somebody may have deleted it."""
TOLD_AFTER = 2
"""Reports in a row that fail before that is told: a cluster that starts anew is away for a moment."""
PATIENCE = 10.0
"""Seconds that the end of an agent waits for the last report."""
_AT_ONCE = 1000
"""Documents that are written at a time."""
SCOPE = "fleet"
"""What stands still where reports cannot be written."""


class Accounts(Protocol):
    """Where the ledger is taken from."""

    def take(self) -> Account | None:
        """What the state says; None if that is what it said at the last time."""

    def forget(self) -> None:
        """Say it at the next time, whatever it is."""

    def close(self) -> None:
        """Close the state."""


Signs = Callable[[Account | None, bool], AgentNote]
"""The sign of life of now: of an account, or None if nothing new was said; and whether the agent has ended."""


class Reporter:
    """Reports on one agent. `report` and `close` are for one thread, `troubles` for any."""

    def __init__(
        self,
        who: Identity,
        accounts: Accounts,
        signs: Signs,
        open_index: Callable[[], LedgerIndex],
        events: EventsLog,
    ) -> None:
        self._who = who
        self._accounts = accounts
        self._signs = signs
        self._open_index = open_index
        self._events = events
        self._index: LedgerIndex | None = None
        self._journal: Journal | None = None
        self._reports = 0
        self._failures = 0
        """Reports in a row that failed."""
        self._trouble = ""

    def report(self, *, ended: bool = False) -> None:
        """Write what has changed, then a sign of life."""
        try:
            self._write(ended=ended)
        except ShipperError as error:
            self._begin_anew()
            self._failures += 1
            if self._failures >= TOLD_AFTER or ended:
                self._tell(str(error))
        else:
            if self._trouble:
                self._events.info("ledger_documents_resumed")
            self._failures, self._trouble = 0, ""

    def troubles(self) -> Mapping[str, str]:
        """What keeps reports from being written, as the agent tells its stalls: scope -> reason."""
        trouble = self._trouble
        return {SCOPE: f"the ledger is not written to the output: {trouble}"} if trouble else {}

    def close(self) -> None:
        """Give connections back."""
        self._accounts.close()
        if self._index is not None:
            self._index.close()
            self._index = None

    def _write(self, *, ended: bool) -> None:
        index = self._index = self._index or self._open_index()
        if self._journal is None or self._reports >= REREAD:
            self._journal, self._reports = None, 0
            self._accounts.forget()
        account = self._accounts.take()
        sign = self._signs(account, ended)
        if account is not None:
            if self._journal is None or not self._journal.covers(account):
                self._journal = self._read(index, account)
            self._write_changes(index, self._journal, account)
        if self._journal is not None:
            sign = replace(sign, files=self._journal.files, settled=self._journal.settled)
        index.write([sign.document()])
        self._reports += 1

    def _read(self, index: LedgerIndex, account: Account) -> Journal:
        index.refresh()
        files = index.read(LedgerKind.FILE, agent=self._who.agent)
        return Journal(self._who, files, index.read(LedgerKind.FATE, agent=self._who.agent), account)

    def _write_changes(self, index: LedgerIndex, journal: Journal, account: Account) -> None:
        changes = journal.changes(account)
        while some := list(islice(changes, _AT_ONCE)):
            index.write(some)
            journal.wrote(some)
        if left := journal.left():
            index.write(self._superseded(index, left))
            journal.superseded(left)

    def _superseded(self, index: LedgerIndex, keys: set[str]) -> list[LedgerDocument]:
        """Files that the state has forgotten: what their ledger said vouches for them still, and accuses nobody."""
        index.refresh()
        notes = map(read_file, index.read(LedgerKind.FILE, agent=self._who.agent))
        return [file_document(self._who, note.row, superseded=True) for note in notes if note.key in keys]

    def _begin_anew(self) -> None:
        """Nobody knows what of it was written."""
        self._journal = None
        if self._index is not None:
            self._index.close()
            self._index = None

    def _tell(self, reason: str) -> None:
        if reason != self._trouble:
            self._events.warning("ledger_documents_failed", reason=reason)
        self._trouble = reason


class Reports:
    """A thread in which a reporter reports: at once, once a minute, and at the end."""

    def __init__(self, reporter: Reporter, every: float = EVERY) -> None:
        self._reporter = reporter
        self._every = every
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fleet", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Report a last time, within a limit."""
        self._closing.set()
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        self._reporter.report()
        while not self._closing.wait(self._every):
            self._reporter.report()
        self._reporter.report(ended=True)
        self._reporter.close()
