"""A parsed record of a log, or a document of an index: fields and the place where it was found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One record or document."""

    id: str
    """Of the document; of a record, what copies of its file agree in."""
    place: str
    """The file, or the concrete index."""
    fields: Mapping[str, Any]
    offset: int = -1
    """Where the record begins in its file, uncompressed; -1 for documents."""
    line: int = 0
    """Number of the record's first line, from 1 on; 0 for documents."""
    size: int = 0
    """Bytes of the record with its newline; 0 for documents."""

    def value(self, name: str) -> Any:
        """The value of a dotted field, nested or not; None where there is none. The first of several values."""
        found: Any = self.fields
        for part in _parts(name):
            found = found.get(part) if type(found) is dict else None
        if found is None:
            found = _look_up(self.fields, name)
        return found[0] if isinstance(found, list) and found else found


@lru_cache(maxsize=1024)
def _parts(name: str) -> list[str]:
    return name.split(".")


def _look_up(fields: Mapping[str, Any], name: str) -> Any:
    if name in fields:
        return fields[name]
    head, dot, rest = name.partition(".")
    while dot:
        inner = fields.get(head)
        if isinstance(inner, Mapping) and (found := _look_up(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None
