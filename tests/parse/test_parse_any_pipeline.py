"""Whatever a definition says, and whatever lines there are: together and one by one they become the same documents."""

import json

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from support.pipeline_lab import Lab, Outcome, Reading, without_shapes

from shipper.errors import ShipperError
from shipper.parse.derive import NUMBERS
from shipper.parse.pipeline import Pipeline
from shipper.records import Mark, MarkKind

NAMES = ("t", "n", "k", "a", "m", "j")
BRANCHES = [
    [{"grok": ["^A (?<x.n>\\S+) ?(?<x.k>.*)$"]}],
    [{"grok": ["^B %{DATA:x.k}:%{GREEDYDATA:x.j}$"]}, {"json": {"into": "x"}, "field": "x.j", "optional": True}],
    [{"grok": ["^C (?<x.t>\\S+)(?: n=%{INT:x.n:int})?(?: (?<x.a>\\S+))?$"]}],
    [{"key_value": {"into": "x", "quote": '"', "null": ["-"]}}],
]
STEPS = {
    "branches": [{"first": BRANCHES}],
    "pairs": [{"key_value": {"into": "x", "null": ["-"]}}, {"json": {"into": "x"}, "field": "x.j", "optional": True}],
    "json": [
        {"json": {"into": "x"}, "optional": True},
        {"key_value": {"into": "x.deep"}, "field": "x.k", "optional": True},
    ],
    "columns": [{"columns": {"names": NAMES, "separator": ";", "into": "x", "null": ["-"]}}],
    "header": [{"columns": {"names": "header", "separator": ";", "into": "x", "header": "^#"}}],
}
KINDS = ("long", "int", "double", "float", "boolean", "ip", "keyword", "date", "[int]", "[long]", "[date]", "[double]")
SET = {"x.s": 'say "x"', "x.k": 5, "network.transport": "100 % tcp", "event.kind": True, "z": 1.5}
ECS = {
    "source.ip": ["x.a", "x.k"],
    "a.b": "x.n",
    "x.n": "x.m",
    "event.reason": ["x.absent", "x.k", "x.a"],
    "event.duration": {"from": ["x.m", "x.n"], "scale": 1000},
    "x.m": {"from": "x.n", "scale": 0.5},
    "event.outcome": {"from": ["x.k", "x.n"], "map": {"a": 'say "a"', "0": "nought", "7": "seven"}},
    "event.action": {"from": "x.n", "map": {"7": "seven", "true": "yes"}, "otherwise": "other"},
    "event.created": {"from": "x.t", "as": "date"},
    "log.level": "x.k",
    "host": "x.a",
    "tags_of": "message",
}
DERIVE = {
    "x.sum": {"sum": ["x.n", "x.m"]},
    "x.less": {"difference": ["x.n", "x.m"], "type": "double"},
    "x.rate": {"ratio": ["x.m", "x.n"], "scale": 8},
    "x.twice": {"sum": ["x.n", "x.n"], "type": "long"},
}
DROP = [
    {"rule": "zero", "when": {"x.n": {"<": 1}}},
    {"rule": "named", "when": {"x.k": {"regex": "^d"}, "x.a": {"exists": False}}},
]
REDACT = [{"pattern": "secret=\\S*", "replace": "secret=*"}, {"pattern": "7"}]
TIMES = [
    {"by": "modification"},
    {"field": "x.t", "formats": ["%Y-%m-%d %H:%M:%S.%f", "iso8601", "epoch_ms"], "timezone": "Europe/Rome"},
    [{"field": "x.t", "formats": ["%H:%M:%S", "%Y%m%d%H%M%S.%6f"], "timezone": "Europe/Rome"}, {"by": "modification"}],
]


def part_of(whole):
    """Some of what a definition could say under a key."""
    if isinstance(whole, list):
        return st.lists(st.sampled_from(whole), max_size=2, unique_by=str)
    return st.lists(st.sampled_from([*whole]), max_size=4, unique=True).map(
        lambda keys: {key: whole[key] for key in keys}
    )


def definitions(steps):
    """Definitions with these steps."""
    parts = {
        "header": st.just("^#"),
        "parse": st.just(steps),
        "types": st.dictionaries(st.sampled_from([f"x.{name}" for name in "nkam"]), st.sampled_from(KINDS), max_size=4),
        "set": part_of(SET),
        "ecs": part_of(ECS),
        "derive": part_of(DERIVE),
        "remove": st.lists(st.sampled_from(["x.k", "x.j", "x.m", "a.b"]), max_size=2),
        "drop": st.just([]) | part_of(DROP),
        "redact": st.just([]) | part_of(REDACT),
        "timestamp": st.sampled_from(TIMES),
    }
    return st.fixed_dictionaries(parts).map(written)


