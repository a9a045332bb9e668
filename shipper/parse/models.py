"""What a definition and its samples may say: every key, its form and its limits; `definition` describes them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

from shipper.parse.model_values import (
    AT_LEAST_ONE,
    Dataset,
    Duration,
    FieldName,
    LineRegex,
    NotEmpty,
    Regex,
    RuleName,
    Scalar,
    Size,
    TimeFormat,
    TypeName,
    Zone,
    conditions,
    matches,
)


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class LinesModel(_Mapping):
    """The key `lines`."""

    starts: LineRegex | None = None
    continues: LineRegex | None = None
    splits: LineRegex | None = None
    max_lines: Annotated[int, Field(ge=1, le=100_000)] = 500
    max_bytes: Annotated[Size, Field(ge=1024, le=16 << 20)] = 1 << 20
    quiet: Annotated[Duration, Field(ge=0, le=3600)] = 5.0
    incomplete: Literal["ship", "refuse"] = "ship"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.starts is not None and self.continues is not None:
            message = "Give one of 'starts' and 'continues', not both."
            raise ValueError(message)
        if self.splits is not None and re.search(self.splits, ""):
            message = "'splits' matches where nothing stands, so an event would begin at every letter."
            raise ValueError(message)
        return self


class ColumnsModel(_Mapping):
    """The step `columns`; `names` is empty where the header gives them."""

    separator: Annotated[
        tuple[NotEmpty, ...], AT_LEAST_ONE, BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
    ] = (" ",)
    names: Annotated[tuple[FieldName, ...], BeforeValidator(lambda value: () if value == "header" else value)]
    into: FieldName
    header: Regex | None = None
    without_header: tuple[Annotated[tuple[FieldName, ...], AT_LEAST_ONE], ...] = ()
    null: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _layouts_differ(self) -> Self:
        if self.names and (self.header is not None or self.without_header):
            message = "'header' and 'without_header' belong to 'names: header'."
            raise ValueError(message)
        if len({len(layout) for layout in self.without_header}) < len(self.without_header):
            message = "Two lists of 'without_header' are equally long; a row could not tell which one is its own."
            raise ValueError(message)
        if any(len(set(layout)) < len(layout) for layout in self.without_header):
            message = "A list of 'without_header' has a name twice."
            raise ValueError(message)
        return self


class KeyValueModel(_Mapping):
    """The step `key_value`."""

    between: NotEmpty = " "
    assign: NotEmpty = "="
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    into: FieldName
    only: tuple[NotEmpty, ...] | None = None
    null: tuple[str, ...] = ()


class JSONModel(_Mapping):
    """The step `json`."""

    into: FieldName
    only: tuple[NotEmpty, ...] | None = None


class StepModel(_Mapping):
    """One item of `parse`."""

    grok: Annotated[tuple[NotEmpty, ...], AT_LEAST_ONE] | None = None
    columns: ColumnsModel | None = None
    key_value: KeyValueModel | None = None
    json_: Annotated[JSONModel | None, Field(alias="json")] = None
    first: Annotated[tuple[Annotated[tuple[StepModel, ...], AT_LEAST_ONE], ...], AT_LEAST_ONE] | None = None
    field: FieldName = "message"
    optional: StrictBool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.grok, self.columns, self.key_value, self.json_, self.first)
        if sum(kind is not None for kind in kinds) != 1:
            message = "A step is exactly one of grok, columns, key_value, json and first."
            raise ValueError(message)
        return self


class RedactModel(_Mapping):
    """One item of `redact`."""

    pattern: Regex
    replace: str = "[redacted]"


class CopyModel(_Mapping):
    """A value of `ecs`."""

    sources: Annotated[
        tuple[FieldName, ...],
        AT_LEAST_ONE,
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(alias="from"),
    ]
    scale: Annotated[float, Field(gt=0)] | None = None
    as_: Annotated[Literal["date"] | None, Field(alias="as")] = None
    map: dict[str, str] | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.scale, self.as_, self.map)) > 1:
            message = "Give one of 'scale', 'as' and 'map'."
            raise ValueError(message)
        if self.otherwise is not None and self.map is None:
            message = "'otherwise' belongs to a 'map'."
            raise ValueError(message)
        return self


class FormulaModel(_Mapping):
    """A value of `derive`."""

    difference: tuple[FieldName, FieldName] | None = None
    sum: Annotated[tuple[FieldName, ...], Field(min_length=2)] | None = None
    ratio: tuple[FieldName, FieldName] | None = None
    scale: Annotated[StrictInt | StrictFloat, Field(gt=0, le=1e18)] | None = None
    type: Literal["long", "double"] | None = None

    @model_validator(mode="after")
    def _one_operation(self) -> Self:
        if sum(way is not None for way in (self.difference, self.sum, self.ratio)) != 1:
            message = "A formula is exactly one of difference, sum and ratio."
            raise ValueError(message)
        return self


class TimeModel(_Mapping):
    """One item of `timestamp`."""

    field: FieldName | None = None
    formats: tuple[TimeFormat, ...] = ()
    by: Literal["field", "modification"] = "field"
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.by == "field" and not (self.field and self.formats):
            message = "A timestamp needs a field and formats (or 'by: modification')."
            raise ValueError(message)
        return self


class DropModel(_Mapping):
    """One item of `drop`."""

    rule: RuleName
    when: Annotated[
        dict[FieldName, Annotated[dict[str, Any], AfterValidator(conditions), Field(min_length=1)]],
        Field(min_length=1),
    ]


class FieldAboutModel(_Mapping):
    """A value of `fields` in `about`."""

    meaning: NotEmpty
    unit: NotEmpty | None = None


class DamageModel(_Mapping):
    """One item of `damage` in `about`."""

    what: NotEmpty
    becomes: NotEmpty


class AboutModel(_Mapping):
    """The key `about`: what a reader wants to know of the log; it changes no document."""

    reads: NotEmpty | None = None
    files: tuple[NotEmpty, ...] = ()
    time: NotEmpty | None = None
    fields: dict[
        FieldName, Annotated[FieldAboutModel, BeforeValidator(lambda v: {"meaning": v} if isinstance(v, str) else v)]
    ] = {}
    damage: tuple[DamageModel, ...] = ()


class PipelineModel(_Mapping):
    """A whole definition."""

    dataset: Dataset
    lines: LinesModel = LinesModel()
    header: Regex | None = None
    blank: Literal["drop", "ship"] = "drop"
    redact: tuple[RedactModel, ...] = ()
    parse: tuple[StepModel, ...] = ()
    remove: tuple[FieldName, ...] = ()
    types: dict[FieldName, TypeName] = {}
    set: dict[FieldName, Scalar] = {}
    ecs: dict[
        FieldName, Annotated[CopyModel, BeforeValidator(lambda v: {"from": v} if isinstance(v, str | list) else v)]
    ] = {}
    derive: dict[FieldName, FormulaModel] = {}
    timestamp: Annotated[
        tuple[TimeModel, ...], AT_LEAST_ONE, BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)
    ]
    drop: tuple[DropModel, ...] = ()
    about: AboutModel = AboutModel()
    samples: str | None = None


class SampleModel(_Mapping):
    """One item of a samples file."""

    name: str | None = None
    before: tuple[str, ...] = ()
    date: Annotated[str, matches(r"\d{4}-\d{2}-\d{2}", "write YYYY-MM-DD.")] | None = None
    timezone: Zone | None = None
    text: str
    expect: dict[str, Any] | None = None
    filtered: str | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.expect is None) == (self.filtered is None):
            message = "A sample says either what to 'expect' or by which rule it is 'filtered'."
            raise ValueError(message)
        return self
