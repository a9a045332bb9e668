"""Numbers in sentences."""

from __future__ import annotations

import pytest

from shipper.wording import counted


@pytest.mark.parametrize(("count", "words"), [(0, "0 lines"), (1, "1 line"), (2, "2 lines"), (12345, "12,345 lines")])
def test_one_thing_is_no_things(count, words):
    assert counted(count, "line") == words
