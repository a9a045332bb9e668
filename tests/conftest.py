"""Fixtures that all tests share: real Elasticsearch nodes, started when a test first asks for them.

`elasticsearch9`, `elasticsearch8` and `opensearch` are one node each for the whole session, empty of our indices at the
start of every test; `elasticsearch` runs a test on the first two, `cluster` on all three. On a machine without Java or
Maven these tests are skipped and say so; with CI=true in the environment they fail instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from support.elasticsearch_node import EIGHT, NINE, ElasticsearchNode, missing_tools
from support.opensearch_node import OPENSEARCH, OpenSearchNode

# As in its profile for CI: how long a case takes is a question of the machine.
hypothesis_settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])

TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""Variables by which somebody says what commands cannot see: how wide it is where they print, and what it can show."""

STORIES = {"acceptance", "crash", "demo", "faults", "rotators"}
"""Folders of tests in which agents, writers and whatever kills them share a clock for many seconds."""


class RunningNodes:
    """The session's nodes by version."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._nodes: dict[str, ElasticsearchNode] = {}

    def node(self, version: str) -> ElasticsearchNode:
        """The node of the version: running, and holding nothing of ours."""
        if version not in self._nodes:
            require_tools(version)
            node = OpenSearchNode() if version == OPENSEARCH else ElasticsearchNode(version)
            self._stack.callback(node.remove)
            node.start()
            self._nodes[version] = node
        node = self._nodes[version]
        if not node.running:
            node.start()
        node.clear()
        return node


def require_tools(version: str) -> None:
    """Skip loudly what this machine cannot run; in CI that is a failure."""
    missing = missing_tools(NINE if version == OPENSEARCH else version)
    name = "OpenSearch" if version == OPENSEARCH else f"Elasticsearch {version}"
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{name} cannot be tested: {missing}")
    if missing:
        pytest.skip(f"NOT TESTED with a real {name}: {missing}")


@pytest.fixture(scope="session")
def need_elasticsearch() -> Callable[[str], None]:
    """Skips, or fails in CI, unless this machine can run the version; for tests that start a node of their own."""
    return require_tools


@pytest.fixture(scope="session")
def elasticsearch_nodes() -> Iterator[RunningNodes]:
    """All nodes of the session; stopped and deleted at its end."""
    with ExitStack() as stack:
        yield RunningNodes(stack)


@pytest.fixture
def elasticsearch9(elasticsearch_nodes: RunningNodes) -> ElasticsearchNode:
    """A real Elasticsearch 9 without indices or templates of ours."""
    return elasticsearch_nodes.node(NINE)


@pytest.fixture
def elasticsearch8(elasticsearch_nodes: RunningNodes) -> ElasticsearchNode:
    """A real Elasticsearch 8.19 without indices or templates of ours."""
    return elasticsearch_nodes.node(EIGHT)


@pytest.fixture
def opensearch(elasticsearch_nodes: RunningNodes) -> ElasticsearchNode:
    """A real OpenSearch without indices or templates of ours."""
    return elasticsearch_nodes.node(OPENSEARCH)


@pytest.fixture(params=[NINE, EIGHT])
def elasticsearch(request: pytest.FixtureRequest, elasticsearch_nodes: RunningNodes) -> ElasticsearchNode:
    """A real Elasticsearch of each supported version, without indices or templates of ours."""
    return elasticsearch_nodes.node(request.param)


@pytest.fixture(params=[NINE, EIGHT, OPENSEARCH])
def cluster(request: pytest.FixtureRequest, elasticsearch_nodes: RunningNodes) -> ElasticsearchNode:
    """A real node of everything that is supported, without indices or templates of ours."""
    return elasticsearch_nodes.node(request.param)


def pytest_configure() -> None:
    """Nothing of how the tests were started changes what commands print, or which signals reach them.

    Where a shell runs the tests in the background SIGINT is ignored, and whatever is started inherits that.
    """
    for name in TERMINAL:
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a node is a test of real servers: `-m real` and `-m 'not real'` must never split wrongly.

    `run.sh` runs both at the same time. Of real servers the long stories come first, of the others last: so each has
    beside it what minds no company.
    """
    for item in items:
        if {"elasticsearch_nodes", "need_elasticsearch"}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.path.parent.name not in STORIES:
        return 1
    return 0 if item.get_closest_marker("real") else 2
