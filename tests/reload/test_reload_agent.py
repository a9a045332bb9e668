"""Definitions that change between two chunks of a file: the new one goes on where the old one was."""

from __future__ import annotations

import json

import pytest
from support.clock import VirtualClock
from support.site import Site

from shipper.audit.findings import Verdict
from shipper.events_log import EventsLog, silent
from shipper.reload.accepted import pipelines_in_force
from shipper.settings import InputSettings
from shipper.start import agent

GROK = r"""
dataset: app.log
parse: [{grok: ['^%{WORD:app.action} %{NUMBER:app.size:int}REST']}]
timestamp: {by: modification}
"""
COLUMNS = r"""
dataset: app.log
header: '^#'
parse: [{columns: {separator: ' ', names: header, into: app}}]
timestamp: {by: modification}
REST
"""
EVENTS = r"""
dataset: app.log
lines: {starts: 'STARTS'}
parse: [{grok: ['^%{WORD:app.action}']}]
timestamp: {by: modification}
"""


class Editing(Site):
    """A site whose definition is edited while an agent's loop runs in the test's own thread."""

    def __init__(self, root):
        super().__init__(root)
        self.inputs = (InputSettings("app", (f"{self.logs}/*.log",), "app", timezone="UTC"),)
        folder = root / "pipelines"
        folder.mkdir()
        self.pipeline_dirs = (folder,)
        self.stop_at = 0
        self.edit = lambda: None
        self.edit_at = 1

    def define(self, text):
        (self.pipeline_dirs[0] / "app.yml").write_text(text)

    def run(self):
        """Until so many lines were read; edits, and asks for a reload, as soon as some were."""
        edited = False
        with agent(self.settings, VirtualClock(), EventsLog(silent), threads=0) as running:

            def asked():
                nonlocal edited
                if edited or running.totals.lines < self.edit_at:
                    return False
                edited = True
                self.edit()
                return True

            running.run(lambda: edited and running.totals.lines >= self.stop_at, asked)
            return running.totals

    def bodies(self):
        return [json.loads(body) for _, _, body in self.documents()]

    def verdict(self):
        with pipelines_in_force(self.settings) as found:
            self._pipelines = found
            return self.audit(level="contents").verdict


@pytest.fixture
def site(tmp_path):
    return Editing(tmp_path)


def test_within_one_pass_over_a_long_file_the_new_definition_is_used_from_the_next_chunk_on(site):
    site.define(GROK.replace("REST", ""))
    site.edit = lambda: site.define(GROK.replace("REST", "(?: %{WORD:app.user})?"))
    site.write("a.log", [b"put %d alice\n" % number for number in range(60_000)])
    site.stop_at = 60_000
    assert site.run().lines == 60_000
    bodies = site.bodies()
    assert [body["app"]["size"] for body in bodies] == list(range(60_000))
    new = ["user" in body["app"] for body in bodies]
    assert 1000 < new.index(True) < 59_000
    assert all(new[new.index(True) :])
    assert len({body["shipper"]["pipeline"] for body in bodies}) == 2
    assert site.verdict() is Verdict.CLOSED


def test_the_header_that_the_old_parser_read_is_known_to_the_new_one(site):
    site.define(COLUMNS.replace("REST", ""))

    def edit():
        site.define(COLUMNS.replace("REST", "set: {app.kind: new}"))
        with (site.logs / "a.log").open("ab") as file:
            file.write(b"5 6\n")

    site.edit, site.stop_at = edit, 4
    site.write("a.log", [b"#2#one:1 two:2\n", b"1 2\n", b"3 4444444444444444444444444444444444444444\n"])
    site.run()
    assert [body["app"].get("kind") for body in site.bodies()] == [None, None, "new"]
    last = site.bodies()[-1]
    assert last["app"] == {"one": "5", "two": "6", "kind": "new"}
    assert site.verdict() is Verdict.CLOSED


def test_lines_become_events_by_the_new_framing_from_there_on(site):
    site.define(EVENTS.replace("STARTS", "put"))

    def edit():
        site.define(EVENTS.replace("STARTS", "(put|get)"))
        with (site.logs / "a.log").open("ab") as file:
            file.write(b"put 4\n more\nget 5\nput 6\n")

    site.edit, site.stop_at = edit, 8
    site.write("a.log", [b"put 1 with a head of 32 bytes\n", b"get 2\n", b"put 3\n", b" more\n"])
    site.run()
    assert [body["message"] for body in site.bodies()] == [
        "put 1 with a head of 32 bytes\nget 2",
        "put 3\n more",
        "put 4\n more",
        "get 5",
        "put 6",
    ]
    assert site.verdict() is Verdict.CLOSED
