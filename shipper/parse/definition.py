r"""Pipeline definitions: the YAML format of `pipelines/<name>.yml`, checked with every mistake at once.

A pipeline turns the events of a file into documents. All keys::

    dataset: gridftp.transfer        # required: lower-case letters, digits, `_`, in parts joined by `.`; no `-`

    lines:                           # how lines become events; without it each line is an event
      starts: '^\d\d:\d\d'           # a line that matches at its beginning starts an event; or
      continues: '^\s'               # … continues the previous one (give one of the two, not both)
      splits: '(?s)DATE=(?<=^.{99}DATE=)'  # where this is found within a line an event begins: `_line_split` on both;
                                     # `^` is the line's beginning, or that of the last event which begins in it
      max_lines: 500                 # limits of an event
      max_bytes: 1MiB
      quiet: 5s                      # quiet time after which an open event of a live file is closed
      incomplete: ship               # a last line that can never be completed: ship (default) or refuse

    header: '^#'                     # lines that are the file's header: filtered by the rule `header`
    blank: drop                      # white lines: drop (default; filtered by the rule `blank`) or ship

    redact:                          # before parsing, and on parsed texts; patterns are Python's `re`
      - {pattern: '(?<=PASS )\S+', replace: '[redacted]'}

    parse:                           # steps, one after the other; empty or absent: the text alone (`raw`)
      - grok: ['%{A}', '%{B}']       # alternatives, the first that matches; tag `_grokparsefailure`
        field: message               # what the step reads: `message` (default) or a parsed field
        optional: false              # true: that it does not match is no failure
      - columns:                     # tag `_columnsfailure`
          separator: ' '             # a literal string; or a list: the first that the header line holds, or the row
          names: header              # `#15#c_ip:1 c_port:2 …`, also `#C#…` and `#c_ip:1 …`; or a list of names
          header: '#C#'              # optional: which header line; default the last of those that stand together
          without_header:            # optional: lists of names, each of another length, for files without any header:
            - [c_ip, c_port]         # … a row before the first header is named by the list that is as long as the row
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
      source.ip: tstat.c_ip          # … several names, of which the first that is there counts: [tstat.c_ip, tstat.ip]
      event.duration: {from: tstat.durat, scale: 1000000}             # multiplied, rounded to an integer
      event.start: {from: tstat.first, as: date}                      # read like the timestamp, in its formats
      event.outcome: {from: storm.code, map: {SRM_SUCCESS: success}, otherwise: failure}

    derive:                          # target: formula, computed in this order, after types and copies
      event.duration: {difference: [gridftp.date, gridftp.start]}
      gridftp.throughput: {ratio: [gridftp.nbytes, event.duration], scale: 8000000000}      # bit/s
      network.bytes: {sum: [tstat.c_bytes_all, tstat.s_bytes_all], type: long}

    timestamp:                       # or a list of these: the first whose field is there
      field: gridftp.date
      formats: ['%Y%m%d%H%M%S.%6f']
      timezone: UTC                  # IANA name; what the format fixes. Where it is absent, the input must give one
      # or, for logs without any time: {by: modification}, the day on which the line was written

    drop:                            # tried in this order on converted fields; the rule's name is the fate of the line
      - {rule: listings, when: {gridftp.type: {in: [LIST, NLST, MLSD]}}}

    about:                           # for readers: `docs/formats.md` is made of it; no part of the pipeline's version
      reads: 'One record for each transfer; globus-gridftp-server with the option log_transfer.'
      files: ['/var/log/gridftp-transfer.log*']
      time: 'UTC, with microseconds.'
      fields:                        # a meaning, or with a unit; a pattern (* ? []) for all that are named like it
        gridftp.nbytes: {meaning: 'bytes that were sent', unit: bytes}
        gridftp.streams: 'parallel data channels'
      damage:
        - {what: 'a record that was cut at 4095 bytes', becomes: 'a document with the tag `_line_split`'}

    samples: samples/gridftp-transfer.yml     # beside the definition; this is the default place

* **Fields** are dotted: `gridftp.nbytes`. Grok names are `%{X:gridftp.nbytes}` or `%{X:[gridftp][nbytes]}`; a type in
  the pattern (`:int`, `:float`) counts unless `types` says otherwise. Nothing may be written to `@timestamp`,
  `message`, `tags`, `shipper`, `host.name`, `event.dataset`, `log.offset` or `log.file`.
* **A required step that does not match** ends parsing: what is there so far is shipped, with the step's tag.
* **types**: `long int double float boolean ip keyword date`, or a list of one of these (`[int]`: values between
  commas). Untyped fields are `keyword`, but for columns of a header and keys of `key_value` (without `only`) beside
  which `types` names others of the same parent: such a one is new to the definition, is announced, and gets its type
  from its first value in the file. A plain number (`0`, `-1.5`; no zeros in front, no exponent) makes it numeric,
  anything else `keyword`; after 200 names of a file, all others are `keyword`. A value that cannot be converted is
  kept as text in `<field>_text`, tag `_type_failure`. `date` is read with those of the timestamp's formats that are
  complete dates.
* **derive**: `difference` (first minus second), `sum` (of two or more), `ratio` (first by second), of numbers; the
  difference of two fields of type `date` is in nanoseconds, the sum of one and of nanoseconds is a `date`. A target
  that steps may make as well (of the same type) is computed where they did not. `scale` multiplies the result. `type`
  is `long` (rounded) or `double`; without it, a ratio is `double`, a difference of dates `long`, and all else `long`
  where all sources are whole numbers. Sources may be copies and what was derived before. Where a source is not there
  or is no number, the divisor is 0, the first date is before the second, or the result is not finite or beyond 64
  bits, there is no field.
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

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from shipper import resources
from shipper.errors import ConfigurationError, Problem
from shipper.grok import Library
from shipper.parse.about import named_singly, spelled_out
from shipper.parse.assembly import PARSER, Assembly
from shipper.parse.guard import Guard
from shipper.parse.marked_yaml import read_marked
from shipper.parse.models import AboutModel, PipelineModel
from shipper.parse.pipeline import Pipeline
from shipper.parse.validation import validated
from shipper.settings import InputSettings


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
    known = pipeline_names(pipeline_dirs)
    near = get_close_matches(name, known, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ConfigurationError(
        [Problem(f"There is no pipeline '{name}'; there are {', '.join(known)}.{hint}", key="pipeline")]
    )


def has_samples(name: str, pipeline_dirs: Sequence[Path] = ()) -> bool:
    """Whether there is a file of samples for a pipeline, or its definition names one."""
    definition = pipeline_file(name, pipeline_dirs)
    model = validated(PipelineModel, read_marked(definition))
    return model.samples is not None or (definition.parent / f"samples/{name}.yml").is_file()


def about(name: str, pipeline_dirs: Sequence[Path] = ()) -> AboutModel:
    """What the definition of a pipeline says of its log to readers. Raises ConfigurationError."""
    return spelled_out(validated(PipelineModel, read_marked(pipeline_file(name, pipeline_dirs))))


def load_pipeline(
    name: str,
    settings: InputSettings,
    *,
    pipeline_dirs: Sequence[Path] = (),
    pattern_dirs: Sequence[Path] = (),
    guard: Guard | None = None,
) -> Pipeline:
    """The pipeline for an input, from the installed definitions and patterns and then those of the given folders.

    `guard` limits the time that an event may take. Raises ConfigurationError with every mistake, each with its place.
    """
    written = read_marked(pipeline_file(name, pipeline_dirs))
    model = validated(PipelineModel, written)
    library = Library.load([resources.patterns()], glob="*.grok").with_files(pattern_dirs)
    # In the order in which they are recorded: a restored pipeline writes its fields in the same order, byte for byte.
    rules = orjson.loads(orjson.dumps(_dump(model), option=orjson.OPT_SORT_KEYS))
    context = _context(settings)
    assembly = Assembly(rules, context, library)
    assembly.expect(("about", "fields"), named_singly(model))
    problems = [written.problem(path, message) for path, message in assembly.problems]
    if assembly.needs_timezone:
        problems.append(_missing_timezone(name, settings.name))
    if problems:
        raise ConfigurationError(problems)
    definition = {
        "parser": PARSER,
        "name": name,
        "rules": rules,
        "input": context,
        "patterns": assembly.patterns,
    }
    return _finished(name, orjson.dumps(definition, option=orjson.OPT_SORT_KEYS), assembly, guard)


def _missing_timezone(pipeline: str, name: str) -> Problem:
    message = (
        f"Input '{name}': times that the pipeline '{pipeline}' reads have no zone, so the input needs a 'timezone', "
        "such as Europe/Rome or UTC."
    )
    return Problem(message, key="timezone")


def restore_pipeline(definition: str, guard: Guard | None = None) -> Pipeline:
    """The pipeline that a definition recorded in the state describes, whatever is installed now."""
    recorded = orjson.loads(definition)
    library = Library.from_definitions(recorded["patterns"])
    assembly = Assembly(recorded["rules"], recorded["input"], library, recorded["parser"])
    problems = [Problem(message, key=".".join(map(str, path))) for path, message in assembly.problems]
    if assembly.needs_timezone:
        problems.append(Problem("Its times have no zone, and the input says none.", key="timezone"))
    if problems:
        raise ConfigurationError(problems)
    return _finished(recorded["name"], definition.encode(), assembly, guard)


def for_input(definition: str, settings: InputSettings) -> str | None:
    """A recorded definition with what the input says of parsing now; None if the input names another pipeline."""
    recorded = orjson.loads(definition)
    if recorded["name"] != settings.pipeline:
        return None
    now = {"parser": PARSER, "input": _context(settings)}
    return orjson.dumps({**recorded, **now}, option=orjson.OPT_SORT_KEYS).decode()


def _context(settings: InputSettings) -> dict[str, Any]:
    """What an input says of parsing."""
    said = {
        "timezone": settings.timezone,
        "namespace": settings.namespace,
        "period": settings.period,
        "incomplete": settings.incomplete,
        "since": settings.since,
        "encoding": None if settings.encoding == "utf-8" else settings.encoding,
    }
    return {key: value for key, value in said.items() if value is not None}


def _finished(name: str, definition: bytes, assembly: Assembly, guard: Guard | None) -> Pipeline:
    return assembly.pipeline(name, definition.decode(), xxh3_64_hexdigest(definition), guard or Guard())


def _dump(model: PipelineModel) -> dict[str, Any]:
    dumped = model.model_dump(mode="json", by_alias=True, exclude={"samples", "about"}, exclude_none=True)
    assert isinstance(dumped, dict)
    # A list keeps its order, in which formulas may build on each other; keys are sorted when they are recorded.
    dumped["derive"] = [{"target": target, **said} for target, said in dumped["derive"].items()]
    return dumped
