"""What an input is expected to bring, and whether an agent tells of its ledger: as a configuration says it."""

import pytest

from shipper.config import load, load_with_origins
from shipper.config.models import Asking
from shipper.config.show import shown
from shipper.errors import ConfigurationError
from shipper.settings import Expectation

CLUSTER = "output: {elasticsearch: {hosts: ['https://es1.example.org:9200']}}\n"


def written(folder, expect="", more=""):
    path = folder / "shipper.yml"
    item = f"expect: {expect}" if expect else "period: month"
    path.write_text(f"inputs:\n- {{name: a, paths: [x], pipeline: raw, {item}}}\n{more}")
    return path


def expected(folder, text):
    return load(written(folder, text), host_name=lambda: "dtn01").inputs[0].expect


def mistake(folder, text):
    with pytest.raises(ConfigurationError) as caught:
        expected(folder, text)
    (problem,) = caught.value.problems
    return problem


def test_nothing_is_expected_of_an_input_that_says_nothing(tmp_path):
    assert expected(tmp_path, "") is None


def test_a_period_alone_expects_a_line_in_each_twenty_minutes_after_its_end(tmp_path):
    assert expected(tmp_path, "{every: 1h}") == Expectation(every=3600.0, by=1200.0)


def test_bands_are_given_or_learned(tmp_path):
    found = expected(tmp_path, "{every: 1d, by: 2h, lines: [0, 500], bytes: auto}")
    assert found == Expectation(every=86_400.0, by=7200.0, lines=(0, 500), bytes="auto")
    assert expected(tmp_path, "{every: 1h, bytes: [1KiB, 2MiB]}").bytes == (1024, 2 << 20)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("{by: 20m}", "inputs.0.expect.every", "required"),
        ("{every: 5s}", "inputs.0.expect.every", "out of range"),
        ("{every: 1h, lines: many}", "inputs.0.expect.lines", "auto, and a list of the least and the most"),
        ("{every: 1h, lines: [5]}", "inputs.0.expect.lines", "auto, and a list of the least and the most"),
        ("{every: 1h, lines: [5, 1]}", "inputs.0.expect.lines", "The least, 5, is more than the most, 1"),
        ("{every: 1h, lines: [a, 1]}", "inputs.0.expect.lines", "'a' is not a whole number"),
        ("{every: 1h, bytes: [1, 2]}", "inputs.0.expect.bytes", "'1' is not a size"),
        ("{every: 1h, size: 5}", "inputs.0.expect.size", "Allowed are by, bytes, every, lines"),
    ],
)
def test_what_cannot_be_expected_is_refused_with_its_place(tmp_path, text, key, reason):
    problem = mistake(tmp_path, text)
    assert (problem.key, problem.line) == (key, 2)
    assert reason in problem.message


def test_what_is_expected_is_shown_with_its_place(tmp_path):
    loaded = load_with_origins(written(tmp_path, "{every: 1h, lines: [1, 5]}"), host_name=lambda: "dtn01")
    rows = {row.key: row for row in shown(loaded.document, loaded.settings, loaded.places)}
    assert rows["inputs.0.expect.lines"].value == "[1, 5]"
    assert rows["inputs.0.expect.every"].origin.endswith("shipper.yml:2")
    assert rows["inputs.0.expect.by"].origin == "default"


@pytest.mark.parametrize(
    ("more", "told"),
    [("", False), (CLUSTER, True), ("fleet: true\n", True), (f"fleet: false\n{CLUSTER}", False)],
)
def test_a_ledger_goes_to_a_cluster_unless_it_is_not_wanted(tmp_path, more, told):
    assert load(written(tmp_path, more=more), host_name=lambda: "dtn01").fleet is told


def test_who_only_asks_needs_neither_inputs_nor_a_name(tmp_path):
    path = tmp_path / "shipper.yml"
    path.write_text(CLUSTER)
    assert load(path, host_name=lambda: "localhost", model=Asking).inputs == ()
    with pytest.raises(ConfigurationError, match="inputs"):
        load(path, host_name=lambda: "dtn01")


def test_who_only_asks_is_told_of_mistakes_all_the_same(tmp_path):
    path = tmp_path / "shipper.yml"
    path.write_text("inputs: []\noutptu: 1\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path, host_name=lambda: "dtn01", model=Asking)
    assert {problem.key for problem in caught.value.problems} == {"inputs", "outptu"}
