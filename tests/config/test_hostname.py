"""The name that a machine gives itself."""

import socket

import pytest

from shipper.hostname import full_host_name


def resolver(answer):
    def getaddrinfo(name, port, *, flags):
        assert flags == socket.AI_CANONNAME
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, 0, 0, answer, ("192.0.2.1", 0)), (socket.AF_INET6, 0, 0, "", ("::1", 0))]

    return getaddrinfo


@pytest.mark.parametrize(
    ("plain", "answer", "expected"),
    [
        ("dtn01.example.org", OSError("not asked"), "dtn01.example.org"),
        ("dtn01", "dtn01.example.org", "dtn01.example.org"),
        ("dtn01", "dtn01", "dtn01"),
        ("dtn01", "", "dtn01"),
        ("dtn01", socket.gaierror(socket.EAI_AGAIN, "no answer"), "dtn01"),
    ],
)
def test_the_name_is_the_full_one_where_the_resolver_knows_it(monkeypatch, plain, answer, expected):
    monkeypatch.setattr(socket, "gethostname", lambda: plain)
    monkeypatch.setattr(socket, "getaddrinfo", resolver(answer))
    assert full_host_name() == expected
