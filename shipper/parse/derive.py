"""Fields that are computed from others: differences, sums, ratios of numbers, the time between two dates or after one.

Nothing is invented: where an input is not there or is no number, or where the result is none that 64 bits hold, there
is no field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from shipper.parse.fields import Fields
from shipper.parse.timestamps import NS

OPERATIONS = ("difference", "sum", "ratio")
NUMBERS = frozenset({"long", "int", "double", "float"})
WHOLE = frozenset({"long", "int"})

Number = int | float
Value = Number | str
Compute = Callable[..., Number | None]
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_second = datetime.fromisoformat
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  as the texts it is subtracted from, which are all of UTC
_TO_NS: tuple[int, ...] = tuple(10 ** (9 - digits) for digits in range(10))


@dataclass(frozen=True, slots=True)
class Formula:
    """A target and how its value follows from those of its sources."""

    target: str
    sources: tuple[str, ...]
    kind: str
    """`long`, `double` or `date`."""
    value: Callable[..., Value | None]
    """Of the sources' values (None: not there); None if that gives no number or date."""
    keeps: bool = False
    """Whether steps make the target, too: what they found is kept."""

    def apply(self, fields: Fields) -> None:
        """Add the target if it can be computed."""
        if self.keeps and self.target in fields:
            return
        value = self.value(*[fields.get(source) for source in self.sources])
        if value is not None:
            fields[self.target] = value


def formula(target: str, said: Mapping[str, Any], types: Mapping[str, str]) -> Formula:
    """The formula that a definition says, by the types of its sources; one without a known type may be any number.

    Raises ValueError with the sentence for sources that do not fit the operation.
    """
    operation = next(name for name in OPERATIONS if name in said)
    sources = tuple(said[operation])
    kinds = [types.get(source) for source in sources]
    if operation == "sum" and kinds[0] == "date":
        return _date_formula(target, said, sources, kinds)
    dates = operation == "difference" and kinds.count("date") == 2
    for source, kind in zip(sources, kinds, strict=True):
        if not dates and kind is not None and kind not in NUMBERS:
            raise ValueError(f"'{source}' is of type {kind}; {_WANTED[operation]}.")
    whole = dates or (operation != "ratio" and WHOLE.issuperset(kinds))
    kind = said.get("type") or ("long" if whole else "double")
    compute = _OPERATIONS["elapsed" if dates else operation](said.get("scale", 1))
    return Formula(target, sources, kind, _whole(compute) if kind == "long" else _decimal(compute))


def _date_formula(
    target: str, said: Mapping[str, Any], sources: tuple[str, ...], kinds: Sequence[str | None]
) -> Formula:
    wrong = next((source for source, kind in zip(sources[1:], kinds[1:], strict=True) if kind not in WHOLE), None)
    if wrong is not None:
        raise ValueError(f"'{wrong}' is not of type long or int; {_WANTED['sum']}.")
    if said.get("type") or said.get("scale"):
        raise ValueError("The sum of a date and nanoseconds is a date; it has neither 'scale' nor 'type'.")
    return Formula(target, sources, "date", later)


_WANTED = {
    "difference": "a difference wants two numbers or two dates",
    "sum": "a sum wants numbers, or a date and then nanoseconds",
    "ratio": "a ratio wants two numbers",
}


def elapsed(end: Any, start: Any) -> int | None:
    """Nanoseconds from one time to another, in the form that the type `date` gives; None if they are no such texts."""
    try:
        seconds = (_second_of(end[:19]) - _second_of(start[:19])) * NS
        if len(end) == len(start) > 21:  # as many digits: they can be subtracted as they are
            return seconds + (int(end[20:-1]) - int(start[20:-1])) * _TO_NS[len(end) - 21]
        return seconds + _fraction(end) - _fraction(start)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _second_of(text: str) -> int:
    """Seconds since 1970: remembered, for many records of a busy log share theirs."""
    gap = _second(text) - _EPOCH
    return gap.days * 86_400 + gap.seconds


def later(start: Any, *gaps: Any) -> str | None:
    """The time so many nanoseconds after one in the form that the type `date` gives, in that form; None if none is."""
    try:
        seconds, rest = divmod(_fraction(start) + sum(gaps), NS)
        second = _second(start[:19]) + timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        return None
    digits = max(len(start) - 21, 0)
    if rest % _TO_NS[digits]:
        digits = 9
    fraction = f".{rest:09d}"[: digits + 1] if digits else ""
    return f"{second.isoformat()}{fraction}Z"


def _fraction(text: str) -> int:
    digits = text[20:-1]
    return int(digits) * _TO_NS[len(digits)] if digits else 0


def _elapsed(scale: Number) -> Compute:
    def compute(end: Any, start: Any) -> Number | None:
        nanoseconds = elapsed(end, start)
        if nanoseconds is None or nanoseconds < 0:
            return None
        return nanoseconds if scale == 1 else nanoseconds * scale

    return compute


def _difference(scale: Number) -> Compute:
    def compute(number: Any, less: Any) -> Number | None:
        return (number - less) * scale if _is_number(number) and _is_number(less) else None

    return compute


def _sum(scale: Number) -> Compute:
    def compute(*numbers: Any) -> Number | None:
        return sum(numbers) * scale if all(map(_is_number, numbers)) else None

    return compute


def _ratio(scale: Number) -> Compute:
    def compute(number: Any, divisor: Any) -> Number | None:
        # Scaled before it is divided: whole numbers stay exact for as long as they can.
        return number * scale / divisor if divisor and _is_number(number) and _is_number(divisor) else None

    return compute


_OPERATIONS: Mapping[str, Callable[[Number], Compute]] = {
    "elapsed": _elapsed,
    "difference": _difference,
    "sum": _sum,
    "ratio": _ratio,
}


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is float


def _whole(compute: Compute) -> Compute:
    def value(*inputs: Any) -> int | None:
        number = compute(*inputs)
        if number.__class__ is not int:
            if number is None or not math.isfinite(number):
                return None
            number = round(number)
        return number if _LEAST <= number <= _MOST else None

    return value


def _decimal(compute: Compute) -> Compute:
    def value(*inputs: Any) -> float | None:
        number = compute(*inputs)
        return float(number) if number is not None and math.isfinite(number) else None

    return value
