"""Conditions on entries, as given on a command line: `meta.sensor_id=dtn01.example.org`, `tstat.c_bytes_uniq<100MB`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from shipper.config.units import size
from shipper.correlate.entries import Entry
from shipper.errors import UsageError


def only(entries: Iterable[Entry], conditions: Sequence[str]) -> Iterator[Entry]:
    """The entries whose fields have exactly these values: `FIELD=VALUE`, each of them. Raises UsageError."""
    wanted = []
    for condition in conditions:
        field, equals, value = condition.partition("=")
        if not equals or not field:
            raise UsageError(f"--where {condition}: write FIELD=VALUE, for example meta.sensor_id=dtn01.example.org.")
        wanted.append((field, value))
    return (entry for entry in entries if all(str(entry.value(field)) == value for field, value in wanted))


def smaller_than(condition: str) -> Callable[[Entry], bool]:
    """Whether a field is below an amount of bytes: `FIELD<SIZE`. Raises UsageError."""
    field, less, amount = (word.strip() for word in condition.partition("<"))
    try:
        limit = int(amount) if amount.isdecimal() else size(amount)
    except ValueError as error:
        raise UsageError(f"--sender-skips {condition}: {error}") from error
    if not less or not field:
        raise UsageError(f"--sender-skips {condition}: write FIELD<SIZE, for example tstat.c_bytes_uniq<100MB.")

    def is_smaller(entry: Entry) -> bool:
        value = entry.value(field)
        return isinstance(value, (int, float)) and value < limit

    return is_smaller
