"""From the key `parse` of a checked definition to steps that run, and to the names of the fields that they write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipper.errors import PatternError
from shipper.grok import Library
from shipper.parse.documents import STRUCTURAL
from shipper.parse.steps import Branches, Chain, Optional, Step, joined
from shipper.parse.steps.columns import ColumnsStep
from shipper.parse.steps.grok import Expression, GrokStep
from shipper.parse.steps.json import JSONStep
from shipper.parse.steps.key_value import KeyValueStep

Place = tuple[str | int, ...]
_GROK_TYPES = {"int": "long", "long": "long", "float": "double", "double": "double", "boolean": "boolean"}


class StepAssembly:
    """Builds the steps of one pipeline, remembers what they write, and adds every mistake to `problems`."""

    def __init__(self, library: Library, problems: list[tuple[Place, str]]) -> None:
        self._library = library
        self._problems = problems
        self.patterns: dict[str, str] = {}
        """Names and bodies of the grok definitions that are used."""
        self.written: dict[str, str] = {}
        """Every field name that steps are known to write -> its type."""
        self._names_are_known = True
        """False once an expression could not be compiled: what it would write is not missed."""
        self._open: list[str] = []
        """Parents below which a log's own names appear."""
        self.texts: list[str] = []
        """Those of them whose values are texts, of which types can be inferred."""

    def chain(self, steps: Sequence[Mapping[str, Any]], place: Place) -> Chain:
        """The steps that stand at a place of the definition."""
        return Chain(list(self._steps(steps, place)))

    def is_known(self, name: str) -> bool:
        """Whether steps may make a field of this name."""
        if name == "message" or name in self.written or not self._names_are_known:
            return True
        return any(name.startswith(f"{parent}.") for parent in self._open)

    def _steps(self, steps: Sequence[Mapping[str, Any]], place: Place) -> Iterator[Step]:
        for position, step in enumerate(steps):
            built = self._step(step, (*place, position))
            yield Optional(built) if step["optional"] else built

    def _step(self, step: Mapping[str, Any], place: Place) -> Step:
        field = step["field"]
        if not self.is_known(field):
            self._problems.append(((*place, "field"), f"No step before this one makes a field '{field}'."))
        if "grok" in step:
            return GrokStep(field, list(self._expressions(step["grok"], (*place, "grok"))))
        if "first" in step:
            branches = [list(self._steps(part, (*place, "first", n))) for n, part in enumerate(step["first"])]
            return Branches([(first, Chain(rest)) for first, *rest in branches])
        if "columns" in step:
            return self._columns(field, step["columns"])
        if "key_value" in step:
            return self._key_value(field, step["key_value"])
        options = step["json"]
        self._writes_below(options["into"], options.get("only"))
        return JSONStep(field, options["into"], options.get("only"))

    def _expressions(self, patterns: Sequence[str], place: Place) -> Iterator[Expression]:
        for position, pattern in enumerate(patterns):
            try:
                grok = self._library.compile(pattern)
            except PatternError as error:
                self._problems.extend(((*place, position), str(problem)) for problem in error.problems)
                self._names_are_known = False
                continue
            self.patterns.update(grok.definitions)
            captures = [(capture.group, ".".join(capture.path)) for capture in grok.captures]
            for capture, (_, name) in zip(grok.captures, captures, strict=True):
                self.written[name] = _GROK_TYPES.get(capture.type or "", "keyword")
                self.refuse_structural(name, (*place, position))
            yield Expression.of(grok.regex, captures, pattern)

    def _columns(self, field: str, options: Mapping[str, Any]) -> Step:
        names, separators = options["names"] or None, options["separator"]
        self._writes_below(options["into"], names)
        if names is None:
            self.texts.append(options["into"])
        return ColumnsStep(
            field,
            [separators] if isinstance(separators, str) else separators,
            names,
            options["into"],
            frozenset(options["null"]),
            header=re.compile(options["header"]) if "header" in options else None,
            layouts=options.get("without_header", ()),
        )

    def _key_value(self, field: str, options: Mapping[str, Any]) -> Step:
        self._writes_below(options["into"], options.get("only"))
        if options.get("only") is None:
            self.texts.append(options["into"])
        return KeyValueStep(
            field,
            between=options["between"],
            assign=options["assign"],
            quote=options.get("quote"),
            into=options["into"],
            only=options.get("only"),
            null=frozenset(options["null"]),
        )

    def _writes_below(self, parent: str, names: Sequence[str] | None) -> None:
        if names is None:
            self._open.append(parent)
        else:
            self.written.update({joined(parent, name): "keyword" for name in names})
        self.refuse_structural(parent, ("parse",))

    def refuse_structural(self, name: str, place: Place) -> None:
        """A mistake if shipper sets a field of this name itself, or one above it."""
        if any(name == ours or name.startswith(f"{ours}.") for ours in STRUCTURAL):
            self._problems.append((place, f"The field '{name}' is set by shipper; a log cannot write it."))
