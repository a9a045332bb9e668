"""Coverage counts what a person would count by hand, in bounded memory."""

import gzip
import json
import random
import subprocess
import sys
from itertools import count

import pytest

from shipper.cli import execute
from shipper.grok import Library
from shipper.grok.coverage import MAX_CLUSTERS, MAX_DISTINCT, Coverage, Line
from shipper.grok.timing import Timing

LIBRARY = Library.load()


def covered(lines, *patterns, seconds=0, types=None, clock=None):
    coverage = Coverage(
        [LIBRARY.compile(each) for each in patterns], clock or count(0, 50).__next__, seconds, types or {}
    )
    coverage.add([Line("a.log", number, text) for number, text in enumerate(lines, 1)])
    return coverage


def test_lines_that_match_and_that_do_not_are_counted():
    coverage = covered(["a 1", "b", "c 2"], r"^\w %{INT:n}$")
    assert (coverage.lines, coverage.matched, coverage.failed, coverage.timed_out) == (3, 2, 1, 0)


def test_failures_of_one_shape_are_one_cluster_with_its_first_line():
    lines = ["x 10.0.0.1 from /a/b", "ok 1", "x 10.9.8.7 from /c", 'y "q" 5', 'y "rr" 99']
    coverage = covered(lines, "^ok")
    assert {shape: (each.count, each.example.number) for shape, each in coverage.clusters.items()} == {
        "x <ip> from <path>": (2, 1),
        "y <quoted> <number>": (2, 4),
    }


def test_clusters_have_a_limit_beyond_which_failures_are_only_counted():
    words = ["".join(letters) for letters in _words(MAX_CLUSTERS + 7)]
    coverage = covered(words, "^0$")
    assert (len(coverage.clusters), coverage.other_failures, coverage.failed) == (MAX_CLUSTERS, 7, MAX_CLUSTERS + 7)


