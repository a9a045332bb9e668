"""Names and addresses of one host."""

import pytest

from shipper.correlate.hosts import load_hosts, normal
from shipper.errors import ConfigurationError


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("DTN01.Example.org.", "dtn01.example.org"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:0DB8:0000::0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (" 192.0.2.1 ", "192.0.2.1"),
    ],
)
def test_one_address_has_one_spelling(written, plain):
    assert normal(written) == plain


def test_ipv4_and_ipv6_of_one_host_are_that_host(tmp_path):
    table = tmp_path / "hosts.csv"
    table.write_text("host,address\ndtn01.example.org,192.0.2.1\ndtn01.example.org,2001:db8::1\n")
    hosts = load_hosts(table)
    assert hosts.of("192.0.2.1", 0) == hosts.of("2001:0db8::0001", 0) == "dtn01.example.org"
    assert hosts.of("198.51.100.9", 0) == "198.51.100.9"


def test_an_address_belongs_to_the_host_that_had_it_at_the_time(tmp_path):
    table = tmp_path / "hosts.csv"
    table.write_text(
        "host, address, since, until\n"
        "old.example.org, 192.0.2.1, , 2018-03-01\n"
        "new.example.org, 192.0.2.1, 2018-03-01, \n"
    )  # fmt: skip
    hosts = load_hosts(table)
    first_of_march = 1_519_862_400
    assert hosts.of("192.0.2.1", first_of_march - 1) == "old.example.org"
    assert hosts.of("192.0.2.1", first_of_march) == "new.example.org"


def test_the_format_of_etc_hosts_is_understood(tmp_path):
    table = tmp_path / "hosts"
    table.write_text("# ours\n192.0.2.1  dtn01.example.org dtn01  # short name, too\n\n2001:db8::1 dtn01.example.org\n")
    hosts = load_hosts(table)
    assert {hosts.of(label, 0) for label in ("192.0.2.1", "dtn01", "2001:db8::1")} == {"dtn01.example.org"}


def test_all_wrong_rows_are_named_with_their_lines(tmp_path):
    table = tmp_path / "hosts.csv"
    table.write_text(
        "host,address,since\ndtn01.example.org,\nok.example.org,192.0.2.1,\ndtn02.example.org,192.0.2.2,soon\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_hosts(table)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(2, None), (4, "since")]
    assert "'soon'" in str(caught.value)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    table = tmp_path / "hosts"
    table.write_text("dtn01.example.org 192.0.2.1\n")
    with pytest.raises(ConfigurationError, match="expected an address and names"):
        load_hosts(table)
