from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from shipper.errors import ConfigurationError, OutputError
from shipper.send.credentials import Credentials, check_hosts
from shipper.settings import ElasticsearchSettings


def settings(*hosts: str, **keys: Any) -> ElasticsearchSettings:
    return ElasticsearchSettings(hosts or ("https://es1:9200",), **keys)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "api_key"
    file.write_text("first==\n")
    file.chmod(0o600)
    return file


def test_hosts_get_a_port_and_lose_a_trailing_slash() -> None:
    hosts = ("https://es1", "http://127.0.0.1:9201/", "https://es2:9243/search/", "http://[::1]")
    expected = ("https://es1:9200", "http://127.0.0.1:9201", "https://es2:9243/search", "http://[::1]:9200")
    assert check_hosts(settings(*hosts)) == expected


@pytest.mark.parametrize(
    "host", ["es1", "es1:9200", "ftp://es1", "https://", "", "https://es1:99999", "https://[::1", "https://a..b"]
)
def test_what_is_no_url_is_an_error_that_shows_how_to_write_it(host: str) -> None:
    with pytest.raises(ConfigurationError, match="write for example https://"):
        check_hosts(settings(host))


def test_no_host_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no host is given"):
        check_hosts(ElasticsearchSettings(()))


@pytest.mark.parametrize("port", ["9200", "99999"])
def test_a_password_in_a_url_is_an_error_that_does_not_repeat_it(port: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_hosts(settings(f"https://elastic:geheim@es1:{port}"))
    assert "es1" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("keys", [{"api_key": "k"}, {"api_key_file": Path("k")}, {"username": "u", "password": "p"}])
def test_credentials_never_go_over_plain_http(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="never sent to http://es1:9200 over plain http"):
        check_hosts(settings("http://es1:9200", **keys))


@pytest.mark.parametrize(
    "host", ["http://localhost:9200", "http://127.0.0.1:9200", "http://127.8.8.8:9200", "http://[::1]:9200"]
)
def test_credentials_may_go_over_plain_http_to_this_very_host(host: str) -> None:
    assert check_hosts(settings(host, api_key="k")) == (host,)


def test_a_host_that_merely_looks_like_loopback_is_none() -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        check_hosts(settings("http://localhost.example.org:9200", api_key="k"))


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_hosts(settings("es1", "http://es2:9200", api_key="k"))
    assert len(caught.value.problems) == 2


def test_a_key_is_taken_in_both_forms_in_which_elasticsearch_hands_it_out() -> None:
    encoded = base64.b64encode(b"id:secret").decode()
    assert Credentials(settings(api_key="id:secret")).authorization() == f"ApiKey {encoded}"
    assert Credentials(settings(api_key=encoded)).authorization() == f"ApiKey {encoded}"


def test_name_and_password_make_a_basic_header() -> None:
    header = Credentials(settings(username="u", password="p:w")).authorization()
    assert header == "Basic " + base64.b64encode(b"u:p:w").decode()


def test_without_credentials_there_is_no_header() -> None:
    assert Credentials(settings()).authorization() is None


def test_a_changed_key_file_is_read_again(key_file: Path) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    assert credentials.authorization() == "ApiKey first=="
    key_file.write_text("second==")
    os.utime(key_file, ns=(1, 1))
    assert credentials.authorization() == "ApiKey second=="


def test_after_a_refusal_the_key_file_is_read_again_even_if_the_file_system_shows_no_change(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    before = key_file.stat()
    monkeypatch.setattr(Path, "stat", lambda _: before)  # as a network file system shows it for a while
    key_file.write_text("second==")
    assert credentials.authorization() == "ApiKey first=="
    credentials.forget()
    assert credentials.authorization() == "ApiKey second=="


def test_a_key_file_that_is_replaced_by_one_of_the_same_time_is_read_again(key_file: Path, tmp_path: Path) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    other = tmp_path / "other"
    other.write_text("second==")
    other.chmod(0o600)
    os.utime(other, ns=(key_file.stat().st_atime_ns, key_file.stat().st_mtime_ns))
    other.rename(key_file)
    assert credentials.authorization() == "ApiKey second=="


def test_while_the_key_file_is_empty_the_known_key_serves(key_file: Path) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    key_file.write_text("")
    assert credentials.authorization() == "ApiKey first=="
    key_file.write_text("second==")
    assert credentials.authorization() == "ApiKey second=="


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"second==", 0o644, "can be read by everybody on this host; run: chmod o="),
        (b"two words", 0o600, "holds no API key"),
        (b"id:secret\nx-other: header", 0o600, "holds no API key"),
        ("schl\u00fcssel".encode(), 0o600, "holds no API key"),
        (b"\xff\xfe", 0o600, "cannot be read"),
    ],
)
def test_a_key_file_that_becomes_unusable_holds_everything_until_it_is_put_right(
    key_file: Path, content: bytes, mode: int, why: str
) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    key_file.write_bytes(content)
    key_file.chmod(mode)
    for _ in range(2):
        with pytest.raises(OutputError, match=why) as caught:
            credentials.authorization()
        assert "second" not in str(caught.value)
    key_file.write_bytes(b"third==")
    key_file.chmod(0o600)
    assert credentials.authorization() == "ApiKey third=="


def test_while_the_key_file_is_being_replaced_the_known_key_serves(key_file: Path) -> None:
    credentials = Credentials(settings(api_key_file=key_file))
    key_file.unlink()
    assert credentials.authorization() == "ApiKey first=="


def test_a_key_file_that_everybody_can_read_is_an_error(key_file: Path) -> None:
    key_file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="can be read by everybody on this host; run: chmod"):
        Credentials(settings(api_key_file=key_file))


def test_a_missing_key_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere cannot be read"):
        Credentials(settings(api_key_file=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "keys", [{"api_key": "k", "username": "u", "password": "p"}, {"api_key": "k", "api_key_file": Path("k")}]
)
def test_two_kinds_of_credentials_are_an_error(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="only one of api_key"):
        Credentials(settings(**keys))


def test_a_name_without_a_password_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="needs a password"):
        Credentials(settings(username="u"))
