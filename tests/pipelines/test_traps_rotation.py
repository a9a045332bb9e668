"""The traps of reading that StoRM's and GridFTP's files set: S11, S12, G20, G21, on lines of the samples."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from support.logs import compress, copy_and_truncate, rename
from support.sample_logs import SAMPLES
from support.scene import CLOSED, Scene

from shipper.settings import InputSettings

FRONTEND = (SAMPLES / "storm/storm-frontend-server.log").read_text(errors="surrogateescape").splitlines(keepends=True)
BACKEND = (SAMPLES / "storm/storm-backend.log").read_text().splitlines(keepends=True)
SESSION = SAMPLES / "gridftp/conc_info/gridftp.log"


def append(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        log.write("".join(lines).encode(errors="surrogateescape"))
    return path


def messages(lines: list[str]) -> Counter[str]:
    """What is shipped of lines that are one event each."""
    return Counter(
        line.rstrip("\n").encode(errors="surrogateescape").decode("utf-8", "backslashreplace") for line in lines
    )


def rounds(lines: list[str]) -> list[str]:
    """Those of the backend's lines that are events of their own."""
    return [line for line, follower in pairwise(lines) if line[:2].isdigit() and follower[:2].isdigit()]


@pytest.fixture
def frontend(tmp_path: Path) -> Scene:
    return Scene.of(tmp_path, "storm-frontend-server.log*", pipeline="storm-frontend", timezone="Europe/Rome")


@pytest.fixture
def backend(tmp_path: Path) -> Scene:
    return Scene.of(tmp_path, "storm-backend*.log*", pipeline="storm-backend", timezone="Europe/Rome")


def test_s11_what_is_copied_before_a_truncation_is_read_from_the_copy_and_the_log_from_its_beginning(
    frontend: Scene,
) -> None:
    log = append(frontend.logs / "storm-frontend-server.log", FRONTEND[:100])
    with frontend.live() as one:
        one.catch_up(12)
        append(log, FRONTEND[100:150])  # nobody has read these when the log is copied
        copy_and_truncate(log, "storm-frontend-server.log.1")
        append(log, FRONTEND[150:200])
        one.catch_up(12)

    assert frontend.messages() == messages(FRONTEND[:200])
    assert frontend.verdict() == CLOSED


def test_s11_a_truncated_log_that_has_grown_beyond_the_old_place_is_read_from_its_beginning(frontend: Scene) -> None:
    log = append(frontend.logs / "storm-frontend-server.log", FRONTEND[:50])
    frontend.once()
    copy_and_truncate(log, "storm-frontend-server.log.1")
    append(log, FRONTEND[50:400])
    frontend.once()

    assert frontend.messages() == messages(FRONTEND[:400])
    assert frontend.verdict() == CLOSED


def test_s11_lines_between_copy_and_truncation_are_lost_at_the_source_and_told_as_far_as_they_were_seen(
    frontend: Scene,
) -> None:
    log = append(frontend.logs / "storm-frontend-server.log", FRONTEND[:50])
    with frontend.live() as one:
        one.catch_up(12)
        append(log, ["12/31 23:55:00.000 half a line"])  # seen by the agent, and in no copy
        one.catch_up(12)
        os.truncate(log, 0)
        append(log, FRONTEND[50:60])
        one.catch_up(12)

    assert frontend.messages() == messages(FRONTEND[:60])
    assert frontend.gaps() == [(len("".join(FRONTEND[:50]).encode(errors="surrogateescape")), "truncated:30")]
    assert [cause for cause, _ in frontend.verdict()[1]] == ["truncated before read"]