def _words(number):
    for index in range(number):
        yield [chr(ord("a") + index // 26**place % 26) for place in range(3)]


def test_alternatives_that_never_match_have_no_hits():
    coverage = covered(["1", "a", "2"], "^%{INT}$", "^%{IP}$", "^%{WORD}$")
    assert [each.hits for each in coverage.alternatives] == [2, 0, 1]


def test_alternatives_within_an_expression_are_counted_as_they_are_taken():
    library = Library.from_definitions({"ANY": r"^a\d|%{B}", "B": r"^b|^a", "C": "never"})
    grok = library.compile("%{ANY}|%{C}")
    coverage = Coverage([grok], count().__next__, 0)
    coverage.add([Line("-", 1, text) for text in ("a1", "b", "ax", "zzz", "x\na2")])
    hits = {each.pattern: each.hits for each in coverage.alternatives}
    assert hits == {r"^a\d": 2, "^b": 1, "^a": 1, "%{C}": 0}


def test_fields_say_how_often_they_are_filled_and_by_what():
    coverage = covered(["1 a", "22 ", "x 7", "22 a"], r"^(?<n>\w+) (?<rest>.*)$", types={"n": "int"})
    number, rest = coverage.fields["n",], coverage.fields["rest",]
    assert (number.filled, number.distinct, number.kinds, number.misfits) == (4, 3, {"integer": 3, "text": 1}, 1)
    assert (rest.filled, rest.distinct, rest.kinds, rest.misfits) == (3, 2, {"text": 2, "integer": 1}, 0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("1.5e3", "number"), ("-", "text"), ("::1", "ip"), ("12:30:45", "text"), ("true", "boolean"), ("007", "integer")],
)
def test_values_are_told_apart_by_what_they_look_like(text, kind):
    assert covered([text], "^(?<x>.*)$").fields["x",].kinds == {kind: 1}


def test_distinct_values_have_a_limit_that_is_said():
    field = covered(map(str, range(MAX_DISTINCT)), "^(?<x>.*)$").fields["x",]
    assert (field.distinct, field.distinct_is_complete) == (MAX_DISTINCT, True)
    field = covered(map(str, range(MAX_DISTINCT + 5)), "^(?<x>.*)$").fields["x",]
    assert (field.distinct, field.distinct_is_complete) == (MAX_DISTINCT, False)


def test_a_line_that_runs_away_is_counted_and_the_lines_after_it_are_not_lost():
    lines = ["aaa", "a" * 60 + "b", "aaa", "x"]
    coverage = covered(lines, "^(?:a|a|aa)+$", seconds=0.1)
    assert (coverage.matched, coverage.failed, coverage.timed_out) == (2, 1, 1)
    assert coverage.slowest[1].number == 2


def test_the_slowest_line_and_the_time_of_matches_and_failures_are_kept():
    times = iter([0, 1000, 5000, 5300, 6000, 16000])
    coverage = covered(["1", "2", "x"], "^%{INT}$", clock=times.__next__)
    assert coverage.slowest == (10_000, Line("a.log", 3, "x"))
    assert (coverage.match_times.percentile(0.5), coverage.match_times.longest) == (0.3, 1000)
    assert coverage.failure_times.percentile(0.99) == 10


def test_percentiles_are_those_of_the_sorted_times_to_the_step():
    times = random.Random(3).choices(range(10_000_000), k=999)
    timing = Timing()
    timing.add(times)
    for share in (0.5, 0.99):
        exact = sorted(times)[int(share * 999)] / 1000
        assert exact - 100 <= timing.percentile(share) <= exact
    assert timing.longest == max(times)


def test_the_command_reports_what_matched_and_what_did_not(tmp_path, capsys):
    plain, packed = tmp_path / "a.log", tmp_path / "b.log.gz"
    plain.write_text("1 a\n\x1b[31m no\n")
    packed.write_bytes(gzip.compress(b"2 b\n3 c\n"))
    assert execute(["grok", "coverage", "^%{INT:n:int} ", str(plain), str(packed)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("4 lines: 3 matched (75.00 %), 1 did not, 0 took too long.")
    assert f"1 like {plain}:2" in out
    assert "\x1b" not in out
    assert "slowest line: " in out
    assert execute(["grok", "coverage", "^%{INT:n:int} ", str(packed)]) == 0


def test_the_json_report_has_counts_clusters_alternatives_fields_and_times(tmp_path, capsys):
    path = tmp_path / "a.log"
    path.write_text("1\nx 1\nx 2\n")
    assert execute(["grok", "coverage", "--json", "^%{INT:n}$|^%{IP:ip}$", str(path)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["lines"], report["matched"], report["failed"]) == (3, 1, 2)
    assert report["clusters"][0]["shape"] == "x <number>"
    assert report["clusters"][0]["example"] == {"file": str(path), "line": 2, "text": "x 1"}
    assert report["clusters"][0]["found"] == "x 1"
    assert [each["hits"] for each in report["alternatives"]] == [1, 0]
    assert report["fields"]["n"]["fill_rate"] == 1
    assert report["fields"]["ip"]["filled"] == 0
    assert report["microseconds"]["matched"]["max"] > 0
    assert report["slowest"]["file"] == str(path)


def test_the_types_of_a_pipeline_are_held_against_the_values(tmp_path, capsys):
    path = tmp_path / "heartbeat.log"
    path.write_text("[2026-11-22 00:25:22,025]: x\n")
    assert execute(["grok", "coverage", "--json", "--pipeline", "storm-heartbeat", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["fields"]["[storm][text]"]["kinds"] == {"text": 1}


def peak_of(path, pattern):
    """MiB that a process needs to cover a file, and its report."""
    # Not ru_maxrss: it remembers the process that this one was forked from.
    program = (
        "import re, sys\nfrom shipper.cli import execute\n"
        "execute(sys.argv[1:])\nstatus = open('/proc/self/status').read()\n"
        "print(int(re.search(r'VmHWM:\\s+([0-9]+)', status)[1]) // 1024, file=sys.stderr)"
    )
    arguments = ["grok", "coverage", "--json", pattern, str(path)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return int(done.stderr), json.loads(done.stdout)


def write_lines(path, lines):
    """Access log lines with a user that is new on each; every tenth is of a shape of its own."""
    words = random.Random(7)
    with path.open("w") as file:
        for number in range(lines):
            user = "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=20))
            if number % 10 == 0:
                file.write(f"{user} went {user[::-1]}\n")
            else:
                file.write(
                    f'10.0.{number % 256}.1 - {user} [22/Nov/2026:00:00:00 +0000] "GET /{user} HTTP/1.1" 200 {number} '
                    f'"-" "curl/{number % 9}"\n'
                )


def test_memory_does_not_grow_with_the_lines(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    write_lines(small, 20_000)
    write_lines(large, 80_000)
    (before, _), (after, report) = peak_of(small, "^%{COMBINEDAPACHELOG}$"), peak_of(large, "^%{COMBINEDAPACHELOG}$")
    assert (report["matched"], report["failed"]) == (72_000, 8_000)
    assert after - before < 8
    assert after < 200


@pytest.mark.long
def test_a_million_lines_take_less_than_200_megabytes(tmp_path):
    path = tmp_path / "million.log"
    write_lines(path, 1_000_000)
    peak, report = peak_of(path, "^%{COMBINEDAPACHELOG}$")
    sys.stderr.write(f"coverage of 1 million lines: {peak} MiB, {report['microseconds']}\n")
    assert (report["matched"], report["failed"]) == (900_000, 100_000)
    assert peak < 200
