"""`shipper setup`: what Elasticsearch needs before the first document comes, and what it needs no more."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import click
import orjson

from shipper import config
from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import visible
from shipper.clock import SystemClock
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, text_writer
from shipper.reload.definitions import load_pipelines
from shipper.send.connection import Connection
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.keys import make_key, write_key
from shipper.send.layout import layout_of
from shipper.send.output import Dataset
from shipper.send.roles import ROLES, key_request
from shipper.send.templates import templates
from shipper.settings import ElasticsearchSettings, Settings
from shipper.start import datasets

PASSWORD_VARIABLE = "SHIPPER_PASSWORD"  # noqa: S105  the name of a variable, no password
_CREDENTIALS = ("api_key", "api_key_file", "username", "password", "password_file")


@dataclass(frozen=True, slots=True)
class _Site:
    """A configuration whose output is a cluster."""

    settings: Settings
    cluster: ElasticsearchSettings
    shipped: Sequence[Dataset]


@click.command("setup", short_help="Print or install templates, retention and keys for Elasticsearch.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--print", "show", is_flag=True, help="Print what would be done; nothing is changed.")
@click.option("--apply", is_flag=True, help="Do it.")
@click.option("--keys", is_flag=True, help="API keys with the least privileges, instead of templates.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES),
    help="With --keys: only the key of this role. Can be given several times; without it, all.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="With --keys --apply: where the key files are written. By default beside the configuration file.",
)  # fmt: skip
@click.option(
    "--user", metavar="NAME",
    help="Ask the cluster as this user, not with the configured credentials. The password is asked for, or taken from "
    f"the environment variable {PASSWORD_VARIABLE}.",
)  # fmt: skip
def command(
    path: Path, *, show: bool, apply: bool, keys: bool, roles: tuple[str, ...], folder: Path | None, user: str | None
) -> int:
    """Print or install the index templates, generated from the types that the pipelines declare.

    With `setup: auto` (the default) the agent installs them by itself. With `setup: manual`, for example because the
    agent's key may not manage templates, it holds a dataset until `shipper setup --apply` was run for it. What is there
    already is left as it is, so that it is safe to run again.

    With --keys: the requests for API keys by role, as `POST /_security/api_key` takes them, or with --apply the keys
    themselves, each in a file `shipper-ROLE.key` that only its owner may read. A file that is there is left alone.
    """
    if show == apply:
        raise UsageError("Say what to do: either --print or --apply.")
    if (roles or folder) and not keys:
        raise UsageError("--role and --folder are for --keys.")
    site = _site(path, user)
    if site is None:
        click.echo("The output is SQLite, which needs no setup.", err=True)
        return Exit.CLEAN
    if keys:
        wanted = roles or ROLES
        return _make_keys(site, wanted, folder or path.absolute().parent) if apply else _print_keys(site, wanted)
    return _apply(site) if apply else _print_templates(site)


def _site(path: Path, user: str | None) -> _Site | None:
    """The site; with a user's credentials if one is named, whether or not the configured ones are there yet."""
    left_out = [("output", "elasticsearch", name) for name in _CREDENTIALS] if user else []
    settings = config.load(path, leave_out=left_out)
    if not isinstance(settings.output, ElasticsearchSettings):
        return None
    cluster = settings.output
    if user is not None:
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"Password of {user}: ")
        cluster = replace(cluster, username=user, password=password)
    return _Site(settings, cluster, datasets(settings, load_pipelines(settings)))


def _print_templates(site: _Site) -> int:
    layout = layout_of(site.cluster)
    bodies = {template.name: template.body for dataset in site.shipped for template in templates(dataset, layout)}
    click.echo(orjson.dumps(bodies, option=orjson.OPT_INDENT_2))
    return Exit.CLEAN


def _apply(site: _Site) -> int:
    """Install; exit code 3 if a template could not be installed."""
    events = EventsLog(text_writer(sys.stderr))
    with closing(ElasticsearchOutput(site.cluster, site.shipped, SystemClock(), events)) as output:
        obstacles = output.apply_setup()
    for name, obstacle in obstacles.items():
        click.echo(f"{name}: {'ready' if obstacle is None else visible(obstacle.reason)}")
    return Exit.UNFINISHED if any(obstacles.values()) else Exit.CLEAN


def _print_keys(site: _Site, roles: Sequence[str]) -> int:
    layout = layout_of(site.cluster)
    requests = {role: key_request(role, site.settings.host, site.shipped, layout) for role in roles}
    click.echo(orjson.dumps(requests, option=orjson.OPT_INDENT_2))
    return Exit.CLEAN


def _make_keys(site: _Site, roles: Sequence[str], folder: Path) -> int:
    """Make the keys whose files are not there. Raises OutputError."""
    layout = layout_of(site.cluster)
    with closing(Connection(site.cluster)) as connection:
        for role in roles:
            file = folder / f"shipper-{role}.key"
            if file.exists():
                click.echo(f"{file}: is there already; remove it to have a new key made.")
                continue
            write_key(file, make_key(connection, key_request(role, site.settings.host, site.shipped, layout)))
            click.echo(f"{file}: the key of the {role}")
    return Exit.CLEAN
