"""Where events are written, and how."""

import io
import json
import os

from shipper.events_log import EventsLog
from shipper.operate.logs import journal_writer, leads_to_journal, writer_for


def at_noon():
    return 1_795_262_400.25


def test_each_event_is_one_line_of_json_after_its_priority():
    stream = io.StringIO()
    log = EventsLog(journal_writer(stream, at_noon))
    log.info("file_found", path="/var/log/a\nb\udcff", size=3)
    log.warning("slow", seconds=1.5)
    log.error("output_away", reason=None)
    first, second, third = stream.getvalue().splitlines()
    assert (first[:3], second[:3], third[:3]) == ("<6>", "<4>", "<3>")
    assert json.loads(first[3:]) == {
        "time": "2026-11-21T12:00:00.250Z",
        "level": "info",
        "event": "file_found",
        "path": "/var/log/a\nb\udcff",
        "size": 3,
    }


def test_a_field_cannot_take_the_place_of_the_event_or_its_time():
    stream = io.StringIO()
    EventsLog(journal_writer(stream, at_noon)).info("found", level="error", time="never", path="a")
    assert json.loads(stream.getvalue()[3:])["level"] == "info"


def test_the_journal_is_known_by_device_and_inode(tmp_path):
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "file").open("w") as file:
        status = os.fstat(journal.fileno())
        environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert leads_to_journal(journal, environment)
        assert not leads_to_journal(file, environment)
        assert not leads_to_journal(journal, {})
        assert not leads_to_journal(io.StringIO(), environment)


def test_the_writer_suits_the_stream(tmp_path):
    path = tmp_path / "journal"
    with path.open("w") as journal:
        status = os.fstat(journal.fileno())
        environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        writer_for(journal, environment, at_noon)("info", "started", {})
        writer_for(journal, {}, at_noon)("info", "started", {"files": 3})
    structured, text = path.read_text().splitlines()
    assert structured.startswith("<6>{")
    assert text == "shipper: info: started files=3"
