"""The options of `shipper audit` but for those of `--against` and `--fleet`, as they are typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from shipper.audit.context import Level
from shipper.audit.repair import MAX_DELETE
from shipper.audit.request import GRACE
from shipper.cli import DEFAULT_CONFIGURATION

_OPTIONS = (
    click.option(
        "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
        metavar="FILE", help="The configuration file.",
    ),
    click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document."),
    click.option(
        "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="Write a page to show to others: one file that needs nothing else.",
    ),
    click.option("--input", "inputs", multiple=True, metavar="NAME", help="Only this input; may be given again."),
    click.option(
        "--path", "paths", multiple=True, metavar="GLOB",
        help="Only files whose path matches, or that lie below this folder; may be given again.",
    ),
    click.option(
        "--host", metavar="NAME",
        help="Audit the files of another host, without its state: at the paths of the configuration, or below one "
        "--path.",
    ),
    click.option(
        "--since", metavar="TIME",
        help="Look only at files and parts of files that may hold events of this time or later: a date, a date and "
        "time, or a time ago such as 24h. Without a zone it is local time.",
    ),
    click.option(
        "--until", metavar="TIME", help="As --since, for events of this time or earlier; of a date the whole day."
    ),
    click.option(
        "--level", type=click.Choice([level.value for level in Level]), default=Level.DISK.value, show_default=True,
        help="ledger: index against ledger (seconds); disk: read the files again (minutes); contents: make every "
        "document again and compare it (hours).",
    ),
    click.option(
        "--no-state", is_flag=True,
        help="Do not use the agent's state: disk against index alone; dead letters by the ledger documents in the "
        "output.",
    ),
    click.option(
        "--grace", default=f"{GRACE:.0f}s", show_default=True, metavar="TIME",
        help="With --no-state: how long after its last change the end of a file may still be under way.",
    ),
    click.option("--repair", is_flag=True, help="Print what a repair would send again or delete."),
    click.option("--apply", "apply_wanted", is_flag=True, help="With --repair: do it, then audit again."),
    click.option(
        "--max-delete", type=click.IntRange(min=0), metavar="N",
        help=f"With --apply: change nothing if more documents would be deleted.  [default: {MAX_DELETE:,}]",
    ),
    click.option(
        "--deleted", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="With --apply: the new file that keeps what is deleted, one document a line; by default in the state's "
        "folder repairs.",
    ),
    click.option(
        "--fail-on", metavar="KINDS",
        help="Kinds of findings, separated by commas, that make the exit code 1; by default all but incomplete_value.",
    ),
    click.option(
        "--resume", is_flag=False, flag_value="", metavar="[FILE]",
        help="Go on with an audit that was interrupted: files that were not changed since are not read again. Its "
        "progress is kept in the state's folder, or in FILE.",
    ),
    click.option("--merge", is_flag=True, help="Make one report of those that --json wrote on several hosts: FILES."),
)  # fmt: skip


def audit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an audit."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Options:
    """The options as they were typed."""

    path: Path
    inputs: tuple[str, ...]
    paths: tuple[str, ...]
    host: str | None
    since: str | None
    until: str | None
    level: str
    no_state: bool
    grace: str
    repair: bool
    apply_wanted: bool
    max_delete: int | None
    deleted: Path | None
    resume: str | None
    """Empty for the usual place of its file."""

    def repair_words(self) -> list[str]:
        """What of the command line belongs to a repair."""
        words = ["--repair"] if self.repair else []
        words += ["--apply"] if self.apply_wanted else []
        words += [] if self.max_delete is None else ["--max-delete", str(self.max_delete)]
        return words + ([] if self.deleted is None else ["--deleted", str(self.deleted)])


class Telling(NamedTuple):
    """How the report is told."""

    as_json: bool
    html: Path | None
    fail_on: str | None

    @property
    def dated(self) -> bool:
        """Whether a timeline is told."""
        return self.as_json or self.html is not None

    @property
    def words(self) -> list[str]:
        """As it is typed."""
        words = ["--json"] if self.as_json else []
        words += [] if self.html is None else ["--html", str(self.html)]
        return words + ([] if self.fail_on is None else ["--fail-on", self.fail_on])
