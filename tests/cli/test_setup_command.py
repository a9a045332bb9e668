from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bulk_server import BulkServer
from support.elasticsearch_node import ElasticsearchNode

from shipper.cli import execute

INPUTS = """
host: dtn01.example.org
state: {state}
inputs:
  - {{name: gridftp, paths: ['{state}/*.log'], pipeline: gridftp-transfer}}
"""
NAMES = {"shipper-gridftp.transfer-default", "shipper-gridftp.transfer-default-suspect", "shipper-ledger"}


@pytest.fixture
def server() -> Iterator[BulkServer]:
    with BulkServer() as running:
        yield running


def configuration(folder: Path, output: str) -> str:
    file = folder / "shipper.yml"
    file.write_text(INPUTS.format(state=folder / "state") + output)
    return str(file)


def with_cluster(folder: Path, url: str) -> str:
    return configuration(folder, f"output: {{elasticsearch: {{hosts: ['{url}']}}}}\n")


def test_print_gives_the_templates_as_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["setup", "--print", "-c", with_cluster(tmp_path, "http://127.0.0.1:1")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == NAMES
    properties = printed["shipper-gridftp.transfer-default"]["template"]["mappings"]["properties"]
    assert properties["gridftp"]["properties"]["nbytes"] == {"type": "long"}


def test_apply_installs_what_print_shows_and_the_second_time_nothing(
    tmp_path: Path, server: BulkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    file = with_cluster(tmp_path, server.url)
    assert execute(["setup", "--print", "-c", file]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert execute(["setup", "--apply", "-c", file]) == 0
    assert server.templates == printed
    assert capsys.readouterr().out.splitlines() == [f"{name}: ready" for name in sorted(NAMES)]
    asked = len(server.requests)
    assert execute(["setup", "--apply", "-c", file]) == 0
    assert {method for method, _, _ in server.requests[asked:]} == {"GET"}


def test_apply_says_what_stands_against_it(
    tmp_path: Path, server: BulkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.template_status = 403
    assert execute(["setup", "--apply", "-c", with_cluster(tmp_path, server.url)]) == 3
    assert "could not be looked up: status 403" in capsys.readouterr().out


def test_a_server_that_is_away_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["setup", "--apply", "-c", with_cluster(tmp_path, "http://127.0.0.1:1")]) == 3
    assert "could not be looked up" in capsys.readouterr().out


def test_sqlite_needs_no_setup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = configuration(tmp_path, f"output: {{sqlite: {{path: {tmp_path}/index.db}}}}\n")
    assert execute(["setup", "--apply", "-c", file]) == 0
    assert "needs no setup" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--print", "--apply"]])
def test_one_of_print_and_apply_must_be_chosen(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["setup", *options, "-c", with_cluster(tmp_path, "http://127.0.0.1:1")]) == 2
    assert "either --print or --apply" in capsys.readouterr().err


def test_a_real_cluster_takes_the_templates(tmp_path: Path, elasticsearch: ElasticsearchNode) -> None:
    file = with_cluster(tmp_path, elasticsearch.url)
    assert execute(["setup", "--apply", "-c", file]) == 0
    found = elasticsearch.ask("GET", "/_index_template/shipper-*")["index_templates"]
    assert {template["name"] for template in found} == NAMES
