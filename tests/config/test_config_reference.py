"""docs/operating.md says what the program does."""

import re
from pathlib import Path

import pytest

from shipper.config import load, units
from shipper.config.models import MODELS
from shipper.operate.status import FileState

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "operating.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", TEXT, flags=re.MULTILINE))
"""Key -> default, of all tables of keys."""


def documented(path, name):
    """How a key is written in the reference."""
    parts = path[1:] if path and path[0] in {"inputs", "output"} else path
    return ".".join((*parts, name))


KEYS = [
    (documented(path, name), field)
    for path, model in MODELS.items()
    for name, field in model.model_fields.items()
    if (path, name) not in {(("output",), "sqlite"), (("output",), "elasticsearch")}
]


def test_every_key_is_in_the_reference_and_no_other():
    reference = TEXT[TEXT.index("### Keys") : TEXT.index("## Check")]
    names = re.findall(r"^\| `([a-z_.]+)` \|", reference, flags=re.MULTILINE)
    assert sorted(names) == sorted(key for key, _ in KEYS)


@pytest.mark.parametrize(("key", "field"), [item for item in KEYS if isinstance(item[1].default, int | float | str)])
def test_the_default_in_the_reference_is_the_one_in_force(key, field):
    written = ROWS[key].strip("`")
    match field.default:
        case bool():
            assert written == ("true" if field.default else "false")
        case int() if written.endswith("B"):
            assert units.size(written) == field.default
        case float():
            assert units.duration(written) == field.default
        case _:
            assert written == str(field.default)


@pytest.mark.parametrize("key", [key for key, field in KEYS if field.is_required()])
def test_what_is_required_is_said_to_be(key):
    assert ROWS[key] == "required"


def test_every_event_is_explained():
    emitted = re.compile(r'events\.(?:info|warning|error)\(\s*"([a-z_]+)"')
    code = "".join(path.read_text() for path in (ROOT / "shipper").rglob("*.py"))
    events = set(emitted.findall(code))
    assert "file_found" in events
    assert {event for event in events if f"`{event}`" not in TEXT} == set()


def test_every_state_of_a_file_is_explained():
    explained = re.findall(r"^\| ([a-z ]+) \|", TEXT[TEXT.index("| state of a file") :], flags=re.MULTILINE)
    assert {state.value for state in FileState} <= set(explained)


def test_the_first_configuration_is_a_whole_one(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert block is not None
    path = tmp_path / "shipper.yml"
    path.write_text(block[1])
    assert load(path, host_name=lambda: "dtn01").inputs[0].name == "gridftp"


@pytest.mark.parametrize("example", sorted((ROOT / "deploy" / "examples").glob("*.yml")), ids=lambda path: path.name)
def test_the_examples_are_right(example):
    assert load(example, environment={}).inputs
