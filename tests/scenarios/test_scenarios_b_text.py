"""From bytes to text, scenarios 36 to 41. Ids and tallies are of bytes; text is what the encoding makes of them."""

import json
import os
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from support.logs import append, numbered, write
from support.scene import CLOSED, Scene

from shipper import config
from shipper.errors import ConfigurationError
from shipper.read.framing import BLOCK

PIPELINE = """
dataset: stack
lines: {starts: '\\S'}
parse: []
timestamp: {by: modification}
"""


@pytest.fixture
def scene(tmp_path):
    return Scene.of(tmp_path, "**/*")


def encoded(path: Path, *lines: str, encoding: str) -> Path:
    path.write_bytes(b"".join(line.encode(encoding) + b"\n" for line in lines))
    return path


def test_036_a_byte_order_mark_is_no_text_at_the_beginning_and_only_there(scene):
    """UTF-16, with or without mark, is refused by the configuration: see 37."""
    log = scene.logs / "a.log"
    log.write_bytes(BOM_UTF8 + b"the first line of a log that is long enough\n" + BOM_UTF8 + b"the second\n")
    scene.once()

    assert scene.sources() == [["the first line of a log that is long enough", "\ufeffthe second"]]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "日志：传输完成 𠀀"),
        ("gbk", "日志：传输完成"),
        ("big5", "日誌：傳輸完成功"),
        ("shift_jis", "ログ：転送が完了した ソ表"),
        ("euc_kr", "전송 완료"),
        ("cp1251", "Передача завершена"),
        ("cp1252", "Übertragung beendet – “gut”"),
        ("latin-1", "Übertragung beendet"),
    ],
)
def test_037_other_encodings_are_read_and_those_without_ascii_are_refused(tmp_path, encoding, text):
    """Any encoding will do in which the bytes below 128 are ASCII, for then a newline is a newline.

    UTF-16 and UTF-32 are not such: a mistake of the configuration, before one line is shipped wrongly.
    """
    scene = Scene.of(tmp_path, "**/*", encoding=encoding)
    lines = [*numbered(0, 1), text, "after it"]
    encoded(scene.logs / "a.log", *lines, encoding=encoding)
    scene.once()

    assert scene.sources() == [lines]
    assert scene.verdict() == CLOSED


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "nonsense", "base64"])
def test_037_an_encoding_without_ascii_is_a_mistake_of_the_configuration(tmp_path, encoding):
    file = tmp_path / "shipper.yml"
    item = {"name": "logs", "paths": ["x"], "pipeline": "raw", "timezone": "UTC", "encoding": encoding}
    file.write_text(json.dumps({"host": "dtn01.example.org", "inputs": [item]}))

    with pytest.raises(ConfigurationError, match=f"'{encoding}' is no encoding in which lines can be told"):
        config.load(file)


def test_038_a_character_that_writes_or_reads_divide_is_whole(scene):
    log = write(scene.logs / "a.log", *numbered(0, 1))
    line = "日誌".encode()
    with scene.live() as live:
        for place in range(len(line)):
            with log.open("ab") as file:
                file.write(line[place : place + 1])
            live.catch_up(0.3)
        append(log, "")
        filling = "x" * (BLOCK - log.stat().st_size - 2)
        append(log, filling + "é", "after")
        live.catch_up()

    assert scene.sources() == [[*numbered(0, 1), "日誌", filling + "é", "after"]]
    assert scene.verdict() == CLOSED


def test_039_bytes_that_are_no_text_are_shown_as_escapes_and_the_next_lines_are_whole(scene):
    log = write(scene.logs / "a.log", *numbered(0, 1))
    with log.open("ab") as file:
        file.write(b"bad \xff\xfe and cut \xe6\x97\nafter \xc3\xa9\n")
    scene.once()

    assert scene.sources() == [[*numbered(0, 1), r"bad \xff\xfe and cut \xe6\x97", "after é"]]
    assert scene.verdict() == CLOSED


def test_040_no_nul_appears_where_a_writer_kept_its_place_after_a_copytruncate(scene):
    """The hole before the writer's old place belongs to the first line after it, and is taken out of its text."""
    log = write(scene.logs / "a.log", *numbered(0, 20))
    with scene.live() as live:
        live.catch_up()
        place = log.stat().st_size
        with log.open("r+b") as writer:
            writer.seek(place)
            os.truncate(log, 0)
            live.catch_up()
            writer.write(b"".join(line.encode() + b"\n" for line in numbered(20, 23)))
        live.catch_up(60)

    assert scene.sources() == [numbered(0, 20), numbered(20, 23)]
    assert not any("\0" in message for (message,) in scene.values("$.message"))
    assert scene.verdict() == CLOSED


def test_041_the_offset_of_an_event_is_that_of_its_first_byte_also_of_several_lines(tmp_path):
    pipelines = tmp_path / "pipelines"
    write(pipelines / "stack.yml", PIPELINE)
    scene = Scene.of(tmp_path, "**/*", pipeline="stack")
    scene.with_settings(pipeline_dirs=(pipelines,))
    events = ["first of all, é", "Error: it failed\n  at one\n  at two", "and the last one"]
    log = write(scene.logs / "a.log", *events)
    scene.once()
    data = log.read_bytes()

    assert scene.values("$.log.offset", "$.message", "$.shipper.lines") == [
        (data.index(event.encode()), event, event.count("\n") + 1) for event in events
    ]
    assert scene.verdict() == CLOSED
