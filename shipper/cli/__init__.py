"""The command line: one module per command, imported only when it is used; errors are caught here and nowhere else."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from shipper import __version__
from shipper.errors import ConfigurationError, Exit, ShipperError

COMMANDS = {
    "demo": "demo",
    "run": "run",
    "check": "check",
    "status": "status",
    "audit": "audit",
    "correlate": "correlate",
    "parse": "parse",
    "grok": "grok",
    "dead-letters": "dead_letters",
    "state": "state",
    "reload": "reload",
    "reparse": "reparse",
    "setup": "setup",
}
"""Command name -> module in this package that holds it as `command`."""

FOR_ONE_OUTPUT = frozenset({"audit", "dead-letters", "reload", "reparse", "setup", "state"})
"""Commands that are for one of several outputs at a time."""

DEFAULT_CONFIGURATION = "/etc/shipper/shipper.yml"


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command = import_module(f"shipper.cli.{COMMANDS[name]}").command
        assert isinstance(command, click.Command)
        if name in FOR_ONE_OUTPUT:
            from shipper.cli.outputs import with_output_option  # noqa: PLC0415  only for those who need it

            with_output_option(command)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Exit codes: 0 done and clean; 1 done, and there is something to look at; 2 wrong usage or configuration; "
    "3 could not finish; 130 interrupted.",
)
@click.version_option(__version__, prog_name="shipper")
def shipper() -> None:
    """Ship logs, and prove that they arrived."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave the process with its exit code."""
    sys.exit(_after_all_is_printed(execute(arguments)))


def _after_all_is_printed(code: int) -> int:
    """The exit code; that of a command which is not finished where its answer cannot be written to the end."""
    if sys.stdout is None:  # started with nowhere to print to
        return code
    try:
        sys.stdout.flush()
    except OSError as error:
        if code != Exit.UNFINISHED:  # else it was told
            click.echo(f"shipper: {_refusal(error)}", err=True)
        # Python would try once more at its end, and leave with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNFINISHED
    return code


def execute(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code. A command returns its exit code or None."""
    try:
        result: Any = shipper.main(args=arguments, prog_name="shipper", standalone_mode=False)
    except click.exceptions.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except ShipperError as error:
        click.echo(f"shipper: {error}{_where_to_look(error)}", err=True)
        return error.exit_code
    except OSError as error:
        # A full disk, a folder of another user: what the system said is a sentence, a traceback is none.
        click.echo(f"shipper: {_refusal(error)}", err=True)
        return Exit.UNFINISHED
    return int(result or Exit.CLEAN)


def _where_to_look(error: ShipperError) -> str:
    """What tells the line of a mistake that was found only when pipelines were made for inputs."""
    unplaced = isinstance(error, ConfigurationError) and any(
        problem.file is None and str(problem.key).startswith("inputs.") for problem in error.problems
    )
    return "\nshipper: `shipper check` with this configuration tells file and line." if unplaced else ""


def _refusal(error: OSError) -> str:
    """What the operating system refused, with the file it concerns where it names one."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}." if error.filename is None else f"{error.filename}: {reason}."
