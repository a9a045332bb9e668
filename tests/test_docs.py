"""The documents tell the truth: their console sessions are run, their links lead somewhere."""

import os
import re
import sys
from pathlib import Path

import pytest
from support.transcript import commands_in, differs, run_session

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(document):
    """The anchors of a document's headings, as code hosting sites make them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(document):
    for target in LINK.findall(document.read_text()):
        place, _, anchor = target.partition("#")
        if "://" in place:
            continue
        file = document.parent / place if place else document
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_what_is_there(document):
    assert not list(broken_links(document))


@pytest.mark.slow
def test_the_tour_of_the_readme_prints_what_it_shows(tmp_path):
    commands = commands_in((ROOT / "README.md").read_text())
    assert len(commands) >= 5, "the README has lost its tour"
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
    }
    outputs = run_session(commands, folder=tmp_path, environment=environment)
    assert len(outputs) == len(commands)
    for command, (printed, code) in zip(commands, outputs, strict=True):
        assert code in {0, 1}, f"$ {command.text}\n{printed}\nended with exit code {code}"
        assert not (problem := differs(command.expected, printed)), f"$ {command.text}\n{problem}"


def test_a_picture_of_the_demo_is_in_the_readme():
    picture = ROOT / "docs" / "demo.svg"
    assert "docs/demo.svg" in (ROOT / "README.md").read_text()
    shown = picture.read_text().replace("&#160;", " ")
    assert "All promises kept" in shown
    assert shown.count("Verdict: closed") == 2


def test_output_that_differs_from_the_document_is_noticed():
    assert differs(["one", "two"], "one\n2\n")
    assert differs(["one"], "one\ntwo\n")
    assert not differs(["one … three", "…", "end"], "one two three\nanything\nat all\nend\n")
    assert differs(["one", "…", "end"], "one\nanything\n")
    assert not differs([], "a command that is shown without its output\n")


def test_commands_and_their_output_are_told_apart():
    document = "Text\n```console\n$ cat > a <<END\n> x\n> END\n$ cat a\nx\n```\n```sh\n$ not run\n```\n"
    commands = commands_in(document)
    assert [(command.text, command.expected) for command in commands] == [
        ("cat > a <<END\nx\nEND", []),
        ("cat a", ["x"]),
    ]


def test_a_session_is_one_shell(tmp_path):
    commands = commands_in(
        "```console\n$ mkdir a && cd a\n$ pwd\n$ cat > b <<'END'\n> x\n> END\n$ cat b; (exit 1)\n```\n"
    )
    outputs = run_session(commands, folder=tmp_path, environment=dict(os.environ))
    assert outputs == [("", 0), (f"{tmp_path}/a\n", 0), ("", 0), ("x\n", 1)]
