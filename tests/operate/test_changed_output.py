"""Checkpoints belong to an output: another one gets every line, and that is said."""

from collections import Counter

from support.agents import Site, already_stored, stored
from support.logs import append, numbered, write

from shipper.settings import SQLiteSettings


def site_with_log(tmp_path):
    site = Site(tmp_path)
    told = []
    site.events._write = lambda level, event, fields: told.append((event, fields))
    return site, write(site.logs / "a.log", *numbered(0, 10)), told


def changes(told):
    return [fields["will_ship"] for event, fields in told if event == "output_changed"]


def test_another_output_gets_every_line_and_the_log_says_so(tmp_path):
    site, log, told = site_with_log(tmp_path)
    assert stored(site.once()) == 10
    append(log, *numbered(10, 15))
    assert changes(told) == []

    site.with_settings(output=SQLiteSettings(tmp_path / "other.db"))
    assert stored(site.once()) == 15
    assert changes(told) == ["every line of every file"]
    assert stored(site.once()) == 0
    assert len(changes(told)) == 1


def test_an_output_that_is_used_again_gets_what_came_since(tmp_path):
    site, log, told = site_with_log(tmp_path)
    first = site.settings.output
    site.once()
    site.with_settings(output=SQLiteSettings(tmp_path / "other.db"))
    site.once()
    append(log, *numbered(10, 15))

    site.with_settings(output=first)
    again = site.once()
    assert (stored(again), already_stored(again)) == (5, 0)
    assert changes(told)[1:] == ["what was not shipped to it yet"]
    assert site.messages() == Counter(numbered(0, 15))


def test_an_index_that_was_replaced_by_an_empty_one_is_another_output(tmp_path):
    site, _, told = site_with_log(tmp_path)
    site.once()
    for path in tmp_path.glob("index.db*"):
        path.unlink()
    assert stored(site.once()) == 10
    assert changes(told) == ["every line of every file"]
