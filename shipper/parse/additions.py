"""What a definition adds to the fields that steps make, from its keys `ecs` and `derive`: copies and formulas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shipper.parse.derive import NUMBERS, WHOLE, Formula, formula
from shipper.parse.enrich import DateCopy, MappedCopy, PlainCopies, ScaledCopy
from shipper.parse.fields import Converter

Said = Mapping[str, Any]
Reading = Callable[[str], Converter | None]
"""How a field of type date is read, if the pipeline can read dates."""


def sources(copy: Said) -> tuple[str, ...]:
    """The sources of a value of `ecs`; definitions that were recorded by older versions name a single one."""
    said = copy["from"]
    return (said,) if isinstance(said, str) else tuple(said)


def copies(ecs: Mapping[str, Said]) -> list[PlainCopies | ScaledCopy | MappedCopy]:
    """The copies of converted values."""
    computed: list[PlainCopies | ScaledCopy | MappedCopy] = []
    plain = []
    for target, copy in ecs.items():
        if copy.get("scale") is not None:
            computed.append(ScaledCopy(target, sources(copy), copy["scale"]))
        elif copy.get("map") is not None:
            computed.append(MappedCopy(target, sources(copy), copy["map"], copy.get("otherwise")))
        elif not copy.get("as"):
            plain.append((target, sources(copy)))
    return [PlainCopies(plain), *computed] if plain else computed


def date_copies(ecs: Mapping[str, Said], reading: Reading) -> list[DateCopy]:
    """The copies that are read as dates; each source in formats of its own."""
    found = []
    for target, copy in ecs.items():
        if copy.get("as"):
            readings = [(source, convert) for source in sources(copy) if (convert := reading(source)) is not None]
            found.append(DateCopy(target, readings))
    return found


def copied_type(copy: Said, types: Mapping[str, str]) -> str:
    """The type of a value of `ecs`, by those of its sources; what has none is text."""
    if copy.get("scale"):
        return "long"
    if copy.get("as"):
        return "date"
    kinds = {types.get(source, "keyword") for source in sources(copy)}
    if copy.get("map") is not None or not kinds:
        return "keyword"
    if len(kinds) == 1:
        return kinds.pop()
    if kinds <= NUMBERS:
        return "long" if kinds <= WHOLE else "double"
    return "keyword"


def formulas(
    derive: Sequence[Said], types: Mapping[str, str], constants: Collection[str], is_made: Callable[[str], bool]
) -> tuple[list[Formula], list[tuple[str, str]]]:
    """The formulas, each of which may use what those before it make, and mistakes by target.

    `types` are those of the fields that steps and copies are known to make; `is_made` tells what steps may make, also
    below open parents. What a step made under the name of a formula that is typed alike is kept.
    """
    known = dict(types)
    compiled: list[Formula] = []
    problems: list[tuple[str, str]] = []
    targets = {said["target"] for said in derive}
    for said in derive:
        target = said["target"]
        kept = is_made(target) and target in known
        if (target in known and not kept) or target in constants:
            problems.append((target, f"The field '{target}' is made elsewhere in this definition."))
            continue
        try:
            found = formula(target, said, known)
        except ValueError as error:
            problems.append((target, str(error)))
            continue
        if kept:
            found = replace(found, keeps=True)
            if found.kind != known[target]:
                problems.append((target, f"The formula gives {found.kind}, but the steps give {known[target]}."))
        for source in dict.fromkeys(found.sources):
            if source in targets and source not in known:
                problems.append((target, f"The field '{source}' is derived, but not before this one."))
            elif source not in known and not is_made(source):
                problems.append((target, f"No step makes a field '{source}'."))
        compiled.append(found)
        known[target] = found.kind
    return compiled, problems
