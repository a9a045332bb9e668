"""The shape of a line: what varies from line to line is replaced by what it is, so that like lines look alike."""

from __future__ import annotations

import re

LONGEST = 200
"""Characters of a line that make its shape: a difference further on is no other kind of line."""
VARYING = re.compile(
    r"""(?P<quoted>"[^"]*")
    |(?P<id>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    |(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?)
    |(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)
    |(?P<path>(?<![\w/])/[^\s"'\]),;]+)
    |(?P<hex>\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,}\b)
    |(?P<number>\d+(?:\.\d+)?)
    """,
    re.VERBOSE,
)
KIND = re.compile(
    r"""(?P<integer>[+-]?[0-9]{1,19})
    |(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<ip>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?=.*::)[0-9a-fA-F:.]+|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7})
    |(?P<boolean>[Tt]rue|[Ff]alse|TRUE|FALSE)
    """,
    re.VERBOSE | re.DOTALL,
)
FITTING = {
    "int": {"integer"},
    "long": {"integer"},
    "float": {"integer", "number"},
    "double": {"integer", "number"},
    "boolean": {"boolean"},
    "ip": {"ip"},
}
"""Type -> kinds of text that are converted without loss."""


def shape(text: str) -> str:
    """The template of a line: `10.0.0.1 GET /a` is `<ip> GET <path>`."""
    return VARYING.sub(lambda found: f"<{found.lastgroup}>", text[:LONGEST]) + "…" * (len(text) > LONGEST)


def kind(text: str) -> str:
    """What a captured text looks like: integer, number, ip, boolean or text."""
    found = KIND.fullmatch(text)
    return (found.lastgroup if found is not None else None) or "text"
