"""What tests of sending to a cluster begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.bulk_server import BulkServer
from support.clock import VirtualClock


@pytest.fixture
def server() -> Iterator[BulkServer]:
    with BulkServer() as running:
        yield running


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()
