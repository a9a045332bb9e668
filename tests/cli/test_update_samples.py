"""`shipper check --update-samples` on real files."""

import json
import os
import stat
from pathlib import Path

import pytest

from shipper import resources
from shipper.cli import execute
from shipper.errors import Exit

CONFIGURATION = """\
host: dtn01.example.org
state: state
pipelines_dir: own
inputs:
  - {name: app, paths: [logs/*.log], pipeline: app}
  - {name: again, paths: [other/*.log], pipeline: app}
"""
PIPELINE = """\
dataset: own.app
parse:
  - grok: ['%{TIMESTAMP_ISO8601:app.date} %{WORD:app.action} %{INT:app.size}']
remove: [app.date]
types: {app.size: long}
timestamp: {field: app.date, formats: [iso8601], timezone: UTC}
drop: [{rule: noise, when: {app.action: {equal: ping}}}]
"""
SAMPLES = """\
# What the app writes.
- name: a move     # seen in March
  text: '2026-11-22T01:02:03Z move 42'
  expect:
    '@timestamp': '2026-11-22T01:02:03Z'
    app: {action: move, size: 41}    # bytes
# A keepalive.
- text: '2026-11-22T01:02:03Z ping 0'
  filtered: noise
"""


class Site:
    """A configuration with a pipeline of its own."""

    def __init__(self, folder, capsys):
        self.folder = folder
        self.capsys = capsys
        self.configuration = folder / "shipper.yml"
        self.pipeline = folder / "own" / "app.yml"
        self.samples = folder / "own" / "samples" / "app.yml"
        self.samples.parent.mkdir(parents=True)
        self.configuration.write_text(CONFIGURATION)
        self.pipeline.write_text(PIPELINE)
        self.samples.write_text(SAMPLES)

    def check(self, *options):
        code = execute(["check", "-c", str(self.configuration), *options])
        return code, *self.capsys.readouterr()

    def update(self, *options):
        code, out, err = self.check("--update-samples", *options)
        return code, out, err

    def update_json(self, *options):
        code, out, _ = self.update("--json", *options)
        return code, json.loads(out)


@pytest.fixture
def site(tmp_path, capsys):
    return Site(tmp_path, capsys)


def test_the_samples_expect_what_comes_out_now_and_the_difference_is_shown(site):
    assert site.check()[0] == Exit.USAGE
    code, out, err = site.update()
    assert code == Exit.CLEAN
    assert site.samples.read_text() == SAMPLES.replace("size: 41", "size: 42")
    assert out.splitlines() == [
        f"--- {site.samples}",
        f"+++ {site.samples}",
        "@@ -3,7 +3,7 @@",
        "   text: '2026-11-22T01:02:03Z move 42'",
        "   expect:",
        "     '@timestamp': '2026-11-22T01:02:03Z'",
        "-    app: {action: move, size: 41}    # bytes",
        "+    app: {action: move, size: 42}    # bytes",
        " # A keepalive.",
        " - text: '2026-11-22T01:02:03Z ping 0'",
        "   filtered: noise",
    ]
    assert err == "1 sample in 1 file updated.\n"
    assert site.check()[0] == Exit.CLEAN


