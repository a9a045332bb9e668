"""Pipeline definitions: the YAML format of `pipelines/<name>.yml`, checked with every mistake at once.

A pipeline turns the events of a file into documents. All keys::

    dataset: gridftp.transfer        # required: lower-case letters, digits, `_`, in parts joined by `.`; no `-`

    lines:                           # how lines become events; without it each line is an event
      starts: '^\\d\\d:\\d\\d'           # a line that matches at its beginning starts an event; or
      continues: '^\\s'               # … continues the previous one (give one of the two, not both)
      max_lines: 500                 # limits of an event
      max_bytes: 1MiB
      quiet: 5s                      # quiet time after which an open event of a live file is closed
      incomplete: ship               # a last line that can never be completed: ship (default) or refuse

    header: '^#'                     # lines that are the file's header: filtered by the rule `header`
    blank: drop                      # white lines: drop (default; filtered by the rule `blank`) or ship

    redact:                          # before parsing, and on parsed texts; patterns are Python's `re`
      - {pattern: '(?<=PASS )\\S+', replace: '[redacted]'}

    parse:                           # steps, one after the other; empty or absent: the text alone (`raw`)
      - grok: ['%{A}', '%{B}']       # alternatives, the first that matches; tag `_grokparsefailure`
        field: message               # what the step reads: `message` (default) or a parsed field
        optional: false              # true: that it does not match is no failure
      - columns:                     # tag `_columnsfailure`
          separator: ' '             # one literal string
          names: header              # `#15#c_ip:1 c_port:2 …`, also `#C#…` and `#c_ip:1 …`; or a list of names
          into: tstat                # the parent of all its fields
          'null': ['-', '---']       # values that mean nothing: the field is left out
      - key_value:                   # tag `_kvfailure`
          between: ' ,()'            # a set of characters, any run of which stands between two pairs; default blank
          assign: '='                # one literal string between key and value
          quote: '"'                 # values in it may hold separators; optional
          into: storm.metrics        # required
          only: [count, mean]        # optional: other keys are left to `message`
          'null': ['-']
        field: rest
      - json: {into: app}            # an object; `only` as above; tag `_jsonparsefailure`
      - first:                       # branches, each a list of steps: the first whose first step matches is taken
          - [{grok: ['%{C}'], field: rest}, {key_value: {into: x}, field: tail}]
          - [{grok: ['%{D}'], field: rest}]
        optional: true

    remove: [rest, tail]             # helper fields that are not shipped
    types: {gridftp.nbytes: long, gridftp.retrans: [int]}
    set: {network.transport: tcp}    # constants, also in documents that no step matched
    ecs:                             # target: source, a copy of the converted value; or, instead of the source's name,
      source.ip: tstat.c_ip
      event.duration: {from: tstat.durat, scale: 1000000}             # multiplied, rounded to an integer
      event.start: {from: tstat.first, as: date}                      # read like the timestamp, in its formats
      event.outcome: {from: storm.code, map: {SRM_SUCCESS: success}, otherwise: failure}

    timestamp:                       # or a list of these: the first whose field is there
      field: gridftp.date
      formats: ['%Y%m%d%H%M%S.%6f']
      timezone: UTC                  # IANA name; what the format fixes. Where it is absent, the input must give one
      # or, for logs without any time: {by: modification}, the day on which the line was written

    drop:                            # tried in this order on converted fields; the rule's name is the fate of the line
      - {rule: listings, when: {gridftp.type: {in: [LIST, NLST, MLSD]}}}

    samples: samples/gridftp-transfer.yml     # beside the definition; this is the default place

* **Fields** are dotted: `gridftp.nbytes`. Grok names are `%{X:gridftp.nbytes}` or `%{X:[gridftp][nbytes]}`; a type in
  the pattern (`:int`, `:float`) counts unless `types` says otherwise. Nothing may be written to `@timestamp`,
  `message`, `tags`, `shipper`, `host.name`, `event.dataset`, `log.offset` or `log.file`.
* **A required step that does not match** ends parsing: what is there so far is shipped, with the step's tag.
* **types**: `long int double float boolean ip keyword date`, or a list of one of these (`[int]`: values between
  commas). Untyped fields are `keyword`. A value that cannot be converted is kept as text in `<field>_text`, tag `_type_failure`.
  `date` is read with those of the timestamp's formats that are complete dates.
* **formats**: `epoch_s`, `epoch_ms`, `iso8601`, or directives `%Y %m %d %e %H %M %S %b %a %f %z` and `%6f`.
  `%d` has two digits, `%e` one or two, blank-padded; `%f` is a decimal fraction with any number of digits; `%3f`,
  `%6f`, `%9f` are an integer number of ms, µs, ns that may lack its leading zeros. Formats without year or without
  date are allowed for `timestamp`: see `shipper.parse.dates`.
* **drop** operators: `equal`, `in`, `<`, `>`, `regex` (searches), `exists` (true or false); several fields and
  operators must hold together.

Samples are a list; each is one event (or a header or filtered line)::

    - name: a retrieval               # optional, for messages
      before: ["#15#c_ip:1 …"]        # optional: lines of the file before it
      date: 2026-11-20                # for logs without date or year: the date of the first line
      timezone: Europe/Rome           # for pipelines that leave it to the input
      text: 'DATE=20261121… '         # the event's lines without the last newline
      expect:                         # all parsed fields, nested or dotted, with `@timestamp`, and `tags` if any
        '@timestamp': '2026-11-21T23:12:37.924590Z'
        gridftp: {nbytes: 0}
        user.name: anonymous
      # or, instead of `expect`:
      filtered: header                # the rule that keeps it from being shipped
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError
from pydantic import model_validator
from xxhash import xxh3_64_hexdigest

from shipper import resources
from shipper.config import units
from shipper.errors import ConfigurationError, Problem
from shipper.grok import Library
from shipper.parse.assembly import Assembly
from shipper.parse.enrich import OPERANDS, condition
from shipper.parse.fields import TYPES
from shipper.parse.marked_yaml import MarkedYAML, read_marked
from shipper.parse.pipeline import Pipeline
from shipper.parse.timestamps import UnknownDirective, time_format
from shipper.settings import InputSettings

PARSER = 1
"""Raised when the same definition makes other documents than before."""


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        message = f"'{text}' is no regular expression: {error}."
        raise ValueError(message) from None
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


def _conditions(tests: dict[str, Any]) -> dict[str, Any]:
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


def _matches(pattern: str, sentence: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            message = f"'{text}' is not allowed: {sentence}"
            raise ValueError(message)
        return text

    return AfterValidator(check)


Regex = Annotated[str, AfterValidator(_regex)]
Zone = Annotated[str, AfterValidator(_zone)]
TimeFormat = Annotated[str, AfterValidator(_format)]
TypeName = Annotated[str, BeforeValidator(_type)]
Size = Annotated[int, BeforeValidator(lambda value: units.size(value) if isinstance(value, str) else value)]
Duration = Annotated[float, BeforeValidator(lambda value: units.duration(value) if isinstance(value, str) else value)]
NotEmpty = Annotated[str, Field(min_length=1)]
FieldName = Annotated[
    str, _matches(r"[^.\s]+(\.[^.\s]+)*", "a field's name is one or more parts joined by dots, without white space.")
]
Dataset = Annotated[
    str,
    _matches(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", "lower-case letters, digits and `_`, in parts joined by dots."),
]
RuleName = Annotated[
    str,
    _matches(
        r"(?!(header|blank|before_start)$)[a-z][a-z0-9_]*",
        "lower-case letters, digits and `_`; not header, blank or before_start, which are rules of their own.",
    ),
]
Scalar = str | StrictBool | int | float


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class LinesModel(_Mapping):
    """The key `lines`."""

    starts: Regex | None = None
    continues: Regex | None = None
    max_lines: Annotated[int, Field(ge=1, le=100_000)] = 500
    max_bytes: Annotated[Size, Field(ge=1024, le=16 << 20)] = 1 << 20
    quiet: Annotated[Duration, Field(ge=0, le=3600)] = 5.0
    incomplete: Literal["ship", "refuse"] = "ship"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.starts is not None and self.continues is not None:
            message = "Give one of 'starts' and 'continues', not both."
            raise ValueError(message)
        return self


class ColumnsModel(_Mapping):
    """The step `columns`; `names` is empty where the header gives them."""

    separator: NotEmpty = " "
    names: Annotated[tuple[FieldName, ...], BeforeValidator(lambda value: () if value == "header" else value)]
    into: FieldName
    null: tuple[str, ...] = ()


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

    grok: Annotated[tuple[NotEmpty, ...], Field(min_length=1)] | None = None
    columns: ColumnsModel | None = None
    key_value: KeyValueModel | None = None
    json_: Annotated[JSONModel | None, Field(alias="json")] = None
    first: Annotated[tuple[Annotated[tuple[StepModel, ...], Field(min_length=1)], ...], Field(min_length=1)] | None = (
        None
    )
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

    source: Annotated[FieldName, Field(alias="from")]
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
        dict[FieldName, Annotated[dict[str, Any], AfterValidator(_conditions), Field(min_length=1)]],
        Field(min_length=1),
    ]


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
    ecs: dict[FieldName, Annotated[CopyModel, BeforeValidator(lambda v: {"from": v} if isinstance(v, str) else v)]] = {}
    timestamp: Annotated[
        tuple[TimeModel, ...], Field(min_length=1), BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)
    ]
    drop: tuple[DropModel, ...] = ()
    samples: str | None = None


_MODELS: Mapping[str, type[_Mapping]] = {
    "lines": LinesModel,
    "columns": ColumnsModel,
    "key_value": KeyValueModel,
    "json": JSONModel,
    "parse": StepModel,
    "first": StepModel,
    "redact": RedactModel,
    "ecs": CopyModel,
    "timestamp": TimeModel,
    "drop": DropModel,
}
"""Which mapping stands below a key, for messages."""


def pipeline_names(pipeline_dirs: Sequence[Path] = ()) -> list[str]:
    """The names of all pipelines, those that come with shipper and those of the given folders."""
    folders = [resources.pipelines(), *pipeline_dirs]
    return sorted({path.stem for folder in folders for path in folder.glob("*.yml") if path.name.count(".") == 1})


def pipeline_file(name: str, pipeline_dirs: Sequence[Path] = ()) -> Path:
    """The file that defines a pipeline: the last folder that has it wins. Raises ConfigurationError."""
    for folder in reversed([resources.pipelines(), *pipeline_dirs]):
        path = folder / f"{name}.yml"
        if path.is_file():
            return path
    known = ", ".join(pipeline_names(pipeline_dirs))
    raise ConfigurationError([Problem(f"There is no pipeline '{name}'; there are {known}.", key="pipeline")])


def load_pipeline(
    name: str,
    settings: InputSettings,
    *,
    pipeline_dirs: Sequence[Path] = (),
    pattern_dirs: Sequence[Path] = (),
) -> Pipeline:
    """The pipeline for an input, from the installed definitions and patterns and then those of the given folders.

    Raises ConfigurationError with every mistake, each with file, line and key.
    """
    written = read_marked(pipeline_file(name, pipeline_dirs))
    model = _validated(written)
    library = Library.load([resources.patterns()], glob="*.grok").with_files(pattern_dirs)
    rules = _dump(model)
    context = {
        "timezone": settings.timezone,
        "namespace": settings.namespace,
        "period": settings.period,
        "incomplete": settings.incomplete,
    }
    assembly = Assembly(rules, context, library)
    if assembly.problems:
        raise ConfigurationError([written.problem(path, message) for path, message in assembly.problems])
    definition = {
        "parser": PARSER,
        "name": name,
        "rules": rules,
        "input": {key: value for key, value in context.items() if value is not None},
        "patterns": assembly.patterns,
    }
    return _finished(name, orjson.dumps(definition, option=orjson.OPT_SORT_KEYS), assembly)


def restore_pipeline(definition: str) -> Pipeline:
    """The pipeline that a definition recorded in the state describes, whatever is installed now."""
    recorded = orjson.loads(definition)
    library = Library.from_definitions(recorded["patterns"])
    assembly = Assembly(recorded["rules"], recorded["input"], library)
    if assembly.problems:
        raise ConfigurationError(
            [Problem(message, key=".".join(map(str, path))) for path, message in assembly.problems]
        )
    return _finished(recorded["name"], definition.encode(), assembly)


def _finished(name: str, definition: bytes, assembly: Assembly) -> Pipeline:
    return assembly.pipeline(name, definition.decode(), xxh3_64_hexdigest(definition))


def _dump(model: PipelineModel) -> dict[str, Any]:
    dumped = model.model_dump(mode="json", by_alias=True, exclude={"samples"}, exclude_none=True)
    assert isinstance(dumped, dict)
    return dumped


def _validated(written: MarkedYAML) -> PipelineModel:
    try:
        return PipelineModel.model_validate(written.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigurationError(
            [written.problem(d["loc"], _sentence(d["type"], d["msg"], d["loc"])) for d in found]
        ) from None


def _sentence(kind: str, message: str, path: tuple[int | str, ...]) -> str:
    """A mistake in a sentence of ours."""
    if kind == "missing":
        return "This key is required and not there."
    if kind == "extra_forbidden":
        parents = [part for part in path[:-1] if part in _MODELS]
        model = _MODELS[str(parents[-1])] if parents else PipelineModel
        allowed = sorted(field.alias or name for name, field in model.model_fields.items())
        near = get_close_matches(str(path[-1]), allowed, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"The key '{path[-1]}' is unknown.{hint} Allowed are {', '.join(allowed)}."
    sentence = message.removeprefix("Value error, ")
    return sentence if sentence.endswith(".") else f"{sentence}."
