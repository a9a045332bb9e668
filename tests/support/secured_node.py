"""A real Elasticsearch node with security on: passwords, API keys and privileges, and with small limits if wanted.

The trimmed distribution that tests run lacks three analysis components which the mapping of the index of API keys
names; without them no key can be made. They serve the search of users by e-mail address, which no test does, so a
plugin registers stand-ins that change nothing. It is compiled against the node's own libraries.
"""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.elasticsearch_node import NINE, ElasticsearchNode, _least_java, _unprivileged, find_java

USER = "elastic"
PASSWORD = "only-for-tests"
"""Of nodes that live as long as a test."""

_PLUGIN = """
package standins;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

public class StandIns extends Plugin implements AnalysisPlugin {
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new HashMap<>();
        for (String wanted : List.of("pattern_capture", "unique")) {
            filters.put(wanted, (index, environment, name, settings) -> new TokenFilterFactory() {
                public String name() { return name; }
                public TokenStream create(TokenStream tokens) { return tokens; }
            });
        }
        return filters;
    }

    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("uax_url_email", (index, environment, name, settings) -> new TokenizerFactory() {
            public String name() { return name; }
            public Tokenizer create() { return new WhitespaceTokenizer(); }
        });
    }
}
"""


class SecuredNode(ElasticsearchNode):
    """A node that knows the superuser `USER`; `ask` speaks as that user, or as another with `authorization`."""

    def __init__(self, version: str = NINE, *, settings: dict[str, str] | None = None) -> None:
        security = {
            "xpack.security.enabled": "true",
            "xpack.security.transport.ssl.enabled": "false",
            # So that roles can hide documents and fields.
            "xpack.license.self_generated.type": "trial",
        }
        super().__init__(version, settings={**security, **(settings or {})})

    def ask(self, method: str, path: str, body: Any = None, *, authorization: str | None = None) -> Any:
        """One request with a JSON body and answer; an error status raises."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "authorization": authorization or basic(USER, PASSWORD)}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def status(self, method: str, path: str, body: Any = None, *, authorization: str | None = None) -> int:
        """The HTTP status that a request is answered with."""
        try:
            self.ask(method, path, body, authorization=authorization)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def make_key(self, name: str, descriptors: dict[str, Any]) -> str:
        """A new API key with these privileges and no others, as `id:key`."""
        made = self.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": descriptors})
        return f"{made['id']}:{made['api_key']}"

    def _unpack(self) -> None:
        super()._unpack()
        java = find_java(_least_java(self.version))
        assert java is not None
        self._add_plugin(Path(java))
        keystore = [str(self._home / "bin" / "elasticsearch-keystore"), "add", "-xf", "bootstrap.password"]
        if _unprivileged():
            subprocess.run(["chown", "-R", "nobody", self._folder], check=True)
        subprocess.run(
            keystore, input=PASSWORD.encode(), cwd=self._folder, env=self._environment(java), check=True,
            capture_output=True, **_unprivileged(),
        )  # fmt: skip

    def _add_plugin(self, java: Path) -> None:
        folder, source = self._home / "plugins" / "standins", self._folder / "StandIns.java"
        folder.mkdir()
        source.write_text(_PLUGIN)
        least, classes = _least_java(self.version), self._folder / "classes"
        compiler = [
            java / "bin" / "javac",
            "--release",
            str(least),
            "-cp",
            f"{self._home}/lib/*",
            "-d",
            classes,
            source,
        ]
        subprocess.run(compiler, check=True, capture_output=True)
        packer = [java / "bin" / "jar", "cf", folder / "standins.jar", "-C", classes, "."]
        subprocess.run(packer, check=True, capture_output=True)
        (folder / "plugin-descriptor.properties").write_text(
            "name=standins\ndescription=for tests\nversion=1\nclassname=standins.StandIns\n"
            f"elasticsearch.version={self.version}\njava.version={least}\n"
        )


def basic(user: str, password: str) -> str:
    """The `authorization` header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def api_key(key: str) -> str:
    """The `authorization` header of an API key, `id:key`."""
    return "ApiKey " + base64.b64encode(key.encode()).decode()
