"""Units, natural keys and conditions."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from shipper.correlate.conditions import only, smaller_than
from shipper.correlate.entries import Entry
from shipper.correlate.hosts import Alias, Hosts
from shipper.correlate.keys import KNOWN, parse_keys
from shipper.correlate.quantities import DATE, quantity
from shipper.errors import UsageError


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1_519_806_612_404.25, "ms", 1_519_806_612.40425),
        ("1519806612404", "ms", 1_519_806_612.404),
        (1_519_806_612, "s", 1_519_806_612.0),
        ("2018-02-28T08:30:12.404208984Z", DATE, 1_519_806_612.404208984),
        ("2018-02-28T00:30:12-08:00", DATE, 1_519_806_612.0),
        (1_519_806_612_000, DATE, 1_519_806_612.0),
        (800, "bit", 100.0),
        (1.5, "MB", 1_500_000.0),
        (2, "KiB", 2048.0),
        ("many", "B", None),
        (True, "B", None),
        ("yesterday", DATE, None),
        (None, "s", None),
    ],
)
def test_a_quantity_is_in_seconds_or_bytes(value, unit, expected):
    assert quantity(value, unit) == expected


def test_a_time_without_zone_is_in_the_zone_that_is_said():
    assert quantity("2018-02-28 00:30:12", DATE, ZoneInfo("America/Los_Angeles")) == 1_519_806_612.0
    assert quantity("2018-02-28 00:30:12", DATE, UTC) == 1_519_777_812.0


def test_both_sides_of_a_key_are_read_in_their_units():
    (key,) = parse_keys(["a.port=p,a.first:ms=start:s,a.bytes:B=bits:bit~0.1%"], 1.0, Hosts())
    here = key.on_disk(Entry("1", "f", {"a": {"port": 443, "first": 5_400.0, "bytes": 1000}}))
    there = key.in_index(Entry("2", "i", {"p": "443", "start": 5, "bits": 8001}))
    assert here.exact == there.exact != key.on_disk(Entry("3", "f", {"a": {"port": 80, "first": 1, "bytes": 1}})).exact
    assert key.distance(here, there) == pytest.approx(0.4 + 0.125, abs=1e-3)
    assert key.time(here) == 5.4
    assert key.distance(here, there._replace(measured=(4.3, 1000.125))) is None, "more than a second"
    assert key.distance(here, there._replace(measured=(5.0, 1002.0))) is None, "more than a thousandth"


def test_names_and_addresses_of_one_host_are_equal_in_a_key():
    (key,) = parse_keys(["ip:host=name:host"], 1.0, Hosts([Alias("192.0.2.1", "dtn01.example.org")]))
    assert key.on_disk(Entry("1", "f", {"ip": "::ffff:192.0.2.1"})) == key.in_index(
        Entry("2", "i", {"name": "DTN01.example.org"})
    )


def test_a_record_without_a_field_of_the_key_has_no_key():
    (key,) = parse_keys(["a,b:s"], 1.0, Hosts())
    assert key.on_disk(Entry("1", "f", {"a": 1})) is None
    assert key.on_disk(Entry("1", "f", {"a": 1, "b": "late"})) is None


def test_fields_are_found_nested_flat_and_in_between():
    for fields in ({"a": {"b": {"c": 1}}}, {"a.b.c": 1}, {"a": {"b.c": 1}}, {"a.b": {"c": [1, 2]}}):
        assert Entry("1", "i", fields).value("a.b.c") == 1
    assert Entry("1", "i", {"a": 3}).value("a.b") is None


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("a:furlong", "'furlong' is none of the units"),
        ("a:ms=b:bit", "units of different things"),
        ("a=b:s", "both sides need a unit"),
        ("a~1s", "only times and amounts"),
        ("a:s~soon", "not a time"),
        (",", "neither one of tstat_send, filebeat, message nor"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(key, complaint):
    with pytest.raises(UsageError, match=complaint):
        parse_keys([key], 1.0, Hosts())


def test_all_known_keys_can_be_read():
    for name in KNOWN:
        assert parse_keys([name], 1.0, Hosts())


def test_only_the_documents_with_exactly_a_value_are_taken():
    entries = [Entry(name, "i", {"meta": {"sensor": name}}) for name in ("dtn1", "dtn10", "dtn1.example.org")]
    assert [entry.id for entry in only(entries, ["meta.sensor=dtn1"])] == ["dtn1"]
    with pytest.raises(UsageError, match="FIELD=VALUE"):
        only(entries, ["dtn1"])


def test_a_size_below_which_the_sender_leaves_out_is_understood():
    is_small = smaller_than("tstat.bytes<100MB")
    assert is_small(Entry("1", "f", {"tstat": {"bytes": 99_999_999}}))
    assert not is_small(Entry("1", "f", {"tstat": {"bytes": 100_000_000}}))
    assert not is_small(Entry("1", "f", {}))
    with pytest.raises(UsageError, match="not a size"):
        smaller_than("tstat.bytes")
