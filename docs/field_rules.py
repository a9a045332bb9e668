"""How a field that no log has under this name comes about, in words: copies, maps, constants and formulas."""

from __future__ import annotations

from collections.abc import Mapping

from shipper.parse.models import CopyModel, FormulaModel, PipelineModel

PER_SECOND = {"ns": 1_000_000_000, "ms": 1_000, "s": 1}
"""How many of a unit are a second."""
FEW_VALUES = 12
FEW_OUTCOMES = 3
"""A map of more values that become more outcomes than these is not written out."""


def origin(field: str, model: PipelineModel, units: Mapping[str, str]) -> str:
    """Where a definition takes a field from; empty for one that the line itself has.

    What is made of helper fields, which are not shipped, is of the line as well: their names say nothing to a reader.
    """
    if field in model.set:
        return f"always `{model.set[field]}`"
    if field in model.ecs and not set(model.remove) & set(model.ecs[field].sources):
        return copied(model.ecs[field], units.get(field, ""), units)
    if field in model.derive and not set(model.remove) & set(sources(model.derive[field])):
        where = "where the line has none: " if field in model.types else ""
        return where + formula(model.derive[field], units)
    return ""


def sources(rule: FormulaModel) -> tuple[str, ...]:
    """The fields that a formula computes with."""
    return rule.difference or rule.ratio or rule.sum or ()


def copied(rule: CopyModel, unit: str, units: Mapping[str, str]) -> str:
    """What a copy is of, and what is done to it."""
    names = ", ".join(f"`{name}`" for name in rule.sources)
    source = names if len(rule.sources) == 1 else f"the first that is there of {names}"
    if rule.map is not None:
        return f"{source}: {mapped(rule.map, rule.otherwise)}"
    if rule.scale is not None:
        same = f"{units.get(rule.sources[0], '')}→{unit}" in {"ms→ns", "s→ns"}
        return f"{source} in {unit}" if same else f"{source} × {rule.scale:g}"
    return f"{source} as a date" if rule.as_ else source


def mapped(values: Mapping[str, str], otherwise: str | None) -> str:
    """Which values become which."""
    groups: dict[str, list[str]] = {}
    for value, outcome in values.items():
        groups.setdefault(outcome, []).append(value)
    if len(values) > FEW_VALUES and len(groups) > FEW_OUTCOMES:
        return f"by the definition's list of {len(values)} values"
    said = [f"`{outcome}` for {', '.join(found)}" for outcome, found in groups.items()]
    return "; ".join([*said, *([f"`{otherwise}` for all others"] if otherwise else [])])


def formula(rule: FormulaModel, units: Mapping[str, str]) -> str:
    """A formula as one would write it, with times in seconds where the scale allows."""
    names = [f"`{name}`" for name in sources(rule)]
    if rule.ratio is None:
        result = (" − " if rule.difference else " + ").join(names)
        return result if rule.scale is None else f"{rule.scale:g} × ({result})"
    scale, divisor = rule.scale or 1, names[1]
    per_second = PER_SECOND.get(units.get(rule.ratio[1], ""), 0)
    if per_second and scale % per_second == 0:
        scale, divisor = scale // per_second, f"{divisor} in seconds"
    quotient = f"{names[0]} / {divisor}"
    return quotient if scale == 1 else f"{scale:g} × {quotient}"
