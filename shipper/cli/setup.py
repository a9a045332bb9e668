"""`shipper setup`: what Elasticsearch needs before the first document comes, and what it needs no more."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import orjson

from shipper.cli import DEFAULT_CONFIGURATION
from shipper.cli.console import visible
from shipper.cli.outputs import configuration
from shipper.clock import SystemClock
from shipper.errors import Exit, UsageError
from shipper.events_log import EventsLog, text_writer
from shipper.reload.definitions import load_pipelines
from shipper.send.connection import Connection
from shipper.send.keys import make_key, write_key
from shipper.send.layout import Layout, dataset_key, layout_of
from shipper.send.ledger_template import ledger_template
from shipper.send.output import Dataset
from shipper.send.retention import DAY, Expiry, Lifecycle, Retention, longest, policy_body
from shipper.send.roles import ROLES, descriptor, key_request
from shipper.send.setup import Setup
from shipper.send.templates import Template, templates, under_policy
from shipper.settings import ElasticsearchSettings, Settings
from shipper.start import datasets
from shipper.wording import counted

PASSWORD_VARIABLE = "SHIPPER_PASSWORD"  # noqa: S105  the name of a variable, no password
_CREDENTIALS = ("api_key", "api_key_file", "username", "password", "password_file")


@dataclass(frozen=True, slots=True)
class _Site:
    """A configuration whose output is a cluster."""

    settings: Settings
    cluster: ElasticsearchSettings
    shipped: Sequence[Dataset]
    names: Mapping[str, str]
    """The dataset of each input."""


@click.command("setup", short_help="Print or install templates, retention and keys for Elasticsearch.")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_CONFIGURATION, show_default=True,
    metavar="FILE", help="The configuration file.",
)  # fmt: skip
@click.option("--print", "show", is_flag=True, help="Print what would be done; nothing is changed.")
@click.option("--apply", is_flag=True, help="Do it.")
@click.option("--expire", is_flag=True, help="Delete the indices that are older than their retention, instead.")
@click.option("--keys", is_flag=True, help="API keys with the least privileges, instead of templates.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES),
    help="With --keys: only the key of this role. Can be given several times; without it, all.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="With --keys --apply: where the key files are written, by default beside the configuration file. With "
    "--print: write everything there that a cluster needs, a file for each request.",
)  # fmt: skip
@click.option(
    "--user", metavar="NAME",
    help="Ask the cluster as this user, not with the configured credentials. The password is asked for, or taken from "
    f"the environment variable {PASSWORD_VARIABLE}.",
)  # fmt: skip
def command(
    path: Path,
    *,
    show: bool,
    apply: bool,
    expire: bool,
    keys: bool,
    roles: tuple[str, ...],
    folder: Path | None,
    user: str | None,
) -> int:
    """Print or install the index templates, generated from the types that the pipelines declare.

    With `setup: auto` (the default) the agent installs them by itself. With `setup: manual`, for example because the
    agent's key may not manage templates, it holds a dataset until `shipper setup --apply` was run for it. What is there
    already is left as it is, so that it is safe to run again. Where the cluster has lifecycle policies, --apply also
    installs one for each dataset that has a `retention`.

    With --expire: for clusters without such policies. Whole indices whose period lies wholly before the retention are
    deleted; --print lists them. Indices of others, and that of suspect times, are never touched.

    With --print --folder: templates, roles and, for what has a `retention`, lifecycle policies, each in a file of the
    name under which it is installed by PUT, for an administrator who has curl and not shipper.

    With --keys: the requests for API keys by role, as `POST /_security/api_key` takes them, or with --apply the keys
    themselves, each in a file `shipper-ROLE.key` that only its owner may read. A file that is there is left alone.
    """
    if show == apply:
        raise UsageError("Say what to do: either --print or --apply.")
    if keys and expire:
        raise UsageError("--keys and --expire are two different things; choose one.")
    if roles and not keys:
        raise UsageError("--role is for --keys.")
    if folder and (expire or keys != apply):
        raise UsageError("--folder is for --print, and for --keys --apply.")
    site = _site(path, user)
    if site is None:
        click.echo("The output is SQLite, which needs no setup.", err=True)
        return Exit.CLEAN
    if keys:
        wanted = roles or ROLES
        return _make_keys(site, wanted, folder or path.absolute().parent) if apply else _print_keys(site, wanted)
    if expire:
        return _expire(site, apply=apply)
    if folder:
        return _write_requests(site, folder)
    return _apply(site) if apply else _print_templates(site)


def _site(path: Path, user: str | None) -> _Site | None:
    """The site; with a user's credentials if one is named, whether or not the configured ones are there yet."""
    left_out = [("output", "elasticsearch", name) for name in _CREDENTIALS] if user else []
    settings = configuration(path, leave_out=left_out)
    if not isinstance(settings.output, ElasticsearchSettings):
        return None
    cluster = settings.output
    if user is not None:
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"Password of {user}: ")
        cluster = replace(cluster, username=user, password=password)
    pipelines = load_pipelines(settings)
    names = {name: pipeline.dataset for name, pipeline in pipelines.items()}
    return _Site(settings, cluster, datasets(settings, pipelines), names)


