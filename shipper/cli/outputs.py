"""Several outputs: which of them a command means, and `shipper run` for all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click

from shipper import config
from shipper.config.models import Document
from shipper.errors import UsageError
from shipper.events_log import EventsLog, Value, Write
from shipper.operate.notify import Notifier
from shipper.operate.supervisor import Supervisor
from shipper.settings import Settings

_HELP = "The output that is meant, where the configuration has several."
_CHOSEN = "shipper.output"
"""Where a command's context keeps the name."""

output_option = click.option("--output", "output", metavar="NAME", help=_HELP)


def with_output_option(command: click.Command) -> None:
    """Let a command, and all below it, take `--output`; `configuration` knows what it says."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            with_output_option(each)
    elif "output" not in [parameter.name for parameter in command.params]:
        command.params.append(
            click.Option(["--output"], metavar="NAME", help=_HELP, expose_value=False, callback=_remember)
        )


def _remember(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    context.meta[_CHOSEN] = name


def configuration(
    path: Path, *, leave_out: Sequence[tuple[str, ...]] = (), model: type[Document] = Document
) -> Settings:
    """The settings for the output that the running command was told; see `config.load` and `one_output`."""
    context = click.get_current_context(silent=True)
    name = None if context is None else context.meta.get(_CHOSEN)
    if name is not None:
        leave_out = [("outputs", name, *key[1:]) if key[:1] == ("output",) else key for key in leave_out]
    return one_output(config.load(path, leave_out=leave_out, model=model), name)


def one_output(settings: Settings, name: str | None) -> Settings:
    """The settings for one output. UsageError where there are several and none is named, or none of that name."""
    names = [each.output_name for each in settings.outputs]
    if name is None:
        if len(names) > 1:
            raise UsageError(f"There are several outputs: {', '.join(names)}. Name one with --output.")
        return settings
    if name not in names:
        known = f"The configuration has {', '.join(names)}." if names else "The configuration names no outputs."
        raise UsageError(f"--output {name}: there is no such output. {known}")
    return settings.outputs[names.index(name)]


def each_output(settings: Settings, name: str | None) -> Sequence[Settings]:
    """The settings for the named output; for all of them if none is named."""
    return settings.outputs if name is None and settings.outputs else [one_output(settings, name)]


def naming_output(write: Write, name: str) -> Write:
    """A writer of events that says which of several outputs they are about."""

    def named(level: str, event: str, fields: dict[str, Value]) -> None:
        write(level, event, {"output_name": name, **fields})

    return named if name else write


def run_all(settings: Settings, path: Path, events: EventsLog) -> int:
    """Ship to all outputs until stopped, each by an agent of its own; the worst of their exit codes."""

    def ended(name: str, code: int) -> None:
        events.error("output_ended", output_name=name, exit_code=code)

    notifier = Notifier.from_environment(os.environ, os.getpid())
    supervisor = Supervisor(_names(settings), lambda name, more: _start(path, name, more), notifier, ended)
    return supervisor.run()


def run_all_once(settings: Settings, path: Path, *, as_json: bool) -> int:
    """A single pass for all outputs, side by side; prints what each did. The worst of their exit codes."""
    said: dict[str, IO[bytes]] = {}

    def start(name: str, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = _start(path, name, more, "--once", "--json" if as_json else "", stdout=subprocess.PIPE)
        assert process.stdout is not None
        said[name] = process.stdout
        return process

    code = Supervisor(_names(settings), start, Notifier(None, None), lambda *_: None).run()
    texts = {name: pipe.read().decode().strip() for name, pipe in said.items()}
    if as_json:
        # One that could not finish printed nothing: its name alone says so.
        documents = [{"name": name, **(json.loads(text) if text else {})} for name, text in texts.items()]
        click.echo(json.dumps({"outputs": documents}))
    else:
        for name, text in texts.items():
            click.echo(f"{name}: {text or 'not finished, see the messages above.'}")
    for pipe in said.values():
        pipe.close()
    return code


def _names(settings: Settings) -> list[str]:
    return [each.output_name for each in settings.outputs]


def _start(
    path: Path, name: str, more: Mapping[str, str], *arguments: str, stdout: Any = None
) -> subprocess.Popen[bytes]:
    """The agent of one output. In a process group of its own: Ctrl-C is for us to pass on."""
    environment = {key: value for key, value in os.environ.items() if key != "WATCHDOG_PID"} | dict(more)
    words = [
        sys.executable,
        "-m",
        "shipper",
        "run",
        "-c",
        str(path),
        "--output",
        name,
        "--supervisor",
        str(os.getpid()),
    ]
    words += [word for word in arguments if word]
    return subprocess.Popen(words, env=environment, stdout=stdout, process_group=0)  # noqa: S603  this very program
