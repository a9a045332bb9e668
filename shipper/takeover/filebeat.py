"""Filebeat's registry: of version 7.9 and later a folder with a data file and a log of changes, before that one file.

The newest data file `<number>.json` is a list of all entries. `log.json` holds pairs of lines: an action with a number
that grows by one, and the entry that it sets or removes. What is not newer than the data file is in it already; where
numbers skip or a line breaks off, Filebeat itself reads no further.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shipper.errors import UsageError
from shipper.takeover.positions import HEAD, Position

_FOLDERS = ("", "filebeat", "registry/filebeat", "data/registry/filebeat")
"""Where in the folder that a user names the registry may lie."""
_LOG, _META, _VERSION = "log.json", "meta.json", "1"
_KEY = "_key"
_INODE_AND_DEVICE = re.compile(r"(\d+)-(\d+)(?:-|$)")
_DIGEST = re.compile(r"[0-9a-f]{64}(?=-|$)")
"""A suffix of the input's may follow on both."""
_Entries = dict[str, Mapping[str, Any]]


def positions(path: Path) -> list[Position]:
    """What a registry says of files. UsageError if it is none, or of a kind that is not known."""
    if path.is_file():
        entries: _Entries = {str(number): entry for number, entry in enumerate(_listed(path))}
    else:
        entries = _registry(_home(path))
    return [position for key, value in entries.items() if (position := _told(path, key, value)) is not None]


def _told(path: Path, key: str, value: object) -> Position | None:
    try:
        return _position(key, _object(value))
    except (KeyError, ValueError) as error:
        raise UsageError(f"{path}: the entry '{key}' is none that Filebeat writes: {error}") from error


def _home(path: Path) -> Path:
    for folder in _FOLDERS:
        home = path / folder
        if (home / _LOG).is_file() or (home / _META).is_file():
            return home
    raise UsageError(f"{path}: there is no registry of Filebeat here; it is a folder with a file {_LOG}.")


def _registry(home: Path) -> _Entries:
    meta = home / _META
    version = _version(meta) if meta.is_file() else _VERSION
    if version != _VERSION:
        raise UsageError(f"{meta}: a registry of version {version} is not known; {_VERSION} is.")
    numbers = [int(file.stem) for file in home.glob("*.json") if file.stem.isdigit()]
    last = max(numbers, default=0)
    entries: _Entries = {}
    if numbers:
        file = home / f"{last}.json"
        entries = {str(entry.get(_KEY, "")): entry for entry in _listed(file)}
    for number, action, entry in _changes(home / _LOG):
        if number <= last:
            continue
        if number != last + 1:
            break
        last = number
        key = str(entry.get("k", entry.get("K", "")))
        if action == "set":
            entries[key] = entry.get("v", entry.get("V")) or {}
        else:
            entries.pop(key, None)
    return entries


def _version(meta: Path) -> object:
    try:
        return _object(json.loads(meta.read_text())).get("version")
    except ValueError as error:
        raise UsageError(f"{meta}: this does not belong to a registry of Filebeat: {error}") from error


def _changes(path: Path) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Number, action and entry of each change that is there as a whole."""
    if not path.is_file():
        return
    head: Mapping[str, Any] | None = None
    for line in path.read_text(errors="replace").splitlines():
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            return
        if not isinstance(content, dict):
            return
        if head is None:
            head = content
        else:
            number = head.get("id")
            if number.__class__ is not int:
                return
            yield number, str(head.get("op", "")), content
            head = None


def _listed(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise UsageError(f"{path}: this is no registry of Filebeat: {error}") from error
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise UsageError(f"{path}: this is no registry of Filebeat; that is a list of entries.")
    return content


def _position(key: str, value: Mapping[str, Any]) -> Position | None:
    """What an entry says; None if it is about no file, or was given up by Filebeat."""
    if value.get("ttl") == 0:
        return None
    meta = value.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    if "FileStateOS" in value:
        place = _object(value["FileStateOS"])
        devices = frozenset({_number(place["device"])}) if "device" in place else frozenset()
        # The streams of a container lie in one file, and each has an entry.
        stream = str(meta.get("stream", ""))
        path = str(value.get("source", ""))
        return Position(_number(value.get("offset", 0)), path, _number(place["inode"]), devices, stream=stream)
    if "cursor" not in value or "source" not in meta:
        return None
    kind = str(meta.get("identifier_name", "native"))
    offset = _number(_object(value["cursor"] or {}).get("offset", 0))
    return _of_stream(kind, key.rpartition(f"::{kind}::")[2], offset, meta)


def _of_stream(kind: str, name: str, offset: int, meta: Mapping[str, Any]) -> Position:
    """The position of a `filestream`, which knows a file in one of several ways, as the end of its key says."""
    path = str(meta["source"])
    if kind == "native" and (found := _INODE_AND_DEVICE.match(name)):
        return Position(offset, path, int(found[1]), frozenset({int(found[2])}))
    if kind == "fingerprint" and (found := _DIGEST.match(name)):
        # Of a file that is shorter than is usual it keeps the bytes themselves, too.
        short = str(meta.get("fingerprint", ""))
        return Position(offset, path, head=found[0], head_size=len(short) // 2 or HEAD)
    if kind == "path":
        return Position(offset, path)
    return Position(offset, path, obstacle=f"Filebeat knew it by `{kind}`, which is not understood")


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{json.dumps(value)} stands where an object should")


def _number(value: object) -> int:
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(f"{json.dumps(value)} stands where a number from 0 on should")