def _print_templates(site: _Site) -> int:
    bodies = {template.name: template.body for template in _all_templates(site)}
    click.echo(orjson.dumps(bodies, option=orjson.OPT_INDENT_2))
    return Exit.CLEAN


def _write_requests(site: _Site, folder: Path) -> int:
    """A file for the body of each request; its path is that of the request."""
    layout, retentions, fleet = layout_of(site.cluster), _retentions(site), site.settings.fleet
    policies = {retention.policy: policy_body(retention, layout) for retention in retentions}
    made = _all_templates(site)
    bodies: dict[str, Mapping[str, Any]] = {
        **{f"_ilm/policy/{name}": body for name, body in policies.items()},
        **{
            f"_index_template/{each.name}": under_policy(each.body, each.name if each.name in policies else None)
            for each in made
        },
        **{f"_security/role/shipper-{role}": descriptor(role, site.shipped, layout, fleet=fleet) for role in ROLES},
    }
    for name, body in bodies.items():
        file = folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    click.echo(f"{folder}: {counted(len(bodies), 'file')}, each to be PUT to the path of its name without .json")
    return Exit.CLEAN


def _all_templates(site: _Site) -> list[Template]:
    layout = layout_of(site.cluster)
    return [*(template for dataset in site.shipped for template in templates(dataset, layout)), *_others(site)]


def _others(site: _Site) -> Sequence[Template]:
    """Templates that are of no dataset."""
    return (ledger_template(),) if site.settings.fleet else ()


def _request(site: _Site, role: str, layout: Layout) -> Mapping[str, Any]:
    return key_request(role, site.settings.host, site.shipped, layout, fleet=site.settings.fleet)


def _apply(site: _Site) -> int:
    """Install; exit code 3 if a template could not be installed. Raises OutputError."""
    events = EventsLog(text_writer(sys.stderr))
    layout, wanted = layout_of(site.cluster), _retentions(site)
    with closing(Connection(site.cluster)) as connection:
        lifecycle = Lifecycle(connection, layout)
        in_force = lifecycle.install(wanted)
        policies = {retention.policy: retention.policy for retention in in_force}
        obstacles = Setup(connection, site.shipped, events, layout, policies, _others(site)).apply()
        lifecycle.adopt(in_force)
    for name, obstacle in obstacles.items():
        click.echo(f"{name}: {'ready' if obstacle is None else visible(obstacle.reason)}")
    for retention in wanted:
        how = (
            "a lifecycle policy"
            if retention in in_force
            else "`shipper setup --expire --apply`, which a timer must run"
        )
        days = "1 day" if retention.seconds == DAY else f"{retention.seconds / DAY:g} days"
        click.echo(f"{retention.policy}: kept for {days}, by {how}")
    return Exit.UNFINISHED if any(obstacles.values()) else Exit.CLEAN


def _expire(site: _Site, *, apply: bool) -> int:
    """Delete, or list, what is expired. Raises OutputError."""
    if layout_of(site.cluster) is Layout.DATA_STREAM:
        raise UsageError("Data streams have no indices by period to delete; use a lifecycle policy of the cluster.")
    with closing(Connection(site.cluster)) as connection:
        expiry = Expiry(connection)
        for retention in _retentions(site):
            for index in expiry.expired(retention, SystemClock().time()):
                if apply:
                    expiry.delete(index)
                click.echo(f"{index}: {'deleted' if apply else 'expired'}")
    return Exit.CLEAN


def _retentions(site: _Site) -> list[Retention]:
    """Of each dataset: the longest that one of its inputs asks for; none where one is to be kept for ever."""
    asked: dict[str, list[tuple[float | None, str]]] = {}
    for item in site.settings.inputs:
        key = dataset_key(Dataset(site.names[item.name], item.namespace, {}))
        asked.setdefault(key, []).append((item.retention or site.cluster.retention, item.period))
    return [
        Retention(key, max(seconds for seconds, _ in found if seconds), longest(period for _, period in found))
        for key, found in asked.items()
        if all(seconds for seconds, _ in found)
    ]


def _print_keys(site: _Site, roles: Sequence[str]) -> int:
    layout = layout_of(site.cluster)
    requests = {role: _request(site, role, layout) for role in roles}
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
            write_key(file, make_key(connection, _request(site, role, layout)))
            click.echo(f"{file}: the key of the {role}")
    return Exit.CLEAN
