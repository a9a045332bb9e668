"""Debian's logrotate on one log, with a state file of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support.edited_site import until

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def require_logrotate() -> None:
    """Skip loudly where it is not installed; in CI that is a failure."""
    if shutil.which("logrotate", path=_PATH):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("logrotate cannot be tested: it is not installed")
    pytest.skip("NOT TESTED with a real logrotate: it is not installed")


class Logrotate:
    """A configuration as a package installs it; `reopen` and `pid` are the writer's, where it has to be told."""

    def __init__(self, folder: Path, log: Path, directives: list[str], tell: tuple[Path, Path] | None = None) -> None:
        self._configuration = folder / "logrotate.conf"
        self._state = folder / "logrotate.state"
        self._last = 0
        """The second in which it ran last: dated names have no finer times."""
        lines = [f"{log} {{", "rotate 1000", *directives, *(_postrotate(*tell) if tell else ()), "}", ""]
        self._configuration.write_text("\n".join(lines))
        self._configuration.chmod(0o644)  # it refuses what a group may write

    def rotate(self, *, force: bool = True) -> None:
        """Run it once; forced, it rotates whatever the configuration says of when."""
        until(lambda: int(time.time()) > self._last)
        words = ["logrotate", *(["--force"] if force else []), "--state", str(self._state), str(self._configuration)]
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PATH": _PATH}
        )
        self._last = int(time.time())
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


def _postrotate(reopen: Path, pid: Path) -> list[str]:
    """Tell the writer to open its log anew, and wait until it has, so that nobody compresses what still grows."""
    return [
        "postrotate",
        f"  : >{reopen}",
        f"  kill -HUP $(cat {pid})",
        f"  while [ -e {reopen} ]; do sleep 0.01; done",
        "endscript",
    ]
