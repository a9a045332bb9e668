"""`shipper state import`: begin where another shipper has ended."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import console, visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.errors import Exit
from shipper.events_log import EventsLog
from shipper.operate.logs import writer_for
from shipper.overview import looking
from shipper.settings import Settings
from shipper.start import without_agent
from shipper.takeover import filebeat, fluent_bit, logstash
from shipper.takeover.plan import Plan, plan, take_over
from shipper.takeover.positions import Positions
from shipper.wording import counted

_OTHERS = {"filebeat": filebeat.positions, "fluent-bit": fluent_bit.positions, "logstash": logstash.positions}
_SHOWN = 10


@click.command("import", short_help="Begin where another shipper has ended.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--from", "other", type=click.Choice(list(_OTHERS)), required=True, help="The other shipper.")
@click.option("--apply", is_flag=True, help="Do it; without this it is only shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.argument("sources", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def command(path: Path, other: str, sources: Sequence[Path], *, apply: bool, as_json: bool) -> int:
    """Begin where another shipper has ended: neither lose lines at a switch nor ship them a second time.

    PATH is Filebeat's registry (the folder with log.json, or Filebeat's data folder), Fluent Bit's databases, or
    Logstash's sincedb files. Stop the other shipper first, take over, then start the agent. The inputs concerned must
    say `start_at: now`.

    Each file that the other knows begins where it stood there; files of these inputs that it does not know are read
    whole. What the other has shipped counts as filtered by the rule `before_start`. Files that the state knows already
    are left as they are, so that it is safe to run again.

    Exit codes: 0 every line is shipped by one of the two; 1 of some files, which are named, lines may be shipped by
    both or by neither; 3 the output is away or an agent runs.
    """
    settings = configuration(path)
    positions = Positions([position for source in sources for position in _OTHERS[other](source)])
    found = _applied(settings, positions) if apply else _planned(settings, positions)
    if as_json:
        files = [one._asdict() for one in found.files]
        click.echo(json.dumps({**asdict(found), "files": files, "applied": apply}, indent=2))
    else:
        _print(found, apply=apply)
    return Exit.FINDINGS if any(one.doubtful for one in found.files) else Exit.CLEAN


def _planned(settings: Settings, positions: Positions) -> Plan:
    with looking(settings) as seen:
        return plan(settings, positions, None if seen is None else seen[0])


def _applied(settings: Settings, positions: Positions) -> Plan:
    clock, events = SystemClock(), EventsLog(writer_for(sys.stderr, os.environ, time.time))
    with without_agent(settings, clock, events) as (pipelines, state, output):
        return take_over(settings, positions, state, output.identity, pipelines)


def _print(found: Plan, *, apply: bool) -> None:
    out = console(sys.stdout)
    for one in found.files:
        begins = "nothing of it" if one.offset is None else f"from byte {one.offset:,} of {one.size:,}"
        known = f" (known by {one.known_by})" if one.known_by else ""
        note = f": {visible(one.note)}" if one.note else ""
        out.print(f"{'! ' if one.doubtful else '  '}{one.input}: {visible(one.path)}: {begins}{known}{note}")
    if found.gone:
        more = f" and {len(found.gone) - _SHOWN:,} more" if len(found.gone) > _SHOWN else ""
        names = ", ".join(map(visible, found.gone[:_SHOWN]))
        out.print(f"Known to the other, and matched by no input now: {names}{more}.")
    if not found.files:
        out.print("None of the other's files is matched by an input of this configuration.")
    done = "recorded; start the agent." if apply else "to be recorded by --apply."
    out.print(f"{counted(len(found.files), 'file')} {done}")
