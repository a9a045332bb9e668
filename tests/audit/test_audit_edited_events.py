"""Events of several lines: edited after the first, which alone the id knows, or taken apart by today's pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.site import Site, found

from shipper.settings import InputSettings

PIPELINE = """
dataset: app.log
lines: {starts: '\\d{4}-'}
parse: [{grok: ['^%{TIMESTAMP_ISO8601:app.date} %{GREEDYDATA:app.text}']}]
timestamp: {field: app.date, formats: [iso8601], timezone: UTC}
"""


def event(number: int) -> list[bytes]:
    """Each fourth has three lines; lengths differ."""
    head = b"2026-11-%02dT%02d:00:00Z text %s\n" % (1 + number // 24, number % 24, b"." * (number * number % 23))
    trace = [b"  at step %d\n" % number, b"  at main\n"] if number % 4 == 0 else []
    return [head, *trace]


LINES = [line for number in range(80) for line in event(number)]
HEAD = LINES.index(event(40)[0])
"""The first of three lines."""
FIRST = HEAD + 1
"""Its number."""
ON_DISK = ("altered", "changed on disk", "a.log", FIRST)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "app.yml").write_text(PIPELINE)
    shipped = Site(tmp_path, [InputSettings("app", (f"{tmp_path}/logs/*",), "app")], pipeline_dirs=(tmp_path,))
    shipped.write("a.log", LINES)
    shipped.ship()
    return shipped


@pytest.mark.parametrize(
    ("lines", "findings"),
    [
        ([*LINES[: HEAD + 1], *LINES[HEAD + 2 :]], [(*ON_DISK, FIRST + 1)]),
        ([*LINES[: HEAD + 1], b"  at stop 40\n", *LINES[HEAD + 2 :]], [(*ON_DISK, FIRST + 2)]),
        ([*LINES[: HEAD + 1], b"  at another place\n", *LINES[HEAD + 1 :]], [(*ON_DISK, FIRST + 3)]),
        (
            [*LINES[: HEAD + 1], event(3)[0], *LINES[HEAD + 1 :]],
            [(*ON_DISK, FIRST), ("altered", "added on disk", "a.log", FIRST + 1, FIRST + 3)],
        ),
        ([*LINES[:-2], LINES[-1]], [("unexpected", "removed from disk", "a.log", len(LINES) - 1, len(LINES) - 1)]),
    ],
    ids=["a line taken out", "a line altered", "a line put in", "a head put in", "a line taken out further down"],
)
@pytest.mark.parametrize("use_state", [True, False])
def test_an_edit_after_the_first_line_of_an_event_is_one_of_the_file(site, lines, findings, use_state):
    site.write("a.log", lines)
    assert found(site.audit(use_state=use_state)) == findings


def test_the_last_event_of_a_file_tells_by_its_text_that_the_file_was_edited(site):
    whole = [*LINES, *event(80)]
    site.write("a.log", whole)
    site.ship()
    site.write("a.log", [*whole[:-1], b"  at mist\n"])
    assert found(site.audit(use_state=False))[0] == ("altered", "changed on disk", "a.log", 121, 123)


def test_a_document_of_several_lines_that_was_changed_is_told_by_what_follows_it(site):
    site.sql("UPDATE documents SET h0 = h0 + 1 WHERE lines = 3 AND offset = ?", sum(map(len, LINES[:HEAD])))
    for use_state in (True, False):
        assert found(site.audit(use_state=use_state)) == [
            ("altered", "changed in the index", "a.log", FIRST, FIRST + 2)
        ]


def test_what_is_missing_behind_the_edit_is_not_sent_again(site):
    site.write("a.log", [*LINES[: HEAD + 1], *LINES[HEAD + 2 :]])
    site.sql("DELETE FROM documents WHERE offset >= ?", sum(map(len, LINES[: HEAD + 3])))
    edit, missing = site.audit().findings
    assert (edit.cause.value, missing.kind.value, missing.repair) == ("changed on disk", "missing", None)


def test_without_state_lines_are_taken_together_as_the_documents_have_them(site):
    (site.root / "app.yml").write_text(PIPELINE.replace("lines:", "# lines:"))
    today = Site(site.root, site.inputs, site.pipeline_dirs)
    site.sql("DELETE FROM documents WHERE offset = ?", sum(map(len, LINES[: HEAD - 1])))
    assert found(today.audit(use_state=False)) == [("missing", "not in the index", "a.log", HEAD, HEAD)]
    assert today.repair(use_state=False).stored == 1
    assert found(today.audit()) == found(today.audit(use_state=False)) == []
