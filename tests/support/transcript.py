"""Runs the console sessions that documents show, and compares what is printed with what the document says."""

import re
import subprocess
from dataclasses import dataclass, field

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "end-of-command"


@dataclass
class Command:
    """One command of a session and the output that the document shows for it."""

    text: str
    expected: list[str] = field(default_factory=list)


def commands_in(document):
    """The commands of all ```console blocks: lines with `$ `, continued by lines with `> `; the rest is output."""
    commands = []
    for block in BLOCK.findall(document):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:]))
            elif line.startswith("> "):
                commands[-1].text += "\n" + line[2:]
            elif line == ">":
                commands[-1].text += "\n"
            else:
                commands[-1].expected.append(line)
    return commands


def run_session(commands, *, folder, environment):
    """What each command printed: standard output and standard error together, in one shell for all of them."""
    script = "".join(f"{command.text}\nprintf '%s %s\\n' {END} $?\n" for command in commands)
    answer = subprocess.run(
        ["sh"], input=script, cwd=folder, env=environment, text=True, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    outputs = re.split(rf"^{END} (\d+)\n", answer.stdout, flags=re.MULTILINE)
    return list(zip(outputs[::2], map(int, outputs[1::2]), strict=False))


def differs(expected, printed):
    """Why the printed text is not what was expected, or None. `…` stands for any text; alone, for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?"
        if line.strip() == "…"
        else ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"\s*?\n"
        for line in expected
    )
    if not expected or re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n"):
        return None
    return "expected:\n" + "\n".join(expected) + "\nprinted:\n" + printed
