"""Several hosts that ship GridFTP logs of the last hours to one index, each by single passes of an agent."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipper import cli
from support.gridftp_records import record

HOUR = 3600


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON document."""
        return dict(json.loads(self.out))

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """The findings in short: host, kind, cause."""
        return sorted((f["host"].partition(".")[0], f["kind"], f["cause"]) for f in self.report["findings"])

    @property
    def evidence(self) -> list[str]:
        """What is told of each finding."""
        return [f["evidence"] for f in self.report["findings"]]


def line_at(moment: float, number: int) -> bytes:
    """A line of a transfer that ended at this time; each number gives another one."""
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S").encode()
    line = record(b"/data/file%d" % number, nbytes=number)
    return line.replace(b"20240305081559", text).replace(b"20240305081553", text) + b"\n"


class FleetHost:
    """One host: logs, state and configuration in a folder of its own."""

    def __init__(self, folder: Path, name: str, output: dict[str, Any], expect: dict[str, Any] | None = None) -> None:
        self.name = f"{name}.example.org"
        self.folder = folder / name
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True)
        self.output = output
        self.configuration = self.folder / "shipper.yml"
        self.configure(expect)

    def configure(self, expect: dict[str, Any] | None = None, **more: Any) -> None:
        """Write another configuration."""
        item: dict[str, Any] = {
            "name": "gridftp", "paths": [f"{self.logs}/*.log*"], "pipeline": "gridftp-transfer", "expect": expect,
        }  # fmt: skip
        settings = {
            "host": self.name,
            "state": str(self.folder / "state"),
            "output": self.output,
            "fleet": True,
            "inputs": [{key: value for key, value in item.items() if value is not None}],
            **more,
        }
        self.configuration.write_text(json.dumps(settings))

    def write(self, hour: float, lines: int, name: str = "transfer.log") -> Path:
        """Append lines of transfers of an hour, which begins at this time."""
        path = self.logs / name
        with path.open("ab") as log:
            log.writelines(line_at(hour + 30 + number, number) for number in range(lines))
        return path

    def ship(self) -> None:
        """One pass of the agent."""
        answer = self.shipper("run", "--once", "--json")
        assert answer.code == 0, answer

    def shipper(self, *arguments: str) -> Answer:
        """A command on this host."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.execute([*arguments, "-c", str(self.configuration)])
        return Answer(code, out.getvalue(), err.getvalue())
