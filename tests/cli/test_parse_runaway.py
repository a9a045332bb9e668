"""`shipper parse` is not held up by a pattern that runs away."""

import json

from shipper.cli import execute

DEFINITION = r"""
dataset: app.log
parse:
  - grok: ['^(?<app.twice>(?:\w{1,2}|\w\w?)+)!$']
timestamp: {by: modification}
"""


def test_a_line_on_which_a_pattern_runs_away_is_shown_raw(tmp_path, capsys):
    (tmp_path / "app.yml").write_text(DEFINITION)
    log = tmp_path / "a.log"
    log.write_bytes(b"ab!\n" + b"a" * 60 + b"?\n" + b"cd!\n" * 10)
    code = execute(["parse", "--pipeline", "app", "--pipelines", str(tmp_path), "--ndjson", str(log)])
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert ["_groktimeout" in document["tags"] for document in documents] == [False, True, *[False] * 10]
    assert documents[1]["message"] == "a" * 60 + "?"
