"""`shipper correlate`: has every GridFTP transfer its TCP flows, in an index, in tstat's logs, or in both?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from shipper.cli.console import visible
from shipper.cli.reading import reading, time_zone
from shipper.clock import SystemClock
from shipper.config.units import duration
from shipper.correlate.comparison import Rules, compare
from shipper.correlate.entries import Entry
from shipper.correlate.flows import LAYOUTS, Layout
from shipper.correlate.gathering import CONTROL_PORTS
from shipper.correlate.hosts import Hosts, load_hosts
from shipper.correlate.indices import Access, documents, is_index
from shipper.correlate.layouts import parse_layout
from shipper.correlate.logs import Logs, logs_at
from shipper.correlate.matching import Limits
from shipper.correlate.quantities import DATE, quantity
from shipper.correlate.report import as_csv, as_json, exit_code
from shipper.correlate.text_report import as_text
from shipper.errors import UsageError
from shipper.hostname import full_host_name

GRIDFTP, TSTAT = "gridftp-transfer", "tstat-tcp"
_LISTS = ("--gridftp", "--tstat")


class _SeveralValues(click.Command):
    """`--gridftp A B C` as shells make it of a wildcard."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: Sequence[str]) -> Iterator[str]:
    option, values = "", 0
    for word in args:
        if word.startswith("-") and word != "-":
            option, values = word.partition("=")[0], int("=" in word)
        elif option in _LISTS:
            if values:
                yield option
            values += 1
        yield word


@click.command("correlate", cls=_SeveralValues, short_help="Compare GridFTP transfers with tstat's TCP flows.")
@click.option(
    "--gridftp", multiple=True, required=True, metavar="FILES",
    help="Transfer logs of GridFTP: files, folders, wildcards; or an index that holds them.",
)  # fmt: skip
@click.option("--tstat", multiple=True, metavar="DIRS", help="Logs of tstat: folders, files, wildcards.")
@click.option(
    "--index", metavar="INDEX",
    help="Flows that arrived: https://HOST:9200/INDEX, a SQLite index of ours, or a file of JSON documents.",
)  # fmt: skip
@click.option(
    "--hosts", "hosts_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Names and addresses of hosts: CSV with host,address and perhaps since,until; or as /etc/hosts.",
)  # fmt: skip
@click.option(
    "--window", default="2s", show_default=True, metavar="TIME",
    help="How long after its transfer a stream may begin.",
)  # fmt: skip
@click.option(
    "--tolerance", default="1s", show_default=True, metavar="TIME",
    help="What clocks and rounding to whole seconds may differ.",
)  # fmt: skip
@click.option(
    "--since", metavar="TIME", help="Only transfers that began then or later; ISO 8601, UTC if no zone is given."
)
@click.option("--until", metavar="TIME", help="Only transfers that began before.")
@click.option(
    "--timezone", metavar="ZONE", default="UTC", show_default=True, help="Of times in the index that name none."
)
@click.option(
    "--fields", metavar="MAP",
    help="Where documents have what, for example client=src,client_port=sport,server=dst,server_port=dport,start=ts:ms,"
    "end=te:ms,bytes=n:B. Known by themselves: documents of shipper, of tstat_send, and of the Elastic Common Schema.",
)  # fmt: skip
@click.option(
    "--control-ports", metavar="PORTS", default=",".join(map(str, sorted(CONTROL_PORTS))), show_default=True,
    help="Ports on which no data connection ends.",
)  # fmt: skip
@click.option(
    "--server", metavar="NAME", help="The host of transfers whose records do not name it. Default: this host."
)
@click.option(
    "--api-key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="A key that may read the index.",
)  # fmt: skip
@click.option(
    "--ca-certs", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="The authorities that the cluster's certificate is checked with.",
)  # fmt: skip
@click.option("--json", "as_what", flag_value="json", help="Print one JSON document.")
@click.option("--csv", "as_what", flag_value="csv", help="Print a table with a row for each transfer.")
def command(
    gridftp: tuple[str, ...],
    tstat: tuple[str, ...],
    index: str | None,
    as_what: str | None,
    api_key_file: Path | None,
    ca_certs: Path | None,
    server: str | None,
    **options: str | Path | None,
) -> int:
    """Find the TCP flows of each GridFTP transfer, and tell which are missing, since when, and likely why.

    With --index the transfers are judged by the index, and --tstat shows which of the missing streams lie on a disk.
    Without it they are judged by the logs of tstat. Each flow counts once. Nothing is changed, and no configuration or
    state is needed.

    Exit codes: 0 all complete; 1 streams are missing, or there is something else to look at; 2 wrong usage; 3 a file
    or the index could not be read whole, or transfers could not be checked.
    """
    if not tstat and not index:
        raise UsageError("Flows are needed to compare the transfers with: give --tstat, --index or both.")
    access = Access(api_key_file, ca_certs)
    rules = _rules(server or full_host_name(), options)
    if len(gridftp) > 1 and any(map(is_index, gridftp)):
        raise UsageError("--gridftp: give one index with transfers, or log files, but not both, nor several indices.")
    transfer_logs = None if is_index(gridftp[0]) else logs_at(GRIDFTP, gridftp)
    tstat_logs = logs_at(TSTAT, tstat) if tstat else None
    compared = compare(
        documents(gridftp[0], access, "gridftp.transfer")
        if transfer_logs is None
        else _read(transfer_logs, "transfers"),
        documents(index, access, "tstat.tcp") if index else None,
        _read(tstat_logs, "flows") if tstat_logs else None,
        rules,
        SystemClock().time,
        index or "",
    )
    problems = [problem for logs in (transfer_logs, tstat_logs) if logs for problem in logs.problems]
    if as_what == "json":
        click.echo(json.dumps(as_json(compared, problems)))
    elif as_what == "csv":
        click.echo(as_csv(compared), nl=False)
        for problem in problems:
            click.echo(visible(f"Not read: {problem}"), err=True)
    else:
        for line in as_text(compared, problems, _next(index, tstat)):
            click.echo(visible(line))
    return exit_code(compared, problems)


