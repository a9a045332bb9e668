"""From the options of `shipper audit` to what an audit is asked; what makes no sense is a UsageError."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from shipper.audit.context import Level
from shipper.audit.elsewhere import settings_of
from shipper.audit.findings import Kind
from shipper.audit.report.document import iso
from shipper.audit.request import GRACE, Request
from shipper.audit.window import Window
from shipper.cli.audit_options import Options
from shipper.cli.outputs import configuration
from shipper.config.units import duration
from shipper.errors import UsageError
from shipper.settings import ElasticsearchSettings, Settings

FAULTS = frozenset(Kind) - {Kind.INCOMPLETE_VALUE}
"""What an audit fails on if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be audited."""

    settings: Settings
    request: Request
    command: str
    """The command line that asks the same again."""
    folder: Path | None = None
    """Where the files of another host lie."""


def asked(options: Options, now: float) -> Asked:
    """Check the options against each other and the configuration; `now` is in seconds since the epoch."""
    settings = configuration(options.path)
    _refuse_contradictions(options)
    names = _known(settings, options.inputs)
    foreign = options.host is not None and options.host != settings.host
    folder = _folder(options) if foreign else None
    if foreign:
        if folder is not None and options.apply_wanted:
            raise UsageError(
                f"--apply with files of {options.host} in {folder}: their names on {options.host} belong into the "
                "documents. Repair there, or make the folder known under its own name."
            )
        settings = settings_of(settings, str(options.host), names, folder)
    window = window_of(options.since, options.until, now)
    request = Request(
        level=Level(options.level),
        use_state=not (options.no_state or foreign),
        inputs=names,
        paths=() if folder is not None else options.paths,
        window=window,
        grace=_duration(options.grace),
        settle=settings.output.deadline if isinstance(settings.output, ElasticsearchSettings) else 0.0,
    )
    return Asked(settings, request, _command_line(options, settings, request), folder)


def _refuse_contradictions(options: Options) -> None:
    if options.apply_wanted and not options.repair:
        raise UsageError("--apply carries out a repair: it needs --repair.")
    if not options.apply_wanted and (options.max_delete is not None or options.deleted is not None):
        raise UsageError("--max-delete and --deleted limit and keep what a repair deletes: they need --repair --apply.")
    if options.deleted is not None and options.deleted.exists():
        raise UsageError(f"--deleted {options.deleted}: there is such a file; what is deleted goes to a new one.")
    if options.resume is not None and options.level == Level.LEDGER:
        raise UsageError("--resume goes on with the reading of files, and --level ledger reads none.")


def window_of(since: str | None, until: str | None, now: float) -> Window:
    """The span between two times as they are typed; `now` is in seconds since the epoch. Raises UsageError."""
    window = Window(_moment("--since", since, now), _moment("--until", until, now))
    if window.since is not None and window.until is not None:
        is_empty = window.since == window.until and _is_date(str(until))
        if is_empty or window.since > window.until:
            raise UsageError(f"--since {since} is later than --until {until}.")
    return window


def kinds_to_fail_on(text: str | None) -> frozenset[Kind]:
    """The kinds of findings that make the exit code 1."""
    if text is None:
        return FAULTS
    names = [name.strip().replace("-", "_") for name in text.split(",")]
    allowed = [kind.value for kind in Kind if kind is not Kind.UNPROVED]
    for name in names:
        if name not in allowed:
            raise UsageError(
                f"--fail-on {text}: '{name}' is no kind of finding. Allowed are {', '.join(allowed)}, separated by "
                "commas. What is unproved always ends with exit code 3."
            )
    return frozenset(Kind(name) for name in names)


def _folder(options: Options) -> Path | None:
    """Where the files of another host lie."""
    if not any(Path(path).is_dir() for path in options.paths):
        return None
    if len(options.paths) > 1:
        raise UsageError(f"--host {options.host}: give one folder with --path; there are {len(options.paths)}.")
    return Path(options.paths[0]).absolute()


def _known(settings: Settings, names: tuple[str, ...]) -> tuple[str, ...]:
    allowed = [item.name for item in settings.inputs]
    for name in names:
        if name not in allowed:
            raise UsageError(f"--input {name}: there is no such input. The configuration has {', '.join(allowed)}.")
    return names


def _duration(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"--grace {text}: {error}") from error


def _moment(option: str, text: str | None, now: float) -> float | None:
    """Seconds since the epoch of a date, a date and time, or a time ago; without a zone it is this machine's."""
    if text is None:
        return None
    try:
        return now - duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        if option == "--until" and _is_date(text):
            moment += timedelta(days=1)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text}: this is no moment. Write a date, a date and time such as 2026-11-01T06:00:00+01:00 "
            "(without a zone: local time), or a time ago such as 24h."
        ) from None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _command_line(options: Options, settings: Settings, request: Request) -> str:
    words = ["shipper", "audit", "-c", str(options.path)]
    words += _each("--output", [settings.output_name] if settings.output_name else [])
    words += _each("--input", request.inputs) + _each("--path", options.paths)
    words += _each("--host", [options.host] if options.host else [])
    words += _each("--since", [iso(request.window.since)] if request.window.since is not None else [])
    words += _each("--until", [iso(request.window.until)] if request.window.until is not None else [])
    if request.level is not Level.DISK:
        words += ["--level", request.level.value]
    if options.no_state:
        words.append("--no-state")
    if request.grace != GRACE:
        words += ["--grace", options.grace]
    return shlex.join(words)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
