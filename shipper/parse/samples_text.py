"""Rewriting what a samples file expects, in its text: only what changed is replaced.

Comments, blank lines, order, quotes and indentation of everything else stay, byte for byte, so that the difference
shows the changed fields and nothing else. Loading and dumping the whole file would not promise that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from shipper.errors import ConfigurationError, Problem
from shipper.parse.marked_yaml import MarkedYAML
from shipper.parse.samples import Outcome

_UNBOUNDED = 1 << 30
"""Columns: a value is never folded."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Replaces the characters from start to end."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key of a mapping with its value, as they are written and as they are read."""

    name: str
    key: Node
    node: Node
    value: Any

    def line_start(self, text: str) -> int:
        """Where the line of the key begins."""
        return text.rfind("\n", 0, self.key.start_mark.index) + 1

    def value_start(self, text: str) -> int:
        """Behind the colon."""
        return text.index(":", self.key.end_mark.index) + 1

    def value_end(self, text: str) -> int:
        """Behind the last character of the value, before blanks and comments that follow it."""
        node = self.node
        if node.value and isinstance(node, MappingNode | SequenceNode) and not node.flow_style:
            last = node.value[-1]
            key, value = last if isinstance(node, MappingNode) else (self.key, last)
            inner = _Entry("", key, value, None)
            return inner.value_end(text)
        start, end = self.value_start(text), node.end_mark.index
        # The marks of an empty value stand somewhere behind it.
        is_empty = node.end_mark.index == node.start_mark.index
        return start if is_empty else start + len(text[start:end].rstrip())


def rewritten(text: str, written: MarkedYAML, outcomes: Mapping[int, Outcome]) -> str:
    """The text of a samples file in which the samples at these positions (from 0) expect these outcomes.

    `written` is what the text says. Raises ConfigurationError for a file with aliases, of which one text stands for
    several samples.
    """
    _refuse_aliases(text, written.file)
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + newline
    nodes = YAML().compose(text).value
    edits = [
        edit
        for place, outcome in outcomes.items()
        for edit in _sample_edits(nodes[place], written.data[place], outcome, text)
    ]
    # From the end, so that places stay right; of two at one place the inner comes first, which is made first.
    edits.sort(key=lambda each: each.start)
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text.replace("\n", newline) + text[edit.end :]
    return text


def _refuse_aliases(text: str, file: str) -> None:
    for event in YAML().parse(text):
        if isinstance(event, AliasEvent):
            message = "An alias stands for several samples at once. Write out what it stands for, then update."
            raise ConfigurationError([Problem(message, file, event.start_mark.line + 1)])


def _sample_edits(node: MappingNode, sample: Mapping[str, Any], outcome: Outcome, text: str) -> Iterator[_Edit]:
    entries = _entries(node, sample)
    column = None if node.flow_style else node.start_mark.column
    old = next((entry for entry in entries if entry.name in {"expect", "filtered"}), None)
    if old is None:
        end = entries[-1].value_end(text)
        if column is not None:
            yield _Edit(_line_end(text, end), _line_end(text, end), _outcome_text(outcome, column))
        else:
            yield _Edit(end, end, f", {_outcome_text(outcome, None)}")
    elif old.name == "expect" and old.value and outcome.fields is not None:
        yield from _mapping_edits(old, "", outcome.fields, text)
    else:
        start, end = old.key.start_mark.index, old.value_end(text)
        yield _Edit(start, end, _outcome_text(outcome, column).strip())


def _mapping_edits(entry: _Entry, parent: str, fields: Mapping[str, Any], text: str) -> Iterator[_Edit]:
    """Make the mapping that is the value of an entry say what the fields say."""
    node = entry.node
    assert isinstance(node, MappingNode)
    end = entry.value_end(text)
    if node.flow_style:
        wanted = _merged(entry.value, parent, fields)
        if _differ(wanted, entry.value):
            yield _Edit(entry.value_start(text), end, f" {_inline(wanted)}")
        return
    for inner in _entries(node, entry.value):
        yield from _entry_edits(inner, f"{parent}{inner.name}", fields, text)
    new = _added(entry.value, parent, fields)
    if new:
        place = _line_end(text, end)
        yield _Edit(place, place, _block(new, node.start_mark.column))


def _entry_edits(entry: _Entry, name: str, fields: Mapping[str, Any], text: str) -> Iterator[_Edit]:
    """Change or remove one entry of a block mapping."""
    start, end = entry.value_start(text), entry.value_end(text)
    if not _is_wanted(entry.value, name, fields):
        yield _Edit(entry.line_start(text), _line_end(text, end), "")
    elif name not in fields:
        yield from _mapping_edits(entry, f"{name}.", fields, text)
    elif _differ(entry.value, fields[name]):
        yield _Edit(start, end, f" {_inline(fields[name])}")


def _differ(one: Any, other: Any) -> bool:
    """As JSON, for Python takes 1, 1.0 and true for the same."""
    return orjson.dumps(one) != orjson.dumps(other)


def _is_wanted(value: Any, name: str, fields: Mapping[str, Any]) -> bool:
    inside = isinstance(value, dict) and any(each.startswith(f"{name}.") for each in fields)
    return name in fields or inside


def _merged(old: Mapping[str, Any], parent: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a mapping shall say, in the order that it has."""
    merged: dict[str, Any] = {}
    for key, value in old.items():
        name = f"{parent}{key}"
        if _is_wanted(value, name, fields):
            merged[key] = fields[name] if name in fields else _merged(value, f"{name}.", fields)
    return merged | _added(old, parent, fields)


