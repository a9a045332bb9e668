"""`shipper audit --against`: files on this host against an index that something else filled; no agent, no state."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from shipper import config
from shipper.cli.audit_request import window_of
from shipper.cli.console import visible
from shipper.cli.reading import reading, time_zone
from shipper.clock import SystemClock
from shipper.config.units import duration
from shipper.correlate.against import Span, Wanted, compare_keys
from shipper.correlate.against_report import as_json, as_text, exit_code
from shipper.correlate.conditions import only, smaller_than
from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Hosts, load_hosts
from shipper.correlate.indices import Access, documents
from shipper.correlate.keys import KNOWN, parse_keys
from shipper.correlate.logs import Logs, logs_at
from shipper.correlate.report import iso
from shipper.errors import UsageError

_TOLERANCE = "1s"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What the command line says of the index and of how it is compared."""

    index: str
    keys: tuple[str, ...]
    tolerance: str
    pipeline: str | None = None
    """None: the inputs of the configuration."""
    where: tuple[str, ...] = ()
    sender_skips: str | None = None
    hosts: Path | None = None
    timezone: tzinfo = UTC
    access: Access = field(default_factory=Access)
    since: str | None = None
    until: str | None = None

    def words(self) -> list[str]:
        """As it is typed, but for the span of time."""
        words = ["--against", self.index, *_each("--key", self.keys)]
        words += ["--tolerance", self.tolerance] if self.tolerance != _TOLERANCE else []
        words += _each("--pipeline", [self.pipeline]) + _each("--where", self.where)
        words += _each("--sender-skips", [self.sender_skips]) + _each("--hosts", [self.hosts])
        words += ["--timezone", str(self.timezone)] if self.timezone is not UTC else []
        return words + _each("--api-key-file", [self.access.api_key_file]) + _each("--ca-certs", [self.access.ca_certs])


def _each(option: str, values: Sequence[object]) -> list[str]:
    return [word for value in values if value is not None for word in (option, str(value))]


_OPTIONS = (
    click.option(
        "--against", metavar="INDEX",
        help="Audit an index that something else filled, without agent or state: https://HOST:9200/INDEX, or a file of "
        "JSON documents. Needs --key, and inputs of the configuration or --pipeline and --path.",
    ),
    click.option(
        "--key", "keys", multiple=True, metavar="FIELDS",
        help="With --against: what makes a record and a document the same, FIELD[:UNIT][=FIELD[:UNIT]][~TOLERANCE],…; "
        f"or one of {', '.join(KNOWN)}. Given again: any of them will do.",
    ),
    click.option(
        "--tolerance", default=_TOLERANCE, show_default=True, metavar="TIME",
        help="With --against: how far times in a key may differ.",
    ),
    click.option("--pipeline", metavar="NAME", help="With --against: how the files of --path are parsed."),
    click.option("--where", multiple=True, metavar="FIELD=VALUE", help="With --against: only these documents."),
    click.option(
        "--sender-skips", metavar="FIELD<SIZE",
        help="With --against: records that the sender leaves out by intention, for example tstat.c_bytes_uniq<100MB.",
    ),
    click.option(
        "--hosts", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help="With --against: names and addresses of hosts, for keys with the unit host: CSV with host,address.",
    ),
    click.option(
        "--timezone", default="UTC", show_default=True, metavar="ZONE",
        help="With --against: of times in the index that name none.",
    ),
    click.option(
        "--api-key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help="With --against: a key that may read the index.",
    ),
    click.option(
        "--ca-certs", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        help="With --against: the authorities that the cluster's certificate is checked with.",
    ),
)  # fmt: skip


_NOT_FOREIGN = (
    "host", "repair", "apply_wanted", "max_delete", "deleted", "html", "merge", "fail_on", "resume",
)  # fmt: skip
_NOT_GIVEN = (None, False)


