"""A running agent whose pattern files are edited: it refuses what is worse, takes what is better, and loses nothing."""

from __future__ import annotations

import pytest
from support.edited_site import BETTER, BROKEN, PATTERN, RUNAWAY, WORSE, EditedSite, until


@pytest.fixture
def site(tmp_path):
    return EditedSite(tmp_path)


def test_a_broken_edit_is_refused_a_worse_one_too_and_a_better_one_is_taken(site):
    site.write(900)
    with site.agent(), site.growing():
        until(lambda: len(site.messages()) >= 900)

        site.edit(BROKEN)
        code, answer = site.ask("reload")
        (row,) = answer["inputs"]
        assert (code, row["verdict"], row["new"]) == (1, "refused", None)
        assert "NOWHERE" in row["reasons"][0]
        assert f"{site.patterns}/app.grok:1" in row["reasons"][0]
        assert "mistakes" in site.stalls()["pipeline app"]

        site.edit(WORSE)
        code, answer = site.ask("reload")
        (row,) = answer["inputs"]
        assert (code, row["verdict"]) == (1, "refused")
        reasons = " ".join(row["reasons"])
        assert "The sample" in reasons
        assert "_grokparsefailure on" in reasons
        assert "'app.user' is in 0 of the recent events" in reasons
        assert row["new"] in site.stalls()["pipeline app"]

        site.edit(BETTER)
        code, answer = site.ask("reload")
        (row,) = answer["inputs"]
        assert (code, row["verdict"], row["reasons"]) == (0, "taken", [])
        assert site.stalls() == {}
        before = site.written
        until(lambda: len(site.messages()) > before + 300)

    assert site.run("run", "--once").returncode == 0
    assert site.messages() == site.all_messages()
    for level in ("disk", "contents"):
        code, audit = site.ask("audit", "--level", level)
        assert (code, audit["verdict"], audit["totals"]["disk_lines"]) == (0, "closed", site.written), audit
    versions = {item["pipeline"] for item in site.ask("status")[1]["files"]}
    assert versions == {row["new"]}


def test_edits_are_noticed_without_asking_and_taken_once_they_are_settled(tmp_path):
    site = EditedSite(tmp_path, rescan="200ms")
    site.write(30)
    with site.agent():
        until(lambda: len(site.messages()) == 30)
        site.edit(BETTER)
        until(lambda: "reload taken" in (site.folder / "agent.err").read_text())
        site.write(30)
        until(lambda: site.messages() == site.all_messages())
    assert site.ask("audit", "--level", "contents")[1]["verdict"] == "closed"


def test_a_worse_version_is_taken_when_it_is_accepted(site):
    site.write(300)
    with site.agent():
        until(lambda: len(site.messages()) == 300)
        site.edit(PATTERN.replace("app.user", "app.person"))
        (row,) = site.ask("reload")[1]["inputs"]
        assert row["verdict"] == "refused"
        code, answer = site.ask("reload", "--accept", row["new"])
        assert (code, answer["inputs"][0]["verdict"]) == (0, "taken")
        assert site.stalls() == {}
        site.write(3)
        until(lambda: len(site.messages()) == 303)
    assert site.ask("audit", "--level", "contents")[1]["verdict"] == "closed"


def test_old_lines_are_reparsed_while_the_agent_ships_new_ones(site):
    site.write(900)
    with site.agent(), site.growing():
        until(lambda: len(site.messages()) >= 900)
        site.edit(BETTER)
        assert site.ask("reload")[0] == 0
        code, found = site.ask("reparse", "--input", "app")
        assert (code, found["unchanged"], found["gone"], found["undelivered"]) == (0, 0, 0, {})
        assert found["replaced"] == found["tagged"] >= 300
        before = site.written
        until(lambda: len(site.messages()) > before)
    assert site.run("run", "--once").returncode == 0
    assert site.messages() == site.all_messages()
    rest = site.ask("reparse", "--input", "app")[1]  # what the old version had under way when it was asked first
    assert rest["replaced"] == rest["tagged"]
    assert site.ask("reparse", "--input", "app")[1]["tagged"] == 0
    assert site.ask("audit", "--level", "contents")[1]["verdict"] == "closed"


def test_a_pattern_that_runs_away_is_not_taken_and_does_not_hold_the_agent_up(site):
    site.write(300)
    with site.agent():
        until(lambda: len(site.messages()) == 300)
        site.edit(RUNAWAY)
        (row,) = site.ask("reload")[1]["inputs"]
        assert row["verdict"] == "refused"
        assert "take too long" in " ".join(row["reasons"])
        site.write(30)
        until(lambda: site.messages() == site.all_messages())


def test_an_agent_that_starts_with_broken_files_goes_on_with_what_was_taken(site):
    site.write(30)
    assert site.run("run", "--once").returncode == 0
    site.edit(BROKEN)
    site.write(30)
    with site.agent():
        until(lambda: site.messages() == site.all_messages())
        assert "NOWHERE" in site.stalls()["pipeline app"]
    assert {item["pipeline"] for item in site.ask("status")[1]["files"]} != {None}
    assert site.ask("audit", "--level", "contents")[1]["verdict"] == "closed"


def test_a_first_start_with_broken_files_is_a_configuration_error(site):
    site.edit(BROKEN)
    site.write(30)
    done = site.run("run", "--once")
    assert done.returncode == 2
    assert f"{site.patterns}/app.grok:1" in done.stderr


def test_without_an_agent_there_is_nobody_to_ask(site):
    done = site.run("reload", "--wait")
    assert done.returncode == 3
    assert "no agent runs" in done.stderr


def test_a_version_can_be_accepted_for_the_next_start(site):
    site.write(30)
    assert site.run("run", "--once").returncode == 0
    site.edit(WORSE)
    site.write(30)
    assert site.run("run", "--once").returncode == 0
    refused = site.stalls()["pipeline app"]
    version = refused.rpartition(" ")[2]
    assert site.run("reload", "--accept", version).returncode == 3
    site.write(30)
    assert site.run("run", "--once").returncode == 0
    assert site.stalls() == {}
    assert {item["pipeline"] for item in site.ask("status")[1]["files"]} == {version}
    assert site.ask("audit", "--level", "contents")[1]["verdict"] == "closed"
