"""The grok filter of Logstash, applied to events that are dicts: options, order of things and tags are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipper.errors import UsageError
from shipper.grok.compile import Capture, field_path
from shipper.grok.event import Event, formatted, get, put, remove, tag, text_of
from shipper.grok.library import Library
from shipper.grok.match import Grok, converted
from shipper.grok.timeout import MatchTimeout, time_limit

SCOPES = ("pattern", "event")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What to do with a captured value."""

    overwrite: frozenset[tuple[str, ...]]
    target: tuple[str, ...]
    keep_empty: bool

    def apply(self, event: Event, capture: Capture, text: str | None) -> bool:
        """Put a captured text into the event; False when a parent of its field is a value."""
        if not text and not self.keep_empty:
            return True
        value = None if text is None else converted(text, capture.type)
        path = self.target + capture.path
        present = get(event, path)
        if present is None or capture.path in self.overwrite:
            return put(event, path, value)
        if isinstance(present, list):
            return put(event, path, [*present, value])
        if isinstance(present, str):
            return put(event, path, [present, value])
        return True


class GrokFilter:
    """Call it with an event: the event is changed in place, and returned.

    `match` maps a field reference to an expression or a list of them. Time limits hold in the main thread only, see
    `shipper.grok.timeout`. Raises PatternError at construction for any wrong expression.
    """

    def __init__(
        self,
        library: Library,
        match: Mapping[str, str | Sequence[str]],
        *,
        overwrite: Sequence[str] = (),
        target: str | None = None,
        break_on_match: bool = True,
        named_captures_only: bool = True,
        keep_empty_captures: bool = False,
        pattern_definitions: Mapping[str, str] | None = None,
        patterns_dir: Sequence[str | Path] = (),
        patterns_files_glob: str = "*",
        tag_on_failure: str | Sequence[str] = ("_grokparsefailure",),
        tag_on_timeout: str = "_groktimeout",
        timeout_millis: int = 30_000,
        timeout_scope: str = "pattern",
        add_field: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
        add_tag: str | Sequence[str] = (),
        remove_field: str | Sequence[str] = (),
        remove_tag: str | Sequence[str] = (),
    ) -> None:
        if timeout_scope not in SCOPES:
            raise UsageError(f"timeout_scope is '{timeout_scope}'; it can be {' or '.join(SCOPES)}.")
        library = library.with_files(map(Path, patterns_dir), patterns_files_glob)
        library = library.with_definitions(pattern_definitions or {})
        self._patterns = {
            field_path(field): [
                library.compile(pattern, named_captures_only=named_captures_only) for pattern in _listed(patterns)
            ]
            for field, patterns in match.items()
        }
        self._outcome = _Outcome(
            frozenset(map(field_path, overwrite)), field_path(target) if target else (), keep_empty_captures
        )
        self._break_on_match = break_on_match
        self._tag_on_failure = _listed(tag_on_failure)
        self._tag_on_timeout = tag_on_timeout
        self._seconds_per_event = timeout_millis / 1000 if timeout_scope == "event" else 0.0
        self._seconds_per_pattern = timeout_millis / 1000 if timeout_scope == "pattern" else 0.0
        self._add_field = _pairs(add_field)
        self._add_tag = _listed(add_tag)
        self._remove_field = [field_path(field) for field in _listed(remove_field)]
        self._remove_tag = _listed(remove_tag)

    def __call__(self, event: Event) -> Event:
        """Apply the filter."""
        try:
            with time_limit(self._seconds_per_event):
                matched = self._matches(event)
        except MatchTimeout:
            tag(event, self._tag_on_timeout)
            return event
        if matched:
            self._decorate(event)
        else:
            for name in self._tag_on_failure:
                tag(event, name)
        return event

    def _matches(self, event: Event) -> bool:
        matched = False
        for path, groks in self._patterns.items():
            if self._field_matches(event, get(event, path), groks):
                matched = True
                if self._break_on_match:
                    break
        return matched

    def _field_matches(self, event: Event, value: Any, groks: Iterable[Grok]) -> bool:
        """Every item of a list is tried, and one match is enough."""
        texts = [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]
        return any([self._text_matches(event, text, groks) for text in texts])  # noqa: C419 - all items, not the first

    def _text_matches(self, event: Event, text: str, groks: Iterable[Grok]) -> bool:
        """Whether the last expression that was tried matches: that is what Logstash answers."""
        matched = False
        for grok in groks:
            with time_limit(self._seconds_per_pattern):
                found = grok.search(text)
            matched = found is not None
            if found is not None:
                applied = [self._outcome.apply(event, capture, found[capture.group]) for capture in grok.captures]
                if not all(applied):
                    return False
                if self._break_on_match:
                    break
        return matched

    def _decorate(self, event: Event) -> None:
        """What a match is to add and to remove, in Logstash's order."""
        for field, template in self._add_field:
            path = field_path(formatted(field, event))
            value, present = formatted(template, event), get(event, path)
            added = [*present, value] if isinstance(present, list) else [present, value]
            put(event, path, value if present is None else added)
        for path in self._remove_field:
            remove(event, path)
        for name in self._add_tag:
            tag(event, formatted(name, event))
        if self._remove_tag and isinstance(event.get("tags"), list):
            event["tags"] = [name for name in event["tags"] if name not in self._remove_tag]


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _pairs(fields: Mapping[str, str | Sequence[str]] | Sequence[str]) -> list[tuple[str, str]]:
    """Field and template, from a mapping or from Logstash's flat list."""
    if isinstance(fields, Mapping):
        return [(field, template) for field, templates in fields.items() for template in _listed(templates)]
    return list(zip(fields[::2], fields[1::2], strict=True))
