"""The page of an audit: in a real browser it renders at every width, in light and dark, and runs nothing."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.browser import Browser
from support.site import HOST, Site, transfer

from shipper import cli
from shipper.audit.findings import Cause, Finding, Kind, Outcome, Totals
from shipper.audit.report.advice import advice
from shipper.audit.report.document import Audited, Report
from shipper.audit.report.html import page
from shipper.audit.report.text import LEDGER_WORDS, as_text
from shipper.audit.timeline import Fate, Timeline

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title="owned"</script>'


class Tags(HTMLParser):
    """Every element and attribute of a page, and whether all elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags


def finding(kind: Kind = Kind.MISSING, **changes: object) -> Finding:
    values = {
        "kind": kind, "cause": Cause.GONE_FROM_INDEX, "input": "gridftp", "host": HOST, "fingerprint": "f" * 16,
        "path": "/var/log/a.log", "offset": 100, "first_line": 2, "last_line": 4, "lines": 3, "bytes": 300,
        "evidence": "the index lost it", "repair": "resend", "minutes": {29730000: 3}, "example": "a line",
    }  # fmt: skip
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


def report(*findings: Finding, timeline: Timeline | None = None) -> Report:
    outcome = Outcome(totals=Totals(disk_lines=1000, indexed=997))
    for one in findings:
        outcome.report(one)
    audited = Audited(HOST, ("gridftp",), "disk", "2026-11-21T12:00:00Z", 1, 0, "shipper audit -c shipper.yml")
    return Report(outcome, (audited,), timeline)


def test_the_verdict_comes_first_then_time_then_causes_then_commands() -> None:
    timeline = Timeline(60)
    timeline.count((HOST, "gridftp"), Fate.SHIPPED, 29730000 * 60, 997)
    text = page(report(finding(), timeline=timeline))
    places = [text.index(words) for words in ("<h1>", "Verdict:", "<h2>When", "<h2>Why", "<h2>What to do")]
    assert places == sorted(places)
    assert "Of 1,000 lines on disk: 3 missing" in text
    assert "shipper audit -c shipper.yml --repair&#10;shipper audit -c shipper.yml --repair --apply" in text


def test_what_no_command_repairs_has_its_advice_on_the_page_too() -> None:
    gone = finding(repair=None, first_line=None, last_line=None)
    (line,) = advice([gone])
    assert f"<li>{line}</li>" in page(report(gone))
    assert "<li>gone from the index: " not in page(report(finding()))


def test_a_closed_audit_says_that_every_line_is_accounted_for() -> None:
    text = page(report())
    assert "<h1>Every line is accounted for</h1>" in text
    assert "<h2>Why" not in text


def test_of_the_ledger_alone_nothing_is_said_of_the_disk() -> None:
    closed, missing = report(), report(finding(repair=None))
    for one in (closed, missing):
        one.outcome.totals.disk_lines = 0
        one.audited = (replace(one.audited[0], level="ledger", command=f"shipper audit{LEDGER_WORDS}"),)
    assert "files on disk were not read" in page(closed)
    assert "files on disk were not read" in "\n".join(as_text(closed))
    assert "<h1>Of lines: 3 missing</h1>" in page(missing)
    for text in (page(closed), page(missing), *as_text(closed)):
        assert "every line on disk" not in text.lower()
        assert "lines on disk" not in text
        assert "hashed on disk" not in text
    assert "shipper audit --repair" in page(missing)


def test_what_is_said_of_a_host_is_no_fault_of_its_lines() -> None:
    silent = report(finding(Kind.SILENT, cause=Cause.NO_SIGN_OF_LIFE, lines=0, repair=None))
    silent.outcome.totals.missing = 0
    for text in (page(silent), "\n".join(as_text(silent))):
        assert "omething needs to be looked at." in text
        assert "shipper status -c shipper.yml" in text
    assert "Next: shipper status" in list(as_text(silent))[-1]
    assert "0 lines" not in page(silent)


