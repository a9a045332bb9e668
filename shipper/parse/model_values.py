"""The kinds of values that a definition is written with: each is checked, and says in a sentence what is wrong."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from shipper.config import units
from shipper.grok.ambiguity import is_exponential
from shipper.parse.directives import UnknownDirective
from shipper.parse.enrich import OPERANDS, condition
from shipper.parse.fields import TYPES
from shipper.parse.timestamps import time_format


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        message = f"'{text}' is no regular expression: {error}."
        raise ValueError(message) from None
    return text


def _harmless(text: str) -> str:
    if is_exponential(text):
        message = (
            f"'{text}' repeats what is itself repeated, so a single line can keep it busy for ever, and while lines "
            "are found nothing interrupts it; write the repetition once, as in '(a|b)+' for '(a+|b)+'."
        )
        raise ValueError(message)
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        near = get_close_matches(text, available_timezones(), 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        message = f"'{text}' is no time zone; write an IANA name such as Europe/Rome or UTC.{hint}"
        raise ValueError(message)
    return text


def _format(text: str) -> str:
    try:
        time_format(text, ZoneInfo("UTC"))
    except (UnknownDirective, re.error):
        message = (
            f"'{text}' is no time format; write epoch_s, epoch_ms, iso8601 or directives, each at most once, "
            "of %Y %m %d %e %H %M %S %b %a %f %3f %6f %9f %z."
        )
        raise ValueError(message) from None
    return text


def _type(value: Any) -> Any:
    text = f"[{value[0]}]" if isinstance(value, list) and len(value) == 1 else value
    if text not in TYPES:
        message = f"'{value}' is no type; write long, int, double, float, boolean, ip, keyword, date, or a list of one."
        raise ValueError(message)
    return text


def conditions(tests: dict[str, Any]) -> dict[str, Any]:
    """The tests of one field in a `drop` rule: known operators with operands that fit them."""
    for operator, operand in tests.items():
        if operator not in OPERANDS:
            message = f"'{operator}' is no operator; write one of {', '.join(OPERANDS)}."
            raise ValueError(message)
        try:
            condition(operator, operand)
        except re.error as error:
            message = f"'{operand}' is no regular expression: {error}."
            raise ValueError(message) from None
    return tests


def matches(pattern: str, sentence: str) -> AfterValidator:
    """For texts that match the pattern from end to end; the sentence says what is allowed."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            message = f"'{text}' is not allowed: {sentence}"
            raise ValueError(message)
        return text

    return AfterValidator(check)


def _at_least_one(values: Any) -> Any:
    if not values:
        message = "At least one item belongs here."
        raise ValueError(message)
    return values


AT_LEAST_ONE = AfterValidator(_at_least_one)
Regex = Annotated[str, AfterValidator(_regex)]
LineRegex = Annotated[Regex, AfterValidator(_harmless)]
"""Applied to lines while they are read, where no time limit holds."""
Zone = Annotated[str, AfterValidator(_zone)]
TimeFormat = Annotated[str, AfterValidator(_format)]
TypeName = Annotated[str, BeforeValidator(_type)]
Size = Annotated[int, BeforeValidator(lambda value: units.size(value) if isinstance(value, str) else value)]
Duration = Annotated[float, BeforeValidator(lambda value: units.duration(value) if isinstance(value, str) else value)]
NotEmpty = Annotated[str, Field(min_length=1)]
FieldName = Annotated[
    str, matches(r"[^.\s]+(\.[^.\s]+)*", "a field's name is one or more parts joined by dots, without white space.")
]
Dataset = Annotated[
    str,
    matches(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", "lower-case letters, digits and `_`, in parts joined by dots."),
]
RuleName = Annotated[
    str,
    matches(
        r"(?!(header|blank|before_start)$)[a-z][a-z0-9_]*",
        "lower-case letters, digits and `_`; not header, blank or before_start, which are rules of their own.",
    ),
]
Scalar = str | StrictBool | int | float
