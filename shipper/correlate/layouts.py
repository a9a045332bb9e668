"""What a user says of documents of unknown layout: `client=src,client_port=sport,…,start=ts:ms`."""

from __future__ import annotations

from shipper.correlate.flows import Layout
from shipper.correlate.quantities import DATE, SIZES, TIMES, is_time
from shipper.errors import UsageError

_NEEDED = ("client", "client_port", "server", "server_port", "start")
_ALLOWED = (*_NEEDED, "end", "bytes", "bytes_back")


def parse_layout(text: str) -> Layout:
    """The layout; several fields that name one host are joined by `+`. Raises UsageError."""
    given: dict[str, str] = {}
    for part in text.split(","):
        name, equals, field = (word.strip() for word in part.partition("="))
        if name not in _ALLOWED or not equals or not field:
            raise UsageError(f"--fields: {part.strip()!r} is not NAME=FIELD with a name of {', '.join(_ALLOWED)}.")
        given[name] = field
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        raise UsageError(f"--fields needs {', '.join(missing)}, too.")
    return Layout(
        client=tuple(given["client"].split("+")),
        client_port=given["client_port"],
        server=tuple(given["server"].split("+")),
        server_port=given["server_port"],
        start=_measured(given["start"], "start", time=True),
        end=_measured(given["end"], "end", time=True) if "end" in given else None,
        forward=_measured(given["bytes"], "bytes", time=False) if "bytes" in given else None,
        backward=_measured(given["bytes_back"], "bytes_back", time=False) if "bytes_back" in given else None,
    )


def _measured(text: str, name: str, *, time: bool) -> tuple[str, str]:
    field, colon, unit = text.rpartition(":")
    if not colon:
        field, unit = text, DATE if time else "B"
    allowed = [DATE, *TIMES] if time else list(SIZES)
    if unit not in allowed or is_time(unit) is not time:
        raise UsageError(f"--fields: {name}={text}: {unit!r} is none of the units {', '.join(allowed)}.")
    return field, unit
