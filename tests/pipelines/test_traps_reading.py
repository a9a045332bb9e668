"""The traps of reading that tstat's files set: T1 to T7, T18, T19, T21, on the real files, the writer played again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.buffered_writers import BLOCK, BufferedWriter
from support.logs import compress
from support.sample_logs import SAMPLES, content
from support.scene import CLOSED, Scene

TSTAT = SAMPLES / "tstat"
ROTATION = TSTAT / "v3.2.1_rotation"
LOG = "log_tcp_complete"


@pytest.fixture
def host(tmp_path: Path) -> Scene:
    return Scene.of(tmp_path, f"*.out/{LOG}*", pipeline="tstat-tcp")


def rows(*logs: Path) -> list[str]:
    """The rows of logs: their lines without the header."""
    lines = [line for log in logs for line in content(log).decode().splitlines()]
    return sorted(line for line in lines if not line.startswith("#"))


def stored(host: Scene) -> list[str]:
    """The rows in the index."""
    return sorted(message for messages in host.sources() for message in messages)


def bodies(host: Scene) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(host.folder / "index.db")) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT document FROM documents ORDER BY rowid")]


def put(host: Scene, sample: Path, folder: str) -> Path:
    """A sample as the log of an interval."""
    target = host.logs / folder / LOG
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content(sample))
    return target


def test_t1_an_empty_file_is_waited_for_and_not_done(host: Scene) -> None:
    sample = ROTATION / "2026_11_21_15_18.out" / LOG
    with host.live() as one:
        writer = BufferedWriter(host.logs / "2026_11_21_15_18.out" / LOG)
        writer.write(content(sample)[: BLOCK - 1])  # header and rows, and nothing of it on the disk
        one.catch_up(3600)
        assert {item.problem for item in one.agent.reader.unidentified.values()} == {"empty"}
        writer.write(content(sample)[BLOCK - 1 :])
        one.catch_up(12)
        writer.close()
        one.catch_up(12)

    assert stored(host) == rows(sample)
    assert host.verdict() == CLOSED


def test_t2_a_row_that_is_cut_where_the_block_ends_waits_for_its_rest(host: Scene) -> None:
    sample = ROTATION / "2026_11_21_15_18.out" / LOG
    whole, data = set(rows(sample)), content(sample)
    with host.live() as one:
        writer = BufferedWriter(host.logs / "2026_11_21_15_18.out" / LOG)
        for place in range(0, len(data), 1000):
            writer.write(data[place : place + 1000])
            one.catch_up(12)
        seen = stored(host) if (host.folder / "index.db").exists() else []
        assert 0 < len(seen) < len(whole)
        assert set(seen) <= whole
        writer.close()
        one.catch_up(12)

    assert stored(host) == sorted(whole)
    assert host.verdict() == CLOSED


def test_t3_the_cut_row_of_a_killed_tstat_waits_and_is_never_parsed(host: Scene) -> None:
    sample = TSTAT / "killed_truncated" / "2026_11_21_23_21.out" / LOG
    put(host, sample, "2026_11_21_23_21.out")
    with host.live() as one:
        one.catch_up(3600)
    *whole, cut = content(sample).decode().split("\n")

    assert len(cut.split()) == 29
    assert stored(host) == sorted(line for line in whole if not line.startswith("#"))
    outcome = host.audit()
    assert (outcome.verdict.value, outcome.totals.pending) == ("closed", 1)


def test_t3_the_cut_row_becomes_a_dead_letter_once_the_file_can_grow_no_more(host: Scene) -> None:
    sample = TSTAT / "killed_truncated" / "2026_11_21_23_21.out" / LOG
    compress(put(host, sample, "2026_11_21_23_21.out"))
    host.once()

    *whole, _ = content(sample).decode().split("\n")
    assert stored(host) == sorted(line for line in whole if not line.startswith("#"))
    outcome = host.audit()
    assert (outcome.verdict.value, outcome.totals.dead_letters, outcome.totals.pending) == ("closed", 1, 0)


def test_t4_directories_of_the_hour_that_comes_twice_are_all_read_whatever_the_order_of_their_names(
    host: Scene,
) -> None:
    samples = sorted(ROTATION.glob(f"*/{LOG}"))
    names = ("2026_10_25_02_58.out", "2026_10_25_03_00.out", "2026_10_25_02_01.out")  # the last one came last
    with host.live() as one:
        for sample, name in zip(samples, names, strict=True):
            put(host, sample, name)
            one.catch_up(12)

    assert stored(host) == rows(*samples)
    assert host.verdict() == CLOSED


def test_t4_hundreds_of_directories_are_found_while_they_appear(host: Scene) -> None:
    header, *lines = content(ROTATION / "2026_11_21_15_17.out" / LOG).decode().splitlines()
    with host.live() as one:
        for number, line in enumerate(lines[:300]):
            log = host.logs / f"2026_11_{1 + number // 24:02}_{number % 24:02}_00.out" / LOG
            log.parent.mkdir()
            log.write_text(f"{header}\n{line}\n")
            if number % 100 == 0:
                one.catch_up(12)
        one.catch_up(12)

    assert stored(host) == sorted(lines[:300])
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "between_two_runs"])
def test_t5_a_directory_that_is_wiped_and_made_again_under_its_name_is_read_from_its_beginning(
    host: Scene, watched: bool
) -> None:
    first, second = sorted((TSTAT / "same_minute_overwrite").glob(f"*/{LOG}"))
    name = "2026_11_21_23_21.out"

    def wipe_and_make_again() -> None:
        shutil.rmtree(host.logs / name)
        put(host, second, name)

    if watched:
        with host.live() as one:
            put(host, first, name)
            one.catch_up(12)
            wipe_and_make_again()
            one.catch_up(12)
    else:
        put(host, first, name)
        host.once()
        wipe_and_make_again()
        host.once()

    assert stored(host) == rows(first, second)
    assert host.verdict() == CLOSED


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "between_two_runs"])
def test_t6_a_new_file_with_the_old_ones_inode_is_not_read_on_at_the_old_offset(host: Scene, watched: bool) -> None:
    first, second = sorted((TSTAT / "same_minute_overwrite").glob(f"*/{LOG}"))
    log = put(host, first, "2026_11_21_23_21.out")
    inode = log.stat().st_ino
    assert content(second)[:551] == content(first)[:551]
    assert len(content(second)) > len(content(first))  # so that the old offset lies within the new file

    if watched:
        with host.live() as one:
            one.catch_up(12)
            log.write_bytes(content(second))
            one.catch_up(12)
    else:
        host.once()
        log.write_bytes(content(second))
        host.once()

    assert log.stat().st_ino == inode
    assert stored(host) == rows(first, second)
    assert host.verdict() == CLOSED


def test_t7_files_with_the_same_long_header_are_different_files(host: Scene) -> None:
    samples = sorted(ROTATION.glob(f"*/{LOG}"))
    assert len({content(sample)[:1798] for sample in samples}) == 1
    for sample in samples:
        put(host, sample, sample.parent.name)
    host.once()

    assert len({body["log"]["file"]["fingerprint"] for body in bodies(host)}) == 3
    assert stored(host) == rows(*samples)
    assert host.verdict() == CLOSED


def test_t18_two_headers_two_kinds_of_rows_and_bytes_that_are_no_utf_8_stop_nothing(tmp_path: Path) -> None:
    host = Scene.of(tmp_path, "*.out/log_http_complete", pipeline="tstat-http")
    data = (ROTATION / "2026_11_21_15_17.out" / "log_http_complete").read_bytes()
    log = host.logs / "2026_11_21_15_17.out" / "log_http_complete"
    with host.live() as one:
        writer = BufferedWriter(log)
        for place, line in enumerate(data.splitlines(keepends=True)):
            writer.write(line.replace("é".encode(), b"\xe9") if place % 4 == 2 else line)
            one.catch_up(12)
        writer.close()
        one.catch_up(12)

    found = bodies(host)
    requests = [body for body in found if "method" in body["tstat"]]
    responses = [body for body in found if "HTTP" in body["tstat"]]
    agents = Counter(body["tstat"]["user_agent"][-4:] for body in requests if "user_agent" in body["tstat"])
    assert len(requests) + len(responses) == len(found) == data.count(b"\n") - data.count(b"#C#") - data.count(b"#S#")
    assert min(agents[r"\xe9"], agents['d" é']) > 0
    assert {body["tstat"]["server"] for body in responses} == {"SimpleHTTP/0.6 Python/3.11.7"}
    assert host.verdict() == CLOSED


def test_t19_a_gzip_log_that_grows_unseen_is_read_when_it_is_closed(host: Scene) -> None:
    sample = TSTAT / "gzip" / "2026_11_21_23_21.out" / f"{LOG}.gz"
    packed = sample.read_bytes()
    archive = host.logs / "2026_11_21_23_21.out" / f"{LOG}.gz"
    archive.parent.mkdir()
    with host.live() as one:
        for size in (0, 10, len(packed) // 3, len(packed) - 1, len(packed)):
            archive.write_bytes(packed[:size])
            one.catch_up(12)

    assert stored(host) == rows(sample)
    assert host.verdict() == CLOSED


def test_t21_rows_of_long_flows_in_later_directories_and_a_silent_link_are_no_loss(host: Scene) -> None:
    sample = ROTATION / "2026_11_21_15_17.out" / LOG
    header, *lines = content(sample).decode().splitlines(keepends=True)
    names = header.removeprefix("#15#").split()
    begin = next(place for place, name in enumerate(names) if name.startswith("first:"))
    long = lines[0].split(" ")
    long[begin] = "1795100000000.000000"  # began two days before
    with host.live() as one:
        early = BufferedWriter(host.logs / "2026_11_21_15_17.out" / LOG)
        early.write((header + "".join(lines[1:])).encode())
        one.catch_up(7200)  # no packet: nothing is written, and nothing is rotated
        late = BufferedWriter(host.logs / "2026_11_21_17_17.out" / LOG)
        late.write((header + " ".join(long)).encode())
        late.close()
        early.close()
        one.catch_up(12)

    assert stored(host) == sorted([*(line.rstrip("\n") for line in lines[1:]), " ".join(long).rstrip("\n")])
    (old,) = [body for body in bodies(host) if body["event"]["start"].startswith("2026-11-19")]
    assert old["@timestamp"].startswith("2026-11-21")
    assert host.verdict() == CLOSED
