"""Signs of life: who is silent, what stands still, who differs from the others."""

from dataclasses import replace

import orjson

from shipper.audit.findings import Cause, Kind
from shipper.fleet.notes import AgentNote, InputNote, StallNote, read_agent
from shipper.fleet.watch import ahead, is_alive, silent, skewed, stalled
from shipper.settings import Expectation

NOW = 1_790_000_000.0


TSTAT = InputNote("tstat", "tstat.tcp", "default", "tstat-tcp", "v1", "r1")


def note(host, **changed):
    usual = AgentNote(
        host=host, agent=host, at=NOW, every=60.0, ended=False, version="1.2.0", started=NOW - 1000,
        state=f"/state/{host}", configuration="", inputs=(TSTAT,),
    )  # fmt: skip
    return replace(usual, **changed)


def short(findings):
    return [(one.kind, one.cause, one.host) for one in findings]


def test_who_gave_a_sign_of_life_in_time_is_not_silent():
    assert short(silent([note("a", at=NOW - 300)], NOW, 300)) == []
    assert is_alive(note("a", at=NOW - 300), NOW, 300)


def test_who_gave_none_is_and_who_was_ended_is_told_so():
    notes = [note("a", at=NOW - 301), note("b", at=NOW - 301, ended=True)]
    assert short(silent(notes, NOW, 300)) == [
        (Kind.SILENT, Cause.NO_SIGN_OF_LIFE, "a"),
        (Kind.SILENT, Cause.AGENT_ENDED, "b"),
    ]
    assert not is_alive(notes[1], NOW, 3000)


def test_a_clock_that_is_ahead_is_told():
    assert short(ahead([note("a", at=NOW + 60), note("b", at=NOW + 61)], NOW)) == [(Kind.SKEW, Cause.CLOCK_AHEAD, "b")]


def test_each_stall_is_told_with_its_reason():
    (found,) = stalled([note("a"), note("b", stalls=(StallNote("output", "it is away", NOW),))])
    assert (found.kind, found.cause, found.host) == (Kind.STALLED, Cause.STANDSTILL, "b")
    assert "output" in found.evidence
    assert "it is away" in found.evidence


def test_versions_are_compared_as_numbers():
    notes = [note("a", version="1.10.0"), note("b", version="1.9.1")]
    (found,) = skewed(notes)
    assert (found.cause, found.host) == (Cause.OTHER_VERSION, "b")
    assert "1.10.0" in found.evidence


def test_a_pipeline_that_differs_from_that_of_most_is_told():
    other = replace(TSTAT, version="v2", rules="r2")
    notes = [note("a"), note("b"), note("c", inputs=(other,))]
    assert short(skewed(notes)) == [(Kind.SKEW, Cause.OTHER_PIPELINE, "c")]


def test_of_two_the_one_that_was_started_last_has_the_pipeline_that_is_meant():
    other = replace(TSTAT, version="v2", rules="r2")
    notes = [note("a"), note("b", inputs=(other,), started=NOW)]
    assert short(skewed(notes)) == [(Kind.SKEW, Cause.OTHER_PIPELINE, "a")]


def test_another_time_zone_or_an_older_shipper_is_no_other_pipeline():
    zone = replace(TSTAT, version="v2")
    older = replace(TSTAT, version="v3", rules="r3")
    notes = [note("a"), note("b", inputs=(zone,)), note("c", inputs=(older,), version="1.1.0")]
    assert short(skewed(notes)) == [(Kind.SKEW, Cause.OTHER_VERSION, "c")]


def test_a_sign_of_life_is_read_as_it_was_written():
    item = InputNote("tstat", "d", "n", "p", "v", "r", Expectation(3600.0, 1200.0, lines=(1, 5), bytes="auto"))
    said = note("a", inputs=(item,), stalls=(StallNote("s", "r", NOW),), dead_letters={"mapping": 3})
    assert read_agent(orjson.loads(said.document().body)) == said
