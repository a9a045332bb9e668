"""A real Elasticsearch node on the loopback interface, for tests: start, stop, SIGKILL, start again on the same data.

It is the trimmed distribution that Elastic publishes on Maven Central: the genuine server with few modules. It needs
Maven and a JDK (17 or newer for 8.x, 21 or newer for 9.x), found through ES_JAVA_HOME, JAVA_HOME, TEMURIN_25_HOME or
/usr/lib/jvm. Elasticsearch refuses to run as root, so a test run by root starts it as `nobody`.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.ports import free_port

NINE = "9.5.4"
EIGHT = "8.19.21"

_ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{}:zip"
_FETCH = ("mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy")
_FETCHED = Path("~/.m2/repository/org/elasticsearch/distribution/integ-test-zip/elasticsearch").expanduser()
_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:-AlwaysPreTouch"
_START_LIMIT = 180.0
_STOP_LIMIT = 30.0
_POLL = 0.2


class NodeError(Exception):
    """The node could not be started; the text says why."""


def missing_tools(version: str) -> str | None:
    """What this machine lacks to run the version, or None."""
    if not shutil.which("mvn"):
        return "Maven (mvn) is not installed"
    if find_java(_least_java(version)) is None:
        return f"no JDK {_least_java(version)} or newer was found; set ES_JAVA_HOME"
    return None


def find_java(least: int) -> str | None:
    """The home of the first JDK that is new enough."""
    named = [os.environ.get(name) for name in ("ES_JAVA_HOME", "JAVA_HOME", "TEMURIN_25_HOME")]
    installed = sorted(str(home) for home in Path("/usr/lib/jvm").glob("*"))
    return next((home for home in [*named, *installed] if home and _java_major(home) >= least), None)


def _java_major(home: str) -> int:
    program = Path(home, "bin", "java")
    if not program.exists():
        return 0
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    return int(found[1]) if found else 0


def _least_java(version: str) -> int:
    return 21 if int(version.partition(".")[0]) >= 9 else 17


class ElasticsearchNode:
    """One node in a folder of its own. `settings` are the server's, for example {"http.max_content_length": "1mb"}."""

    def __init__(self, version: str = NINE, *, heap: str = "512m", settings: dict[str, str] | None = None) -> None:
        self.version = version
        self.url = ""
        self._heap = heap
        self._settings = settings or {}
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="shipper-elasticsearch-"))
        self._folder.chmod(0o755)
        self._home = self._folder / f"elasticsearch-{version}"

    @property
    def running(self) -> bool:
        """Whether the node was started and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start the node, on its old data and port if it ran before; the URL, once it is healthy."""
        java = find_java(_least_java(self.version))
        if java is None:
            raise NodeError(missing_tools(self.version))
        if not self._home.exists():
            self._unpack()
        self._port = self._port or free_port()  # one that is free still when a killed node is started again
        ports = self._folder / "logs" / "http.ports"
        ports.unlink(missing_ok=True)
        with (self._folder / "start.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self._folder, env=self._environment(java), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_unprivileged(),
            )  # fmt: skip
        deadline = time.monotonic() + _START_LIMIT
        while not (ports.exists() and ports.read_text().endswith("\n")):
            self._wait_a_moment(deadline)
        self.url = f"http://127.0.0.1:{self._port}"
        while not self._healthy():
            self._wait_a_moment(deadline)
        return self.url

    def stop(self) -> None:
        """End the node in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node at once, as a crash does; nothing is flushed."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """End the node and delete all it wrote."""
        self.kill()
        shutil.rmtree(self._folder)

    def clear(self) -> None:
        """Delete all indices and templates whose names begin with `shipper-`, and all changed cluster settings."""
        self.ask("PUT", "/_cluster/settings", {"persistent": {"*": None}})
        listed = self.ask("GET", "/_resolve/index/shipper-*?expand_wildcards=all")["indices"]
        for index in listed:
            self.ask("DELETE", f"/{index['name']}")
        templates = self.ask("GET", "/_index_template")["index_templates"]
        for name in (template["name"] for template in templates):
            if name.startswith("shipper-"):
                self.ask("DELETE", f"/_index_template/{name}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request with a JSON body and answer; an error status raises."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def _fetch(self) -> None:
        """Have Maven fetch the distribution; it keeps it, by default where the next node finds it."""
        fetch = [*_FETCH, f"-Dartifact={_ARTIFACT.format(self.version)}", f"-DoutputDirectory={self._folder}"]
        done = subprocess.run(fetch, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise NodeError(f"Maven could not fetch Elasticsearch {self.version}: {done.stdout}{done.stderr}")

    def _unpack(self) -> None:
        name = f"elasticsearch-{self.version}.zip"
        archive = _FETCHED / self.version / name
        if not archive.exists():
            self._fetch()
            archive = self._folder / name
        shutil.unpack_archive(archive, self._folder)
        (self._folder / name).unlink(missing_ok=True)
        for tool in (self._home / "bin").iterdir():
            tool.chmod(0o755)
        for name in ("data", "logs", "tmp"):
            (self._folder / name).mkdir()
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "nobody", self._folder], check=True)

    def _command(self) -> list[str]:
        settings = {
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": str(self._port),
            "transport.port": "0",
            "node.portsfile": "true",
            "path.data": str(self._folder / "data"),
            "path.logs": str(self._folder / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "false",
            **self._settings,
        }
        return [str(self._home / "bin" / "elasticsearch"), *(f"-E{key}={value}" for key, value in settings.items())]

    def _environment(self, java: str) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self._folder),
            "ES_JAVA_HOME": java,
            "ES_TMPDIR": str(self._folder / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap} {_QUICK_START}",
        }

    def _wait_a_moment(self, deadline: float) -> None:
        """Wait as long as the process lives and there is time; a process that ended is the earliest news."""
        assert self._process is not None
        try:
            self._process.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                return
            self.kill()
        log = (self._folder / "start.log").read_text(errors="replace").splitlines()
        raise NodeError("\n".join([f"Elasticsearch {self.version} did not start:", *log[-15:]]))

    def _healthy(self) -> bool:
        try:
            health = self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=10s")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return not health["timed_out"]

    def _end(self, sign: signal.Signals) -> None:
        # The launcher and the server it starts are one process group: both get the signal.
        if self._process is None:
            return
        os.killpg(self._process.pid, sign)
        try:
            self._process.wait(timeout=_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=_STOP_LIMIT)
        self._process = None
        self._wait_for_silence()

    def _wait_for_silence(self) -> None:
        # The server is a child of the launcher that was waited for: its data is free once its port is.
        deadline = time.monotonic() + _STOP_LIMIT
        pause = threading.Event()
        while self._port:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except ConnectionRefusedError:
                return
            assert time.monotonic() < deadline, "the killed node still answers"
            pause.wait(_POLL)


def cluster_of_two(version: str = NINE) -> tuple[ElasticsearchNode, ElasticsearchNode]:
    """Two nodes that are one cluster once both are started: `first` is its master, `second` only holds data."""
    port = free_port()
    common = {
        "cluster.name": f"shipper-{port}",
        "discovery.type": "multi-node",
        "discovery.seed_hosts": f"127.0.0.1:{port}",
        "cluster.initial_master_nodes": "first",
    }
    master = {"node.name": "first", "node.roles": "master,data", "transport.port": str(port)}
    first = ElasticsearchNode(version, settings={**common, **master})
    return first, ElasticsearchNode(version, settings={**common, "node.name": "second", "node.roles": "data"})


def _unprivileged() -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
