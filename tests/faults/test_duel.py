"""The duel that other shippers were measured in: nothing is lost, nothing is doubled, and the audit proves it.

`SHIPPER_DUEL_SEEDS=1,2,3,4,5` repeats the table of docs/delivery.md (run pytest with `-s` to see it);
`SHIPPER_DUEL_LINES` and `SHIPPER_DUEL_SECONDS` change its size.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.duel import Duel, Score

SEEDS = [int(seed) for seed in os.environ.get("SHIPPER_DUEL_SEEDS", "1").split(",")]
LINES = int(os.environ.get("SHIPPER_DUEL_LINES", "200000"))
SECONDS = float(os.environ.get("SHIPPER_DUEL_SECONDS", "40"))
KILLS = 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_duel_nothing_is_lost_or_doubled_and_the_audit_is_closed(tmp_path: Path, seed: int) -> None:
    score = Duel(tmp_path, seed, lines=LINES, seconds=SECONDS, kills=KILLS).fight()
    print(f"\n{Score.HEAD}\n{score.row}")  # noqa: T201  the table is what this test is run for
    assert (score.lost, score.doubled) == (0, 0)
    assert score.again < LINES // 20
    assert score.audit["verdict"] == "closed", score.audit["findings"]
    assert score.letters == score.poisoned > 0
    assert score.proved == score.written - score.poisoned
    assert score.identical > LINES // 200
    assert min(score.met["503"], score.met["cut"], score.met["429"]) > 0
