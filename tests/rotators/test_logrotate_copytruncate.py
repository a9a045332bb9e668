"""A real logrotate that copies and truncates: lost is only what was written between the two."""

from __future__ import annotations

import pytest
from support.logrotate import require_logrotate
from support.rotated import LINES, Rotated, live_through, numbers_in_order, numbers_on_disk, without_pieces
from support.steady_writer import LINE

DATED = ["dateext", "dateformat -%Y%m%d-%s"]
COPIED = {
    "copytruncate": (["copytruncate"], False),
    "copytruncate compress": (["copytruncate", "compress"], False),
    "copytruncate dateext delaycompress": (["copytruncate", *DATED, "compress", "delaycompress"], False),
    "copytruncate compress, a writer that buffers": (["copytruncate", "compress"], True),
}
"""Between the copy and the truncation lines are lost, and that is nobody's fault but copytruncate's."""


@pytest.fixture(autouse=True)
def _installed():
    require_logrotate()


@pytest.mark.slow
@pytest.mark.parametrize("case", COPIED)
def test_of_copied_and_truncated_files_only_what_is_in_no_file_is_missing_and_the_audit_names_what_was_seen(
    tmp_path, case
):
    directives, torn = COPIED[case]
    host = Rotated.of(tmp_path, directives, torn=torn)
    live_through(host)
    numbers = [number for messages in host.agent.sources() for number in numbers_in_order(without_pieces(messages))]
    on_disk = numbers_on_disk(host.agent.logs)
    missing = set(range(LINES)) - set(numbers)
    verdict, findings = host.agent.verdict()
    named = sum(size for cause, size in findings if cause == "truncated before read")
    # Read after the copy, and the agent was killed before it could record that they are stored.
    unexpected = [cause for cause, _ in findings if cause == "never on disk"]
    print(f"{len(missing) * LINE} bytes are in no file any more; the audit names {named}")  # noqa: T201

    assert len(set(numbers)) == len(numbers)
    assert not missing & on_disk
    assert named <= len(missing) * LINE
    assert len(unexpected) <= len(set(numbers) - on_disk)
    assert {cause for cause, _ in findings} <= {"truncated before read", "never on disk"}
    assert verdict == ("findings" if findings else "closed")
