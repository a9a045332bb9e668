"""Which flows are the streams of which transfer, and why some are missing."""

import pytest
from support.transfers_and_flows import CLIENT, NOON, SERVER, flow, flows, gathered, transfer

from shipper.correlate.causes import find_causes
from shipper.correlate.flows import End
from shipper.correlate.hosts import Hosts
from shipper.correlate.judgement import Status, judge_by_index, judge_by_logs, without_transfer
from shipper.correlate.matching import Limits, match

HALF_HOUR = 1800.0
OTHER = "dtn02.example.org"
THIRD = "dtn03.example.org"


def matched(transfers, found, limits=Limits()):  # noqa: B008  immutable
    return match(transfers, gathered(transfers, found).routes(), limits)


def judged(transfers, found, logs=None):
    there = gathered(transfers, found)
    local = None if logs is None else gathered(transfers, logs)
    return judge_by_index(transfers, there, local, Hosts(), Limits(), lambda host: True), there


def causes(transfers, found, logs=None):
    results, there = judged(transfers, found, logs)
    return {
        cause.name: [one.transfer.start for one in cause.judged] for cause in find_causes(results, there.flows)
    }, results


def to(host, found):
    return [one._replace(receiver=End(frozenset({host}), 50_000)) for one in found]


def test_four_flows_that_begin_with_a_transfer_are_its_streams():
    (item,) = matched([transfer()], flows(NOON + 0.4))
    assert (item.found, item.missing, item.complete) == (4, 0, True)


@pytest.mark.parametrize(("offset", "found"), [(-1.1, 0), (-1.0, 1), (0.0, 1), (2.0, 1), (2.1, 0)])
def test_a_stream_begins_within_the_window_after_its_transfer(offset, found):
    (item,) = matched([transfer(streams=1)], [flow(NOON + offset)])
    assert item.found == found


def test_a_flow_of_another_day_at_the_same_time_is_no_stream():
    (item,) = matched([transfer(streams=1)], [flow(NOON + 86_400.4)])
    assert item.missing == 1


@pytest.mark.parametrize(
    "stranger",
    [
        flow(receiver=End(frozenset({SERVER}), 2811)),
        flow(receiver=End(frozenset({SERVER}), 22)),
        flow(sender=End(frozenset({"198.51.100.7"}), 20_001)),
        flow(receiver=End(frozenset({OTHER}), 50_000)),
        flow(sender=End(frozenset({SERVER}), 50_000), receiver=End(frozenset({CLIENT}), 20_001)),
    ],
    ids=["control connection", "login", "other client", "other server", "other direction"],
)
def test_what_is_no_data_connection_of_the_transfer_does_not_count(stranger):
    (item,) = matched([transfer(streams=1)], [stranger])
    assert item.missing == 1


def test_a_download_is_sent_by_the_server():
    download = transfer(streams=1, receives=False, kind="RETR")
    sent = flow(sender=End(frozenset({SERVER}), 50_000), receiver=End(frozenset({CLIENT}), 20_001))
    assert matched([download], [sent])[0].complete
    assert not matched([download], [flow()])[0].complete


def test_a_flow_between_two_servers_is_a_stream_on_both():
    sent = transfer(streams=1, host=OTHER, peer=SERVER, receives=False, kind="RETR")
    received = transfer(streams=1, host=SERVER, peer=OTHER)
    one = flow(sender=End(frozenset({OTHER}), 50_000))
    assert [item.complete for item in matched([sent, received], [one])] == [True, True]


def test_each_flow_counts_once_where_transfers_are_close():
    pair = [transfer(NOON), transfer(NOON + 1)]
    one, other = matched(pair, flows(NOON + 0.4) + flows(NOON + 1.4, 3, first_port=30_001))
    assert (one.missing, other.missing) == (0, 1)
    assert {stream.sender.port for stream in one.streams} == {20_001, 20_002, 20_003, 20_004}


def test_streams_of_a_long_transfer_are_found_by_their_begin():
    day = transfer(seconds=86_400.0)
    (item,) = matched([day], flows(NOON + 0.4, seconds=86_399.0))
    assert item.complete


def test_more_flows_than_streams_are_told_and_are_not_negative():
    (item,) = matched([transfer(streams=2)], flows(NOON + 0.4, 3))
    assert (item.found, item.missing, len(item.extra)) == (2, 0, 1)


def test_two_documents_of_one_flow_do_not_hide_a_missing_one():
    twice = flow(NOON + 0.4, 20_001)
    again = twice._replace(documents=(twice.documents[0]._replace(id="again"),))
    there = gathered([transfer(streams=2)], [twice, again])
    (item,) = match([transfer(streams=2)], there.routes(), Limits())
    assert item.missing == 1
    assert [len(one.documents) for one in there.flows] == [2]


def test_documents_of_both_directions_are_one_flow():
    there = flow(NOON)
    back = there._replace(sender=there.receiver, receiver=there.sender, bytes=5_000.0)
    for order in ([there, back], [back, there]):
        held = gathered([transfer(streams=2)], order)
        assert [(one.sender.port, len(one.documents)) for one in held.flows] == [(20_001, 1)]


def test_a_connection_that_stays_open_serves_the_next_transfer():
    first, second = transfer(NOON, 10.0, 2), transfer(NOON + 15, 10.0, 2)
    one, other = matched([first, second], flows(NOON + 0.2, 2, seconds=40.0))
    assert (len(one.streams), len(one.reused)) == (2, 0)
    assert (len(other.streams), len(other.reused), other.missing) == (0, 2, 0)


