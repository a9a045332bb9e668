"""Health, readiness and metrics are answered on loopback, while the agent starts, ships and stands still."""

import http.client
import json
import urllib.error
import urllib.request

import pytest
from support.bulk_faults import whole
from support.bulk_server import BulkServer
from support.logs import append, numbered, write
from support.ports import free_port
from support.running import Running

from shipper.operate.health import Health, HealthServer
from shipper.operate.reminders import Standstill


def ask(port, path, accept=""):
    """Status and text of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_a_main_loop_that_hangs_is_not_healthy():
    now = [0.0]
    health = Health(lambda: now[0], 60.0)
    now[0] = 59.0
    assert health.healthy()[0] == 200
    now[0] = 61.0
    status, _, text = health.healthy()
    assert (status, text) == (503, b"The main loop has not turned for 61 s.\n")
    health.turn()
    assert health.healthy()[0] == 200


def test_ready_means_that_lines_get_through():
    health = Health(lambda: 0.0, 60.0)
    assert health.ready()[0] == 503
    standing = [Standstill("file /x", "no permission", 0.0), Standstill("pipeline a", "refused", 0.0)]
    health.standstills = lambda: standing
    assert health.ready()[0] == 200
    standing.append(Standstill("output", "connection refused", 0.0))
    assert health.ready()[2] == b"output: connection refused\n"


@pytest.fixture
def server():
    opened = HealthServer(0, Health(lambda: 0.0, 60.0), lambda accept: ("text/plain", accept.encode()))
    yield opened
    opened.close()


def test_what_is_not_there_is_404_and_names_what_is(server):
    assert ask(server.port, "/") == (404, "/-/healthy /-/ready /metrics\n")


def test_the_metrics_are_told_what_the_client_accepts(server):
    assert ask(server.port, "/metrics?x=1", "application/openmetrics-text") == (200, "application/openmetrics-text")


def test_a_head_has_no_content_and_a_post_is_not_understood(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("HEAD", "/-/healthy")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()
    connection.request("POST", "/-/healthy", b"x")
    assert connection.getresponse().status == 501
    connection.close()


def test_it_listens_on_loopback_only(server):
    assert server._server.server_address[0] == "127.0.0.1"


def test_an_agent_tells_how_it_is_from_its_start_to_its_stalls(tmp_path):
    port = free_port()
    with BulkServer() as cluster:
        away = True
        cluster.trouble = lambda path: whole(503) if away else None
        site = Running(
            tmp_path,
            output={"elasticsearch": {"hosts": [cluster.url], "senders": 1}},
            metrics={"port": port, "file": "shipper.prom"},
        )
        with_file = tmp_path / "shipper.prom"
        write(site.logs / "a.log", *numbered(0, 100))
        try:
            site.launch()
            site.until(lambda: ask(port, "/-/healthy")[0] == 200)
            assert ask(port, "/-/ready")[0] == 503
            assert "shipper_ready 0.0" in ask(port, "/metrics")[1]
            away = False
            site.until(lambda: ask(port, "/-/ready") == (200, "ready\n"))
            site.until(lambda: 'shipper_sent_documents_total{outcome="stored"} 100.0' in ask(port, "/metrics")[1])

            cluster.trouble = lambda path: (
                whole(403, "cluster_block_exception", "read only") if "bulk" in path else None
            )
            append(site.logs / "a.log", *numbered(100, 101))
            site.until(lambda: ask(port, "/-/ready")[0] == 503)
            assert "read only" in ask(port, "/-/ready")[1]
            assert 'shipper_stall_seconds{scope="dataset raw"}' in ask(port, "/metrics")[1]
            cluster.trouble = lambda path: None
            site.until(lambda: ask(port, "/-/ready")[0] == 200)
            site.stop()
        finally:
            site.__exit__()
    assert 'shipper_sent_documents_total{outcome="stored"} 101.0' in with_file.read_text()


def test_a_port_that_is_taken_is_a_mistake_in_the_configuration(tmp_path, server):
    site = Running(tmp_path, metrics={"port": server.port})
    done = site.run("run")
    assert done.returncode == 2
    assert f"shipper.yml: metrics.port: Nobody can listen on port {server.port} of this host" in done.stderr


def test_a_single_pass_leaves_its_metrics_in_the_file_and_needs_no_port(tmp_path, server):
    site = Running(tmp_path, metrics={"port": server.port, "file": "shipper.prom"})
    write(site.logs / "a.log", *numbered(0, 7))
    site.once()
    assert 'shipper_read_lines_total{input="logs"} 7.0' in (tmp_path / "shipper.prom").read_text()


def test_without_a_place_metrics_are_a_mistake(tmp_path):
    site = Running(tmp_path, metrics={"every": "5s"})
    done = site.run("run", "--once", "--json")
    assert done.returncode == 2
    assert "metrics: Metrics have no place; write port, file or both, or leave the key out." in done.stderr
    assert json.loads(site.configuration.read_text())["metrics"] == {"every": "5s"}
