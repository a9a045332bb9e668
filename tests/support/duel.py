"""The duel: one agent against refusals, cut connections, kills and rotations while a log is written.

Made after a bench on which other shippers were measured: 200,000 lines in 40 s to one log, of which 1 % are identical
to another line. 5 % of the documents are refused with 429, each once; 2 % of the requests with 503; the connection of
1 % is cut after the request was carried out. One line in a thousand is refused with 400 for good. The agent is killed
five times, and away for 0.3 to 2 s. The log is renamed at 40 %, within what the agent watches; at 70 % it is copied
to where nobody looks and truncated, when all lines so far have arrived.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest

from support.bulk_faults import reset_after_receipt, whole
from support.bulk_server import BulkServer, Fault, Item, failed_item
from support.mortal_agent import MortalAgent
from support.rotating_logs import record

PATIENCE = 180.0
"""Seconds to wait for all lines to arrive before the log is truncated, and at the end."""

BUSY = failed_item(429, "es_rejected_execution_exception", "rejected execution of coordinating operation")
POISON = failed_item(400, "document_parsing_exception", "[1:2] failed to parse field [x] of type [long]")


def _chance(seed: int, text: str) -> float:
    """A number from 0 to 1 that belongs to the text."""
    return xxh3_64_intdigest(text.encode(), seed) / (1 << 64)


class Adversary:
    """What the cluster does to requests and documents."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._refused: set[str] = set()
        self.met: Counter[str] = Counter()
        self.requests = 0

    def trouble(self, path: str) -> Fault | None:
        """The fault that the next request meets."""
        if path != "/_bulk":
            return None
        self.requests += 1
        chance = self._random.random()
        if chance < 0.02:
            self.met["503"] += 1
            return whole(503, "unavailable_shards_exception")
        if chance < 0.03:
            self.met["cut"] += 1
            return reset_after_receipt
        return None

    def rule(self, index: str, name: str, body: bytes) -> Item | None:
        """What becomes of a document."""
        if self.poisons(orjson.loads(body)["message"]):
            return POISON
        if name not in self._refused and _chance(self._seed, name) < 0.05:
            self._refused.add(name)
            self.met["429"] += 1
            return BUSY
        return None

    def poisons(self, line: str) -> bool:
        """Whether a line is refused for good."""
        return _chance(self._seed + 1, line) < 0.001


@dataclass
class Score:
    """How a duel ended."""

    seed: int
    written: int
    identical: int
    lost: int
    doubled: int
    again: int
    """Documents that were delivered though they were stored already."""
    poisoned: int
    """Lines that are refused for good."""
    requests: int
    met: Counter[str]
    letters: int
    """Dead letters."""
    proved: int
    """Lines in the index that the ledger vouches for, those of the truncated file included."""
    audit: dict[str, Any] = field(repr=False)

    HEAD = (
        "| Seed | Lines lost | Documents doubled | Delivered again | Dead letters / refused for good | Audit "
        "| 503 / cut / 429 items it met | Requests |\n|---|---|---|---|---|---|---|---|"
    )

    @property
    def row(self) -> str:
        """One row of the table."""
        met = f"{self.met['503']} / {self.met['cut']} / {self.met['429']}"
        letters = f"{self.letters} / {self.poisoned}"
        return (
            f"| {self.seed} | **{self.lost}** | **{self.doubled}** | {self.again} | {letters} "
            f"| {self.audit['verdict']} | {met} | {self.requests} |"
        )


