"""Plays the demo and writes docs/demo.svg, the picture in the README: what the program printed, nothing added.

Usage: python docs/demo_picture.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI

from shipper.cli.stage import play

PICTURE = Path(__file__).with_name("demo.svg")
WIDTH = 132
REMOTE_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Play the demo on a console that records, and write what it recorded."""
    console = Console(
        record=True, width=WIDTH, force_terminal=True, file=io.StringIO(), highlight=False, markup=False, emoji=False
    )
    with TemporaryDirectory(prefix="demo-") as folder:
        console.print("$ shipper demo", style="bold")
        play(Path(folder), console)
    # A fixed id keeps the file the same where the output is the same; whoever looks at it has a monospaced font.
    picture = console.export_svg(title="shipper demo", theme=MONOKAI, unique_id="demo")
    PICTURE.write_text(REMOTE_FONT.sub("", picture))


if __name__ == "__main__":
    main()
