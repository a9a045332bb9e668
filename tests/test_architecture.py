"""What keeps the code readable: import contracts, sizes, docstrings, and help for every command."""

import ast
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from shipper import cli

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "shipper").rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 40


def functions_of(module):
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def statement_lines(function):
    """Lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def commands_below(group, path):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{path} {name} is listed, but there is no such command"
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands_below(command, f"{path} {name}")


def test_the_import_contracts_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_no_module_is_too_long():
    lengths = {module.relative_to(ROOT): len(module.read_text().splitlines()) for module in MODULES}
    assert not {module: lines for module, lines in lengths.items() if lines > MODULE_LINES}


def test_no_function_is_too_long():
    too_long = [
        f"{module.relative_to(ROOT)}:{function.lineno} {function.name}: {lines} lines"
        for module in MODULES
        for function in functions_of(module)
        if (lines := statement_lines(function)) > FUNCTION_LINES
    ]
    assert not too_long


def test_every_module_says_what_it_is_for():
    silent = [
        str(module.relative_to(ROOT)) for module in MODULES if not ast.get_docstring(ast.parse(module.read_text()))
    ]
    assert not silent


def test_every_command_and_every_option_has_help():
    for path, command in commands_below(cli.shipper, "shipper"):
        assert command.get_short_help_str(limit=200), f"{path} has no help"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.opts[0]} has no help"


def test_every_subpackage_is_installed():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    declared = set(settings["options"]["packages"].split())
    present = {".".join(init.parent.relative_to(ROOT).parts) for init in (ROOT / "shipper").rglob("__init__.py")}
    assert declared == present | {"shipper.patterns", "shipper.pipelines"}


@pytest.mark.parametrize("word", ["utils", "helpers", "misc", "common"])
def test_no_module_has_a_name_that_says_nothing(word):
    assert not [str(module) for module in MODULES if module.stem == word]
