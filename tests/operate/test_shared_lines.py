"""What files that begin alike have in common; with the real agent, against lines counted by hand."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.cli import execute
from shipper.shared_lines import common_beginning

HEADER = b"#15#c_ip:1 c_port:2 c_pkts:3\n"


def lines(*numbers):
    return b"".join(b"10.0.0.%d 50%03d %d and no more of it\n" % (number % 250, number, number) for number in numbers)


class Bytes:
    """Content in memory."""

    def __init__(self, data):
        self.data = data

    def pread(self, size, offset):
        return self.data[offset : offset + size]


@given(some.binary(max_size=40), some.binary(max_size=40), some.binary(max_size=40), some.integers(0, 60))
def test_the_common_beginning_is_that_of_a_comparison_byte_by_byte(start, one, other, limit):
    left, right = start + one, start + other
    equal = 0
    while equal < min(len(left), len(right), limit) and left[equal] == right[equal]:
        equal += 1
    expected = left[: left.rfind(b"\n", 0, equal) + 1]
    assert common_beginning(Bytes(left), Bytes(right), limit) == expected


def test_a_common_beginning_of_many_blocks_is_found():
    start = lines(*range(20_000))
    assert len(start) > 500_000
    assert common_beginning(Bytes(start + b"a\n"), Bytes(start + b"b\n"), 1 << 24) == start
    assert common_beginning(Bytes(start), Bytes(start + b"b\n"), 1 << 24) == start


@pytest.fixture
def totals_of(tmp_path, capsys):
    (tmp_path / "logs").mkdir()

    def ship(pipeline, **contents):
        for name, data in contents.items():
            packed = gzip.compress(data) if name.endswith("gz") else data
            (tmp_path / "logs" / name).write_bytes(packed)
        path = tmp_path / "shipper.yml"
        path.write_text(f"host: h1\nstate: state\ninputs: [{{name: a, paths: [logs/*], pipeline: {pipeline}}}]\n")
        assert execute(["run", "--once", "--json", "-c", str(path)]) == 0
        capsys.readouterr()
        execute(["status", "--json", "-c", str(path)])
        answer = json.loads(capsys.readouterr().out)
        return answer["totals"]["stored"], answer["totals"]["filtered"]

    return ship


def test_files_that_share_their_first_lines_count_them_once(totals_of):
    stored, filtered = totals_of(
        "tstat-tcp", one=HEADER + lines(1, 2, 3, 4), two=HEADER + lines(1, 2, 30), three=HEADER + lines(1, 20)
    )
    assert stored == len({1, 2, 3, 4}) + len({30}) + len({20})
    assert filtered == {"header": 1}


def test_archives_and_copies_of_files_that_parted_count_once(totals_of):
    first, second = lines(1, 2, 3), lines(1, 2, 30)
    stored, _ = totals_of("raw", one=first, one_gz=first, two=second, two_gz=second, short=lines(1, 2))
    assert stored == 4


def test_the_same_line_after_another_history_is_another_line(totals_of):
    assert totals_of("raw", one=lines(1, 2, 9), two=lines(1, 3, 9))[0] == 5
