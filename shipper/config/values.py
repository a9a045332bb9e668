"""The forms of values: each turns text into what the stages use, or says in a sentence what is allowed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError, Url

from shipper.config import units

_LOCAL_HOST = re.compile(r"(ip6-)?local(host|domain).*", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ZONES_OF_THIS_MACHINE = frozenset({"localtime", "posixrules", "Factory"})
"""Names in the zone database that mean something else on every machine: documents must not depend on that."""
_OTHERS_READ_OR_WRITE = 0o006


def mistake(sentence: str) -> PydanticCustomError:
    """A mistake whose sentence is final."""
    return PydanticCustomError("mistake", "{sentence}", {"sentence": sentence})


def usable_host(name: str) -> bool:
    """Whether the name can tell this machine from others."""
    return bool(_HOST.fullmatch(name)) and not _LOCAL_HOST.fullmatch(name)


def secret_text(path: Path) -> str:
    """The secret that a file holds, without the newline at its end."""
    return path.read_text(encoding="utf-8").strip()


def _start_at(text: str) -> str:
    if text not in {"beginning", "now"}:
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"'{text}' is no place to start at; allowed are beginning, now, and a date or a date and time such as "
                "2026-11-01 or 2026-11-01T06:00:00+01:00."
            ) from None
    return text


def _encoding(text: str) -> str:
    ascii_bytes = bytes(range(128))
    try:
        name = codecs.lookup(text).name
        fits = "escape" not in name and ascii_bytes.decode(name) == ascii_bytes.decode("ascii")
    except (LookupError, ValueError):
        fits = False
    if not fits:
        raise ValueError(
            f"'{text}' is no encoding in which lines can be told: the bytes below 128 must be ASCII, as in utf-8, "
            "latin-1, cp1252, gbk, big5 or shift_jis. Convert the log, for example with iconv."
        )
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        form = "a list" if isinstance(value, list) else "a mapping"
        raise mistake(f"A single value belongs here, not {form}.")
    if not value:
        raise mistake("The value is empty; write one, or leave the key out.")
    return value


def _from_text(convert: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: Any) -> Any:
        text = _text(value)
        try:
            return convert(text)
        except ValueError as error:
            raise mistake(str(error)) from None

    return BeforeValidator(validate)


def _matching(pattern: str, text: str, *, what: str, allowed: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"'{text}' is no {what}; allowed are {allowed}.")
    return text


def _one_of(*choices: str) -> BeforeValidator:
    def convert(text: str) -> str:
        if text in choices:
            return text
        near = get_close_matches(text, choices, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"'{text}' is not allowed here; allowed are {', '.join(choices)}.{hint}")

    return _from_text(convert)


def _host(text: str) -> str:
    if not usable_host(text):
        raise ValueError(f"'{text}' is no name of one machine; write its full name, for example dtn01.example.org.")
    return text


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError(f"'{text}' is not a whole number.")
    return int(text)


def _switch(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"'{text}' is neither true nor false.")
    return text == "true"


def _band(convert: Callable[[str], int], example: str) -> BeforeValidator:
    def validate(value: Any) -> tuple[int, int] | str:
        if value == "auto":
            return "auto"
        if not isinstance(value, list) or len(value) != 2:
            raise mistake(f"Allowed are auto, and a list of the least and the most, for example {example}.")
        try:
            least, most = (convert(_text(item)) for item in value)
        except ValueError as error:
            raise mistake(str(error)) from None
        if least > most:
            raise mistake(f"The least, {value[0]}, is more than the most, {value[1]}.")
        return least, most

    return BeforeValidator(validate)


def _time_zone(text: str) -> str:
    try:
        if text not in _ZONES_OF_THIS_MACHINE:
            ZoneInfo(text)
            return text
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # said below, with a hint
    near = get_close_matches(text, available_timezones() - _ZONES_OF_THIS_MACHINE, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"'{text}' is no time zone; write one such as UTC or Europe/Rome.{hint}")


def _url(text: str) -> str:
    try:
        parts = Url(text)
    except ValueError:
        parts = None
    if parts is not None and (parts.username or parts.password):
        raise ValueError("A URL must not hold a user or a password; use the keys username and password_file.")
    if parts is None or parts.scheme not in {"http", "https"} or not parts.host or parts.query or parts.fragment:
        raise ValueError(f"'{text}' is no address of a server; write one such as https://es1.example.org:9200.")
    return text.rstrip("/")


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError(f"'{text}' is no SHA-256 fingerprint of a certificate; write its 64 hexadecimal digits.")
    return digits


def _below(text: str, info: ValidationInfo) -> Path:
    assert info.context is not None
    if text.startswith("~"):
        raise ValueError(f"'{text}' begins with ~, which is not expanded here; write the whole path.")
    base: Path = info.context["base"]
    return base / text


def _path_value(convert: Callable[[Path, str], Any]) -> BeforeValidator:
    def validate(value: Any, info: ValidationInfo) -> Any:
        text = _text(value)
        try:
            return convert(_below(text, info), text)
        except ValueError as error:
            raise mistake(str(error)) from None

    return BeforeValidator(validate)


def _existing(path: Path, text: str, *, folder: bool) -> Path:
    if not (path.is_dir() if folder else path.is_file()):
        raise ValueError(f"There is no {'folder' if folder else 'file'} '{text}' (looked for {path}).")
    return path


def _secret_file(path: Path, text: str) -> Path:
    _existing(path, text, folder=False)
    if path.stat().st_mode & _OTHERS_READ_OR_WRITE:
        raise ValueError(f"Everybody can read or write the secret in {path}; run: chmod 600 {path}")
    try:
        content = secret_text(path)
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"The secret in {path} cannot be read as text by this user.") from None
    if not content:
        raise ValueError(f"The file {path} holds no secret: it is empty.")
    return path


def between(lowest: str | int, highest: str | int) -> AfterValidator:
    """Limits for a number, a size or a time; both ends are allowed."""
    low, high = _plain(lowest), _plain(highest)

    def validate(value: float) -> float:
        if not low <= value <= high:
            raise mistake(f"The value is out of range; allowed is {lowest} to {highest}.")
        return value

    return AfterValidator(validate)


def _some(value: Any) -> Any:
    if value == []:
        raise mistake("The list is empty; it needs at least one item.")
    if value == {}:
        raise mistake("The mapping is empty; it needs at least one key.")
    return value


AT_LEAST_ONE = BeforeValidator(_some)
"""For lists; pydantic's own minimum also counts items that are there but wrong."""


