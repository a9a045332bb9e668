"""Generated lines of StoRM's logs come back as generated, and what people write into names and paths forges nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.sample_logs import parse_bytes

from shipper.parse.fields import to_ip

ROME = "Europe/Rome"
MODIFIED = 1_798_756_200.0
HOSTILE = (
    ". surl(s): ",
    ". token: x",
    ". IP: 10.0.0.1. Client DN: /CN=y",
    "' # Requested token 'x' on '3' SURL(s): 'y",
    "Result for request 'Ls' is 'SRM_SUCCESS'",
    "] successfully done with: [status: SRM_SUCCESS: x",
    "> Request for [SURL: ",
    " is 'SRM_SUCCESS'",
    "12/31 23:50:00.023 Thread 7 -  ERROR [?]: f : ",
    "00:25:22.107 - ERROR [x] - ",
    '" 200 5 7',
    '" 2026-10-24T23:59:01.841Z "x" "GET / HTTP/1.1" 200 5 7',
    ", Destination: /x",
    ", Bytes transferred: 1, Duration (msec): 2, Throughput: 3 B/sec, id: x",
    "\t10:11:12,013\t5\tSYNCH\t",
    "/Role=x",
    " TRUNCATED",
    "[]<>(){}'\"\\",
    "=,;:#",
    "%20",
    "srm://",
    "é",
    "\\x",
    "  ",
)
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
PIECES = st.one_of(
    st.sampled_from(HOSTILE), st.text(LETTERS, min_size=1, max_size=8), st.just("/dteam/"), st.just("/CN=a")
)
ANYTHING = st.lists(PIECES, min_size=1, max_size=6).map(lambda pieces: "".join(pieces).strip()).filter(bool)
BYTES = st.one_of(ANYTHING.map(str.encode), ANYTHING.map(lambda text: text.encode("latin-1", "replace")))
ADDRESS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
TOKEN = st.uuids().map(str)
COUNT = st.integers(0, 2**40)
SECONDS = st.integers(0, 10**7).map(lambda milliseconds: milliseconds / 1000)
FRONTEND_KEYS = (". surl(s): ", ". token: ", ". space token", ". from_surl: ", " # Requested ", "TRUNCATED")


def one(line: bytes, pipeline: str) -> dict[str, Any]:
    log = parse_bytes(line + b"\n", pipeline, path="/l/log", timezone=ROME, modified=MODIFIED)
    (document,) = log.documents
    assert document["tags"] == []
    return document


def as_shipped(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def without(content: bytes, *keys: str) -> bool:
    return not any(key.encode() in content for key in keys)


# --- frontend ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(ADDRESS, BYTES, BYTES, TOKEN, TOKEN)
def test_a_request_keeps_its_head_whatever_names_and_paths_hold(
    address: str, dn: bytes, surls: bytes, token: str, request: str
) -> None:
    head = f"12/31 23:50:01.654 Thread 21 -  INFO [{request}]: ns1__srmPutDone : Request: Put done. IP: {address}. "
    line = head.encode() + b"Client DN: " + dn + b". surl(s): " + surls + f". token: {token}".encode()
    document = one(line, "storm-frontend")
    storm = document["storm"]
    assert (document["@timestamp"], document["log"]["level"]) == ("2026-12-31T22:50:01.654Z", "INFO")
    assert (storm["thread"], storm["request_id"], storm["function"]) == ("Thread 21", request, "ns1__srmPutDone")
    assert (storm["request"], document["source"]["ip"]) == ("Put done", to_ip(address))
    assert as_shipped(dn).startswith(storm.get("dn", ""))
    if without(dn, *FRONTEND_KEYS):
        assert document["user"]["name"] == as_shipped(dn)
        if without(surls, *FRONTEND_KEYS):
            assert (storm["surls"], storm["token"]) == (as_shipped(surls), token)


@settings(deadline=None)
@given(ADDRESS, BYTES, BYTES, TOKEN, st.integers(1, 1000), st.sampled_from(["PTG", "PTP status", "BOL"]))
def test_an_asynchronous_request_keeps_its_head_whatever_names_and_paths_hold(
    address: str, dn: bytes, surls: bytes, token: str, count: int, name: str
) -> None:
    head = f"12/31 23:50:01.654 Thread 21 -  INFO [{token}]: Request '{name}' from Client IP='{address}' Client DN='"
    tail = f"' # Requested token '{token}' on '{count}' SURL(s): '"
    document = one(head.encode() + dn + tail.encode() + surls + b"'", "storm-frontend")
    assert (document["event"]["action"], document["source"]["ip"]) == (name, to_ip(address))
    assert document["event"].keys() == {"dataset", "action"}
    if without(dn, *FRONTEND_KEYS):
        storm = document["storm"]
        assert (storm["dn"], storm["token"], storm["surl_count"]) == (as_shipped(dn), token, count)
        assert storm["surls"] == as_shipped(surls)


# --- backend and bookkeeping ---------------------------------------------------------------------------------

BRACKETS = ("[", "]", "<", ">")


@settings(deadline=None)
@given(BYTES, BYTES, BYTES, TOKEN, st.sampled_from(["SRM_SUCCESS", "SRM_FAILURE"]))
def test_an_outcome_of_the_backend_is_that_of_the_line_or_none(
    dn: bytes, surl: bytes, explanation: bytes, token: str, status: str
) -> None:
    begin = b"00:25:22.107 - INFO [xmlrpc-1] - srmRm: user <" + dn + b"> Request for [token: " + token.encode()
    line = (
        begin + b"] for [SURL: ['" + surl + b"']] failed with: [status: " + status.encode() + b": " + explanation + b"]"
    )
    document = one(line, "storm-backend")
    storm = document["storm"]
    assert (storm["date"], storm["thread"], storm["operation"]) == ("00:25:22.107", "xmlrpc-1", "srmRm")
    assert storm.get("status", status) == status
    if without(dn + surl + explanation, *BRACKETS):
        assert (storm["dn"], storm["token"]) == (as_shipped(dn), token)
        assert (storm["surls"], storm["explanation"]) == (f"'{as_shipped(surl)}'", as_shipped(explanation))
        assert document["event"]["outcome"] == ("success" if status == "SRM_SUCCESS" else "failure")


@settings(deadline=None)
@given(BYTES, st.lists(BYTES, min_size=1, max_size=3))
def test_lines_that_continue_a_message_of_the_backend_stay_in_it(first: bytes, more: list[bytes]) -> None:
    lines = [b"00:25:22.107 - WARN [main] - x" + first, *(b"\t" + line for line in more)]
    document = one(b"\n".join(lines), "storm-backend")
    assert document["message"] == "\n".join(as_shipped(line) for line in lines)
    assert (document["shipper"]["lines"], document["storm"]["thread"]) == (len(lines), "main")


@settings(deadline=None)
@given(BYTES, BYTES, st.sampled_from(["RM", "PTG", "LS"]), st.booleans(), st.integers(0, 10**9), TOKEN)
def test_bookkeeping_comes_back_as_written(
    dn: bytes, surl: bytes, name: str, succeeded: bool, duration: int, token: str
) -> None:
    person = dn.replace(b"\t", b" ").strip() or b"x"
    middle = f"\t{name}\tSYNCHRONOUS\t{'-OK-' if succeeded else '#ko#'}\t".encode()
    tail = f"\t23:59:59,999\t{duration}\t{token}\t".encode()
    document = one(b"[2026-11-22 00:25:22,112]: " + person + middle + surl + tail, "storm-bookkeeping")
    storm = document["storm"]
    assert (storm["dn"], storm["surls"]) == (as_shipped(person), as_shipped(surl))
    assert (storm["request"], storm["token"], storm["started"]) == (name, token, "23:59:59,999")
    assert document["event"]["outcome"] == ("success" if succeeded else "failure")
    assert document["event"]["duration"] == duration * 1_000_000


# --- WebDAV --------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(ADDRESS, BYTES, st.integers(200, 599), st.none() | COUNT, st.integers(0, 10**9), TOKEN)
def test_a_request_of_the_access_log_is_not_changed_by_its_path(
    address: str, path: bytes, status: int, size: int | None, duration: int, request: str
) -> None:
    head = f'{address} 8443 "CN=a\\, b,O=c" 2026-10-24T23:59:01.841Z "{request}" "PUT /dteam/'
    tail = f' HTTP/1.1" {status} {"-" if size is None else size} {duration}'
    document = one(head.encode() + path + tail.encode(), "storm-webdav-access")
    storm = document["storm"]
    assert storm["path"] == f"/dteam/{as_shipped(path)}"
    assert (document["@timestamp"], storm["method"], storm["vo"]) == ("2026-10-24T23:59:01.841Z", "PUT", "dteam")
    assert (storm["status_code"], storm.get("bytes"), storm["duration"]) == (status, size, duration)
    assert (document["user"]["name"], storm["request_id"]) == (r"CN=a\, b,O=c", request)
    assert document["source"]["ip"] == to_ip(address)


@settings(deadline=None)
@given(BYTES.filter(lambda user: b'" 2026-' not in user), TOKEN)
def test_a_user_of_the_access_log_may_hold_quotes_and_commas(user: bytes, request: str) -> None:
    tail = f'" 2026-10-24T23:59:01.841Z "{request}" "GET /dteam/a HTTP/1.1" 200 - 3'
    document = one(b'::1 8443 "' + user + tail.encode(), "storm-webdav-access")
    assert document["user"]["name"] == as_shipped(user)
    assert (document["storm"]["request_id"], document["url"]["path"]) == (request, "/dteam/a")


NAMES = st.lists(
    st.text(LETTERS, min_size=1).map(lambda name: "".join(name.split())).filter(bool), min_size=1, max_size=3
)


@settings(deadline=None)
@given(NAMES.map(" ".join).filter(lambda name: name != "-"), BYTES, TOKEN, st.booleans())
def test_a_request_of_the_access_log_before_1_4_comes_back(user: str, path: bytes, request: str, traced: bool) -> None:
    if traced:
        head = f'::1 - CN={user} CN={user} 24/Oct/2026:23:59:01 +0200 "{request}" "PUT /dteam/'
    else:
        head = f'::1 - CN={user} [24/Oct/2026:23:59:01 +0200] "PUT /dteam/'
    document = one(head.encode() + path + b' HTTP/1.1" 201 0 7', "storm-webdav-access")
    assert document["@timestamp"] == "2026-10-24T21:59:01Z"
    assert (document["user"]["name"], document["storm"]["path"]) == (f"CN={user}", f"/dteam/{as_shipped(path)}")
    assert document["storm"].get("request_id") == (request if traced else None)
    assert (document["storm"]["status_code"], document["storm"]["duration"]) == (201, 7)


@settings(deadline=None)
@given(BYTES, COUNT, st.integers(0, 10**9), TOKEN, st.booleans())
def test_a_transfer_is_not_changed_by_its_path(
    path: bytes, size: int, duration: int, transfer: str, pulled: bool
) -> None:
    here, there = b"/dteam/" + path, b"https://b.example.org:8443/c?d=e"
    source, destination = (there, here) if pulled else (here, there)
    head = f"2026-10-24T23:59:04.802Z [{transfer}]   INFO 1 --- [t-18] o.i.s.w.tpc.TransferFilter      : "
    told = f"{'Pull' if pulled else 'Push'} third-party transfer completed: DONE. Source: "
    figures = f", Bytes transferred: {size}, Duration (msec): {duration}, Throughput: 2 MB/sec, id: {transfer}"
    line = (head + told).encode() + source + b", Destination: " + destination + figures.encode()
    document = one(line, "storm-webdav-server")
    assert (document["file"]["path"], document["url"]["full"]) == (as_shipped(here), there.decode())
    found = document["storm"]["transfer"]
    assert (found["bytes"], found["duration"], found["id"]) == (size, duration, transfer)
    assert (document["event"]["outcome"], document["storm"]["vo"]) == ("success", "dteam")


# --- figures -------------------------------------------------------------------------------------------------

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(COUNT, DOUBLES, DOUBLES, DOUBLES, st.sampled_from(["events/second", "events/minute"]))
def test_metrics_come_back_to_the_last_digit(count: int, rate: float, greatest: float, share: float, unit: str) -> None:
    figures = f"(count={count}, m1_rate={rate!r}, m5_rate={java(share)}) (max={java(greatest)})"
    line = f"2026-11-22 00:25:22,086 - synch.ls [{figures}] duration_units=milliseconds, rate_units={unit}"
    storm = one(line.encode(), "storm-metrics")["storm"]
    assert storm["metrics"] == {"count": count, "m1_rate": rate, "m5_rate": share, "max": greatest}
    assert storm["rate_units"] == unit


def java(number: float) -> str:
    """As Java prints exponents: `1.0E-4`."""
    digits, sign, exponent = f"{number!r}".partition("e")
    whole = digits if "." in digits else f"{digits}.0"
    return f"{whole}E{int(exponent)}" if sign else whole


@settings(deadline=None)
@given(st.integers(0, 10**6), COUNT, st.lists(COUNT, min_size=9, max_size=9))
def test_a_pulse_comes_back_as_written(pulse: int, heap: int, counts: list[int]) -> None:
    synch, ptg, ptp, *last = counts
    beat = "[#PTG={} OK={} M.Dur.={}] [#PTP={} OK={} M.Dur.={}]".format(*last)
    line = (
        f"[2026-11-22 00:25:22,080]:  [#{pulse:.>6} lifetime=51:10.10] Heap Free:{heap} SYNCH [{synch}] "
        f"ASynch [PTG:{ptg} PTP:{ptp}] Last:( {beat} )"
    )
    storm = one(line.encode(), "storm-heartbeat")["storm"]
    assert (storm["pulse"], storm["heap_free"], storm["lifetime"]) == (pulse, heap, "51:10.10")
    assert (storm["synch"], storm["ptg"], storm["ptp"]) == (synch, ptg, ptp)
    assert list(storm["last"].values()) == last


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**5), st.lists(SECONDS, min_size=6, max_size=6), st.booleans())
def test_a_round_of_the_monitoring_comes_back_as_written(
    number: int, hours: int, times: list[float], wrapped: bool
) -> None:
    figures = "[OK:{},F:1,E:0,m:{:.3f},M:{:.3f},Avg:{:.3f}]"
    sync, asynchronous = figures.format(number, *times[:3]), figures.format(7, *times[3:])
    between = "\n  " if wrapped else " "
    line = (
        f"12/31 23:50:00 : [#{number:6d} lifetime={hours:02d}:33:18] S {sync} A {asynchronous}"
        f"{between}Last:(S {asynchronous} A {sync})"
    )
    storm = one(line.encode(), "storm-monitoring")["storm"]
    assert (storm["round"], storm["lifetime"]) == (number, f"{hours:02d}:33:18")
    assert [storm["sync"][key] for key in ("ok", "min", "max", "avg")] == [number, *times[:3]]
    assert storm["last"] == {"sync": storm["async"], "async": storm["sync"]}


@settings(deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=3), st.sampled_from(["INFO", "ERROR"]))
def test_a_message_of_the_info_provider_keeps_its_lines_and_its_level(lines: list[bytes], level: str) -> None:
    text = b"\n ".join(lines)
    document = one(f"2014-09-04 10:40:34,271 root        : {level} ".encode() + text, "storm-info-provider")
    assert document["message"].endswith(as_shipped(text))
    assert (document["log"], document["shipper"]["lines"]) == (document["log"] | {"level": level}, len(lines))
