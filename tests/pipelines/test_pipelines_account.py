"""Every sample file goes through a pipeline; every line of it becomes something, and no line is unparsed."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest
from support.sample_logs import FILES, ROUTES, SAMPLES, ParsedLog, content, line_count, parse_routed, route

REFUSED = {
    "tstat/killed_truncated/2026_11_21_23_21.out/log_http_complete": (1, "the last row was cut by SIGKILL"),
    "tstat/killed_truncated/2026_11_21_23_21.out/log_tcp_complete": (1, "the last row was cut by SIGKILL"),
}
TAGGED = {
    "gridftp/variants/gridftp-transfer.log": ("_type_failure", 1, "an address was taken out for publication"),
    "storm/monitoring.log": ("_type_failure", 9, "the deviation of equal durations is printed as nan"),
    "storm/older/storm-backend-metrics-2016.log": ("_type_failure", 1, "a mean of nothing is NaN in Java"),
    "storm/older/storm-backend-metrics-1.11.17.log": ("_type_failure", 1, "a rate of no time is Infinity in Java"),
}
UNTAGGED_OTHERWISE = {"_columnsfailure", "_grokparsefailure", "_kvfailure", "_type_failure", "_line_incomplete"}


def damage(log: ParsedLog) -> dict[str, int]:
    """How many documents carry each tag of a failure."""
    tags = [tag for document in log.documents for tag in document["tags"] if tag in UNTAGGED_OTHERWISE]
    return {tag: tags.count(tag) for tag in sorted(set(tags))}


@pytest.mark.parametrize("name", FILES)
def test_every_line_of_a_sample_is_shipped_filtered_or_refused(name: str) -> None:
    assert parse_routed(name).lines == line_count(content(SAMPLES / name))


@pytest.mark.parametrize("name", FILES)
def test_no_line_is_unparsed_and_only_known_damage_is_refused_or_tagged(name: str) -> None:
    log = parse_routed(name)
    assert log.unparsed == 0
    assert len(log.refused) == REFUSED.get(name, (0, ""))[0]
    tag, count, _ = TAGGED.get(name, ("", 0, ""))
    assert damage(log) == ({tag: count} if count else {})


def test_the_samples_are_all_there() -> None:
    assert len(FILES) >= 160
    assert {route(name) for name in FILES} == {pipeline for _, pipeline in ROUTES}


def test_the_readme_of_the_samples_says_what_each_of_them_is() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (SAMPLES / "README.md").read_text(), re.MULTILINE)
    said = {row: [name for name in FILES if fnmatch(name, row) or fnmatch(name, f"{row}/*")] for row in rows}
    assert [row for row, names in said.items() if not names] == []
    assert sorted(set(FILES).difference(*said.values())) == []
