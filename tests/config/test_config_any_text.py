"""Whatever stands in a configuration: settings, or mistakes that each name a file and a line."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from ruamel.yaml import YAML

from shipper.config import load
from shipper.config.models import MODELS
from shipper.errors import ConfigurationError
from shipper.settings import Settings

KEYS = sorted({name for model in MODELS.values() for name in model.model_fields} | {"unknown", "0304", "<<"})
SCALARS = some.sampled_from(
    [
        "",
        "x",
        "10MB",
        "10s",
        "0",
        "true",
        "null",
        "${UNSET}",
        "${SET}",
        "${",
        "localhost",
        "http://u:p@x",
        "~/x",
        7,
        None,
    ]
)
TREES = some.recursive(
    SCALARS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)
INPUTS = some.fixed_dictionaries(
    {"name": some.sampled_from(["a", "b"]), "paths": some.just(["x"]), "pipeline": some.just("raw")},
    optional=dict.fromkeys(sorted(set(KEYS) - {"name", "paths", "pipeline"}), SCALARS),
)
DOCUMENTS = some.fixed_dictionaries(
    {"inputs": some.lists(INPUTS | TREES, max_size=2) | TREES},
    optional=dict.fromkeys(sorted(set(KEYS) - {"inputs"}), TREES),
)


def text_of(data):
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, stream)
    return stream.getvalue()


def outcome(path):
    try:
        return load(path, environment={"SET": "value"}, host_name=lambda: "dtn01")
    except ConfigurationError as error:
        return error


@given(DOCUMENTS | TREES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_data_gives_settings_or_mistakes_with_file_and_line(tmp_path, data):
    path = tmp_path / "shipper.yml"
    text = text_of(data)
    path.write_text(text)
    result = outcome(path)
    if isinstance(result, Settings):
        assert result.inputs
        return
    assert result.problems
    for problem in result.problems:
        assert problem.file == str(path)
        assert problem.line is not None
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.message.endswith((".", "?")) or "chmod" in problem.message
        assert ":p@" not in problem.message


@given(some.text(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_mistakes_and_no_other_error(tmp_path, text):
    path = tmp_path / "shipper.yml"
    path.write_text(text, errors="surrogatepass")
    with pytest.raises(ConfigurationError):
        load(path, environment={}, host_name=lambda: "dtn01")


@given(some.binary(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_mistakes_and_no_other_error(tmp_path, data):
    path = tmp_path / "shipper.yml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError):
        load(path, environment={}, host_name=lambda: "dtn01")