def _added(old: Mapping[str, Any], parent: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields below a mapping for which it has no entry; with dotted names where the mapping has such names."""
    places = tuple(f"{parent}{key}." for key, value in old.items() if isinstance(value, dict))
    new = {
        name.removeprefix(parent): value
        for name, value in fields.items()
        if name.startswith(parent) and name.removeprefix(parent) not in old and not name.startswith(places)
    }
    return new if any("." in str(key) for key in old) else _nested(new)


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in fields.items():
        *parents, last = name.split(".")
        place = root
        for each in parents:
            place = place.setdefault(each, {})
        place[last] = value
    return root


def _entries(node: MappingNode, mapping: Mapping[str, Any]) -> list[_Entry]:
    pairs = zip(node.value, mapping.items(), strict=True)
    return [_Entry(str(name), key, value_node, value) for (key, value_node), (name, value) in pairs]


def _line_end(text: str, place: int) -> int:
    """Behind the newline of the line that a place is on."""
    return text.index("\n", place) + 1


def _outcome_text(outcome: Outcome, column: int | None) -> str:
    """`expect: …` or `filtered: …`, as lines in this column, or without one as it stands within braces."""
    what = {"filtered": outcome.rule} if outcome.fields is None else {"expect": _nested(outcome.fields)}
    return _inline(what)[1:-1] if column is None else _block(what, column)


def _inline(value: Any) -> str:
    """A value on one line."""
    return _dumped(CommentedMap(value=_flow(value))).removeprefix("value: ").removesuffix("\n")


def _block(mapping: Mapping[str, Any], column: int) -> str:
    """A mapping with a line for each key, indented."""
    lines = _dumped(_styled(mapping)).splitlines(keepends=True)
    return "".join(" " * column + line for line in lines)


def _dumped(value: CommentedMap) -> str:
    yaml = YAML()
    yaml.width = _UNBOUNDED
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _styled(value: Any) -> Any:
    """A value as it is best read: mappings as blocks, lists on one line, each text on one line."""
    if isinstance(value, Mapping):
        return CommentedMap({key: _styled(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return _flow(value)
    # Other ways to write several lines depend on the indentation around them.
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not value.isprintable() else value


def _flow(value: Any) -> Any:
    """A value that is written with braces and brackets."""
    if isinstance(value, Mapping):
        styled: Any = CommentedMap({key: _flow(inner) for key, inner in value.items()})
    elif isinstance(value, list):
        styled = CommentedSeq([_flow(inner) for inner in value])
    else:
        return _styled(value)
    styled.fa.set_flow_style()
    return styled
