"""`shipper setup --expire` on genuine servers: whole old indices of ours go, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.elasticsearch_node import ElasticsearchNode

from shipper.cli import execute

OURS = "shipper-gridftp.transfer-default-"


def names(node: ElasticsearchNode) -> set[str]:
    return {found["name"] for found in node.ask("GET", "/_resolve/index/shipper-*?expand_wildcards=all")["indices"]}


@pytest.fixture
def configuration(tmp_path: Path, elasticsearch: ElasticsearchNode) -> str:
    file = tmp_path / "shipper.yml"
    file.write_text(
        f"host: dtn01.example.org\nstate: {tmp_path}/state\n"
        f"inputs: [{{name: gridftp, paths: ['{tmp_path}/*.log'], pipeline: gridftp-transfer}}]\n"
        f"output: {{elasticsearch: {{hosts: ['{elasticsearch.url}'], retention: 400d}}}}\n"
    )
    return str(file)


def test_only_whole_old_indices_that_our_templates_made_are_deleted(
    configuration: str, elasticsearch: ElasticsearchNode, capsys: pytest.CaptureFixture[str]
) -> None:
    others = {"shipper-tstat.tcp-default-2001.01", "shipper-gridftp.transfer-another-2001.01"}
    for name in others | {f"{OURS}2001.02"}:  # the last one is made by hand, before there is a template
        elasticsearch.ask("PUT", f"/{name}")
    assert execute(["setup", "--apply", "-c", configuration]) == 0
    assert "kept for 400 days, by `shipper setup --expire --apply`" in capsys.readouterr().out
    for period in ("2001.03", "2002.12.24", "2003", "suspect", "2098.01"):
        elasticsearch.ask("PUT", f"/{OURS}{period}")
    before = names(elasticsearch)

    old = [f"{OURS}2001.03", f"{OURS}2002.12.24", f"{OURS}2003"]
    assert execute(["setup", "--expire", "--print", "-c", configuration]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: expired" for name in old]
    assert names(elasticsearch) == before

    assert execute(["setup", "--expire", "--apply", "-c", configuration]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: deleted" for name in old]
    assert names(elasticsearch) == before - set(old)
    assert execute(["setup", "--expire", "--apply", "-c", configuration]) == 0
    assert capsys.readouterr().out == ""
