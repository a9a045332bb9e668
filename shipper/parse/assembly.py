"""From a checked definition to a running pipeline; what does not fit together becomes a list of problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from shipper.grok import Library
from shipper.parse.additions import copied_type, copies, date_copies, formulas, sources
from shipper.parse.date_fields import DateField
from shipper.parse.derive import Formula
from shipper.parse.documents import Target
from shipper.parse.enrich import Drop, PlainCopies, Redaction, condition
from shipper.parse.fields import TypeTable, converter
from shipper.parse.guard import Guard
from shipper.parse.inference import Undeclared
from shipper.parse.pipeline import Pipeline
from shipper.parse.rules import Rules
from shipper.parse.shapes import Parts, Shapes
from shipper.parse.start import EVER, start_of
from shipper.parse.step_assembly import Place, StepAssembly
from shipper.parse.timestamps import Format, TimeReader, time_format
from shipper.records import Framing

PARSER = 2
"""Raised when the same definition makes other documents than before."""
_INFERS = 2
"""The version from which on undeclared names get a type by their values; before, all of them were text."""


class Assembly:
    """Builds the parts of one pipeline and remembers every mistake.

    `rules` is the definition as checked by its model, `context` what the input says of parsing, `parser` the version
    of the parser for which the definition was recorded: what it made then, it makes again.
    """

    def __init__(
        self, rules: Mapping[str, Any], context: Mapping[str, Any], library: Library, parser: int = PARSER
    ) -> None:
        self._infers = parser >= _INFERS
        self.problems: list[tuple[Place, str]] = []
        self.needs_timezone = False
        """Times have no zone, and the input does not say it: the mistake is the input's, not the definition's."""
        self._takes_timezone = False
        self._rules = rules
        self._context = context
        self._making = StepAssembly(library, self.problems)
        self._steps = self._making.chain(rules["parse"], ("parse",))
        self._times = list(self._readers(rules["timestamp"]))
        self._formulas: list[Formula] = []
        self._check()

    @property
    def patterns(self) -> Mapping[str, str]:
        """Names and bodies of the grok definitions that are used."""
        return self._making.patterns

    def pipeline(self, name: str, definition: str, version: str, guard: Guard) -> Pipeline:
        """The pipeline; call it only if there are no problems."""
        rules, context = self._rules, self._context
        target = Target(rules["dataset"], context["namespace"], context["period"], version)
        zone = ZoneInfo(next(filter(None, self._zones()), "UTC"))
        converters = {name: converter(kind, self._reading(name)) for name, kind in self._types().items()}
        dates, added = date_copies(rules["ecs"], self._reading), copies(rules["ecs"])
        parts = Parts(
            converters,
            copies=[copy for copy in added if isinstance(copy, PlainCopies)],
            computed=[*(copy for copy in added if not isinstance(copy, PlainCopies)), *self._formulas],
            constants=dict(rules["set"]),
            remove=frozenset(rules["remove"]),
            undeclared=self._undeclared(),
        )
        short = not dates and not rules["drop"]
        ready = Rules(
            header=re.compile(rules["header"]) if "header" in rules else None,
            drop_blank=rules["blank"] == "drop",
            redaction=self._redaction(),
            steps=self._steps,
            dates=dates,
            types=TypeTable(converters),
            undeclared=parts.undeclared,
            copies=added,
            formulas=self._formulas,
            constants=parts.constants,
            drops=[_drop(rule) for rule in rules["drop"]],
            remove=parts.remove,
            shapes=Shapes(parts) if short else None,
            times=self._times,
            by_modification=any(time["by"] == "modification" for time in rules["timestamp"]),
            zone=zone,
            encoding=context.get("encoding", "utf-8"),
            takes_timezone=self._takes_timezone or "since" in context,
            since=start_of(context["since"], zone) if "since" in context else EVER,
        )
        return Pipeline(name, definition, target, self._framing(), ready, self._field_types(), guard)

    def _readers(self, times: Sequence[Mapping[str, Any]]) -> Iterator[TimeReader]:
        for time in times:
            if time["by"] == "modification":
                self._takes_timezone |= "timezone" not in time
                continue
            zone = time.get("timezone") or self._context.get("timezone")
            formats: list[Format] = [time_format(text, ZoneInfo(zone) if zone else None) for text in time["formats"]]
            if zone is None and any(known.needs_zone for known in formats):
                self.needs_timezone = True
            self._takes_timezone |= "timezone" not in time and any(known.takes_zone for known in formats)
            yield TimeReader(time["field"], formats)

    def _zones(self) -> Iterator[str | None]:
        """Zones in which days are counted: first those of times that lack their date, which depend on it most."""
        times, readers = self._rules["timestamp"], iter(self._times)
        dated = [time["by"] != "modification" and not next(readers).needs_date for time in times]
        for _, time in sorted(zip(dated, times, strict=True), key=itemgetter(0)):
            yield time.get("timezone") or self._context.get("timezone")

    def _check(self) -> None:
        """Names that nothing writes, and names that are ours."""
        rules = self._rules
        for target, copy in rules["ecs"].items():
            self._making.refuse_structural(target, ("ecs", target))
            for source in sources(copy):
                self._expect(source, ("ecs", target))
        for name in rules["set"]:
            self._making.refuse_structural(name, ("set", name))
        self._check_formulas()
        for position, time in enumerate(rules["timestamp"]):
            if "field" in time:
                self._expect(time["field"], ("timestamp", position))
        for position, rule in enumerate(rules["drop"]):
            for name in rule["when"]:
                self._expect(name, ("drop", position, "when", name))
        for name in rules["types"]:
            self._expect(name, ("types", name))
        self._check_dates()

    def _check_formulas(self) -> None:
        derive, constants = self._rules.get("derive", ()), self._rules["set"]
        self._formulas, problems = formulas(derive, self._made_types(), constants, self._making.is_known)
        self.problems.extend((("derive", target), message) for target, message in problems)
        for compiled in self._formulas:
            self._making.refuse_structural(compiled.target, ("derive", compiled.target))

    def _check_dates(self) -> None:
        """Fields that are read as dates need a format that says it all."""
        dates = [(("types", name), name) for name, kind in self._rules["types"].items() if kind.strip("[]") == "date"]
        dates += [
            (("ecs", target), source)
            for target, copy in self._rules["ecs"].items()
            if copy.get("as")
            for source in sources(copy)
        ]
        for place, field in dates:
            if self._reading(field) is None:
                self.problems.append((place, "No format of the timestamp is a complete date."))

    def expect(self, place: Place, names: Iterable[str]) -> None:
        """A mistake for each of these names, with which a key speaks of fields, that no document has."""
        for name in names:
            if name not in self._rules["set"]:
                self._expect(name, (*place, name))

    def _expect(self, name: str, place: Place) -> None:
        derived = {compiled.target for compiled in self._formulas}
        if not self._making.is_known(name) and name not in self._rules["ecs"] and name not in derived:
            near = get_close_matches(name, [*self._making.written, *derived], 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            self.problems.append((place, f"No step makes a field '{name}'.{hint}"))

    def _reading(self, field: str) -> DateField | None:
        """How a field of type date is read: as its own timestamp, else in any complete format."""
        own = [reader for reader in self._times if reader.field == field] or self._times
        formats = [known for reader in own for known in reader.formats if known.has_year and known.has_date]
        return DateField(TimeReader(field, formats)) if formats else None

    def _types(self) -> dict[str, str]:
        """The type of every field that is made, but for copies."""
        derived = {compiled.target: compiled.kind for compiled in self._formulas}
        return {**self._making.written, **derived, **self._rules["types"]}

    def _made_types(self) -> dict[str, str]:
        """The type of every field that is known to be made, but for constants."""
        types = self._types()
        for target, copy in self._rules["ecs"].items():
            types.setdefault(target, copied_type(copy, types))
        return types

    def _field_types(self) -> dict[str, str]:
        """The type of every field that is known to be shipped."""
        types = self._made_types()
        for name, value in self._rules["set"].items():
            types[name] = {bool: "boolean", int: "long", float: "double"}.get(type(value), "keyword")
        return {name: kind for name, kind in types.items() if name not in self._rules["remove"]}

    def _undeclared(self) -> Undeclared | None:
        """Names below parents of which the definition types some fields; a definition that types none wants text."""
        types = self._rules["types"]
        parents = [parent for parent in self._making.texts if any(name.startswith(f"{parent}.") for name in types)]
        if not parents or not self._infers:
            return None
        return Undeclared(parents, {*self._made_types(), *self._rules["set"], *self._rules["remove"]})

    def _redaction(self) -> Redaction | None:
        rules = [(re.compile(rule["pattern"]), rule["replace"]) for rule in self._rules["redact"]]
        return Redaction(rules) if rules else None

    def _framing(self) -> Framing:
        lines = self._rules["lines"]
        return Framing(
            starts=re.compile(lines["starts"].encode()) if "starts" in lines else None,
            continues=re.compile(lines["continues"].encode()) if "continues" in lines else None,
            splits=re.compile(lines["splits"].encode()) if "splits" in lines else None,
            max_lines=lines["max_lines"],
            max_bytes=lines["max_bytes"],
            quiet=lines["quiet"],
            incomplete=self._context.get("incomplete") or lines["incomplete"],
        )


def _drop(rule: Mapping[str, Any]) -> Drop:
    tests = [(name, condition(*test)) for name, tests in rule["when"].items() for test in tests.items()]
    return Drop(rule["rule"], tests)
