"""Which names and addresses are the same host: IPv4 and IPv6, several names, and addresses that moved."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from shipper.correlate.quantities import DATE, quantity
from shipper.errors import ConfigurationError, Problem

_ALWAYS = (float("-inf"), float("inf"))


class Alias(NamedTuple):
    """A name or an address that stood for a host for some time."""

    label: str
    host: str
    since: float = _ALWAYS[0]
    """Seconds since the epoch."""
    until: float = _ALWAYS[1]
    """Not included."""


class Hosts:
    """A table of hosts. What it does not know stands for itself."""

    def __init__(self, aliases: Iterable[Alias] = ()) -> None:
        self._aliases: dict[str, list[Alias]] = defaultdict(list)
        self._named: set[str] = set()
        for alias in aliases:
            self._aliases[normal(alias.label)].append(alias._replace(host=normal(alias.host)))
            self._named.add(normal(alias.host))

    def of(self, label: str, at: float) -> str:
        """The host that a name or address meant at a moment."""
        plain = normal(label)
        for alias in self._aliases.get(plain, ()):
            if alias.since <= at < alias.until:
                return alias.host
        return plain

    def lists(self, host: str) -> bool:
        """Whether the table has an address or another name of the host."""
        return host in self._named


@lru_cache(maxsize=65536)
def normal(label: str) -> str:
    """One spelling of a name or address: IPv4 within IPv6 is IPv4, names are in lower case and without final dot."""
    text = label.strip().strip("[]").lower().rstrip(".")
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


@lru_cache(maxsize=65536)
def is_address(label: str) -> bool:
    """Whether it is an address, not a name."""
    try:
        ip_address(label)
    except ValueError:
        return False
    return True


def load_hosts(path: Path) -> Hosts:
    """A table in CSV (`host,address[,since,until]`, a row for each address) or in the format of `/etc/hosts`.

    Raises ConfigurationError with every line that is wrong.
    """
    problems: list[Problem] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(f"cannot be read: {error}", str(path))]) from error
    is_csv = bool(lines) and {"host", "address"} <= set(lines[0].replace(" ", "").lower().split(","))
    aliases = list(_csv_rows(lines, path, problems) if is_csv else _hosts_rows(lines, path, problems))
    if problems:
        raise ConfigurationError(problems)
    return Hosts(aliases)


def _csv_rows(lines: list[str], path: Path, problems: list[Problem]) -> Iterator[Alias]:
    names = [name.strip().lower() for name in lines[0].split(",")]
    for number, values in enumerate(csv.reader(lines[1:]), 2):
        row = dict(zip(names, (value.strip() for value in values), strict=False))
        if not any(row.values()):
            continue
        if not row.get("host") or not row.get("address"):
            problems.append(Problem("a row needs a host and an address", str(path), number))
            continue
        limits = [_limit(row.get(key, ""), key, path, number, problems) for key in ("since", "until")]
        since, until = (default if limit is None else limit for limit, default in zip(limits, _ALWAYS, strict=True))
        yield Alias(row["address"], row["host"], since, until)


def _limit(text: str, key: str, path: Path, number: int, problems: list[Problem]) -> float | None:
    if not text:
        return None
    moment = quantity(text, DATE)
    if moment is None:
        problems.append(
            Problem(f"'{text}' is no time; write for example 2018-02-28 or 2018-02-28T10:00Z", str(path), number, key)
        )
    return moment


def _hosts_rows(lines: list[str], path: Path, problems: list[Problem]) -> Iterator[Alias]:
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        address, *names = words
        if not names or not is_address(normal(address)):
            sentence = "expected an address and names, or a first line `host,address` of a CSV table"
            problems.append(Problem(f"{sentence}: '{line.strip()}'", str(path), number))
            continue
        yield Alias(address, names[0])
        for name in names[1:]:
            yield Alias(name, names[0])
