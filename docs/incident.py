"""Plays an incident and writes the section of docs/audit.md that tells it: what is typed, and what the program prints.

Usage: python docs/incident.py URL

The URL is that of an Elasticsearch cluster that nobody needs: an agent ships a night's logs to it, its disk seems to be
full, a machine restarts, logs and documents are deleted. What differs from one time to the next is `…` in the section.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any

from shipper import cli

DOCUMENT = Path(__file__).with_name("audit.md")
HEADING = "## An incident"
COMMAND = "python docs/incident.py URL"
HOST = "dtn07.example.org"
PLACE = "/srv/dtn07"
"""Where the story happens, for its readers."""
CLUSTER = "http://localhost:9200"
NIGHT = datetime(2026, 10, 14, tzinfo=UTC)
INDEX = "shipper-gridftp.transfer-default-2026.10"
DEADLINE = 120.0
CONFIGURATION = """\
host: {host}
state: state
output: {{elasticsearch: {{hosts: ['{url}']}}}}
inputs:
  - {{name: gridftp, paths: ['logs/gridftp-transfer.log*'], pipeline: gridftp-transfer}}
  - {{name: webdav, paths: ['logs/webdav/*.log'], pipeline: storm-webdav-access}}
"""

BEGINNING = (
    "On the night of 14 October 2026 the data node `dtn07` lost a part of its logs, and the index another one. This is "
    f"that night, played by `{COMMAND}`; a test plays it again and compares every word. At 03:00 the disk of the "
    "cluster is nearly full, and the index of the transfers is closed for writing. Who looks now, sees that the agent "
    "holds back what it cannot ship, and why:"
)
AFTERWARDS = (
    "Nobody looks. At 04:00 `dtn07` is switched off and on for an update, and a script that runs at boot empties the "
    "transfer log. To make room, somebody deletes all documents older than 01:00, and the index takes documents again. "
    "The agent ships what it finds, and all seems well. In the morning a plot has holes, and somebody asks what is "
    "missing:"
)

Ask = Callable[[str, str, Any], Any]
"""One request to the cluster: method, target, body."""


def main() -> None:
    """Play the incident, and write the section."""
    url = sys.argv[1]

    def ask(method: str, target: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url + target, data, headers, method=method)) as answer:
            return json.loads(answer.read())

    with TemporaryDirectory(prefix="incident-") as folder:
        told = Incident(Path(folder), url, ask).told()
    DOCUMENT.write_text(with_section(DOCUMENT.read_text(), told))


def section(document: str) -> str:
    """The section as it stands in the document."""
    begin = document.index(HEADING)
    return document[begin : document.index("\n## ", begin) + 1]


def with_section(document: str, told: str) -> str:
    """The document with another text of the section."""
    return document.replace(section(document), told)


class Incident:
    """A host in a folder, and what happens to it."""

    def __init__(self, folder: Path, url: str, ask: Ask) -> None:
        self._folder = folder.resolve()
        self._url = url
        self._ask = ask
        self._log = folder / "logs" / "gridftp-transfer.log"
        self._kept = b""
        self._text: list[str] = []

    def told(self) -> str:
        """The section."""
        (self._folder / "logs" / "webdav").mkdir(parents=True)
        (self._folder / "shipper.yml").write_text(CONFIGURATION.format(host=HOST, url=self._url))
        with contextlib.chdir(self._folder):
            self._night()
            self._morning()
        return "\n".join([HEADING, "", *self._text, ""])

    def _night(self) -> None:
        """What nobody saw: three hours are shipped; then the index takes nothing, and the machine restarts."""
        self._transfers(0, 180)
        self._requests()
        with self._agent():
            self._until(lambda: self._status()["totals"]["stored"] == 420)
            self._ask("PUT", f"/{INDEX}/_settings", {"index.blocks.write": True})
            self._transfers(180, 240)
            self._kept = self._log.read_bytes()
            self._until(lambda: bool(self._status()["stalls"]))
            self._say(BEGINNING)
            self._shown("status -c shipper.yml", 1)
            self._say(AFTERWARDS)
        self._log.write_bytes(b"")
        self._transfers(250, 360)
        self._ask("PUT", f"/{INDEX}/_settings", {"index.blocks.write": None})
        self._typed("run --once")
        self._delete_before("2026-10-14T01:00:00Z", 120)

    def _delete_before(self, moment: str, expected: int) -> None:
        """Delete the host's documents of an earlier time, as a script for cleaning up does."""
        old = [{"term": {"host.name": HOST}}, {"range": {"@timestamp": {"lt": moment}}}]
        self._ask("POST", "/shipper-*-2026.10/_refresh", None)
        query = {"size": 1000, "_source": False, "query": {"bool": {"filter": old}}}
        hits = self._ask("POST", "/shipper-*-2026.10/_search", query)["hits"]["hits"]
        assert len(hits) == expected, hits
        for hit in hits:
            self._ask("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}", None)

    def _morning(self) -> None:
        """What a person does about it."""
        self._shown("audit -c shipper.yml --html incident.html", 1)
        self._say(
            "Three things at once. The access log of WebDAV is on disk, so its lines are named by their numbers, and "
            "can be sent again. The transfers of the hours before the restart are not on disk any more: the ledger "
            "vouches for what the index still holds of them, and says how many it lost. And nobody has those of the "
            "last hour: the agent had seen the bytes, and could not read them any more. The page `incident.html` "
            "shows the same by time."
        )
        self._say(
            "A backup of 03:59 has the transfer log as it was. It is put beside the new one, under a name that the "
            "input matches. Files are known by their content: the agent ships the lines that it does not know, and "
            "only those."
        )
        (self._folder / "backup").mkdir()
        (self._folder / "backup" / "gridftp-transfer.log").write_bytes(self._kept)
        copy = "cp backup/gridftp-transfer.log logs/gridftp-transfer.log.restored"
        subprocess.run(shlex.split(copy), check=True)
        self._shown("run -c shipper.yml --once", 0, after=copy)
        self._say(
            "What was lost before it was read is there. What was deleted is on disk again, so it can be repaired:"
        )
        self._shown("audit -c shipper.yml --repair", 1)
        self._say("That is the plan, and changes nothing. It is carried out by the command that the last line names:")
        self._shown("audit -c shipper.yml --repair --apply", 0)
        self._say(
            "Closed: each line on disk is in the index, once. What a repair creates has the ids that were deleted, so "
            "nobody needs to know what was deleted and why, and the agent may run meanwhile. Without the backup the "
            "audit would go on to name both losses of the transfer log: nothing makes up for them."
        )

    def _transfers(self, first: int, last: int) -> None:
        """The transfers of some minutes of the night."""
        with self._log.open("ab") as file:
            for minute in range(first, last):
                at = NIGHT + timedelta(minutes=minute)
                file.write(
                    f"DATE={at + timedelta(seconds=20):%Y%m%d%H%M%S}.250000 HOST={HOST} PROG=globus-gridftp-server "
                    f"NL.EVNT=FTP_INFO START={at:%Y%m%d%H%M%S}.500000 USER=alice FILE=/data/run{minute:04}.h5 "
                    f"BUFFER=131072 BLOCK=262144 NBYTES={minute * 7919 % 1000003} VOLUME=/ STREAMS=4 STRIPES=1 "
                    f"DEST=[192.0.2.7] TYPE=RETR CODE=226\n".encode()
                )

    def _requests(self) -> None:
        """The requests to WebDAV of the hours before the update."""
        with (self._folder / "logs" / "webdav" / "access.log").open("wb") as file:
            for minute in range(240):
                at = NIGHT + timedelta(minutes=minute)
                file.write(
                    f'192.0.2.31 8443 "CN=alice" {at:%Y-%m-%dT%H:%M:%S}.125Z "{minute:08x}-0000-4000-8000-00000000" '
                    f'"GET /atlas/run{minute:04}.h5 HTTP/1.1" 200 {minute * 104729 % 1000003} 12\n'.encode()
                )

    @contextlib.contextmanager
    def _agent(self) -> Iterator[None]:
        """An agent, which ends as with its machine."""
        words = [sys.executable, "-m", "shipper", "run", "-c", "shipper.yml"]
        with (self._folder / "agent.log").open("wb") as said:
            process = subprocess.Popen(words, stdout=said, stderr=said)
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _status(self) -> dict[str, Any]:
        _, printed = self._typed("status --json")
        return json.loads(printed) if printed.startswith("{") else {"stalls": [], "totals": {"stored": 0}}

    @staticmethod
    def _until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, "the story does not go on"

    def _typed(self, command: str) -> tuple[int, str]:
        """The exit code of a command, and what it printed."""
        words = shlex.split(command)
        words += [] if "-c" in words else ["-c", "shipper.yml"]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = cli.execute(words)
        return code, out.getvalue()

    def _shown(self, command: str, expected: int, after: str = "") -> None:
        """A command with what it prints, perhaps after one of the shell that prints nothing."""
        code, printed = self._typed(command)
        assert code == expected, printed
        before = f"$ {after}\n" if after else ""
        self._text.append(f"```text\n{before}$ shipper {command}\n{self._normal(printed).rstrip()}\n```\n")

    def _say(self, text: str) -> None:
        self._text.append(fill(text, 120, break_on_hyphens=False, break_long_words=False) + "\n")

    def _normal(self, printed: str) -> str:
        """Without what differs each time: folders, addresses, what the day is, and how long it took."""
        text = printed.replace(str(self._folder), PLACE).replace(self._url, CLUSTER)
        text = re.sub(r"\bin \d+(\.\d+)? s\b", "in … s", text)
        text = re.sub(r"(?<=^Output )\S+(?=\.$)|(?<=Stall since )\S+(?=:)", "…", text, flags=re.MULTILINE)
        return re.sub(r" \d+ (d|h|min|s)(?= )", lambda age: f"{'…':>{len(age[0])}}", text)


if __name__ == "__main__":
    main()
