"""`shipper setup --keys`, with a cluster that only listens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipper.cli import execute

TEXT = """
host: dtn01.example.org
state: {folder}/state
inputs:
  - {{name: gridftp, paths: ['{folder}/*.log'], pipeline: gridftp-transfer}}
output: {{elasticsearch: {{hosts: ['http://127.0.0.1:1'], deadline: 1s{more}}}}}
"""


def configuration(folder: Path, more: str = "") -> str:
    file = folder / "shipper.yml"
    file.write_text(TEXT.format(folder=folder, more=more))
    return str(file)


def test_the_requests_for_keys_are_printed_by_role(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["setup", "--keys", "--print", "-c", configuration(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["agent", "auditor", "repairer", "expirer"]
    agent = printed["agent"]["role_descriptors"]["shipper-agent-dtn01.example.org"]
    assert agent["indices"][0]["names"] == ["shipper-gridftp.transfer-default-*"]
    assert set(agent["indices"][0]["privileges"]).isdisjoint({"index", "write", "delete", "delete_index", "manage"})


def test_keys_for_data_streams_name_the_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = configuration(tmp_path, ", data_stream: true")
    assert execute(["setup", "--keys", "--print", "--role", "auditor", "-c", file]) == 0
    (request,) = json.loads(capsys.readouterr().out).values()
    (role,) = request["role_descriptors"].values()
    alias = "shipper-gridftp.transfer-default"
    assert role["indices"][0]["names"] == [alias, f"{alias}-suspect"]


def test_a_cluster_that_is_away_makes_no_key_and_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["setup", "--keys", "--apply", "-c", configuration(tmp_path)]) == 3
    assert "shipper-agent-dtn01.example.org" in capsys.readouterr().err
    assert list(tmp_path.glob("*.key")) == []


def test_with_another_user_the_configured_key_need_not_be_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPPER_PASSWORD", "not shown")
    file = configuration(tmp_path, ", api_key_file: not-made-yet.key")
    assert execute(["setup", "--keys", "--print", "-c", file]) == 2
    assert execute(["setup", "--keys", "--print", "--user", "elastic", "-c", file]) == 0
    said = capsys.readouterr()
    assert "not shown" not in said.out + said.err


def test_options_of_keys_need_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["setup", "--print", "--role", "agent", "-c", configuration(tmp_path)]) == 2
    assert "--role is for --keys" in capsys.readouterr().err


def test_a_folder_is_for_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--apply"], ["--keys", "--print"], ["--expire", "--print"]):
        assert execute(["setup", *words, "--folder", str(tmp_path), "-c", configuration(tmp_path)]) == 2
        assert "--folder is for --print, and for --keys --apply" in capsys.readouterr().err
