"""Whom we talk to and with which secret: hosts and credentials, checked before anything is sent."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from shipper.errors import ConfigurationError, OutputError, Problem
from shipper.settings import ElasticsearchSettings

DEFAULT_PORT = 9200
_EXAMPLE = "https://es1.example.org:9200"


class Credentials:
    """The `authorization` header. A key file is read again when it changes, or when the cluster refuses the key."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._file = settings.api_key_file
        self._known: tuple[int, int] | None = None
        self._header = _fixed_header(settings)
        if self._file is not None and (problem := _secret_problem(self._file)):
            raise ConfigurationError([Problem(problem, key="api_key_file")])
        self.authorization()

    def authorization(self) -> str | None:
        """The value of the header, or None if the cluster needs none. OutputError if the key cannot be used."""
        if self._file is not None:
            try:
                status = self._file.stat()
                # The time of the last change of content or rights: `chmod` puts right what is refused here.
                changed = (status.st_ino, status.st_ctime_ns)
                if changed != self._known:
                    self._read(self._file)
                    self._known = changed
            except FileNotFoundError:
                # Being replaced right now: the key that worked so far is the best guess.
                if self._header is None:
                    raise
        return self._header

    def forget(self) -> None:
        """The cluster refused the credentials: read the file again before the next request."""
        self._known = None

    def _read(self, file: Path) -> None:
        if problem := _secret_problem(file):
            raise OutputError(f"{problem}. Nothing is sent before it can be used.")
        key = file.read_text().strip()
        if key:  # an empty file is being written right now, as a missing one
            self._header = _api_key_header(key)


def check_hosts(settings: ElasticsearchSettings) -> tuple[str, ...]:
    """The hosts as URLs with scheme and port. ConfigurationError for what is no URL or would expose a secret."""
    has_secret = bool(settings.api_key or settings.api_key_file or settings.username)
    messages = [_host_problem(host, has_secret=has_secret) for host in settings.hosts]
    if not settings.hosts:
        messages.append(f"no host is given; write for example {_EXAMPLE}")
    problems = [Problem(message, key="hosts") for message in messages if message]
    if problems:
        raise ConfigurationError(problems)
    return tuple(_complete(urlsplit(host)) for host in settings.hosts)


def _complete(url: SplitResult) -> str:
    name = f"[{url.hostname}]" if ":" in str(url.hostname) else url.hostname
    return f"{url.scheme}://{name}:{url.port or DEFAULT_PORT}{url.path.rstrip('/')}"


def _host_problem(host: str, *, has_secret: bool) -> str | None:
    shown = host.rpartition("@")[2]
    try:
        url = urlsplit(host)
        # Both raise for what the transport would stumble over only when it connects.
        _ = url.port, (url.hostname or "").encode("idna")
    except ValueError as error:
        return f"{shown!r} is no URL of a host ({error}); write for example {_EXAMPLE}"
    if url.scheme not in ("http", "https") or not url.hostname:
        return f"{shown!r} is no URL of a host; write for example {_EXAMPLE}"
    if url.username or url.password:
        return f"the URL of {url.hostname} holds a user or a password; use the keys username and password"
    if has_secret and url.scheme == "http" and not _is_loopback(url.hostname):
        return f"credentials are never sent to {host} over plain http; use https, or no credentials"
    return None


def _is_loopback(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _fixed_header(settings: ElasticsearchSettings) -> str | None:
    ways = [
        name
        for name, value in (
            ("api_key", settings.api_key),
            ("api_key_file", settings.api_key_file),
            ("username", settings.username),
        )
        if value is not None
    ]
    if len(ways) > 1:
        raise ConfigurationError([Problem(f"only one of {', '.join(ways)} can be used", key=ways[1])])
    if settings.username is not None:
        if settings.password is None:
            raise ConfigurationError([Problem("username needs a password", key="password")])
        return "Basic " + base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
    return _api_key_header(settings.api_key) if settings.api_key else None


def _api_key_header(key: str) -> str:
    """Accepts both forms in which Elasticsearch hands out keys: `id:key`, and that in base64."""
    return "ApiKey " + (base64.b64encode(key.encode()).decode() if ":" in key else key)


def _secret_problem(file: Path) -> str | None:
    """Why the file cannot serve as a key."""
    try:
        mode = file.stat().st_mode
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        return f"{file} cannot be read: {error}"
    if mode & 0o007:
        return f"{file} can be read by everybody on this host; run: chmod o= {file}"
    if not text.isascii() or any(sign.isspace() for sign in text):
        return f"{file} holds no API key: a key has no spaces, no line breaks and no letters beyond ASCII"
    return None