def _read(logs: Logs, what: str) -> Iterator[Entry]:
    with reading(what) as progress:
        yield from logs.entries(progress)


def _next(index: str | None, tstat: Sequence[str]) -> str:
    if index and not tstat:
        return "give --tstat DIR with the logs of the hosts, to see which of the missing streams lie on a disk"
    if index:
        return f"shipper audit --against {index} --key KEY --pipeline {TSTAT} --path {' '.join(tstat)}"
    return "give --index INDEX, to see which of the flows arrived"


def _rules(server: str, options: dict[str, str | Path | None]) -> Rules:
    hosts_file, fields = options["hosts_file"], options["fields"]
    window, tolerance = (_duration(f"--{name}", str(options[name])) for name in ("window", "tolerance"))
    since, until = (_moment(f"--{name}", options[name]) for name in ("since", "until"))
    return Rules(
        hosts=load_hosts(hosts_file) if isinstance(hosts_file, Path) else Hosts(),
        limits=Limits(window, tolerance),
        layouts=_layouts(fields),
        zone=time_zone(str(options["timezone"])),
        control_ports=_ports(str(options["control_ports"])),
        default_host=server,
        since=float("-inf") if since is None else since,
        until=float("inf") if until is None else until,
    )


def _layouts(fields: str | Path | None) -> tuple[Layout, ...]:
    return (parse_layout(str(fields)),) if fields else LAYOUTS


def _duration(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from error


def _moment(option: str, text: str | Path | None) -> float | None:
    if text is None:
        return None
    moment = quantity(str(text), DATE)
    if moment is None:
        raise UsageError(f"{option} {text}: this is no time; write for example 2018-02-28 or 2018-02-28T10:00Z.")
    return moment


def _ports(text: str) -> frozenset[int]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    wrong = [word for word in words if not word.isdecimal() or int(word) > 65535]
    if wrong:
        raise UsageError(f"--control-ports {text}: {wrong[0]!r} is no port; write numbers with commas between them.")
    return frozenset(map(int, words))
