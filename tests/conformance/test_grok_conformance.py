"""The public suites of logstash-patterns-core, logstash-filter-grok and Elasticsearch, as data beside the checkout."""

import copy
import json
import os
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from shipper.errors import PatternError
from shipper.grok import GrokFilter, Library

SUITES = Path(__file__).parents[3] / "shared" / "conformance" / "grok"
SIZES = {"patterns-core": 457, "filter-grok": 124, "es-grok": 160}
"""Cases that count: those that are not another dialect's opinion."""
DEPENDS_ON_SPEED = "logstash-filter-grok:grok_spec:0093"


def cases(name):
    path = SUITES / f"cases-{name}.jsonl"
    if not path.exists():
        return []
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [case for case in found if case["portable"] or case["id"] == DEPENDS_ON_SPEED]


ALL = {name: cases(name) for name in SIZES}


@cache
def checks():
    spec = spec_from_file_location("grok_conformance_checks", SUITES / "checks.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def library(mode):
    return Library.load([SUITES / "patterns" / ("legacy" if mode == "legacy" else "ecs-v1")], base=None)


def with_files(case, tmp_path):
    """The library and options of a case that brings its own pattern files."""
    base, options = library(case["ecs_mode"]), dict(case["options"])
    for name, text in case.get("pattern_files", ()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if text is None else path.write_text(text + "\n", encoding="utf-8")
    if (tmp_path / "patterns").exists():
        base = base.with_files([tmp_path / "patterns"])
    if "patterns_dir" in options:
        options["patterns_dir"] = [tmp_path / name for name in options["patterns_dir"]]
    return base, options


def outcome(case, tmp_path):
    base, options = with_files(case, tmp_path)
    return GrokFilter(base, match=case["match"], **options)(copy.deepcopy(case["event"]))


def is_true(event, check):
    if check["op"] == "timeout":
        return "_groktimeout" in event.get("tags", [])
    return checks().ok(event, check)


@pytest.mark.parametrize("case", [case for found in ALL.values() for case in found], ids=lambda case: case["id"])
def test_a_case_of_a_public_suite_holds(case, tmp_path):
    if any(check["op"] == "compile_error" for check in case["checks"]):
        with pytest.raises(PatternError):
            outcome(case, tmp_path)
        return
    event = outcome(case, tmp_path)
    if case["id"] == DEPENDS_ON_SPEED:
        assert event in (case["oracle_event"], {**case["event"], "tags": ["_groktimeout"]})
        return
    assert [check for check in case["checks"] if not is_true(event, check)] == []
    assert event == case["oracle_event"]


@pytest.mark.parametrize("name", SIZES)
def test_no_case_of_a_suite_is_left_out(name):
    if not SUITES.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"the conformance suites are not at {SUITES}")
    assert len(ALL[name]) == SIZES[name]


@pytest.mark.parametrize("mode", ["legacy", "v1"])
def test_every_definition_of_logstash_compiles(mode):
    if not SUITES.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"the conformance suites are not at {SUITES}")
    names = list(library(mode))
    assert len(names) == {"legacy": 317, "v1": 361}[mode]
    for name in names:
        library(mode).compile(f"%{{{name}}}")
