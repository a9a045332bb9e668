"""`shipper state rebuild` on genuine servers: the state that was lost, line by line, from the files and the index."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.logs import append, compress, numbered, rename, write
from support.state_rows import CHECKPOINTS, LEDGER, rows

from shipper.cli import execute

PIPELINE = """
dataset: app
parse:
  - json: {into: app}
timestamp: {field: app.time, formats: [iso8601], timezone: UTC}
drop: [{rule: chatter, when: {app.level: {equal: debug}}}]
samples: app.samples.yml
"""
SAMPLE = """
- text: '{"time": "2026-11-21T00:00:00Z"}'
  expect: {'@timestamp': '2026-11-21T00:00:00Z', app.time: '2026-11-21T00:00:00Z'}
"""
INDEX = "shipper-app-default-2026.12"

Shipper = Callable[..., tuple[int, dict[str, Any]]]
Rows = list[tuple[object, ...]]


def app(first: int, last: int) -> list[str]:
    """Records of three months, every third of which is filtered."""
    return [
        json.dumps(
            {
                "time": f"2026-{10 + number % 3}-21T{number // 60 % 24:02}:{number % 60:02}:00Z",
                "level": "debug" if number % 7 in (1, 2) else "info",
                "number": f"n{number}",
            }
        )
        for number in range(first, last)
    ]


def backend(first: int, last: int) -> list[str]:
    """Records of a service that writes no dates; each goes on in the next line."""
    lines = []
    for number in range(first, last):
        clock = f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}"
        lines += [f"{clock} - INFO [xmlrpc-{number}] - srmPing: number {number}", f"\tat some.place({number})"]
    return lines


@pytest.fixture
def shipper(tmp_path: Path, cluster: ElasticsearchNode, capsys: pytest.CaptureFixture[str]) -> Shipper:
    """The commands, on a site with three inputs."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "app.yml").write_text(PIPELINE)
    (tmp_path / "own" / "app.samples.yml").write_text(SAMPLE)
    logs = tmp_path / "logs"
    inputs = [
        {"name": "app", "paths": [f"{logs}/app*"], "pipeline": "app"},
        {"name": "backend", "paths": [f"{logs}/backend*"], "pipeline": "storm-backend", "timezone": "UTC"},
        {"name": "plain", "paths": [f"{logs}/plain*"], "pipeline": "raw", "timezone": "UTC", "incomplete": "refuse"},
    ]
    settings = {"host": "dtn01.example.org", "state": str(tmp_path / "state"), "pipelines_dir": str(tmp_path / "own")}
    output = {"elasticsearch": {"hosts": [cluster.url]}}
    configuration = tmp_path / "shipper.yml"
    configuration.write_text(json.dumps({**settings, "inputs": inputs, "output": output}))

    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = execute([*arguments, "-c", str(configuration), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def write_first(logs: Path) -> None:
    write(logs / "app.log", *app(0, 400))
    write(logs / "app-old.log", *app(1000, 1100))
    write(logs / "backend.log", *backend(0, 80)[:-1])
    write(logs / "plain.log", *numbered(0, 50))
    half = "\n".join(numbered(500, 520)) + "\nhalf a line"
    (logs / "plain-old.log.gz").write_bytes(gzip.compress(half.encode(), mtime=0))


def go_on(logs: Path) -> None:
    """The logs rotate, each in another way; an event that was shipped goes on."""
    rename(logs / "app.log", "app.log.1")
    write(logs / "app.log", *app(400, 450))
    compress(logs / "app-old.log")
    append(logs / "backend.log", *backend(79, 100)[1:])
    shutil.copyfile(logs / "plain.log", logs / "plain.log.copy")
    append(logs / "plain.log", *numbered(50, 60))


def known(folder: Path) -> tuple[Rows, Rows]:
    """Checkpoints and ledger of the files that are there; what is known of others only the state knows."""
    there = {str(path) for path in (folder / "logs").iterdir()}
    checkpoints, ledger = ([row for row in rows(folder, query) if row[2] in there] for query in (CHECKPOINTS, LEDGER))
    assert {row[2] for row in checkpoints} == there
    return checkpoints, ledger


def lose_the_state(folder: Path) -> None:
    shutil.rmtree(folder / "state")


def agents_seen(cluster: ElasticsearchNode) -> int:
    """How many agents ever told of themselves."""
    cluster.ask("POST", "/shipper-ledger/_refresh")
    found = cluster.ask("POST", "/shipper-ledger/_count", {"query": {"term": {"kind": "agent"}}})
    return int(found["count"])


def test_a_state_that_was_lost_is_made_anew_as_it_was(
    shipper: Shipper, cluster: ElasticsearchNode, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    write_first(logs)
    assert shipper("run", "--once")[0] == 1
    go_on(logs)
    assert shipper("run", "--once")[1]["pending_lines"] == 0
    before = known(tmp_path)
    assert {row[5] for row in before[1]} == {"stored", "filtered:chatter", "dead:incomplete"}
    totals = shipper("audit")[1]["totals"]

    lose_the_state(tmp_path)
    code, rebuilt = shipper("state", "rebuild")
    assert (code, rebuilt["absent"], rebuilt["gone"], rebuilt["files"]) == (0, 0, 0, 7)
    assert known(tmp_path) == before
    assert agents_seen(cluster) == 1
    assert shipper("state", "verify")[1]["verdict"] == "sound"
    assert shipper("run", "--once")[1]["documents"] == 0
    for level in ("ledger", "disk", "contents"):
        code, audit = shipper("audit", "--level", level)
        assert (code, audit["verdict"]) == (0, "closed")
    assert audit["totals"] == totals


def test_what_the_cluster_refused_is_refused_once_more_after_the_state_was_made_anew(
    shipper: Shipper, cluster: ElasticsearchNode, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    write_first(logs)
    shipper("run", "--once")
    cluster.ask("PUT", f"/{INDEX}/_mapping", {"dynamic": "strict"})
    append(logs / "app.log", '{"time": "2026-12-22T00:00:00Z", "surprise": "x"}', *app(400, 450))
    assert shipper("run", "--once")[1]["dead_letters"] == 1
    before = known(tmp_path)
    assert {"dead:incomplete", "dead:mapping"} < {row[5] for row in before[1]}

    lose_the_state(tmp_path)
    code, rebuilt = shipper("state", "rebuild")
    assert (code, rebuilt["absent"], rebuilt["gone"]) == (1, 1, 0)
    done = shipper("run", "--once")[1]
    assert (done["stored"], done["dead_letters"]) == (0, 1)
    assert known(tmp_path) == before
    assert shipper("state", "verify")[1]["verdict"] == "sound"
    assert shipper("audit")[1]["verdict"] == "closed"
