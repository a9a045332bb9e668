"""`shipper status` for very many files: the price of a look."""

import time

import pytest
from support.agents import Site

from shipper.cli.status import view
from shipper.overview import overview
from shipper.settings import InputSettings

FILES = 2000
LIMIT = 0.2
"""Seconds of processor time for a tenth of what must take less than two seconds,"""
OPENED = 20
"""or, on a machine that is slower, so many times what it takes to do no more than to read the files."""


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, InputSettings("app", (f"{tmp_path}/logs/*/*.log",), "raw"))
    for number in range(FILES):
        path = site.logs / f"{number % 50}" / f"{number}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"line {number} of a log of its own, one of very many\n" * 3)
    site.once()
    for path in site.logs.rglob("*.log"):
        with path.open("a") as file:
            file.write("one more line\n")
    return site


def processor_time(work):
    started = time.process_time()
    answer = work()
    return time.process_time() - started, answer


def test_a_look_at_twenty_thousand_files_would_take_less_than_two_seconds(site):
    looks, readings = [], []
    for _ in range(5):  # the least of them: neighbours on the machine can only make it longer
        taken, text = processor_time(lambda: view(overview(site.settings), running=False, every=True))
        assert f"{FILES:,} reading" in text
        looks.append(taken)
        readings.append(processor_time(lambda: [path.read_bytes() for path in site.logs.rglob("*.log")])[0])
    assert min(looks) < max(LIMIT, OPENED * min(readings)), (looks, readings)
