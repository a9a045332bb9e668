"""Metrics say what happened, by Prometheus' rules, and cost nothing while nobody asks."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from support.agents import Site
from support.clock import VirtualClock
from support.logs import append, numbered, write
from support.promtool import Promtool

from shipper.events_log import EventsLog, silent
from shipper.operate.figures import InputFigures, Snapshot
from shipper.operate.metrics import AgentCollector, registry_of
from shipper.operate.reminders import Standstill
from shipper.operate.textfile import TextfileWriter, write_whole
from shipper.records import STORED, Outcome, OutcomeKind, Receipt
from shipper.settings import InputSettings
from shipper.start import agent

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "shipper.rules.yml"


def snapshot(**changes):
    values = {
        "inputs": {"tstat": InputFigures(lines=3), "storm": InputFigures()},
        "unread": {"tstat": 17, "storm": 0},
        "outcomes": {"stored": 2},
        "files": {"open": 1},
        "matching": 1,
        "standstills": [],
        "request_limits": (0.1, 1.0),
        "request_counts": (4, 2, 1),
        "request_seconds": 9.5,
        "documents_in_flight": 0,
        "bytes_in_flight": 0,
        "memory": 32,
        "dead_letter_bytes": 0,
        "dead_letter_limit": 256,
        "committed_at": 0.0,
    }
    return Snapshot(**{**values, **changes})


def exported(source, events=None, now=1000.0):
    """(name, labels) -> value of every sample that a collector exports."""
    collector = AgentCollector(events or {}, lambda: now)
    collector.snapshot = source
    return samples(generate_latest(registry_of(collector)).decode())


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, InputSettings("logs", (str(tmp_path / "logs" / "*"),), "raw", timezone="UTC"))


def test_an_agent_tells_what_it_read_filtered_and_stored(site):
    write(site.logs / "a.log", *numbered(0, 10), "")
    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.once()
        found = exported(running.snapshot, site.events.counts)

    size = (site.logs / "a.log").stat().st_size
    assert found["shipper_read_lines_total", "logs"] == 11
    assert found["shipper_read_bytes_total", "logs"] == size
    assert found["shipper_parsed_documents_total", "logs"] == 10
    assert found["shipper_settled_lines_total", "", "logs", "stored"] == 10
    assert found["shipper_settled_lines_total", "blank", "filtered", "logs"] == 1
    assert found["shipper_settled_bytes_total", "", "logs", "stored"] == size - 1
    assert found["shipper_sent_documents_total", "stored"] == 10
    assert found["shipper_batch_seconds_count",] == 1
    assert found["shipper_events_total", "file_found"] == 1
    assert found["shipper_last_commit_timestamp_seconds",] == pytest.approx(site.clock.now, abs=5)
    assert (found["shipper_in_flight_documents",], found["shipper_in_flight_bytes",]) == (0, 0)
    assert (found["shipper_ready",], found["shipper_matching_files",]) == (1, 1)
    assert found["process_resident_memory_bytes",] > 1 << 20


def test_repeats_and_dead_letters_are_told(site):
    write(site.logs / "a.log", *numbered(0, 10))
    answers = [
        Outcome(OutcomeKind.RETRY, "away", "away"),
        Outcome(OutcomeKind.PAUSED, "block", "read only"),
        Outcome(OutcomeKind.REFUSED, "mapping", "no date"),
    ]

    class Scripted:
        identity = "scripted"

        def __getattr__(self, name):
            """Questions are answered with nothing."""
            return lambda *_: []

        def send(self, batch):
            return Receipt(batch, [answers.pop(0) if answers else STORED] * len(batch.documents))

    with agent(site.settings, site.clock, site.events, output=Scripted(), threads=0) as running:
        running.once()
        found = exported(running.snapshot)
    outcomes = {key[1]: value for key, value in found.items() if key[0] == "shipper_sent_documents_total"}
    assert outcomes == {"retry": 10, "paused": 10, "refused": 10}
    assert found["shipper_settled_lines_total", "dead", "logs", "mapping"] == 10
    assert ("shipper_settled_lines_total", "", "logs", "stored") not in found
    assert found["shipper_dead_letter_bytes",] > 0


def test_files_are_told_by_what_is_done_with_them(site):
    write(site.logs / "a.log", *numbered(0, 10))
    write(site.logs / "empty.log")
    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.once()
        found = exported(running.snapshot)
    assert found["shipper_matching_files",] == 2
    assert found["shipper_files", "empty"] == 1
    assert found["shipper_files", "to open"] == found["shipper_files", "unreadable"] == 0


def test_what_is_appended_while_nobody_reads_is_unread(site):
    log = write(site.logs / "a.log", *numbered(0, 10))
    site.with_settings(stall_after=60.0)
    turns = iter(range(10))

    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.run(lambda: next(turns) >= 5)
        running.reader.held = {"logs"}
        before = log.stat().st_size
        append(log, *numbered(10, 20))
        site.clock.advance(60)
        running._note_stalls()
        assert exported(running.snapshot)["shipper_unread_bytes", "logs"] == log.stat().st_size - before


def test_stalls_are_told_with_their_seconds_and_files_together():
    standing = [
        Standstill("output", "away", 900.0),
        Standstill("dataset tstat.tcp", "a block", 990.0),
        Standstill("file /b", "no", 950.0),
        Standstill("file /a", "no", 700.0),
    ]
    found = exported(lambda: snapshot(standstills=standing))
    seconds = {key[1]: value for key, value in found.items() if key[0] == "shipper_stall_seconds"}
    assert seconds == {"output": 100, "dataset tstat.tcp": 10, "file": 300}
    assert found["shipper_stalls", "file"] == 2


def test_the_histogram_of_batches_adds_up():
    found = exported(snapshot)
    assert [found["shipper_batch_seconds_bucket", limit] for limit in ("0.1", "1.0", "+Inf")] == [4, 6, 7]
    assert (found["shipper_batch_seconds_count",], found["shipper_batch_seconds_sum",]) == (7, 9.5)


def test_before_the_agent_is_ready_there_are_events_and_the_process():
    found = exported(None, {"output_away": 3})
    assert found["shipper_ready",] == 0
    assert found["shipper_events_total", "output_away"] == 3
    assert ("shipper_matching_files",) not in found


def test_names_follow_the_rules_and_labels_are_few():
    collector = AgentCollector({"started": 1}, lambda: 0.0)
    collector.snapshot = snapshot
    for family in collector.collect():
        assert re.fullmatch(r"shipper_[a-z_]+", family.name)
        assert family.documentation.endswith((".", "time."))
        for sample in family.samples:
            assert {"path", "file"}.isdisjoint(sample.labels)
            if family.type == "counter":
                assert sample.name.endswith("_total")
    assert not re.search(
        r"_(ms|milliseconds|minutes|kilobytes|mib)\b", generate_latest(registry_of(collector)).decode()
    )


def test_openmetrics_is_spoken_to_those_who_ask_for_it():
    collector = AgentCollector({}, lambda: 0.0)
    collector.snapshot = snapshot
    encode, kind = choose_encoder("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert encode(registry_of(collector)).endswith(b"# EOF\n")


def all_names():
    standing = [Standstill("output", "away", 1.0)]
    inputs = {"a": InputFigures()}
    inputs["a"].settled_lines["stored"] = inputs["a"].settled_bytes["stored"] = 1
    collector = AgentCollector({"started": 1}, lambda: 0.0)
    collector.snapshot = lambda: snapshot(standstills=standing, inputs=inputs)
    return {
        re.sub(r"_(bucket|sum|count)$", "", sample.name)
        for family in collector.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_every_metric_is_in_the_reference_and_no_other():
    text = (ROOT / "docs" / "operating.md").read_text()
    section = text[text.index("## Metrics and health") : text.index("## Dead letters")]
    rows = [line for line in section.splitlines() if line.startswith("| `shipper_")]
    documented = {name for row in rows for name in re.findall(r"`(shipper_\w+)`", row.split("|")[1])}
    assert documented == all_names()


def rules_of():
    return YAML(typ="safe").load(RULES.read_text())["groups"]


def test_the_rules_are_rules_about_metrics_that_exist():
    rules = [rule for group in rules_of() for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == set(rule["annotations"])
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert set(re.findall(r"shipper_\w+", rule["expr"])) <= all_names()


@pytest.fixture
def promtool(tmp_path):
    return Promtool(tmp_path)


def test_prometheus_takes_the_rules(promtool):
    assert promtool.rules(RULES) == ""


def test_prometheus_takes_the_metrics_of_an_agent_and_finds_nothing_unusual(site, promtool):
    write(site.logs / "a.log", *numbered(0, 10), "")
    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.once()
        collector = AgentCollector(site.events.counts, lambda: site.clock.now)
        collector.snapshot = running.snapshot
        assert promtool.metrics(generate_latest(registry_of(collector))) == ""
    collector.snapshot = lambda: snapshot(standstills=[Standstill('file /a\n"b"', "away", 1.0)])
    assert promtool.metrics(generate_latest(registry_of(collector))) == ""


def test_prometheus_finds_what_is_unusual(promtool):
    assert "counter metrics should have" in promtool.metrics(b"# HELP a b.\n# TYPE a counter\na 1\n")
    assert promtool.expressions(["sum(rate(shipper_read_lines_total[5m])"]) != ""


def alert(name, minute, summary="", **labels):
    """What one alert says at a minute: nothing, or its summary, with these labels."""
    (rule,) = (rule for group in rules_of() for rule in group["rules"] if rule["alert"] == name)
    description = rule["annotations"]["description"].replace("{{ $value | humanizeDuration }}", "6m 0s")
    raised = {
        "exp_labels": {"instance": "dtn01", "severity": rule["labels"]["severity"], **labels},
        "exp_annotations": {"summary": summary, "description": description},
    }
    return {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": [raised] if summary else []}


def test_alerts_are_raised_by_what_they_are_about_and_by_nothing_else(promtool):
    labels = 'instance="dtn01",input="tstat"'
    refused = f'shipper_settled_lines_total{{{labels},fate="dead",cause="mapping"}}'
    series = {
        'shipper_stall_seconds{instance="dtn01",scope="output"}': "0+60x20",
        'shipper_stall_seconds{instance="dtn01",scope="file"}': "1000x20",
        refused: "0x8 1x20",
        'shipper_dead_letter_bytes{instance="dtn01"}': "0+10x20",
        'shipper_dead_letter_limit_bytes{instance="dtn01"}': "100x20",
        f"shipper_unparsed_documents_total{{{labels}}}": "0+1x60",
        f"shipper_parsed_documents_total{{{labels}}}": "0+10x60",
        'shipper_ready{instance="dtn01"}': "1x10 0x30",
    }
    refusal = {"input": "tstat", "cause": "mapping"}
    expected = [
        alert("ShipperStalled", 5),
        alert("ShipperStalled", 6, "output stands still on dtn01", scope="output"),
        alert("ShipperDeadLetters", 8),
        alert("ShipperDeadLetters", 10, "Lines of tstat were refused on dtn01: mapping", **refusal),
        alert("ShipperDeadLettersNearLimit", 8),
        alert("ShipperDeadLettersNearLimit", 9, "Dead letters use 90% of their room on dtn01"),
        alert("ShipperUnparsed", 10),
        alert("ShipperUnparsed", 30, "10% of tstat on dtn01 match no pattern", input="tstat"),
        alert("ShipperNotReady", 10),
        alert("ShipperNotReady", 22, "shipper waits at its start on dtn01"),
        alert("ShipperFilesUnreadable", 20),
    ]
    listed = [{"series": name, "values": values} for name, values in series.items()]
    said = promtool.alerts(RULES, [{"interval": "1m", "input_series": listed, "alert_rule_test": expected}])
    assert said == ""


BOARD = json.loads((ROOT / "deploy" / "dashboards" / "shipper.json").read_text())
EXPRESSIONS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def test_the_dashboard_shows_metrics_that_exist():
    shown = {re.sub(r"_bucket$", "", name) for text in EXPRESSIONS for name in re.findall(r"shipper_\w+", text)}
    assert shown <= all_names()
    assert {"shipper_settled_lines_total", "shipper_unread_bytes", "shipper_stall_seconds"} <= shown
    assert all('instance=~"$instance"' in text for text in EXPRESSIONS)


def test_the_panels_of_the_dashboard_are_told_apart_and_do_not_overlap():
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert all(panel["description"].endswith(".") for panel in panels)
    places = [panel["gridPos"] for panel in panels]
    squares = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(squares)) == len(squares)
    assert max(x for x, _ in squares) == 23, "a row is 24 wide"


def test_prometheus_takes_the_expressions_of_the_dashboard(promtool):
    plain = [text.replace("$__rate_interval", "5m").replace("$instance", ".+") for text in EXPRESSIONS]
    assert promtool.expressions(plain) == ""


def test_the_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "shipper.prom"
    path.write_text("old")
    before = path.stat().st_ino
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert path.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_written_at_once_and_a_last_time_at_the_end(tmp_path):
    path, texts = tmp_path / "shipper.prom", iter([b"first", b"last"])
    writer = TextfileWriter(path, 3600.0, lambda: next(texts), EventsLog(silent))
    writer.close()
    assert path.read_bytes() == b"last"


def test_a_file_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path):
    events = EventsLog(silent)
    writer = TextfileWriter(tmp_path / "absent" / "shipper.prom", 3600.0, lambda: b"", events)
    writer.close()
    assert events.counts == {"metrics_unwritable": 1}


def test_reading_metrics_while_the_agent_counts_does_not_disturb(site):
    """Another thread reads all the time; what it reads never goes back."""
    import threading

    for number in range(20):
        write(site.logs / f"{number}.log", *numbered(number * 500, number * 500 + 500))
    seen, problems, done = [], [], threading.Event()

    with agent(site.settings, VirtualClock(), site.events, threads=0) as running:

        def read():
            try:
                while not done.is_set():
                    seen.append(exported(running.snapshot, site.events.counts)["shipper_read_lines_total", "logs"])
            except BaseException as problem:  # noqa: BLE001  told in the test's own thread
                problems.append(problem)

        reader = threading.Thread(target=read)
        reader.start()
        running.once()
        done.set()
        reader.join()
    assert problems == []
    assert seen == sorted(seen)
