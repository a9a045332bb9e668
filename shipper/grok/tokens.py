"""A line cut into values and what stands between them: the raw material of a suggested pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shipper.grok.library import Library

MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
TOKEN = re.compile(
    rf"""(?P<QS>"(?:[^"\\]|\\.)*")
    |(?P<HTTPDATE>\d\d/{MONTH}/\d{{4}}:\d\d:\d\d:\d\d\ [+-]\d{{4}})
    |(?P<SYSLOGTIMESTAMP>{MONTH}\ [\ \d]\d\ \d\d:\d\d:\d\d)
    |(?P<TIMESTAMP_ISO8601>\d{{4}}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)
    |(?P<key>[A-Za-z_][\w.-]*(?:=[\[(]?|:(?=\d)))(?P<value>"(?:[^"\\]|\\.)*"|[^\s,;\])"]*)
    |(?P<word>[^\s"'\[\](){{}}<>,;|=]*\w[^\s"'\[\](){{}}<>,;|=]*|(?<!\S)-(?!\S))
    """,
    re.VERBOSE,
)
TYPES = (
    "INT:int",
    "NUMBER:float",
    "TIMESTAMP_ISO8601",
    "HTTPDATE",
    "SYSLOGTIMESTAMP",
    "TIME",
    "IP",
    "UUID",
    "LOGLEVEL",
    "QS",
    "WORD",
    "UNIXPATH",
    "NOTSPACE",
)
"""What values can be, the most specific first; `:int` and `:float` are the types of the fields."""
NAMES = {
    "TIMESTAMP_ISO8601": "timestamp",
    "HTTPDATE": "timestamp",
    "SYSLOGTIMESTAMP": "timestamp",
    "TIME": "time",
    "IP": "ip",
    "UUID": "id",
    "LOGLEVEL": "level",
    "QS": "text",
    "INT": "number",
    "NUMBER": "number",
    "UNIXPATH": "path",
}
EMPTY = "-"
"""What many logs write for no value."""


class Token(NamedTuple):
    """A value with the text before it."""

    before: str
    key: str | None
    """What names it in the line: `name=`, `name=[`, or `name:` before a number."""
    value: str


class Cut(NamedTuple):
    """A line as values, and the text after the last."""

    tokens: tuple[Token, ...]
    rest: str

    @property
    def skeleton(self) -> tuple[tuple[str, str | None], ...]:
        """What lines of one format have in common: what stands between the values, and their names."""
        return (*((token.before, token.key) for token in self.tokens), (self.rest, None))


def cut(line: str) -> Cut:
    """The values of a line, from left to right."""
    tokens = []
    position = 0
    for found in TOKEN.finditer(line):
        before = line[position : found.start()]
        value = found["value"] if found["key"] else found[0]
        tokens.append(Token(before, found["key"], value))
        position = found.end()
    return Cut(tuple(tokens), line[position:])


class Typing:
    """Knows the patterns that values are recognised by."""

    def __init__(self, library: Library) -> None:
        self._types = [(each, library.compile(f"\\A%{{{each.split(':')[0]}}}\\z")) for each in TYPES]

    def of(self, values: Sequence[str]) -> str | None:
        """The most specific pattern that all values match, `INT:int` or `WORD`; None: no pattern does."""
        for name, grok in self._types:
            if all(grok.search(value) is not None for value in values):
                return name
        return None
