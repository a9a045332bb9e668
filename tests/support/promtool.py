"""Prometheus' own judge of rules, expressions and metrics.

Debian's package `prometheus` has it; `tests/run.sh` fetches it. On a machine without it these tests are skipped and say
so; with CI=true in the environment they fail instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def find_promtool() -> str:
    """Its command; skips the test, loudly, where there is none."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("promtool", path=places)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Rules and metrics cannot be checked: promtool is not installed")
    if found is None:
        pytest.skip("NOT CHECKED by Prometheus: promtool is not installed")
    return found


class Promtool:
    """Asks it; what it says comes back."""

    def __init__(self, folder: Path) -> None:
        self._command = find_promtool()
        self._folder = folder

    def rules(self, path: Path) -> str:
        """What is wrong with a file of rules; empty if nothing is."""
        return self._ask("check", "rules", str(path))

    def expressions(self, expressions: list[str]) -> str:
        """What is wrong with expressions; empty if nothing is."""
        rules = [{"record": f"expression:{number}", "expr": text} for number, text in enumerate(expressions)]
        path = self._folder / "expressions.yml"
        path.write_text(json.dumps({"groups": [{"name": "expressions", "rules": rules}]}))
        return self.rules(path)

    def metrics(self, text: bytes) -> str:
        """What is wrong with metrics as they are exposed, in form or by the conventions; empty if nothing is."""
        return self._ask("check", "metrics", input=text)

    def alerts(self, rules: Path, tests: list[dict[str, Any]]) -> str:
        """Where series do not raise the alerts that they should; empty if all do."""
        path = self._folder / "tests.yml"
        path.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))
        return self._ask("test", "rules", str(path))

    def _ask(self, *words: str, **more: Any) -> str:
        done = subprocess.run([self._command, *words], capture_output=True, check=False, timeout=60, **more)
        said = (done.stdout + done.stderr).decode()
        return said if done.returncode or words == ("check", "metrics") else ""
