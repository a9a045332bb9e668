"""`shipper audit --resume`: where the progress of an audit is kept, and what to type to go on after an interruption."""

from __future__ import annotations

import hashlib
import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import click

from shipper.audit.context import Level
from shipper.audit.resume import Earlier, Journal, JournalFile, read_earlier
from shipper.cli.audit_request import Asked
from shipper.cli.console import visible
from shipper.errors import UsageError

_OLD = 7 * 86_400.0
"""Seconds after which what nobody went on with is dropped."""
_ENDING = ".progress"


@contextmanager
def kept_progress(wanted: Asked, resume: str | None, words: Sequence[str], now: float) -> Iterator[Journal]:
    """The journal of an audit; if the audit does not come to its end, says how to go on.

    `resume` is the value of the option: None if it was not given, empty for the usual place. `words` are what the
    command line has besides the request. Raises UsageError.
    """
    command = shlex.join([*shlex.split(wanted.command), *words])
    if wanted.request.level is Level.LEDGER:
        with _terminations():
            yield Journal()
        return
    path = Path(resume) if resume else _usual_place(wanted, now)
    earlier = _earlier(path) if resume is not None else None
    try:
        journal = JournalFile(path, earlier)
    except OSError as error:
        if resume is not None:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}. Name another file: --resume FILE."
            ) from error
        with _unkept(f"{path}: {error.strerror}") as unkept:
            yield unkept
        return
    done = False
    try:
        with _terminations():
            yield journal
        done = True
    finally:
        _end(journal, done=done, command=_going_on(command, resume))


def _earlier(path: Path) -> Earlier | None:
    earlier = read_earlier(path)
    if earlier is None:
        _say(f"{path}: there is nothing to go on with. The audit begins anew.")
    elif earlier.problem:
        _say(earlier.problem)
    return earlier


@contextmanager
def _unkept(obstacle: str) -> Iterator[Journal]:
    """A journal that keeps nothing, as it is said at an interruption, and not before: most audits are short."""
    journal, done = Journal(), False
    try:
        with _terminations():
            yield journal
        done = True
    finally:
        if journal.pieces and not done:
            _say(f"Nothing of it is kept: {obstacle}. With --resume FILE it is.")


def _end(journal: JournalFile, *, done: bool, command: str) -> None:
    if done or not journal.pieces:
        journal.finish()
    elif not journal.is_there():
        _say(f"Nothing of it is kept: another audit took {journal.path}.")
    else:
        _say(f"What was done so far is kept. To go on with it: {command}")
        if journal.obstacle:
            _say(f"Not all of it is kept: {journal.obstacle}.")
    journal.close()


def _going_on(command: str, resume: str | None) -> str:
    return shlex.join([*shlex.split(command), "--resume", *([resume] if resume else [])])


def _usual_place(wanted: Asked, now: float) -> Path:
    """The file for this request in the state's folder. Older ones of other requests are dropped."""
    folder = wanted.settings.state
    for old in folder.glob(f"audit-*{_ENDING}*"):
        with suppress(OSError):  # of another user, or just gone: it is in nobody's way
            if old.stat().st_mtime < now - _OLD:
                old.unlink()
    name = hashlib.blake2b(wanted.command.encode(), digest_size=6).hexdigest()
    return folder / f"audit-{name}{_ENDING}"


@contextmanager
def _terminations() -> Iterator[None]:
    """SIGTERM, by which timers and shutdowns end a program, is an interruption like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    click.echo(visible(text), err=True)
