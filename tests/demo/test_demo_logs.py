"""The replayed logs: whatever they go through, the lines on disk are those of the samples."""

import gzip
from fnmatch import fnmatch

import pytest

from shipper import resources
from shipper.demo.logs import lines_of, replayed_logs

TSTAT, GRIDFTP, STORM = range(3)


@pytest.fixture
def logs(tmp_path):
    return replayed_logs(resources.demo_samples(), tmp_path)


def contents_below(folder):
    """Every file's uncompressed bytes, by name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in files
    }


def test_a_new_directory_begins_and_the_old_file_stays(logs, tmp_path):
    tstat = logs[TSTAT]
    tstat.grow(1000)
    tstat.turn_over()
    tstat.grow(tstat.left)
    assert contents_below(tmp_path / "tstat") == {
        "2026_11_21_15_16.out/log_tcp_complete": (resources.demo_samples() / "tstat-tcp-complete-16.log").read_bytes(),
        "2026_11_21_15_17.out/log_tcp_complete": (resources.demo_samples() / "tstat-tcp-complete-17.log").read_bytes(),
    }


@pytest.mark.parametrize(
    ("which", "sample", "rotated"),
    [
        (GRIDFTP, "gridftp-transfer.log", "gridftp-transfer.log.1"),
        (STORM, "storm-backend.log", "storm-backend-20??-??-??.log.gz"),
    ],
)
def test_the_rotated_and_the_present_file_make_up_the_sample(logs, tmp_path, which, sample, rotated):
    log = logs[which]
    log.grow(10_001)
    log.turn_over()
    log.grow(log.left)
    on_disk = {name: content for name, content in contents_below(tmp_path).items() if "tstat" not in name}
    (old,) = [content for name, content in on_disk.items() if fnmatch(name, rotated)]
    assert len(on_disk) == 2
    assert old + on_disk[sample] == (resources.demo_samples() / sample).read_bytes() == log.content


def test_a_copied_and_truncated_log_keeps_its_inode(logs):
    gridftp = logs[GRIDFTP]
    gridftp.grow(5000)
    inode = gridftp.path.stat().st_ino
    gridftp.turn_over()
    assert gridftp.path.stat().st_ino == inode
    assert gridftp.path.stat().st_size == 0


def test_a_compressed_log_goes_on_in_a_new_file(logs):
    storm = logs[STORM]
    storm.grow(5000)
    storm.turn_over()
    assert not storm.path.exists()
    storm.grow(10)
    assert storm.path.read_bytes() == storm.second[:10]


def test_only_complete_lines_are_counted(logs):
    gridftp = logs[GRIDFTP]
    end_of_line = gridftp.first.index(b"\n") + 1
    gridftp.grow(end_of_line - 1)
    assert gridftp.lines == 0
    gridftp.grow(1)
    assert gridftp.lines == 1


def test_lines_are_found_by_number_in_plain_and_in_compressed_files(tmp_path):
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.1.gz"
    plain.write_bytes(b"one\ntwo\nthree\n")
    packed.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    assert lines_of(plain, 2, 3) == lines_of(packed, 2, 3) == [b"two\n", b"three\n"]
