"""Every known trap of the logs has a test whose name holds its number.

T: tstat, G: GridFTP, S: StoRM, C: common to all. What concerns parsing stands in the tests of the pipelines, what
concerns reading in `test_traps_reading` and `test_traps_rotation`, what is common to all in `test_traps_common`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
TRAPS = (
    *("t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11"),
    *("t12", "t13", "t14", "t15", "t16", "t17", "t18", "t19", "t20", "t21", "t22"),
    *("g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9", "g10", "g11"),
    *("g12", "g13", "g14", "g15", "g16", "g17", "g18", "g19", "g20", "g21"),
    *("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"),
    *("s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17"),
    *("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14"),
)


def numbers_in(name: str) -> set[str]:
    """The traps that a test's name holds, each as a word of its own."""
    return set(name.split("_")) & set(TRAPS)


def names_of_tests(source: str) -> Iterator[str]:
    """The names of the tests that a file defines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


@pytest.fixture(scope="module")
def tested() -> set[str]:
    sources = [path.read_text() for path in sorted(TESTS.rglob("test_*.py"))]
    return {number for source in sources for name in names_of_tests(source) for number in numbers_in(name)}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_in_the_name_of_a_test(trap: str, tested: set[str]) -> None:
    assert trap in tested
