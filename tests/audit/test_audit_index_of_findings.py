"""No cause of a finding is without a test that makes exactly that damage: here is which, and each of them is looked at.

Random damage, and its repair, is the subject of `tests/model/test_damage_model.py`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shipper.audit.findings import Cause

TESTS = Path(__file__).resolve().parent.parent
CASES, CAUSES, END_TO_END = "audit/test_audit_cases.py", "audit/test_audit_causes.py", "audit/test_audit_end_to_end.py"
DAMAGE, REAL = "audit/test_audit_damage.py", "real/test_es_audit_damage.py"
SCHEDULE, SURVEY, WATCH = (f"fleet/test_fleet_{name}.py" for name in ("schedule", "survey", "watch"))

TEST_OF = {
    Cause.NEVER_ACKNOWLEDGED: f"{CASES}::test_a_ledger_that_never_counted_a_line_means_it_was_never_acknowledged",
    Cause.GONE_FROM_INDEX: f"{END_TO_END}::test_a_deleted_document_is_missing_by_line_and_repaired",
    Cause.EXPIRED: f"{REAL}::test_what_is_gone_for_its_age_is_not_brought_back_while_it_is_too_old",
    Cause.NOT_IN_INDEX: f"{CASES}::test_without_state_a_refused_document_is_missing",
    Cause.TRUNCATED: f"{CASES}::test_bytes_that_were_truncated_before_they_were_read_are_lost_at_the_source",
    Cause.DELETED: f"{CAUSES}::test_bytes_of_a_file_that_was_gone_before_they_were_read_are_lost_at_the_source",
    Cause.LOST: f"{CAUSES}::test_bytes_of_a_file_that_was_gone_before_they_were_read_are_lost_at_the_source",
    Cause.CHANGED_ON_DISK: f"{END_TO_END}::test_a_line_altered_on_disk_is_named",
    Cause.CHANGED_IN_INDEX: f"{END_TO_END}::test_all_kinds_of_damage_are_named_by_file_and_line_and_nothing_else",
    Cause.CHANGED: f"{CAUSES}::test_where_nothing_proves_either_side_disk_or_index_was_changed",
    Cause.ADDED_ON_DISK: f"{DAMAGE}::test_a_line_that_was_put_in_does_not_count_as_one_that_the_ledger_must_know",
    Cause.REMOVED_FROM_DISK: f"{END_TO_END}::test_a_line_dropped_on_disk_is_named",
    Cause.NEVER_ON_DISK: f"{REAL}::test_a_document_that_belongs_to_no_line_is_unexpected",
    Cause.BEYOND_LEDGER: f"{CAUSES}::test_a_document_too_many_is_more_than_the_ledger_counted",
    Cause.TWO_PLACES: f"{CASES}::test_the_same_id_in_two_indices_is_a_duplicate",
    Cause.TWO_FATES: (
        "audit/test_audit_two_fates.py"
        "::test_what_is_stored_and_a_dead_letter_is_told_line_by_line_with_the_command_that_settles_it"
    ),
    Cause.FILE_GONE: f"{END_TO_END}::test_a_file_that_is_gone_is_vouched_for_by_the_ledger_and_unproved_without",
    Cause.LEDGER_DISAGREES: f"{CASES}::test_a_state_that_contradicts_the_file_is_never_closed",
    Cause.AMBIGUOUS_LEDGER: (
        "audit/test_audit_samples.py::test_the_ledger_level_proves_all_but_files_that_begin_the_same"
    ),
    Cause.ANOTHER_OUTPUT: (
        f"{END_TO_END}::test_an_index_that_was_made_anew_is_not_called_closed_and_is_after_the_next_run"
    ),
    Cause.UNREADABLE: (
        f"{END_TO_END}::test_a_file_that_cannot_be_read_makes_the_audit_incomplete_and_the_others_are_audited_on"
    ),
    Cause.UNKNOWN_PIPELINE: f"{CAUSES}::test_documents_of_a_version_that_is_not_known_cannot_be_made_again",
    Cause.IGNORED_FIELD: f"{REAL}::test_a_value_that_the_index_ignores_is_counted_and_found",
    Cause.TYPE_FAILURE: f"{CAUSES}::test_values_of_another_type_and_lines_that_no_pattern_matched_are_counted_apart",
    Cause.UNPARSED: f"{CAUSES}::test_values_of_another_type_and_lines_that_no_pattern_matched_are_counted_apart",
    Cause.NO_SIGN_OF_LIFE: f"{WATCH}::test_who_gave_none_is_and_who_was_ended_is_told_so",
    Cause.AGENT_ENDED: f"{WATCH}::test_who_gave_none_is_and_who_was_ended_is_told_so",
    Cause.STANDSTILL: f"{SURVEY}::test_a_stall_is_told_with_its_reason",
    Cause.OVERDUE: f"{SCHEDULE}::test_an_hour_is_late_only_when_its_lines_are_due",
    Cause.NEVER_CAME: f"{SCHEDULE}::test_an_hour_that_is_not_there_when_the_next_one_is_due_never_came",
    Cause.FEWER: f"{SURVEY}::test_an_amount_out_of_the_band_is_unusual_and_says_how_that_is_known",
    Cause.MORE: f"{SURVEY}::test_an_amount_out_of_the_band_is_unusual_and_says_how_that_is_known",
    Cause.OTHER_VERSION: f"{WATCH}::test_versions_are_compared_as_numbers",
    Cause.OTHER_PIPELINE: f"{WATCH}::test_a_pipeline_that_differs_from_that_of_most_is_told",
    Cause.CLOCK_AHEAD: f"{WATCH}::test_a_clock_that_is_ahead_is_told",
    Cause.NO_LEDGER: f"{SURVEY}::test_a_host_that_writes_no_ledger_is_not_proved",
    Cause.TORN_LEDGER: f"{SURVEY}::test_a_ledger_of_which_a_part_is_gone_proves_nothing_and_is_mended_by_the_agent",
}
"""A test of each cause; most have more."""


def source_of(name: str) -> str:
    """What a test says, with its decorators; empty if there is no such test."""
    path, _, function = name.partition("::")
    file = TESTS / path
    text = file.read_text() if file.exists() else ""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            parts = [*node.decorator_list, node]
            return "\n".join(ast.get_source_segment(text, part) or "" for part in parts)
    return ""


def test_every_cause_has_a_test() -> None:
    assert set(TEST_OF) == set(Cause)


@pytest.mark.parametrize("cause", TEST_OF, ids=lambda cause: cause.name)
def test_the_test_is_there_and_expects_this_cause(cause: Cause) -> None:
    source = source_of(TEST_OF[cause])
    assert source, "there is no such test"
    assert f'"{cause.value}"' in source or f"Cause.{cause.name}" in source