@pytest.mark.parametrize("field", ["path", "evidence", "example", "input", "host"])
def test_whatever_comes_from_files_is_text_and_no_markup(field: str) -> None:
    harmless, hostile = tags_of(page(report(finding()))), tags_of(page(report(finding(**{field: HOSTILE}))))
    assert (hostile.names, hostile.attributes) == (harmless.names, harmless.attributes)
    assert not hostile.names & {"script", "img", "iframe", "link", "object"}


def test_signs_that_cannot_be_seen_are_spelled_out() -> None:
    text = page(report(finding(path="/var/log/gpj.\u202egol.exe\x1b[31m", example="null\0")))
    assert "\\u202egol" in text
    assert "\\x1b[31m" in text
    assert "null\\x00" in text


def test_a_timeline_of_years_with_one_line_of_1970_shows_the_years_that_matter() -> None:
    timeline = Timeline(3600)
    for hour in range(200):
        timeline.count((HOST, "i"), Fate.SHIPPED, 1_790_000_000 // 3600 * 3600 + hour * 3600, 50)
    timeline.count((HOST, "i"), Fate.SHIPPED, 0, 1)
    text = page(report(timeline=timeline))
    assert "1970" not in text
    assert "Not drawn, as far from all others: 1 line." in text
    assert "10,000 shipped" in text


def picture_is_drawn(png: bytes) -> bool:
    """Whether a PNG has more than one colour: its pixels do not shrink to next to nothing."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    return len(set(zlib.decompress(data))) > 16


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return Browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real audit: logs, names and lines that mean harm, and damage at minutes 4 to 12 of each hour."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.write("a.log", [transfer(n * 37) for n in range(1000)])
    lines = [transfer(n * 20 + 3).replace(b"alice", HOSTILE.encode().replace(b" ", b"/")) for n in range(900, 1000)]
    site.write(f"{HOSTILE.replace('/', '')}.log", lines)
    (site.root / "shipper.yml").write_text(
        f"host: {HOST}\nstate: {site.root}/state\n"
        f"inputs:\n  - {{name: gridftp, paths: ['{site.root}/logs/*.log*'], pipeline: gridftp-transfer}}\n"
        f"output: {{sqlite: {{path: {site.root}/index.db}}}}\n"
    )
    site.ship()
    assert site.sql("DELETE FROM documents WHERE timestamp / 60000000000 % 60 BETWEEN 4 AND 12 AND offset % 3 = 0")
    assert site.sql("DELETE FROM documents WHERE document LIKE '%onerror%' AND offset % 5 = 0")
    target = site.root / "report.html"
    assert cli.execute(["audit", "-c", str(site.root / "shipper.yml"), "--html", str(target)]) == 1
    return target


@pytest.mark.real
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
def test_in_a_real_browser_the_page_fits_and_loads_and_runs_nothing(
    browser: Browser, hostile_page: Path, width: int, dark: bool
) -> None:
    told = browser.ask(hostile_page, width=width, dark=dark)
    assert browser.said == ""
    assert told["width"] == width
    assert told["scroll_width"] <= width
    assert told["title"] == f"Audit of {HOST}: findings"
    assert (told["loaded"], told["handlers"], told["links"]) == ([], [], [])
    assert not {"script", "img", "iframe", "link", "object"}.intersection(told["elements"])
    assert HOSTILE.replace(" ", "/") in told["text"].replace("\n", "")
    assert told["drawn"] > 20
    channels = [int(part) for part in told["background"].removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(channels) < 80) == dark


@pytest.mark.real
def test_pictures_in_light_and_dark_are_drawn_and_differ(browser: Browser, hostile_page: Path) -> None:
    light, dark = browser.picture(hostile_page), browser.picture(hostile_page, dark=True)
    assert browser.said == ""
    assert picture_is_drawn(light)
    assert picture_is_drawn(dark)
    assert light != dark


@pytest.mark.real
def test_the_browser_does_see_a_page_that_misbehaves(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><title>x</title><body><div style='width:700px'>wide</div><img src='data:image/png;base64,'>"
        "<script>document.title = 'ran'; console.error('an error')</script>"
    )
    told = browser.ask(bad, width=360)
    assert told["title"] == "ran"
    assert told["scroll_width"] > 360
    assert {"script", "img"} <= set(told["elements"])
    assert "an error" in browser.said
