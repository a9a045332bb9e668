"""The files that this process holds open, as the kernel tells."""

from __future__ import annotations

from pathlib import Path


def open_below(folder: Path) -> list[str]:
    """Paths of open files below a folder; the kernel adds ` (deleted)` to those that have lost their name."""
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(link.readlink()))
        except FileNotFoundError:
            continue  # the descriptor that lists the folder
    return sorted(link for link in links if link.startswith(f"{folder}/"))