def written(said):
    """A definition as text; what is computed from others needs numbers."""
    if said["derive"]:
        types = {"x.n": "long", "x.m": "double"} | said["types"]
        said["types"] = types | {name: "int" for name in ("x.n", "x.m") if types[name] not in NUMBERS}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in said.items())


TIMES_SAID = (
    *("2026-10-25 02:30:00.5", "2026-03-29 02:30:00.123456", "2026-11-22 10:11:12.5", "2026-11-22 10:11:12.123456789"),
    *("2026-11-22T10:11:12Z", "1795302960123.456", "02:30:00", "10:11:12", "20261122101112.5", "0001-01-01 00:00:00.0"),
)
times = st.sampled_from(TIMES_SAID) | st.just("7")
SAID = (
    *(
        "",
        "-",
        "0",
        "7",
        "-7",
        "007",
        "+7",
        "0x7",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "9" * 25,
    ),
    *("nan", "inf", "-inf", "1e400", "1e16", "1.5", "-0.0", "1_0", "٣", "true", "no", "1,2", "1,,2", "1.5,x"),
    *("192.0.2.1", "2001:DB8::1", "::1%eth0", "a", "dropped", "secret=x", 'say "x"', '"say",', ",", '","', "\\"),
    *("\0", "\x7f", "\x1b[1m", "\t", "\u2028", "é", "\U0001f600", "\ue0009\ue001", "{}", "{", "null", '{"k": [1]}'),
    *TIMES_SAID,
)
values = st.sampled_from(SAID) | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)
contents = st.recursive(
    values | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES) | values, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from([*NAMES, *NAMES, "s", "absent", "x", "k.x", "n_text", "\ue0003\ue001", '"', ","])


def pairs(keys, row):
    return " ".join(f"{key}={value}" for key, value in zip(keys, row, strict=True))


def in_json(keys, row):
    return json.dumps(dict(zip(keys, row, strict=True)), separators=(",", ":"))


WRITERS = {
    "branches": lambda keys, row: [
        pairs(keys, row),
        f"A {row[0]} {row[1]}",
        f"B {row[0]}:{in_json(keys, row)}",
        f"C {row[0]} n=7 {row[1]}",
    ][len(keys) % 4],
    "pairs": lambda keys, row: pairs(keys, row) if "j" not in keys else f"n={row[0]} j={in_json(keys, row)}",
    "json": in_json,
    "columns": lambda _, row: ";".join(map(str, row)),
    "header": lambda _, row: ";".join(map(str, row)),
}
STRANGE = (
    b"\xff\xfe=1\n",
    b"n=\xc3\n",
    b"n=7 k=\xed\xa0\x80\n",
    b"\r\n",
    b"#n:1;k:2;a:3\n",
    b"A 7 a\n",
    b"C 10:11:12\n",
)


@st.composite
def files(draw, kind):
    """The lines of a file: some lists of names, and rows of values for each."""
    lists = draw(st.lists(st.lists(names, min_size=2, max_size=6, unique=True), min_size=1, max_size=3))
    inner = contents if kind == "json" else values
    lines = [b"#t:1;n:2;k:3;a:4;m:5;j:6\n"]
    for _ in range(draw(st.integers(0, 8))):
        keys = draw(st.sampled_from(lists))
        width = len(NAMES) if kind in ("columns", "header") else len(keys)
        row = [draw(times if place == 0 else inner) for place in range(width)]
        lines.append(WRITERS[kind](keys, row).encode() + b"\n")
        lines += draw(st.lists(st.sampled_from(STRANGE), max_size=1))
    return lines


logs = st.sampled_from([*STEPS]).flatmap(lambda kind: st.tuples(definitions(STEPS[kind]), files(kind)))


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


def outcome_of(pipeline: Pipeline, pieces: list[bytes]) -> Outcome:
    reading = Reading(pipeline, [Mark(0, MarkKind.DATE, "2026-10-24"), Mark(30, MarkKind.DATE, "2026-10-25")])
    for piece in pieces:
        reading.read(piece)
    reading.outcome.filtered.sort()  # those that a rule drops come after the blank ones of the same read
    return reading.outcome


@given(logs, st.integers(1, 8))
def test_lines_become_the_same_documents_together_and_one_by_one(shared_lab, log, size):
    definition, lines = log
    try:
        pipeline = shared_lab.pipeline(definition)
    except ShipperError:
        reject()  # names or types that do not fit together
    alone = outcome_of(without_shapes(pipeline), lines)
    assert outcome_of(pipeline, [b"".join(lines)]) == alone
    assert outcome_of(pipeline, [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]) == alone
    assert len(alone.bodies) + len(alone.filtered) == len(lines)
