"""The common patterns on lines that are made to keep a backtracking engine busy."""

import pytest

from shipper import resources
from shipper.grok import Library
from shipper.grok.timeout import time_limit

LINES = {
    "letters": "a" * 300,
    "a path that ends in a backslash": "/" + "a" * 200 + "\\",
    "blanks": " " * 400 + "x",
    "numbers": "1 " * 150,
    "a scheme without a host": "http" * 60 + ":/",
    "folders": "/usr/" * 50 + " !",
    "quotes": '["a\\"' * 60,
    "labels": "a.b-c." * 50 + "@",
    "colons": "::1:" * 60,
    "windows": "C:\\x\\" * 50 + "?",
    "dates": "Mar 16 00:01:25 " * 20,
    "addresses": "10.0.0.1 " * 30,
}
SECONDS = 2.0
"""About a thousand times what the slowest takes."""


@pytest.fixture(scope="module")
def groks():
    library = Library.load([resources.patterns()], glob="*.grok")
    # What follows never matches: every way to match the definition is tried before it is given up.
    return [library.compile(rf"\A%{{{name}}}\x00") for name in library]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_every_installed_definition_gives_up_at_once(groks, line):
    for grok in groks:
        with time_limit(SECONDS):
            assert grok.match(line) is None
