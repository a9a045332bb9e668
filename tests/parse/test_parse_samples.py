"""Samples run; a wrong or missing one is told."""

import pytest

from shipper.errors import ConfigurationError
from shipper.parse.definition import load_pipeline, pipeline_names
from shipper.parse.samples import run_samples
from shipper.settings import InputSettings

DEFINITION = "timestamp: {by: modification}\nparse: [{grok: ['^(?<x.a>\\w+)$']}]\ntypes: {x.a: int}\n"


@pytest.mark.parametrize("name", pipeline_names())
def test_every_installed_pipeline_keeps_its_samples(name):
    settings = InputSettings("samples", ("/samples",), name, timezone="UTC")
    assert [str(problem) for problem in run_samples(load_pipeline(name, settings))] == []


def run(lab, samples):
    pipeline = lab.pipeline(DEFINITION)
    if samples is not None:
        (lab.folder / "samples").mkdir()
        (lab.folder / "samples" / "app.yml").write_text(samples)
    return [(problem.line, problem.message) for problem in run_samples(pipeline, [lab.folder])]


def test_each_difference_is_told_with_the_line_of_its_sample(lab):
    found = run(
        lab,
        "- {name: right, date: 2026-11-22, text: '1', expect: {'@timestamp': '2026-11-22T00:00:00Z',"
        " tags: [_timestamp_inherited], x.a: 1}}\n"
        "- {name: wrong, date: 2026-11-22, text: '2',"
        " expect: {'@timestamp': '2026-11-22T00:00:00Z', x: {a: 3, b: 4}}}\n"
        "- {text: ' ', filtered: header}\n"
        "- {text: '', expect: {}}\n"
        '- {text: "1\\n2", expect: {}}\n',
    )
    assert found == [
        (2, "The sample 'wrong' has tags = [\"_timestamp_inherited\"], expected is []."),
        (2, "The sample 'wrong' has x.a = 2, expected is 3."),
        (2, "The sample 'wrong' has x.b = nothing, expected is 4."),
        (3, "The sample '3' is not filtered by 'header' but filtered by 'blank'."),
        (4, "The sample '4' is filtered by 'blank', not shipped."),
        (5, "The sample '5' is not one event by the definition's 'lines'."),
    ]


def test_a_pipeline_without_samples_is_a_problem(lab):
    with pytest.raises(ConfigurationError, match=r"samples/app.yml: The pipeline has no samples: write real lines"):
        run(lab, None)
    assert run(lab, "[]\n") == [(None, "There is no sample in this file.")]


def test_an_unknown_key_in_a_sample_is_refused(lab):
    with pytest.raises(
        ConfigurationError, match=r"app.yml:2: 0.expects: The key 'expects' is unknown. Did you mean 'expect'"
    ):
        run(lab, "- text: x\n  expects: {}\n  filtered: blank\n")
