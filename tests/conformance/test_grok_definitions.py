"""All definitions of Logstash's two pattern sets: how long they take to compile, and to be tried on lines."""

import json
import os
import re
import time
from functools import cache
from pathlib import Path

import pytest

from shipper.grok import Library

SUITES = Path(__file__).parents[3] / "shared" / "conformance" / "grok"
SETS = {"legacy": 317, "ecs-v1": 361}
COMPILE_SECONDS = 2.0
LINE_SECONDS = 0.05


@pytest.fixture(autouse=True)
def _suites():
    if not SUITES.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"the conformance suites are not at {SUITES}")


@cache
def compiled(name):
    library = Library.load([SUITES / "patterns" / name], base=None)
    return {each: library.compile(f"%{{{each}}}") for each in library}


def texts_of(value):
    if isinstance(value, str):
        return {value}
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(texts_of, children))


@cache
def lines():
    """Every text of every event of the cases."""
    found = set()
    for path in SUITES.glob("cases-*.jsonl"):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                found |= texts_of(json.loads(line)["event"])
    return sorted(found)


def seconds(search, text):
    """CPU time of this thread, so that a busy machine does not count; the best of three."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        search(text)
        taken.append(time.thread_time() - began)
        if taken[-1] < LINE_SECONDS:
            break
    return min(taken)


def test_all_definitions_compile_in_two_seconds_together():
    libraries = [Library.load([SUITES / "patterns" / name], base=None) for name in SETS]
    taken = []
    for _ in range(3):
        re.purge()  # what an earlier round has left would be no work
        began = time.thread_time()
        groks = [library.compile(f"%{{{each}}}") for library in libraries for each in library]
        taken.append(time.thread_time() - began)
        assert len(groks) == sum(SETS.values()) == 678
    assert min(taken) < COMPILE_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_no_definition_takes_long_on_any_line_of_the_cases(name):
    assert len(lines()) >= 300
    slow = []
    for each, grok in compiled(name).items():
        began = time.thread_time()
        for text in lines():
            grok.search(text)
        if time.thread_time() - began > LINE_SECONDS:
            slow += [(each, text) for text in lines() if seconds(grok.search, text) > LINE_SECONDS]
    assert not slow