def foreign_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `--against`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def taken_from(options: dict[str, Any], **others: Any) -> Foreign | None:
    """What was given for `--against`, taken out of the options; None if it was not wanted.

    Raises UsageError for what belongs to only one of the two kinds of audit.
    """
    index = options.pop("against")
    foreign = Foreign(
        index=index or "",
        keys=options.pop("keys"),
        tolerance=options.pop("tolerance"),
        pipeline=options.pop("pipeline"),
        where=options.pop("where"),
        sender_skips=options.pop("sender_skips"),
        hosts=options.pop("hosts"),
        timezone=time_zone(options.pop("timezone")),
        access=Access(options.pop("api_key_file"), options.pop("ca_certs")),
        since=options["since"],
        until=options["until"],
    )
    if index is None and (foreign.keys or foreign.pipeline or foreign.where or foreign.sender_skips or foreign.hosts):
        raise UsageError("--key, --pipeline, --where, --sender-skips and --hosts belong to --against INDEX.")
    useless = [name for name in _NOT_FOREIGN if {**options, **others}.get(name) not in _NOT_GIVEN]
    if index is not None and useless:
        raise UsageError(
            f"--{useless[0].replace('_wanted', '').replace('_', '-')} does not go together with --against."
        )
    return None if index is None else foreign


def audit_against(
    foreign: Foreign, configuration: Path, inputs: Sequence[str], paths: Sequence[str], *, json_wanted: bool
) -> int:
    """Compare, and tell; the exit code."""
    if not foreign.keys:
        raise UsageError(f"--against needs --key FIELDS: one of {', '.join(KNOWN)}, or FIELD[:UNIT]=FIELD[:UNIT],….")
    hosts = load_hosts(foreign.hosts) if foreign.hosts else Hosts()
    keys = parse_keys(foreign.keys, _tolerance(foreign.tolerance), hosts, foreign.timezone)
    sources = _sources(foreign, configuration, inputs, paths)
    held = only(documents(foreign.index, foreign.access), foreign.where)
    clock = SystemClock()
    window = window_of(foreign.since, foreign.until, clock.time())
    wanted = Wanted(Span(*window), foreign.timezone)
    if foreign.sender_skips:
        wanted = replace(wanted, skips=smaller_than(foreign.sender_skips))
    against = compare_keys(_records(sources), held, keys, clock.time, wanted)
    problems = [problem for logs in sources for problem in logs.problems]
    if json_wanted:
        click.echo(json.dumps(as_json(against, problems)))
    else:
        own = _each("--since", [window.since and iso(window.since)]) + _each(
            "--until", [window.until and iso(window.until)]
        )
        command = shlex.join(
            ["shipper", "audit", *foreign.words(), *_files(foreign, configuration, inputs, paths), *own]
        )
        for line in as_text(against, problems, foreign.index, command):
            click.echo(visible(line))
    return exit_code(against, problems)


def _files(foreign: Foreign, configuration: Path, inputs: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Which files are compared, as it is typed."""
    words = [] if foreign.pipeline else ["-c", str(configuration)]
    return words + _each("--input", inputs) + _each("--path", paths)


def _sources(foreign: Foreign, configuration: Path, inputs: Sequence[str], paths: Sequence[str]) -> list[Logs]:
    if foreign.pipeline:
        if not paths or inputs:
            raise UsageError("--against with --pipeline needs --path with files, folders or wildcards, and no --input.")
        return [logs_at(foreign.pipeline, paths)]
    settings = config.load(configuration)
    unknown = set(inputs) - {item.name for item in settings.inputs}
    if unknown:
        allowed = ", ".join(item.name for item in settings.inputs)
        raise UsageError(f"--input {min(unknown)}: there is no such input. The configuration has {allowed}.")
    sources = [
        Logs(item, settings.host, settings.pipeline_dirs, settings.pattern_dirs)
        for item in settings.inputs
        if not inputs or item.name in inputs
    ]
    for logs in sources:
        logs.files = [
            found for found in logs.files if not paths or any(fnmatchcase(str(found.path), glob) for glob in paths)
        ]
    if not any(logs.files for logs in sources):
        raise UsageError("There is no file of these inputs to compare with the index.")
    return sources


def _records(sources: Sequence[Logs]) -> Iterator[Entry]:
    for logs in sources:
        with reading("records") as progress:
            yield from logs.entries(progress)


def _tolerance(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"--tolerance {text}: {error}") from error