def written(path: Path) -> tuple[int, int]:
    """Which file it is, and when it was written last; reading it changes neither."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def test_samples_that_are_right_are_not_written_again(site):
    site.update()
    before = written(site.samples)
    assert site.update() == (Exit.CLEAN, "", "0 samples in 0 files updated.\n")
    assert written(site.samples) == before


def test_the_answer_for_programs_lists_files_and_changed_samples(site):
    code, answer = site.update_json()
    assert (code, answer["verdict"]) == (Exit.CLEAN, "clean")
    (file,) = answer["files"]
    assert (file["file"], file["pipeline"], file["written"]) == (str(site.samples), "app", True)
    (change,) = file["updated"]
    assert (change["sample"], change["line"]) == ("app/a move", 2)
    assert change["differences"] == ["has app.size = 42, expected is 41."]
    assert file["withheld"] == []
    assert "+    app: {action: move, size: 42}" in file["diff"]


def test_a_text_that_is_no_longer_matched_is_shown_and_left_alone_until_it_is_accepted(site):
    site.pipeline.write_text(PIPELINE.replace("%{INT:app.size}", "%{INT:app.size} bytes"))
    code, out, err = site.update()
    assert (code, out) == (Exit.FINDINGS, "")
    assert site.samples.read_text() == SAMPLES
    first, second = [line for line in err.splitlines() if "comes out worse" in line]
    assert first.startswith(f"{site.samples}:2: The sample app/a move comes out worse: it gets the tags _grokparsefail")
    assert second.startswith(f"{site.samples}:8: The sample app/2 ")
    assert "    It has app.size = nothing, expected is 41." in err.splitlines()
    assert err.splitlines()[-1] == (
        f"If that is meant: shipper check -c {site.configuration} --update-samples --accept 'app/a move' --accept app/2"
    )
    code, out, _ = site.update("--accept", "app/a move", "--accept", "app/2")
    assert code == Exit.CLEAN
    assert "+    tags: [_grokparsefailure, _timestamp_inherited, _timestamp_suspect]" in out
    assert site.check()[0] == Exit.CLEAN


def test_one_sample_that_is_worse_does_not_keep_the_others_from_their_update(site):
    samples = SAMPLES + "- name: odd\n  text: odd\n  expect: {app.action: odd}\n"
    site.samples.write_text(samples)
    code, answer = site.update_json()
    assert (code, answer["verdict"]) == (Exit.FINDINGS, "open")
    (file,) = answer["files"]
    assert [change["sample"] for change in file["updated"]] == ["app/a move"]
    assert [change["sample"] for change in file["withheld"]] == ["app/odd"]
    assert site.samples.read_text() == samples.replace("size: 41", "size: 42")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("equal: ping", "in: [ping, move]", "it is filtered by 'noise' and not shipped"),
        ("app.size: long", "app.size: long, app.action: int", "it gets the tag _type_failure"),
        ("formats: [iso8601]", "formats: [epoch_s]", "it gets the tags _timestamp_inherited, _timestamp_suspect"),
    ],
)
def test_what_else_makes_a_sample_worse(site, old, new, why):
    site.pipeline.write_text(PIPELINE.replace(old, new))
    code, answer = site.update_json()
    assert code == Exit.FINDINGS
    assert why in [change["worse"] for change in answer["files"][0]["withheld"]]


def test_a_sample_that_was_filtered_may_be_shipped(site):
    site.pipeline.write_text(PIPELINE.replace("equal: ping", "equal: pong"))
    assert site.update()[0] == Exit.CLEAN
    assert "filtered" not in site.samples.read_text()
    assert site.check()[0] == Exit.CLEAN


def test_a_new_sample_needs_its_text_only(site):
    site.samples.write_text("- text: '2026-11-22T01:02:03Z copy 7'\n- text: 'odd'\n")
    code, _, err = site.update()
    assert code == Exit.FINDINGS
    assert "The sample app/2 comes out worse" in err
    assert site.samples.read_text() == (
        "- text: '2026-11-22T01:02:03Z copy 7'\n"
        "  expect:\n"
        "    '@timestamp': '2026-11-22T01:02:03Z'\n"
        "    app:\n"
        "      action: copy\n"
        "      size: 7\n"
        "- text: 'odd'\n"
    )


def test_only_named_pipelines_are_updated_also_one_that_no_input_uses(site):
    (site.folder / "own" / "more.yml").write_text(PIPELINE)
    more = site.folder / "own" / "samples" / "more.yml"
    more.write_text(SAMPLES)
    assert site.update("--pipeline", "more")[0] == Exit.CLEAN
    assert site.samples.read_text() == SAMPLES
    assert more.read_text() == SAMPLES.replace("size: 41", "size: 42")


def test_with_a_mistake_in_one_pipeline_nothing_is_written(site):
    (site.folder / "own" / "more.yml").write_text(PIPELINE.replace("%{INT:", "%{INK:"))
    code, out, err = site.update("--pipeline", "app", "--pipeline", "more")
    assert (code, out) == (Exit.USAGE, "")
    assert "INK" in err
    assert site.samples.read_text() == SAMPLES


def test_a_sample_that_is_not_one_event_cannot_be_updated(site):
    site.samples.write_text(SAMPLES + '- {name: two, text: "a\\nb"}\n')
    code, _, err = site.update()
    assert code == Exit.USAGE
    assert f"{site.samples}:10: The sample 'two' is not one event by the definition's 'lines'." in err


def test_samples_of_installed_pipelines_are_changed_in_a_checkout_only(site, monkeypatch):
    patterns = resources.patterns()
    monkeypatch.setattr(resources, "patterns", lambda: patterns)
    monkeypatch.setattr(resources, "pipelines", lambda: site.folder / "own")
    monkeypatch.setattr(resources, "in_checkout", lambda: False)
    site.configuration.write_text(CONFIGURATION.replace("pipelines_dir: own\n", ""))
    code, out, err = site.update()
    assert code == Exit.FINDINGS
    assert "+    app: {action: move, size: 42}" in out
    assert "comes with shipper" in err
    assert site.samples.read_text() == SAMPLES
    monkeypatch.setattr(resources, "in_checkout", lambda: True)
    assert site.update()[0] == Exit.CLEAN
    assert site.samples.read_text() != SAMPLES


def test_the_file_keeps_its_mode_and_its_symbolic_link_and_nothing_lies_about(site):
    real = site.folder / "real.yml"
    site.samples.rename(real)
    site.samples.symlink_to(real)
    real.chmod(0o640)
    assert site.update()[0] == Exit.CLEAN
    assert site.samples.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "size: 42" in real.read_text()
    assert not [path for path in site.folder.rglob("*") if path.name.startswith(".")]


def test_a_file_that_cannot_be_replaced_is_left_whole_and_told(site, monkeypatch):
    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    code, _, err = site.update()
    assert code == Exit.UNFINISHED
    assert err == f"shipper: {site.samples}: The file cannot be written: No space left on device.\n"
    assert site.samples.read_text() == SAMPLES
    assert list(site.samples.parent.iterdir()) == [site.samples]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--update-samples", "--connect"], "--update-samples cannot be combined with --connect or --show."),
        (["--pipeline", "app"], "--pipeline and --accept are for --update-samples."),
        (["--update-samples", "--accept", "app/x"], "There is no sample 'app/x'; there are app/2, app/a move."),
        (["--update-samples", "--pipeline", "nothing"], "There is no pipeline 'nothing'; there are "),
    ],
)
def test_options_that_make_no_sense_are_refused(site, options, message):
    code, _, err = site.check(*options)
    assert code == Exit.USAGE
    assert message in err
