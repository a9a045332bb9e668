"""Opens the output that the settings name."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.clock import Clock
from shipper.events_log import EventsLog
from shipper.send.ledger_index import LedgerIndex
from shipper.send.output import Dataset, Output
from shipper.settings import ElasticsearchSettings, SQLiteSettings


def open_output(
    settings: SQLiteSettings | ElasticsearchSettings, datasets: Sequence[Dataset], clock: Clock, events: EventsLog
) -> Output:
    """The output, ready to send and to answer. Raises OutputError where it is away or refuses us."""
    if isinstance(settings, SQLiteSettings):
        from shipper.send.sqlite import SQLiteOutput  # noqa: PLC0415  each output costs only those who use it

        return SQLiteOutput(settings.path, datasets)
    from shipper.send.elasticsearch import ElasticsearchOutput  # noqa: PLC0415

    return ElasticsearchOutput(settings, datasets, clock, events)


def open_to_read(
    settings: SQLiteSettings | ElasticsearchSettings, datasets: Sequence[Dataset], clock: Clock, events: EventsLog
) -> Output:
    """The output, ready to answer; opening it changes nothing. Raises OutputError."""
    if isinstance(settings, SQLiteSettings):
        from shipper.send.sqlite import SQLiteOutput  # noqa: PLC0415  as above
        from shipper.send.sqlite_file import connect_to_read  # noqa: PLC0415  as above

        return SQLiteOutput(settings.path, (), connect_to_read)
    return open_output(settings, datasets, clock, events)


def open_ledger(
    settings: SQLiteSettings | ElasticsearchSettings, events: EventsLog, *, to_write: bool = False
) -> LedgerIndex:
    """The ledger documents of all hosts that ship to an output. Raises OutputError where it is away or refuses us."""
    if isinstance(settings, SQLiteSettings):
        from shipper.send.sqlite_ledger import SQLiteLedger  # noqa: PLC0415  as above

        return SQLiteLedger(settings.path, to_write=to_write)
    from shipper.send.elasticsearch_ledger import ElasticsearchLedger  # noqa: PLC0415

    return ElasticsearchLedger(settings, events)


def senders(settings: SQLiteSettings | ElasticsearchSettings) -> int:
    """How many threads send. None for SQLite: it answers at once, and threads would only fight for the interpreter."""
    return 0 if isinstance(settings, SQLiteSettings) else settings.senders
