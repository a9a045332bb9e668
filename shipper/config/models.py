"""What a configuration may say: every key, its form and its limits. All values arrive as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from shipper.config import values
from shipper.settings import (
    MIB,
    ElasticsearchSettings,
    Expectation,
    InputSettings,
    MetricsSettings,
    Settings,
    SQLiteSettings,
)

SITE = Path("/etc/shipper")
"""Where an administrator's own patterns and pipelines lie, whatever configuration file is used."""


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(_Mapping):
    """The key `expect` of an input."""

    every: Annotated[values.Duration, values.between("1m", "7d")]
    by: Annotated[values.Duration, values.between("0s", "7d")] = 1200.0
    lines: values.Counts | None = None
    bytes: values.Sizes | None = None


class Input(_Mapping):
    """One item of `inputs`."""

    name: values.InputName
    paths: Annotated[tuple[values.Glob, ...], values.AT_LEAST_ONE]
    pipeline: values.PipelineName
    exclude: tuple[values.Exclude, ...] = ()
    timezone: values.TimeZone | None = None
    namespace: values.Namespace = "default"
    period: values.Period = "month"
    links: values.Links = "inside"
    watch: values.Watch = "inotify"
    incomplete: values.Incomplete | None = None
    start_at: values.StartAt = "beginning"
    encoding: values.Encoding = "utf-8"
    rate: Annotated[values.Rate, values.between("1KiB", "64GiB")] | None = None
    retention: Annotated[values.Duration, values.between("1d", "36500d")] | None = None
    expect: Expect | None = None


class SQLite(_Mapping):
    """The key `output.sqlite`."""

    path: values.FilePath


class Elasticsearch(_Mapping):
    """The key `output.elasticsearch`."""

    hosts: Annotated[tuple[values.Address, ...], values.AT_LEAST_ONE]
    api_key: values.Text | None = None
    api_key_file: values.SecretFile | None = None
    username: values.Text | None = None
    password: values.Text | None = None
    password_file: values.SecretFile | None = None
    ca_certs: values.ExistingFile | None = None
    ca_fingerprint: values.Fingerprint | None = None
    setup: values.Setup = "auto"
    deadline: Annotated[values.Duration, values.between("1s", "1h")] = 60.0
    compress: values.Switch = True
    senders: Annotated[values.Count, values.between(1, 32)] = 2
    data_stream: values.Switch = False
    retention: Annotated[values.Duration, values.between("1d", "36500d")] | None = None


class Output(_Mapping):
    """The key `output`: that exactly one is chosen is checked across keys."""

    sqlite: SQLite | None = None
    elasticsearch: Elasticsearch | None = None


class Metrics(_Mapping):
    """The key `metrics`: that there is a port or a file is checked across keys."""

    port: Annotated[values.Count, values.between(1, 65_500)] | None = None
    file: values.FilePath | None = None
    every: Annotated[values.Duration, values.between("1s", "1h")] = 15.0


class Document(_Mapping):
    """A whole configuration."""

    inputs: Annotated[tuple[Input, ...], values.AT_LEAST_ONE]
    host: values.HostName | None = None
    state: values.FilePath = Path("/var/lib/shipper")
    output: Output | None = None
    outputs: Annotated[dict[values.OutputName, Output], values.AT_LEAST_ONE] | None = None
    memory: Annotated[values.Size, values.between("1MiB", "64GiB")] = 32 * MIB
    max_open_files: Annotated[values.Count, values.between(8, 1_000_000)] = 512
    rescan: Annotated[values.Duration, values.between("100ms", "1h")] = 10.0
    batch_bytes: Annotated[values.Size, values.between("1KiB", "64MiB")] = 4 * MIB
    batch_documents: Annotated[values.Count, values.between(1, 100_000)] = 5000
    batch_age: Annotated[values.Duration, values.between("10ms", "1m")] = 1.0
    dead_letters: Annotated[values.Size, values.between("1MiB", "1TiB")] = 256 * MIB
    forget_after: Annotated[values.Duration, values.between("1h", "3650d")] = 90 * 86_400.0
    stall_after: Annotated[values.Duration, values.between("1s", "1d")] = 300.0
    parse_timeout: Annotated[values.Duration, values.between("10ms", "1m")] = 1.0
    metrics: Metrics | None = None
    fleet: values.Switch | None = None
    patterns_dir: values.ExistingFolder | None = None
    pipelines_dir: values.ExistingFolder | None = None


