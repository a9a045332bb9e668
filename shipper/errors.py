"""Every error a user can meet: a class knows its sentence and the exit code of the program.

::

    ShipperError
    ├── UsageError             2  the command line contradicts itself or names what is not there
    ├── ConfigurationError     2  one or many Problems in configuration, pipelines or patterns
    │   └── PatternError       2  a grok pattern that cannot be compiled
    ├── StateError             3  state that is damaged, foreign, newer or held by another agent
    ├── OutputError            3  the output is away, refuses our credentials, or gave half an answer
    ├── SourceError            3  a log file that cannot be read
    └── DemoError              1  a step of `shipper demo` that did not come out as promised

They are raised where the fact is known and caught in one place, `shipper.cli.main`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    UNFINISHED = 3
    INTERRUPTED = 130


class ShipperError(Exception):
    """A failure that the user can understand; its text is one or more whole sentences."""

    exit_code = Exit.UNFINISHED


class UsageError(ShipperError):
    """The command line contradicts itself or names something that does not exist."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a user wrote."""

    message: str
    """What is wrong, with the offending value and what is allowed."""
    file: str | None = None
    line: int | None = None
    """1-based."""
    key: str | None = None
    """Dotted path of the key, for example `inputs.0.paths`."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigurationError(ShipperError):
    """Mistakes in configuration, pipeline or pattern files: all of them at once."""

    exit_code = Exit.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PatternError(ConfigurationError):
    """A grok pattern that cannot be compiled."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None, name: str | None = None) -> None:
        super().__init__([Problem(message, file, line, name)])


class StateError(ShipperError):
    """The agent's state cannot be used as it is; the text names the file and the ways out."""


class OutputError(ShipperError):
    """The output could not be asked, or its answer is not whole."""


class SourceError(ShipperError):
    """A log file could not be read."""


class DemoError(ShipperError):
    """A step of the demo did not come out as promised."""

    exit_code = Exit.FINDINGS