def test_a_connection_in_use_serves_no_other_transfer():
    first, second = transfer(NOON, 60.0, 2), transfer(NOON + 15, 10.0, 2)
    _, other = matched([first, second], flows(NOON + 0.2, 2, seconds=60.0))
    assert other.missing == 2


def test_where_the_server_does_not_know_its_client_the_most_flows_tell():
    stranger = flow(NOON + 0.1, 31_000, sender=End(frozenset({"198.51.100.7"}), 31_000), bytes=9e9)
    (item,) = matched([transfer(peer=None)], [*flows(NOON + 0.4), stranger])
    assert (item.found, item.extra) == (4, [])


def test_flows_without_transfer_are_told():
    results, there = judged([transfer()], flows(NOON + 0.4) + flows(NOON + 900, 3, first_port=30_001))
    assert len(without_transfer(results, there)) == 3


def test_a_missing_stream_is_looked_for_in_the_logs_of_the_host():
    (one,), _ = judged([transfer()], flows(NOON, 3), flows(NOON + 0.4))
    assert (one.missing, one.local.found) == (1, 4)
    assert [stream.sender.port for stream in one.missing_flows] == [20_004]


def test_without_logs_of_a_host_nobody_says_what_they_hold():
    (one,), _ = judged([transfer()], [], to(OTHER, flows(NOON)))
    assert (one.status, one.local) == (Status.INCOMPLETE, None)


def test_by_logs_a_host_or_a_time_that_they_do_not_cover_is_not_checked():
    transfers = [transfer(), transfer(NOON, host=OTHER), transfer(NOON + HALF_HOUR), transfer(NOON - HALF_HOUR)]
    there = gathered(transfers, flows(NOON + 0.4))
    results = judge_by_logs(transfers, there, Hosts(), Limits())
    assert [one.status for one in results] == [Status.COMPLETE, *[Status.NOT_CHECKED] * 3]
    assert [one.why for one in results[1:]] == [
        f"no flow of {OTHER} is in the logs, and no address of it is known",
        *[f"the logs of {SERVER} do not cover the time"] * 2,
    ]


def test_by_logs_what_lies_between_other_flows_and_is_not_there_is_missing():
    transfers = [transfer(NOON + number * HALF_HOUR) for number in range(3)]
    there = gathered(transfers, flows(NOON) + flows(NOON + 2 * HALF_HOUR))
    assert [one.missing for one in judge_by_logs(transfers, there, Hosts(), Limits())] == [0, 4, 0]


def test_an_index_that_names_hosts_otherwise_has_not_lost_their_flows():
    transfers = [transfer()]
    there = gathered(transfers, [])
    (one,) = judge_by_index(transfers, there, None, Hosts(), Limits(), lambda host: host != SERVER)
    assert (one.status, one.missing) == (Status.NOT_CHECKED, 0)
    assert SERVER in one.why


def half_hours(host, count):
    return [transfer(NOON + number * HALF_HOUR, host=host) for number in range(count)]


def test_hosts_that_lose_all_of_one_minute_and_nothing_of_others_show_a_pattern():
    transfers = half_hours(SERVER, 4) + half_hours(OTHER, 4) + [transfer(NOON + HALF_HOUR, host=THIRD)]
    there = [one for host in (SERVER, OTHER) for start in (0, 2) for one in to(host, flows(NOON + start * HALF_HOUR))]
    found, _ = causes(transfers, there)
    assert {name: len(starts) for name, starts in found.items()} == {"whole_transfers_at_minute": 5}
    assert {start // 60 % 60 for start in found["whole_transfers_at_minute"]} == {30}


def test_one_host_alone_shows_no_pattern_of_minutes():
    found, _ = causes(half_hours(SERVER, 6), [one for start in (0, 2, 4) for one in flows(NOON + start * HALF_HOUR)])
    assert list(found) == ["unexplained"]


def test_a_host_of_which_nothing_is_there_is_silent_once():
    transfers = half_hours(SERVER, 4) + half_hours(OTHER, 4)
    found, _ = causes(transfers, [one for start in range(4) for one in flows(NOON + start * HALF_HOUR)])
    assert {name: len(starts) for name, starts in found.items()} == {"silent_host": 4}


def test_a_missing_stream_that_is_smaller_than_all_others_was_perhaps_left_out():
    streams = flows(NOON, 3, bytes=130e6)
    found, _ = causes([transfer(bytes=400_000_000)], streams)
    assert list(found) == ["small_stream"], "what the others leave over is 10 MB"
    found, _ = causes([transfer(bytes=800_000_000)], streams)
    assert list(found) == ["unexplained"]


def test_streams_that_ended_without_being_closed_are_told_apart():
    logs = flows(NOON + 0.4, 2) + flows(NOON + 0.4, 2, first_port=20_003, timed_out=True)
    found, (one,) = causes([transfer()], flows(NOON, 2), logs)
    assert list(found) == ["not_closed"]
    assert len(one.missing_flows) == 2


def test_streams_that_tstat_did_not_record_are_not_lost_on_the_way():
    logs = flows(NOON + 0.4, 3)
    found, (one,) = causes([transfer()], flows(NOON, 3), logs)
    assert list(found) == ["not_recorded"]
    assert one.missing_flows == []


def test_every_incomplete_transfer_has_one_cause():
    transfers = half_hours(SERVER, 8) + half_hours(OTHER, 3)
    found, results = causes(transfers, flows(NOON, 3) + flows(NOON + 3 * HALF_HOUR, 1))
    assert sum(map(len, found.values())) == sum(one.missing > 0 for one in results) == 11
    assert all(one.cause for one in results)
