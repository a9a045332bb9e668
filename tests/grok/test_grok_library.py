import subprocess
import sys

import pytest

from shipper.errors import ConfigurationError, UsageError
from shipper.grok import Library


def test_the_bundled_patterns_are_read_without_running_their_engine():
    program = (
        "import sys\nfrom shipper.grok import Library\nlibrary = Library.load()\n"
        "found = library.compile('%{IP:[source][ip]} %{NUMBER:bytes:int}').match('10.0.0.1 42')\n"
        "print(len(library), found, 'pygrok' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "302 {'source': {'ip': '10.0.0.1'}, 'bytes': 42} False\n"


def test_every_bundled_definition_compiles():
    library = Library.load()
    for name in library:
        library.compile(f"%{{{name}:x}}")


def test_the_last_definition_of_a_name_wins_and_says_what_it_hides(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    (first / "b").write_text("A from-b\n")
    (first / "a").write_text("A from-a\n\nB b\n")
    (second / "z").write_text("A from-z\n")
    library = Library.load([first, second], base=None)
    assert library["A"].body == "from-z"
    assert (library["A"].file, library["A"].line) == (str(second / "z"), 1)
    assert [(each.hidden.body, each.by.body) for each in library.shadowed] == [
        ("from-a", "from-b"),
        ("from-b", "from-z"),
    ]
    assert (library["B"].line, len(library), "C" in library) == (3, 2, False)


def test_backups_hidden_files_and_folders_are_not_read(tmp_path):
    for name in ("x~", "x.bak", ".x.swp", ".x", "x.swp"):
        (tmp_path / name).write_text("BAD bad\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "x").write_text("GOOD good\n")
    assert list(Library.load([tmp_path], base=None)) == ["GOOD"]


def test_a_blank_at_the_end_belongs_to_the_expression_and_a_carriage_return_does_not(tmp_path):
    (tmp_path / "x").write_bytes("\ufeffA  \t a \r\n  # no\n\u00c4 x\n".encode())
    library = Library.load([tmp_path], base=None)
    assert library["A"].body == "a "


def test_every_bad_line_is_reported_at_once(tmp_path):
    (tmp_path / "x").write_text("A a\nLONELY\nB b\nALONE \n")
    with pytest.raises(ConfigurationError) as raised:
        Library.load([tmp_path], base=None)
    assert [(problem.file, problem.line) for problem in raised.value.problems] == [
        (str(tmp_path / "x"), 2),
        (str(tmp_path / "x"), 4),
    ]


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path):
    (tmp_path / "x").write_bytes(b"A \xff\n")
    with pytest.raises(ConfigurationError, match="not UTF-8") as raised:
        Library.load([tmp_path], base=None)
    assert raised.value.problems[0].file == str(tmp_path / "x")


def test_a_missing_directory_and_an_unknown_base_are_refused(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        Library.load([tmp_path / "no"])
    with pytest.raises(UsageError, match="'pygrok' or none"):
        Library.load(base="logstash")
