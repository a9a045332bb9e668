"""None of the 127 scenarios is forgotten: each has tests with its number, or a reason in the README of this folder."""

import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALL = range(1, 128)
WITHOUT_TEST_AT_MOST = 15
REASONS = (HERE / "README.md").read_text().partition("## Scenarios without a test")[2]
SECTIONS = {"a": (1, 20), "b": (21, 41), "c": (42, 61), "d": (62, 77), "e": (78, 90), "f": (91, 97), "g": (98, 111)}
SECTIONS |= {"h": (112, 120), "i": (121, 127)}


def numbers_by_file():
    """Number of each scenario's tests, by file."""
    found = {}
    for path in HERE.glob("test_scenarios_*.py"):
        found[path.name] = Counter(map(int, re.findall(r"^def test_(\d{3})_\w+", path.read_text(), flags=re.MULTILINE)))
    return found


def explained():
    """Numbers of the scenarios that cannot apply, with a reason of at least a sentence."""
    return {int(number) for number in re.findall(r"^\* (\d+): .{40,}", REASONS, flags=re.MULTILINE)}


def test_every_scenario_has_a_test_or_a_reason():
    numbers = set().union(*numbers_by_file().values())

    assert sorted(numbers | explained()) == list(ALL)
    assert not numbers & explained()
    assert len(explained()) <= WITHOUT_TEST_AT_MOST


def test_every_scenario_is_in_the_file_of_its_section():
    misplaced = {
        (name, number)
        for name, numbers in numbers_by_file().items()
        for number in numbers
        if not SECTIONS[name[len("test_scenarios_")]][0] <= number <= SECTIONS[name[len("test_scenarios_")]][1]
    }
    assert not misplaced


def test_every_scenario_ends_with_the_verdict_of_an_audit():
    audited, numbers = set(), set()
    for path in HERE.glob("test_scenarios_*.py"):
        functions = dict(re.findall(r"^def (\w+)(.*?)(?=^\S|\Z)", path.read_text(), flags=re.MULTILINE | re.DOTALL))
        asking = {name for name, body in functions.items() if re.search(r"\b(verdict|audit)\(\)", body)}
        for name, body in functions.items():
            if name.startswith("test_"):
                numbers.add(int(name[5:8]))
                if name in asking or any(f"{helper}(" in body for helper in asking):
                    audited.add(int(name[5:8]))
    assert numbers == audited
