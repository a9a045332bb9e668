"""The installed commands, run as a user runs them, on a site of all samples."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.sample_logs import SAMPLES
from support.sample_site import inputs


class Commands:
    """A folder with logs, by default copies of all samples, and a configuration; each command is a process."""

    def __init__(self, folder: Path, output: str, *, samples: bool = True) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        if samples:
            shutil.copytree(SAMPLES, self.logs)
            (self.logs / "README.md").unlink()
            (self.logs / ".gitattributes").unlink(missing_ok=True)
        self.configuration = folder / "shipper.yml"
        self.configuration.write_text(
            json.dumps(
                {
                    "host": "dtn01.example.org",
                    "state": str(folder / "state"),
                    "output": json.loads(output),
                    "inputs": [
                        {
                            "name": item.name,
                            "paths": list(item.paths),
                            "exclude": list(item.exclude),
                            "pipeline": item.pipeline,
                            **({"timezone": item.timezone} if item.timezone else {}),
                        }
                        for item in inputs(self.logs)
                    ],
                }
            )
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on."""
        return subprocess.Popen(self._words(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        """The JSON document that a command prints; it must end with the given exit code, if one is given."""
        done = subprocess.run(
            self._words((*arguments, "--json")), capture_output=True, text=True, timeout=300, check=False
        )
        assert code is None or done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-3000:])
        return json.loads(done.stdout)

    def forget(self) -> None:
        """Lose the state."""
        shutil.rmtree(self.folder / "state")

    def files(self) -> list[Path]:
        """Every log file."""
        return sorted(path for path in self.logs.rglob("*") if path.is_file())

    def _words(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "shipper", *arguments, "-c", str(self.configuration)]


def count_lines(path: Path, until: int | None = None) -> int:
    """As `wc -l`, and an unterminated last line; of the first bytes only if `until` says how many."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    data = data[:until]
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))
