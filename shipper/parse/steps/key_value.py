"""The step `key_value`: pairs such as `count=3, mean=0.5`, with nothing else around them."""

from __future__ import annotations

import re
from collections.abc import Collection

from shipper.parse.fields import Fields, as_text
from shipper.parse.steps import MATCHED, joined

FAILURE = "_kvfailure"


class KeyValueStep:
    """Reads pairs until the end of the text; text that is no pair fails the whole."""

    def __init__(
        self,
        field: str,
        *,
        between: str,
        assign: str,
        quote: str | None,
        into: str,
        only: Collection[str] | None,
        null: frozenset[str],
    ) -> None:
        self._field = field
        self._into = into
        self._only = None if only is None else frozenset(only)
        self._null = null
        separators = f"[{re.escape(between)}]"
        plain = f"(?:(?!{separators}).)*"
        marks = re.escape(quote) if quote else ""
        value = f"(?:{marks}(?P<quoted>[^{marks}]*){marks}|(?P<plain>{plain}))" if quote else f"(?P<plain>{plain})"
        key = f"(?P<key>(?:(?!{separators}|{re.escape(assign)}).)+)"
        self._pair = re.compile(f"{separators}*{key}{re.escape(assign)}{value}(?={separators}|$)", re.DOTALL)
        self._end = re.compile(f"{separators}*")

    def apply(self, fields: Fields, header: str) -> str:  # noqa: ARG002 - part of the protocol
        """Add the pairs, or none of them."""
        text = fields.get(self._field)
        pairs = None if text is None else self._pairs(as_text(text))
        if not pairs:
            return FAILURE
        for key, value in pairs:
            if value not in self._null and (self._only is None or key in self._only):
                fields[joined(self._into, key)] = value
        return MATCHED

    def _pairs(self, text: str) -> list[tuple[str, str]] | None:
        pairs = []
        position = 0
        while pair := self._pair.match(text, position):
            parts = pair.groupdict()
            quoted = parts.get("quoted")
            pairs.append((parts["key"], parts["plain"] if quoted is None else quoted))
            position = pair.end()
        return pairs if self._end.fullmatch(text, position) else None
