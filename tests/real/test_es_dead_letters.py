"""A poison line among many, from the log to the dead letter and back, with the commands that a person types."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.elasticsearch_node import ElasticsearchNode

from shipper.cli import execute

LINES = 10_000
POISON = 4711
PIPELINE = """
dataset: app
parse:
  - json: {into: app}
timestamp: {field: app.time, formats: [iso8601], timezone: UTC}
samples: app.samples.yml
"""
SAMPLE = """
- text: '{"time": "2026-11-21T00:00:00Z"}'
  expect: {'@timestamp': '2026-11-21T00:00:00Z', app.time: '2026-11-21T00:00:00Z'}
"""

Shipper = Callable[..., tuple[int, dict[str, Any]]]


def line(number: int) -> str:
    fields = {
        "time": f"2026-11-21T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "number": f"n{number}",
    }
    return json.dumps(fields | ({"surprise": "x"} if number == POISON else {})) + "\n"


@pytest.fixture
def shipper(tmp_path: Path, elasticsearch: ElasticsearchNode, capsys: pytest.CaptureFixture[str]) -> Shipper:
    (tmp_path / "logs").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "app.yml").write_text(PIPELINE)
    (tmp_path / "own" / "app.samples.yml").write_text(SAMPLE)
    configuration = tmp_path / "shipper.yml"
    configuration.write_text(
        "host: dtn01.example.org\nstate: state\npipelines_dir: own\n"
        "inputs: [{name: app, paths: [logs/*], pipeline: app}]\n"
        f"output: {{elasticsearch: {{hosts: ['{elasticsearch.url}']}}}}\n"
    )

    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = execute([*arguments, "-c", str(configuration), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.mark.real
def test_a_poison_line_becomes_one_dead_letter_and_is_stored_after_the_field_was_added(
    shipper: Shipper, elasticsearch: ElasticsearchNode, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "app.log"
    log.write_text(line(0))
    assert shipper("run", "--once")[0] == 0
    elasticsearch.ask("PUT", "/shipper-app-default-2026.11/_mapping", {"dynamic": "strict"})
    with log.open("a") as file:
        file.writelines(line(number) for number in range(1, LINES))

    code, summary = shipper("run", "--once")
    assert (code, summary["stored"], summary["dead_letters"]) == (1, LINES - 2, 1)
    (letter,) = shipper("dead-letters", "list")[1]["dead_letters"]
    assert (letter["path"], letter["line"], letter["category"]) == (str(log), POISON + 1, "mapping")
    assert letter["text"] == line(POISON).rstrip()
    assert "surprise" in letter["reason"]
    code, status = shipper("status")
    assert (code, status["dead_letters"]) == (1, {"mapping": 1})
    assert shipper("audit")[1]["totals"]["dead_letters"] == 1
    code, audit = shipper("audit", "--no-state")
    assert (code, audit["verdict"], audit["totals"]["dead_letters"]) == (0, "closed", 1)

    code, answer = shipper("dead-letters", "retry", "--all")
    assert (code, answer["stored"], list(answer["refused"])) == (1, [], [letter["id"]])
    added = {"properties": {"app": {"properties": {"surprise": {"type": "keyword"}}}}}
    elasticsearch.ask("PUT", "/shipper-app-default-2026.11/_mapping", added)
    assert shipper("dead-letters", "retry", "--all") == (
        0, {"stored": [letter["id"]], "refused": {}, "undelivered": {}, "given_up": []},
    )  # fmt: skip

    code, audit = shipper("audit")
    assert (code, audit["verdict"], audit["totals"]["indexed"], audit["totals"]["dead_letters"]) == (
        0, "closed", LINES, 0,
    )  # fmt: skip
    code, status = shipper("status")
    assert (code, status["totals"]["stored"], status["dead_letters"]) == (0, LINES, {})


@pytest.mark.real
def test_check_asks_the_cluster(shipper: Shipper, elasticsearch: ElasticsearchNode) -> None:
    code, answer = shipper("check", "--connect")
    assert (code, answer["output"]["problem"]) == (0, None)
    assert answer["output"]["identity"]
