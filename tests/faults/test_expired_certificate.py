"""A server whose certificate expires gets nothing; with a new one it gets every line, once, without a restart."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bulk_server import BulkServer
from support.clock import VirtualClock
from support.site import Site, transfer

from shipper.audit.findings import Verdict
from shipper.events_log import EventsLog, text_writer
from shipper.settings import ElasticsearchSettings
from shipper.start import agent

Certificate = tuple[Path, Path]


def certificate(folder: Path, name: str, days: int) -> Certificate:
    """A certificate of this host that is good for so many days from now, and its key."""
    if not shutil.which("openssl"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "NOT TESTED with an expired certificate: openssl is not installed"
        )
    asked, extension, key, signed = (folder / f"{name}.{kind}" for kind in ("csr", "ext", "key", "pem"))
    extension.write_text("subjectAltName=IP:127.0.0.1")
    for words in (
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", asked],
        ["x509", "-req", "-in", asked, "-signkey", key, "-days", str(days), "-extfile", extension, "-out", signed],
    ):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return signed, key


def test_while_a_certificate_is_expired_nothing_is_sent_and_the_log_says_why(tmp_path: Path) -> None:
    good, expired = certificate(tmp_path, "good", 2), certificate(tmp_path, "expired", -1)
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(good[0].read_bytes() + expired[0].read_bytes())
    log, clock = io.StringIO(), VirtualClock()
    an_hour_from_now = clock.now + 3600
    with BulkServer(good) as server:
        site = Site(tmp_path, store=ElasticsearchSettings((server.url,), ca_certs=authorities))
        site.write("a.log", [transfer(number) for number in range(20)])

        def show(shown: Certificate) -> None:
            server.stop()
            server.certificate = shown
            server.start()

        def expire() -> None:
            show(expired)
            site.write("b.log", [transfer(number) for number in range(100, 130)])

        story = [
            (lambda: len(server.stored) == 20, expire),
            (lambda: "certificate has expired" in log.getvalue(), lambda: show(good)),
            (lambda: len(server.stored) == 50, lambda: None),
        ]
        with agent(site.settings, clock, EventsLog(text_writer(log)), threads=0) as running:
            running.run(stopping=lambda: over(story) or clock.now > an_hour_from_now)
        assert not story
        assert site.audit().verdict is Verdict.CLOSED
        assert site.audit().totals.indexed == 50


def over(story: list[tuple[Callable[[], bool], Callable[[], object]]]) -> bool:
    """Whether the story is over; whenever the next condition holds, what follows from it is done."""
    while story and story[0][0]():
        story.pop(0)[1]()
    return not story
