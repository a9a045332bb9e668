"""`shipper reparse` is killed while it moves documents to another month; done again, each is there once, and right.

A document moves by being stored in its new index before it is deleted in the old one: in between it is in both.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support import killed_at
from support.elasticsearch_node import ElasticsearchNode
from support.logs import write
from support.running import Running

from shipper.errors import Exit

PIPELINE = r"""
dataset: app.log
parse:
  - grok: ['^%{TIMESTAMP_ISO8601:app.time} got %{NUMBER:app.size:int}WORDS$']
timestamp: {field: app.time, formats: [iso8601], timezone: UTC}
"""
OLD, NEW = "", "(?: bytes)?"
LINES = 60
OCTOBER, NOVEMBER = "shipper-app.log-default-2026.10", "shipper-app.log-default-2026.11"


def line(number: int) -> str:
    """Every third line only the new pattern reads: until then its time is that of the one before, of another month."""
    return f"2026-{10 + number % 2}-21T10:00:{number:02}Z got {number}{' bytes' if number % 3 == 2 else ''}"


class Edited(Running):
    """An agent with a pipeline that is corrected."""

    def __init__(self, folder: Path, node: ElasticsearchNode) -> None:
        self.definition = folder / "pipelines" / "app.yml"
        self.definition.parent.mkdir()
        self.define(OLD)
        one = {"name": "app", "paths": [f"{folder}/logs/*"], "pipeline": "app"}
        output = {"elasticsearch": {"hosts": [node.url]}}
        super().__init__(folder, [one], pipelines_dir=str(self.definition.parent), output=output)
        self.node = node

    def define(self, words: str) -> None:
        """Write the pipeline."""
        self.definition.write_text(PIPELINE.replace("WORDS", words))

    def held(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(index, id, document) of all documents."""
        self.node.ask("POST", "/shipper-*/_refresh")
        hits = self.node.ask("POST", "/shipper-app.log-default-*/_search", {"size": 1000})["hits"]["hits"]
        return [(hit["_index"], hit["_id"], hit["_source"]) for hit in hits]


@pytest.mark.parametrize(
    ("step", "both", "left"), [("before_delete_documents", 20, 20), ("after_delete_documents", 0, 0)]
)
def test_killed_while_it_moves_documents_it_is_finished_by_doing_it_again(
    tmp_path: Path, elasticsearch9: ElasticsearchNode, step: str, both: int, left: int
) -> None:
    site = Edited(tmp_path, elasticsearch9)
    write(site.logs / "a.log", *(line(number) for number in range(LINES)))
    site.once()
    ids = {name for _, name, _ in site.held()}
    assert len(ids) == LINES

    site.define(NEW)
    killed_at.run_until_death(step, 1, "reparse", "--input", "app", "-c", str(site.configuration))
    assert Counter(Counter(name for _, name, _ in site.held()).values())[2] == both
    site.once()
    if both:
        report = site.ask("audit", code=Exit.FINDINGS)
        assert {finding["cause"] for finding in report["findings"]} == {"same id in two indices"}
        assert report["totals"]["duplicate"] == both

    again = site.ask("reparse", "--input", "app")
    assert (again["tagged"], again["replaced"]) == (left, left)
    after = site.held()
    assert sorted(name for _, name, _ in after) == sorted(ids)
    assert {(body["app"]["size"], index) for index, _, body in after} == {
        (number, NOVEMBER if number % 2 else OCTOBER) for number in range(LINES)
    }
    assert not any(body["tags"] for _, _, body in after)
    assert site.ask("audit", "--level", "contents")["verdict"] == "closed"
