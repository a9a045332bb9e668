"""Field references of Logstash on an event, which is a nested dict: `[a][b]`, `a`, and text with `%{[a][b]}` in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from shipper.grok.compile import field_path

Event = dict[str, Any]
Path = tuple[str, ...]

PLACEHOLDER = re.compile(r"%\{([^}]+)\}")


def get(event: Mapping[str, Any], path: Path) -> Any:
    """The value of a field, or None."""
    value: Any = event
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def put(event: Event, path: Path, value: Any) -> bool:
    """Set a field, making its parents; False when a parent is a value and cannot have fields."""
    parent = event
    for key in path[:-1]:
        child = parent.setdefault(key, {})
        if not isinstance(child, dict):
            return False
        parent = child
    parent[path[-1]] = value
    return True


def remove(event: Event, path: Path) -> None:
    """Remove a field if it is there."""
    parent = get(event, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)


def tag(event: Event, name: str) -> None:
    """Add to `tags`, once."""
    tags = event.get("tags")
    present = [] if tags is None else [tags] if isinstance(tags, str) else list(tags)
    if name not in present:
        event["tags"] = [*present, name]


def text_of(value: Any) -> str:
    """A value as the text that patterns are matched against and that placeholders show."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def formatted(template: str, event: Mapping[str, Any]) -> str:
    """The template with `%{field}` replaced by the field's text; an unknown field leaves it as it is."""

    def replacement(found: re.Match[str]) -> str:
        value = get(event, field_path(found[1]))
        if value is None:
            return found[0]
        return ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)

    return PLACEHOLDER.sub(replacement, template)
