"""A corrected pattern is brought to lines that were stored unparsed: the same ids, and the audit stays closed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.site import HOST, Site

from shipper.audit.auditor import Auditor
from shipper.audit.findings import Verdict
from shipper.audit.request import Request
from shipper.clock import SystemClock
from shipper.events_log import EventsLog, silent
from shipper.parse.guard import Guard
from shipper.reload.accepted import pipelines_in_force
from shipper.reload.definitions import load_pipelines
from shipper.reparse import Reparsed, Reparser, remember
from shipper.send.bulk import INDEX_PREFIX
from shipper.send.outputs import open_output
from shipper.settings import ElasticsearchSettings, InputSettings
from shipper.start import datasets

DEFINITION = r"""
dataset: app.log
parse:
  - grok: ['^%{TIMESTAMP_ISO8601:app.time} got %{NUMBER:app.size:int}WORDS$']
timestamp: {field: app.time, formats: [iso8601], timezone: UTC}
"""
OLD, NEW, WORSE = "", "(?: bytes)?", " octets"


def line(number: int) -> bytes:
    """Every third line only the new pattern reads; from the 21st on they are of another month."""
    day = "2026-10-31" if number < 20 else "2026-11-01"
    return f"{day}T10:00:{number:02}Z got {number}{' bytes' if number % 3 == 2 else ''}\n".encode()


class Edited(Site):
    """A site with a pipeline of its own."""

    def __init__(self, root, store=None):
        super().__init__(root, store=store)
        self.inputs = (InputSettings("app", (f"{self.logs}/*.log*",), "app"),)
        folder = root / "pipelines"
        folder.mkdir()
        self.pipeline_dirs = (folder,)
        self.parse_timeout = 1.0
        self.define(OLD)

    @property
    def settings(self):
        return replace(super().settings, parse_timeout=self.parse_timeout)

    def define(self, words: str) -> None:
        (self.pipeline_dirs[0] / "app.yml").write_text(DEFINITION.replace("WORDS", words))

    def reparse(self, tag: str = "_grokparsefailure", *, dry_run: bool = False) -> Reparsed:
        clock = SystemClock()
        with pipelines_in_force(self.settings) as pipelines:
            new = load_pipelines(self.settings, Guard())["app"]
            output = open_output(self.settings.output, datasets(self.settings, {"app": new}), clock, EventsLog(silent))
            auditor = Auditor(self.settings, pipelines, output, clock.time, lambda _: None)
            request = Request(inputs=("app",))
            context = auditor.context(request)
            reparser = Reparser(context, output, new, tag, dry_run=dry_run)
            if not dry_run:
                remember(self.settings, new)
            for family in auditor.families(request, context)[0]:
                reparser.reparse(family)
            output.refresh()
            output.close()
        return reparser.found

    def held(self) -> dict[str, tuple[str, dict]]:
        """Place and body of every document, by id."""
        clock = SystemClock()
        output = open_output(self.settings.output, [], clock, EventsLog(silent))
        output.refresh()
        marks = {tally.fingerprint for tally in output.tallies(_everything())}
        found = {}
        for mark in marks:
            for stored in output.spans(mark, 0, 1 << 40):
                assert stored.id not in found, "one id in two places"
                found[stored.id] = (stored.place, json.loads(output.bodies([stored.id], fingerprint=mark)[stored.id]))
        output.close()
        return found

    def verdicts(self) -> list[Verdict]:
        with pipelines_in_force(self.settings) as pipelines:
            self._pipelines = pipelines
            return [self.audit(level=level).verdict for level in ("ledger", "disk", "contents")]


def _everything():
    from shipper.send.output import Scope

    return Scope(host=HOST)


@pytest.fixture
def on_sqlite(tmp_path):
    return Edited(tmp_path)


@pytest.fixture
def on_elasticsearch(tmp_path, elasticsearch: ElasticsearchNode):
    return Edited(tmp_path, ElasticsearchSettings((elasticsearch.url,)))


def brings_the_pattern_to_old_lines(site: Edited) -> None:
    site.write("a.log", [line(number) for number in range(40)])
    site.ship()
    before = site.held()
    failed = {name for name, (_, body) in before.items() if "_grokparsefailure" in body["tags"]}
    assert len(failed) == 13

    site.define(NEW)
    dry = site.reparse(dry_run=True)
    assert (dry.tagged, dry.replaced) == (13, 13)
    assert site.held() == before

    found = site.reparse()
    assert (found.tagged, found.replaced, found.unchanged, found.gone) == (13, 13, 0, 0)
    after = site.held()
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == failed
    assert sorted(body["app"]["size"] for _, body in after.values()) == list(range(40))
    assert {name for name, (_, body) in after.items() if body["tags"]} == set()
    assert site.verdicts() == [Verdict.CLOSED] * 3

    again = site.reparse()
    assert (again.tagged, again.replaced) == (0, 0)
    site.ship()
    assert site.held() == after


def test_tagged_documents_are_replaced_and_the_audit_stays_closed(on_sqlite):
    brings_the_pattern_to_old_lines(on_sqlite)


def test_tagged_documents_of_a_cluster_are_replaced_and_move_to_the_index_of_their_time(on_elasticsearch):
    brings_the_pattern_to_old_lines(on_elasticsearch)
    places = Counter(place.removeprefix(INDEX_PREFIX) for place, _ in on_elasticsearch.held().values())
    assert places == {"app.log-default-2026.10": 20, "app.log-default-2026.11": 20}


def test_the_first_line_of_a_month_moves_with_its_time(on_elasticsearch):
    site = on_elasticsearch
    site.write("a.log", [line(19), line(20)])
    site.ship()
    (moved,) = [(n, p) for n, (p, body) in site.held().items() if body["tags"]]
    assert moved[1].endswith("2026.10")
    site.define(NEW)
    assert site.reparse().replaced == 1
    assert site.held()[moved[0]][0].endswith("2026.11")
    assert site.verdicts() == [Verdict.CLOSED] * 3


def test_lines_on_which_a_pattern_ran_away_are_brought_the_right_one(on_sqlite):
    on_sqlite.define(r"(?: (?<app.rest>(?:\w{1,2}|\w\w?)+)!)?")
    runaway = line(0).strip() + b" " + b"a" * 60 + b"?\n"
    on_sqlite.write("a.log", [line(0), runaway, line(1)])
    on_sqlite.parse_timeout = 0.2
    on_sqlite.ship()
    (failed,) = [name for name, (_, body) in on_sqlite.held().items() if "_groktimeout" in body["tags"]]
    assert on_sqlite.verdicts() == [Verdict.CLOSED] * 3
    on_sqlite.define(r"(?: (?<app.rest>\w+)[!?])?")
    assert on_sqlite.reparse("_groktimeout").replaced == 1
    assert on_sqlite.held()[failed][1]["app"]["rest"] == "a" * 60
    assert on_sqlite.verdicts() == [Verdict.CLOSED] * 3


def test_a_pattern_that_is_no_better_changes_nothing(on_sqlite):
    on_sqlite.write("a.log", [line(number) for number in range(6)])
    on_sqlite.ship()
    before = on_sqlite.held()
    on_sqlite.define(WORSE)
    found = on_sqlite.reparse()
    assert (found.tagged, found.replaced, found.unchanged) == (2, 0, 2)
    assert on_sqlite.held() == before


def test_lines_that_are_gone_from_disk_are_left_as_they_are(on_sqlite):
    path = on_sqlite.write("a.log", [line(number) for number in range(6)])
    on_sqlite.ship()
    path.unlink()
    on_sqlite.define(NEW)
    found = on_sqlite.reparse()
    assert (found.tagged, found.replaced, found.gone) == (2, 0, 2)


def test_a_line_that_was_edited_on_disk_is_not_taken_for_the_stored_one(on_sqlite):
    path = on_sqlite.write("a.log", [line(number) for number in range(9)])
    on_sqlite.ship()
    before = on_sqlite.held()
    text = path.read_bytes()
    path.write_bytes(text.replace(b"got 5 bytes", b"got 6 bytes"))
    on_sqlite.define(NEW)
    found = on_sqlite.reparse()
    assert (found.tagged, found.replaced, found.gone) == (3, 1, 2)
    assert sum(on_sqlite.held()[name] != before[name] for name in before) == 1


def test_documents_in_copies_are_replaced_once(on_sqlite):
    lines = [line(number) for number in range(30)]
    on_sqlite.write("a.log", lines)
    on_sqlite.write("a.log.bak", lines[:20])
    on_sqlite.ship()
    on_sqlite.define(NEW)
    found = on_sqlite.reparse()
    assert (found.tagged, found.replaced) == (10, 10)
    assert on_sqlite.verdicts() == [Verdict.CLOSED] * 3


def test_a_changed_document_is_still_found_by_the_audit_after_a_reparse(on_sqlite):
    on_sqlite.write("a.log", [line(number) for number in range(9)])
    on_sqlite.ship()
    on_sqlite.define(NEW)
    assert on_sqlite.reparse().replaced == 3
    on_sqlite.sql("""UPDATE documents SET document = replace(document, '"size":5', '"size":6')""")
    assert on_sqlite.verdicts() == [Verdict.CLOSED, Verdict.CLOSED, Verdict.FINDINGS]


def test_without_state_only_disk_and_index_are_needed(on_sqlite):
    on_sqlite.write("a.log", [line(number) for number in range(9)])
    on_sqlite.ship()
    on_sqlite.forget()
    on_sqlite.define(NEW)
    assert on_sqlite.reparse().replaced == 3
    assert replace(on_sqlite.reparse()).tagged == 0