def _plain(limit: str | int) -> float:
    if isinstance(limit, int):
        return limit
    return units.size(limit) if limit.endswith("B") else units.duration(limit)


Text = Annotated[str, _from_text(str)]
InputName = Annotated[
    str,
    _from_text(partial(_matching, r"[A-Za-z0-9_.-]{1,64}", what="name of an input", allowed="letters, digits and _.-")),
]
OutputName = Annotated[
    str,
    _from_text(
        partial(
            _matching, r"[a-z0-9][a-z0-9_-]{0,31}", what="name of an output", allowed="small letters, digits, _ and -"
        )
    ),
]
PipelineName = Annotated[
    str,
    _from_text(
        partial(_matching, r"[A-Za-z0-9_][A-Za-z0-9_.-]*", what="name of a pipeline", allowed="letters, digits and _.-")
    ),
]
Namespace = Annotated[
    str,
    _from_text(
        partial(
            _matching,
            r"[a-z0-9][a-z0-9_.]{0,63}",
            what="namespace",
            allowed="small letters, digits, _ and ., not the hyphen, which separates the parts of an index name",
        )
    ),
]
HostName = Annotated[str, _from_text(_host)]
Size = Annotated[int, _from_text(units.size)]
Duration = Annotated[float, _from_text(units.duration)]
Rate = Annotated[int, _from_text(units.rate)]
Count = Annotated[int, _from_text(_count)]
Counts = Annotated[tuple[int, int] | str, _band(_count, "[1, 500000]")]
Sizes = Annotated[tuple[int, int] | str, _band(units.size, "[1MiB, 4GiB]")]
Switch = Annotated[bool, _from_text(_switch)]
TimeZone = Annotated[str, _from_text(_time_zone)]
Period = Annotated[str, _one_of("day", "month", "year")]
Links = Annotated[str, _one_of("inside", "anywhere")]
Watch = Annotated[str, _one_of("inotify", "poll")]
Incomplete = Annotated[str, _one_of("ship", "refuse")]
Encoding = Annotated[str, _from_text(_encoding)]
StartAt = Annotated[str, _from_text(_start_at)]
Setup = Annotated[str, _one_of("auto", "manual")]
Address = Annotated[str, _from_text(_url)]
Fingerprint = Annotated[str, _from_text(_fingerprint)]
Glob = Annotated[str, _path_value(lambda path, text: str(path))]  # noqa: ARG005
Exclude = Annotated[str, _path_value(lambda path, text: str(path) if "/" in text else text)]
"""A pattern without a slash is for the name of a file in any folder."""
FilePath = Annotated[Path, _path_value(lambda path, text: path)]  # noqa: ARG005
ExistingFile = Annotated[Path, _path_value(partial(_existing, folder=False))]
ExistingFolder = Annotated[Path, _path_value(partial(_existing, folder=True))]
SecretFile = Annotated[Path, _path_value(_secret_file)]
