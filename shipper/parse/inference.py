"""Types for names that a log brings along and no definition declares: decided per file by the first value.

A column of a newer program, or a key that nobody knew, is kept under its own name. Its first value in the file decides:
a plain number makes it numeric for all that follows, anything else text. The decision is part of the file's memory, so
that it follows from the file's bytes alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from shipper.parse.fields import TYPE_FAILURE, Fields, to_number

LIMIT = 200
"""Names of a file whose type is remembered; those that come later are text."""
_LISTS = 256
"""Lists of names that are remembered: a log whose names come from its content could have any number."""
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


class Undeclared:
    """Which names have no declared type: those below `parents` but for the `declared` ones."""

    def __init__(self, parents: Collection[str], declared: Collection[str]) -> None:
        self._prefixes = tuple(f"{parent}." for parent in parents)
        self._declared = frozenset(declared)
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def among(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names that have no declared type, in their order."""
        key = tuple(names)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _LISTS:
                self._known.clear()
            found = tuple(name for name in key if name.startswith(self._prefixes) and name not in self._declared)
            self._known[key] = found
        return found


class Inference:
    """What one file's values have decided so far."""

    def __init__(self, known: Mapping[str, bool]) -> None:
        self.known = dict(known)
        """Name -> whether it is numeric."""
        self._new: list[str] = []

    def numeric(self, names: Sequence[str], fields: Fields) -> tuple[bool, ...]:
        """Which of the names are numeric; names without a decision are decided by their values."""
        known = self.known
        try:
            return tuple([known[name] for name in names])
        except KeyError:
            return tuple([self._decided(name, fields[name]) for name in names])

    def taken_news(self) -> list[str]:
        """The names that were decided since the last call."""
        news, self._new = self._new, []
        return news

    def _decided(self, name: str, value: object) -> bool:
        found = self.known.get(name)
        if found is None:
            if len(self.known) >= LIMIT or not isinstance(value, str):
                return False
            found = self.known[name] = _is_plain_number(value)
            self._new.append(name)
        return found


def convert_numbers(names: Sequence[str], fields: Fields, tags: list[str]) -> None:
    """Replace texts under these names by numbers; what is no number moves to `<field>_text`."""
    for name in names:
        if isinstance(fields.get(name), str):
            try:
                fields[name] = to_number(fields[name])
            except ValueError:
                fields[name + "_text"] = fields.pop(name)
                if TYPE_FAILURE not in tags:
                    tags.append(TYPE_FAILURE)


def _is_plain_number(text: str) -> bool:
    if not _PLAIN.fullmatch(text):
        return False
    try:
        to_number(text)
    except ValueError:
        return False
    return True
