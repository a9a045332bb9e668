"""A host whose documents are in a cluster, audited by the command as a person types it at night."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from shipper import cli, config
from shipper.settings import Settings
from support.elasticsearch_node import ElasticsearchNode
from support.site import HOST, Site, transfer

ALIAS = "shipper-gridftp.transfer-default"
OCTOBER, NOVEMBER, DECEMBER = (f"{ALIAS}-2026.{month}" for month in (10, 11, 12))

OLD = 20
"""The first so many of the log's lines are of October, the others of November."""
LINES = [
    *(transfer(number).replace(b"=20261121", b"=20261021") for number in range(OLD)),
    *(transfer(number) for number in range(OLD, 60)),
]


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON document."""
        assert self.out, self.err
        return dict(json.loads(self.out))

    @property
    def found(self) -> list[tuple[str, str, str, int | None, int | None, str | None]]:
        """The findings in short: kind, cause, file, first and last line, repair."""
        return [
            (f["kind"], f["cause"], Path(f["path"]).name, f["first_line"], f["last_line"], f["repair"])
            for f in self.report["findings"]
        ]

    @property
    def evidence(self) -> list[str]:
        """What is told of each finding."""
        return [f["evidence"] for f in self.report["findings"]]

    @property
    def next(self) -> str:
        """The command that the text ends with."""
        return self.out.splitlines()[-1].removeprefix("Next: shipper ")


class AuditedCluster(Site):
    """A log of two months, shipped to a node; and what a test does to it there."""

    def __init__(
        self, root: Path, node: ElasticsearchNode, *, host: str = HOST, namespace: str = "default", **output: Any
    ) -> None:
        super().__init__(root)
        self.namespace = namespace
        self.node = node
        self.host = host
        self.configure(**output)

    @property
    def settings(self) -> Settings:
        """What the configuration's file says."""
        return config.load(self.configuration)

    def configure(self, **output: Any) -> None:
        """Write the configuration that commands and agent read; `output` is what it says of the cluster."""
        cluster = json.dumps({"elasticsearch": {"hosts": [self.node.url], **output}})
        self.configuration.write_text(
            f"host: {self.host}\nstate: {self.root}/state\n"
            f"inputs: [{{name: gridftp, paths: ['{self.logs}/*.log*'], pipeline: gridftp-transfer, "
            f"namespace: {self.namespace}}}]\n"
            f"output: {cluster}\n"
        )
        self.configuration.chmod(0o600)  # it may hold a secret

    @property
    def configuration(self) -> Path:
        """The configuration's file."""
        return self.root / "shipper.yml"

    def shipper(self, *arguments: str) -> Answer:
        """A command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.execute([*arguments, "-c", str(self.configuration)])
        return Answer(code, out.getvalue(), err.getvalue())

    def asked(self, *arguments: str) -> Answer:
        """An audit, told as JSON."""
        return self.shipper("audit", "--json", *arguments)

    def repaired(self, *arguments: str) -> Answer:
        """An audit that repairs, and what it found after that."""
        return self.asked("--repair", "--apply", *arguments)

    def hit(self, line: int) -> dict[str, Any]:
        """The stored document of a line of the log, as a search gives it."""
        terms = ({"host.name": self.host}, {"log.offset": sum(map(len, LINES[: line - 1]))})
        query = {"bool": {"filter": [{"term": term} for term in terms]}}
        self.node.ask("POST", "/shipper-*/_refresh")
        (found,) = self.node.ask("POST", "/shipper-*/_search", {"query": query})["hits"]["hits"]
        return dict(found)

    def delete_all(self) -> None:
        """Delete all documents of this host."""
        query = {"size": 10_000, "query": {"term": {"host.name": self.host}}, "_source": False}
        self.node.ask("POST", "/shipper-*/_refresh")
        for found in self.node.ask("POST", "/shipper-*/_search", query)["hits"]["hits"]:
            self.node.ask("DELETE", f"/{found['_index']}/_doc/{found['_id']}")

    def delete(self, *lines: int) -> None:
        """Delete documents behind the agent's back."""
        for line in lines:
            found = self.hit(line)
            self.node.ask("DELETE", f"/{found['_index']}/_doc/{found['_id']}")

    def put(self, index: str, name: str, source: dict[str, Any]) -> None:
        """Write a document, over the one that is there or as a new one."""
        self.node.ask("PUT", f"/{index}/_doc/{name}", source)
