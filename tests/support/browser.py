"""A real browser without a screen: takes pictures of a page, and tells what became of it at some width.

Debian's `chromium` is asked by its command line alone. On a machine without it these tests are skipped and say so;
with CI=true in the environment they fail instead.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
    "--virtual-time-budget=3000",
)  # fmt: skip
_ASK = """
const inner = document.querySelector("iframe");
inner.onload = () => {
  const page = inner.contentDocument, root = page.documentElement;
  const attributes = [...page.querySelectorAll("*")].flatMap(e => [...e.attributes].map(a => a.name));
  document.querySelector("#told").textContent = JSON.stringify({
    title: page.title,
    text: page.body.innerText,
    width: root.clientWidth,
    scroll_width: root.scrollWidth,
    loaded: inner.contentWindow.performance.getEntriesByType("resource").map(e => e.name),
    elements: [...new Set([...page.querySelectorAll("*")].map(e => e.localName))].sort(),
    handlers: attributes.filter(name => name.startsWith("on")),
    links: attributes.filter(name => ["src", "href", "action", "data"].includes(name)),
    background: inner.contentWindow.getComputedStyle(page.body).backgroundColor,
    drawn: [...page.querySelectorAll("svg.timeline rect")].filter(e => e.getBoundingClientRect().width > 0).length,
  });
};
"""


def find_browser() -> str:
    """The browser's command; skips the test, loudly, where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("The page cannot be tested in a real browser: chromium is not installed")
    if found is None:
        pytest.skip("NOT TESTED in a real browser: chromium is not installed")
    return found


class Browser:
    """Runs the browser once for each question; its profile lies in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._command = find_browser()
        self._folder = folder
        self.said = ""
        """What pages wrote to the console in the last run: errors, and violations of their policy."""

    def picture(self, page: Path, *, width: int = 1000, height: int = 1600, dark: bool = False) -> bytes:
        """A picture of a page, as PNG."""
        target = self._folder / "picture.png"
        target.unlink(missing_ok=True)
        scheme = (f"--blink-settings=preferredColorScheme={0 if dark else 1}",)
        self._run(*scheme, f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri())
        return target.read_bytes()

    def ask(self, page: Path, *, width: int, dark: bool = False) -> dict[str, Any]:
        """What became of a page that is shown so wide (pixels)."""
        wrapper = self._folder / "wrapper.html"
        frame = f'<iframe width="{width}" height="900" style="border:0" srcdoc="{escape(page.read_text())}"></iframe>'
        parts = ('<!DOCTYPE html><meta charset="utf-8"><pre id="told"></pre>', frame, f"<script>{_ASK}</script>")
        wrapper.write_text("".join(parts))
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        dumped = self._run(scheme, f"--window-size={max(width + 100, 800)},1000", "--dump-dom", wrapper.as_uri())
        told = re.search(r'<pre id="told">(.*?)</pre>', dumped, re.DOTALL)
        assert told, f"the page told nothing: {dumped[:2000]}"
        assert told[1], f"the page was not loaded: {self.said}"
        return dict(json.loads(unescape(told[1])))

    def _run(self, *arguments: str) -> str:
        # The browser's own sandbox needs rights that root in a container does not have.
        sandbox = ("--no-sandbox",) if os.getuid() == 0 else ()
        profile = f"--user-data-dir={self._folder / 'profile'}"
        done = subprocess.run(
            [self._command, *_QUIET, *sandbox, profile, *arguments],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        self.said = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
        return done.stdout