class Duel:
    """One run of it, in a folder of its own."""

    def __init__(self, folder: Path, seed: int, *, lines: int, seconds: float, kills: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._lines = self._with_identical([record(number) for number in range(lines)])
        self._seconds = seconds
        self._kills = kills
        self._adversary = Adversary(seed)
        self._server = BulkServer()
        self._server.rule = self._adversary.rule
        self._server.trouble = self._adversary.trouble
        self._folder = folder
        self._log = folder / "logs" / "gridftp-transfer.log"

    def fight(self) -> Score:
        """The whole story, and what came of it."""
        with self._server:
            agent = MortalAgent(
                self._folder,
                [{"name": "gridftp", "paths": [f"{self._log}*"], "pipeline": "gridftp-transfer"}],
                output={"elasticsearch": {"hosts": [self._server.url]}},
                batch_documents=500,
                batch_age="1s",
                rescan="10s",
            )
            with agent:
                writer = threading.Thread(target=self._write)
                writer.start()
                self._kill_now_and_then(agent)
                writer.join()
                agent.until(self._all_arrived, PATIENCE)
                agent.stop()
            self._server.trouble = lambda path: None
            audit = agent.ask("audit")
            by_ledger = agent.ask("audit", "--level", "ledger")
            letters = agent.ask("dead-letters", "list")
        return self._score(audit, by_ledger["totals"]["indexed"], len(letters["dead_letters"]))

    def _with_identical(self, lines: list[str]) -> list[str]:
        """One line of a hundred made the same as another one."""
        for place in self._random.sample(range(1, len(lines)), len(lines) // 100):
            lines[place] = lines[self._random.randrange(place)]
        return lines

    def _write(self) -> None:
        """All lines at an even pace, in pieces of 20 ms, with the rotations on the way."""
        total = len(self._lines)
        pieces = max(1, int(self._seconds / 0.02))
        edges = sorted({*(total * n // pieces for n in range(pieces + 1)), total * 4 // 10, total * 7 // 10})
        started, pace = time.monotonic(), total / self._seconds
        waiting = threading.Event()
        for first, last in pairwise(edges):
            if first == total * 4 // 10:
                self._log.rename(self._log.with_name(self._log.name + ".1"))
            elif first == total * 7 // 10:
                before = time.monotonic()
                self._copy_and_truncate(first)
                started += time.monotonic() - before
            with self._log.open("ab", buffering=0) as log:
                log.write("".join(line + "\n" for line in self._lines[first:last]).encode())
            waiting.wait(max(0.0, started + last / pace - time.monotonic()))

    def _copy_and_truncate(self, written: int) -> None:
        deadline, waiting = time.monotonic() + PATIENCE, threading.Event()
        while not self._arrived(written) and time.monotonic() < deadline:
            waiting.wait(0.05)
        (self._folder / "copy.log").write_bytes(self._log.read_bytes())
        os.truncate(self._log, 0)

    def _kill_now_and_then(self, agent: MortalAgent) -> None:
        moments = sorted(self._random.uniform(1, self._seconds) for _ in range(self._kills))
        started, waiting = time.monotonic(), threading.Event()
        for moment in moments:
            agent.die(max(0.0, started + moment - time.monotonic()))
            waiting.wait(self._random.uniform(0.3, 2.0))
            agent.launch()

    def _arrived(self, written: int) -> bool:
        """Whether the first lines are all at the server, as documents or refused for good."""
        poisoned = sum(map(self._adversary.poisons, self._lines[:written]))
        return len(self._server.stored) >= written - poisoned

    def _all_arrived(self) -> bool:
        return self._arrived(len(self._lines))

    def _score(self, audit: dict[str, Any], proved: int, letters: int) -> Score:
        written = Counter(self._lines)
        poisoned = {line: count for line, count in written.items() if self._adversary.poisons(line)}
        wanted = written - Counter(poisoned)
        stored = Counter(orjson.loads(body)["message"] for body in self._server.stored.values())
        return Score(
            seed=self._seed,
            written=len(self._lines),
            identical=len(self._lines) - len(written),
            lost=(wanted - stored).total(),
            doubled=(stored - wanted).total(),
            again=self._server.conflicts.total(),
            poisoned=sum(poisoned.values()),
            requests=self._adversary.requests,
            met=self._adversary.met,
            letters=letters,
            proved=proved,
            audit=audit,
        )