class Asking(Document):
    """A configuration with which an output is asked: it need not ship anything."""

    inputs: Annotated[tuple[Input, ...], values.AT_LEAST_ONE] = ()


MODELS: dict[tuple[str, ...], type[_Mapping]] = {
    (): Document,
    ("inputs",): Input,
    ("inputs", "expect"): Expect,
    ("metrics",): Metrics,
    ("output",): Output,
    ("output", "sqlite"): SQLite,
    ("output", "elasticsearch"): Elasticsearch,
}
"""Which model rules at which keys; positions in lists left out."""

SECRETS = frozenset({"api_key", "password"})
"""Keys whose values are never shown."""


def settings_from(document: Document, origin: Path) -> Settings:
    """The settings that the stages are given; where there are several outputs, those for the first of them."""
    if not document.outputs:
        return _settings(document, origin)
    each = tuple(
        _settings(_for_output(document, position, name), origin, name) for position, name in enumerate(document.outputs)
    )
    return replace(each[0], outputs=each)


def _for_output(document: Document, position: int, name: str) -> Document:
    """The configuration of the agent that serves one of several outputs: what it writes and listens to is its own."""
    assert document.outputs is not None
    changes = {"output": document.outputs[name], "state": document.state / name}
    metrics = document.metrics
    if metrics is not None:
        port = None if metrics.port is None else metrics.port + position
        file = None if metrics.file is None else metrics.file.with_stem(f"{metrics.file.stem}-{name}")
        changes["metrics"] = metrics.model_copy(update={"port": port, "file": file})
    return document.model_copy(update=changes)


def _settings(document: Document, origin: Path, output_name: str = "") -> Settings:
    assert document.host is not None
    output = _output(document)
    return Settings(
        host=document.host,
        state=document.state,
        inputs=tuple(_input(item) for item in document.inputs),
        output=output,
        memory=document.memory,
        max_open_files=document.max_open_files,
        rescan=document.rescan,
        batch_bytes=document.batch_bytes,
        batch_documents=document.batch_documents,
        batch_age=document.batch_age,
        dead_letters=document.dead_letters,
        forget_after=document.forget_after,
        stall_after=document.stall_after,
        parse_timeout=document.parse_timeout,
        pattern_dirs=_folders("patterns", document.patterns_dir),
        pipeline_dirs=_folders("pipelines", document.pipelines_dir),
        metrics=None if document.metrics is None else MetricsSettings(**dict(document.metrics)),
        # An index in a file is seldom that of several hosts; who wants its ledger there, too, says so.
        fleet=isinstance(output, ElasticsearchSettings) if document.fleet is None else document.fleet,
        output_name=output_name,
        origin=origin,
    )


def _input(item: Input) -> InputSettings:
    expect = None if item.expect is None else Expectation(**dict(item.expect))
    return InputSettings(**{**dict(item), "expect": expect})


def rules_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that rules at a place; None where names are free."""
    keys = tuple(part for part in path if isinstance(part, str))
    if keys[:1] == ("outputs",):
        if len(keys) == 1:
            return None
        keys = ("output", *keys[2:])
    return MODELS[keys]


def _output(document: Document) -> SQLiteSettings | ElasticsearchSettings:
    chosen = document.output or Output()
    if chosen.elasticsearch is None:
        return SQLiteSettings(chosen.sqlite.path if chosen.sqlite else document.state / "index.db")
    fields = dict(chosen.elasticsearch)
    password_file = fields.pop("password_file")
    if password_file is not None:
        fields["password"] = values.secret_text(password_file)
    return ElasticsearchSettings(**fields)


def _folders(name: str, own: Path | None) -> tuple[Path, ...]:
    site = SITE / name
    return tuple(folder for folder in (site if site.is_dir() else None, own) if folder is not None)