def test_s11_the_hole_that_a_writer_without_append_leaves_is_no_line(frontend: Scene) -> None:
    log = append(frontend.logs / "storm-frontend-server.log", FRONTEND[:50])
    frontend.once()
    with log.open("r+b") as writer:
        place = writer.seek(0, os.SEEK_END)
        copy_and_truncate(log, "storm-frontend-server.log.1")
        writer.seek(place)  # as a program that knows where it was
        writer.write("".join(FRONTEND[50:60]).encode())
    with frontend.live() as one:
        one.catch_up(60)

    assert frontend.messages() == messages(FRONTEND[:60])
    assert frontend.verdict() == CLOSED


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "between_two_runs"])
def test_s12_a_log_that_is_renamed_compressed_and_unlinked_within_seconds_is_read_once_and_whole(
    backend: Scene, watched: bool
) -> None:
    lines = rounds(BACKEND)
    log = append(backend.logs / "storm-backend.log", lines[:60])

    def roll_over() -> None:
        append(log, lines[60:80])
        moved = rename(log, "storm-backend.log4711081515.tmp")
        append(log, lines[80:100])
        compress(moved).rename(backend.logs / "storm-backend-2026-11-22.log.gz")

    if watched:
        with backend.live() as one:
            one.catch_up(12)
            roll_over()
            one.catch_up(30)
    else:
        backend.once()
        roll_over()
        backend.once()

    assert backend.messages() == messages(lines[:100])
    assert backend.verdict() == CLOSED


def test_s12_every_step_of_a_roll_over_may_be_seen_and_none_doubles_a_line(backend: Scene) -> None:
    lines = rounds(BACKEND)
    log = append(backend.logs / "storm-backend.log", lines[:60])
    with backend.live() as one:
        one.catch_up(12)
        moved = rename(log, "storm-backend.log4711081515.tmp")
        one.catch_up(12)
        append(log, lines[60:80])
        one.catch_up(12)
        packed = compress(moved)
        one.catch_up(12)
        rename(packed, "storm-backend-2026-11-22.log.gz")
        one.catch_up(12)
    totals = backend.once()

    assert totals.lines == 0
    assert backend.messages() == messages(lines[:80])
    assert backend.verdict() == CLOSED


def test_g20_a_log_for_each_process_and_one_that_another_process_of_the_same_number_goes_on_with(
    tmp_path: Path,
) -> None:
    host = Scene.of(tmp_path, "gridftp-session.*.log", pipeline="gridftp-session", timezone="Europe/Rome")
    host.with_settings(max_open_files=16)
    by_process = defaultdict(list)
    for line in SESSION.read_text().splitlines(keepends=True):
        if line.startswith("["):
            by_process[line[1 : line.index("]")]].append(line)
    first, *others = by_process
    reused = [line.replace(f"[{others[0]}]", f"[{first}]", 1) for line in by_process.pop(others[0])]
    for process, lines in by_process.items():
        append(host.logs / f"gridftp-session.{process}.log", lines)
    host.once()
    append(host.logs / f"gridftp-session.{first}.log", reused)
    totals = host.once()

    everything = [line.strip() for lines in (*by_process.values(), reused) for line in lines]
    assert len(by_process) > 16
    assert totals.lines == len(reused)
    assert Counter(message.strip() for message in host.messages().elements()) == Counter(everything)
    assert host.verdict() == CLOSED


def test_g21_a_transfer_log_that_stays_empty_is_named_while_the_session_log_tells_of_transfers(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    host = Scene(
        tmp_path,
        InputSettings("transfers", (f"{folder}/gridftp-transfer.log*",), "gridftp-transfer"),
        InputSettings("sessions", (f"{folder}/gridftp.log*",), "gridftp-session", timezone="Europe/Rome"),
    )
    append(host.logs / "gridftp-transfer.log", [])
    (host.logs / "gridftp.log").write_bytes(SESSION.read_bytes())
    with host.live() as one:
        one.catch_up(3600)
        problems = {Path(path).name: item.problem for path, item in one.agent.reader.unidentified.items()}
    stats = [message for message in host.messages().elements() if ":: Transfer stats:" in message]

    assert problems == {"gridftp-transfer.log": "empty"}
    assert len(stats) == SESSION.read_bytes().count(b"Transfer stats:")
    assert host.verdict() == CLOSED
