"""The language of time formats: strptime-like directives become a regular expression."""

from __future__ import annotations

import re
from typing import NamedTuple

_DIRECTIVES = {
    "Y": r"(?P<year>[0-9]{4})",
    "m": r"(?P<month>[0-9]{2})",
    "d": r"(?P<day>[0-9]{2})",
    "e": r"(?P<day> ?[0-9]{1,2})",
    "H": r"(?P<hour>[0-9]{2})",
    "M": r"(?P<minute>[0-9]{2})",
    "S": r"(?P<second>[0-9]{2})",
    "b": r"(?P<month>[A-Z][a-z]{2})",
    "a": r"[A-Z][a-z]{2}",
    "z": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})",
    "f": r"(?P<fraction>[0-9]+)",
    "3f": r"(?P<fraction>[0-9]{1,3})",
    "6f": r"(?P<fraction>[0-9]{1,6})",
    "9f": r"(?P<fraction>[0-9]{1,9})",
    "%": "%",
}
_WIDTHS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2, "%b": 3, "%a": 3, "%%": 1}
ISO8601 = (
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[T ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]+))?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?"
)


class Translation(NamedTuple):
    """A format as a regular expression."""

    pattern: str
    padded: int = 0
    """Digits of a fraction that may lack leading zeros; 0 for a decimal fraction."""
    width: int = 0
    """Characters before a fraction that ends the text, if they are always as many; else 0."""


class UnknownDirective(ValueError):  # noqa: N818 - it is turned into a Problem by the definition's check
    """A format holds a directive that is not known."""


def translate(text: str) -> Translation:
    """The regular expression for strptime-like directives."""
    pieces = re.findall(r"%[0-9]?.|[^%]+|%$", text, flags=re.DOTALL)
    unknown = [piece for piece in pieces if piece[0] == "%" and piece[1:] not in _DIRECTIVES]
    if unknown:
        raise UnknownDirective(unknown[0])
    pattern = "".join(_DIRECTIVES[piece[1:]] if piece[0] == "%" else re.escape(piece) for piece in pieces)
    padded = next((int(piece[1]) for piece in pieces if piece in ("%3f", "%6f", "%9f")), 0)
    widths = [_WIDTHS.get(piece) if piece[0] == "%" else len(piece) for piece in pieces[:-1]]
    fixed = pieces[-1:] in (["%f"], ["%3f"], ["%6f"], ["%9f"])
    return Translation(pattern, padded, sum(filter(None, widths)) if fixed and None not in widths else 0)
