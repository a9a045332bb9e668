"""What a configuration says, checked: frozen values that the stages are given. `shipper.config` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20

Band = tuple[int, int]
"""The least and the most that is allowed."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an input brings, if all is well, in each period of its events' time."""

    every: float
    """Seconds of a period; periods begin at multiples of it, in UTC."""
    by: float
    """Seconds after the end of a period until which its lines are stored."""
    lines: Band | str | None = None
    """How many; `auto`: as many as in the periods before; None: at least one."""
    bytes: Band | str | None = None
    """How many bytes of lines, likewise."""


@dataclass(frozen=True, slots=True)
class InputSettings:
    """A configured set of paths with one pipeline."""

    name: str
    paths: tuple[str, ...]
    pipeline: str
    exclude: tuple[str, ...] = ()
    timezone: str | None = None
    namespace: str = "default"
    period: str = "month"
    """`month`, `day` or `year`: how long one index of this input's dataset covers."""
    links: str = "inside"
    """`inside`: symbolic links are followed only within the folders above the first wildcards; or `anywhere`."""
    watch: str = "inotify"
    """`inotify` or `poll` (NFS, Lustre, GPFS)."""
    incomplete: str | None = None
    """Overrides the pipeline's choice: `ship` or `refuse`."""
    start_at: str = "beginning"
    """Where reading begins in files that are there already: `beginning`, `now`, or a moment as ISO 8601 text: events
    before it are not shipped. What is skipped is filtered by the rule `before_start`."""
    encoding: str = "utf-8"
    """Of the text: any in which the bytes below 128 are ASCII."""
    rate: int | None = None
    """Bytes that are read per second, uncompressed, of all files of the input together; None: as fast as it goes."""

    retention: float | None = None
    """Seconds for which the documents of this input's dataset are kept in a cluster; None: as the output says."""
    expect: Expectation | None = None
    """What it brings if all is well; judged by `shipper audit --fleet`."""

    @property
    def since(self) -> str | None:
        """The moment before which events are not shipped, if `start_at` gives one."""
        return None if self.start_at in {"beginning", "now"} else self.start_at


@dataclass(frozen=True, slots=True)
class SQLiteSettings:
    """The embedded index."""

    path: Path


@dataclass(frozen=True, slots=True)
class ElasticsearchSettings:
    """A cluster. Credentials are never shown by `repr`."""

    hosts: tuple[str, ...]
    api_key: str | None = field(default=None, repr=False)
    api_key_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_certs: Path | None = None
    ca_fingerprint: str | None = None
    setup: str = "auto"
    """`auto` installs missing templates; `manual` waits for `shipper setup --apply`."""
    deadline: float = 60.0
    """Seconds that one request may take in all."""
    compress: bool = True
    senders: int = 2
    retention: float | None = None
    """Seconds for which documents are kept; None: for ever. Carried out by `shipper setup`."""
    data_stream: bool = False
    """Send to data streams instead of plain indices named by event time; see `shipper.send.layout`."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where metrics are shown; at least one of port and file is given."""

    port: int | None = None
    """Of the loopback interface; also for `/-/healthy` and `/-/ready`."""
    file: Path | None = None
    """Written for the textfile collector of node_exporter,"""
    every: float = 15.0
    """each so many seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a configuration file says."""

    host: str
    state: Path
    inputs: tuple[InputSettings, ...]
    output: SQLiteSettings | ElasticsearchSettings
    memory: int = 32 * MIB
    """Bytes of documents in flight."""
    max_open_files: int = 512
    rescan: float = 10.0
    batch_bytes: int = 4 * MIB
    batch_documents: int = 5000
    batch_age: float = 1.0
    dead_letters: int = 256 * MIB
    """Bytes of dead letters that are kept; at the limit their file waits."""
    forget_after: float = 90 * 86_400.0
    """Seconds after which a file that is gone is forgotten."""
    stall_after: float = 300.0
    """Seconds for which the unread part of an input must grow before that is told as a slowdown."""
    parse_timeout: float = 1.0
    """Seconds of processor time that parsing one event may take."""
    pattern_dirs: tuple[Path, ...] = ()
    pipeline_dirs: tuple[Path, ...] = ()
    metrics: MetricsSettings | None = None
    fleet: bool = False
    """Whether the ledger is written to the output, too, for `shipper audit --fleet`."""
    output_name: str = ""
    """Where there are several outputs: the name of the one that these settings are for."""
    outputs: tuple[Settings, ...] = ()
    """Where there are several outputs: the settings for each of them, whose state lies in a folder of its own."""
    origin: Path | None = None
    """The configuration file."""
