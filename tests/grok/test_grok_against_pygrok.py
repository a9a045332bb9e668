"""Our engine against pygrok's, on its own pattern files: equal fields, or one of the differences that are listed here.

    NONE      pygrok keeps groups that took no part (as None) and empty texts; Logstash, and we, leave them out
    LIST      of several groups of one name pygrok keeps one; Logstash, and we, keep all in a list
    INVENTED  pygrok raises where a text is no number; Logstash, and we, convert what there is
    UNICODE   `\\w`, `\\d`, `\\s` are Unicode for pygrok; for Logstash, and for us, ASCII
    NEWLINE   `.` stops at a newline for pygrok, `^` and `$` match at the ends only; for Logstash, and us, at lines
    HEX       `\\h` is a blank for pygrok; for Logstash, and for us, a hexadecimal digit
    REFUSED   pygrok takes a quantifier on a quantifier (`.?*`) for a mistake; for Logstash, and for us, it repeats

Lines that only one of the two matches are compared, too, as far as UNICODE and NEWLINE cannot be the reason.
"""

from functools import cache
from pathlib import Path

import pygrok
import pytest

from shipper.grok import Library

LIBRARY = Library.load()
SAMPLES = Path(__file__).parents[1] / "samples"
NAMES = sorted(LIBRARY)
MADE = [
    '192.0.2.1 - bob [22/Nov/2026:00:00:01 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "curl/8"',
    '::1 - - [22/Nov/2026:00:00:01 +0000] "\\x16\\x03" 400 - "-" "-"',
    "Nov 22 12:01:59 dtn01 sshd[42]: Accepted publickey for bob from 192.0.2.7 port 5000 ssh2",
    "<13>Nov  2 12:01:59 dtn01.example.org app: x=1",
    "2026-11-22T00:25:22.025+01:00 ERROR [main] org.example.Main - failed: /srv/a/b.txt 1.5e3 0x1F",
    "Sun Nov 22 00:25:22 2026 a@b.org http://example.org:80/p/q?r=s#t 00:11:22:33:44:55",
    "id 5f0c1d2e-0000-4000-8000-00805f9b34fb",
    "",
    "-",
    "   ",
]


@cache
def lines():
    found = list(MADE)
    for log in sorted(SAMPLES.glob("[gs]*/**/*.log")):
        found += [line for line in log.read_text(errors="replace").split("\n")[:200:8] if line.isascii()]
    return found


HEX, REFUSED = {"RUUID"}, {"SHOREWALL"}
"""Bundled definitions that are written with what differs."""


def theirs(engine, line):
    """What pygrok finds, without what NONE leaves out."""
    found = engine.match(line)
    return None if found is None else {name: value for name, value in found.items() if value not in (None, "")}


def same(ours, other):
    """Equal, up to LIST."""
    if ours is None or other is None:
        return ours is other
    if ours.keys() != other.keys():
        return False
    return all(
        value == other[name] or (isinstance(value, list) and other[name] in value) for name, value in ours.items()
    )


@pytest.mark.parametrize("initial", sorted({name[0] for name in NAMES}))
def test_every_bundled_definition_gives_the_same_fields(initial):
    differing = []
    for name in (name for name in NAMES if name[0] == initial and name not in HEX | REFUSED):
        pattern = f"%{{{name}:whole}}"
        ours, engine = LIBRARY.compile(pattern), pygrok.Grok(pattern)
        differing += [(name, line) for line in lines() if not same(ours.match(line), theirs(engine, line))]
    assert differing == []


@pytest.mark.parametrize(
    "pattern",
    [
        "^%{COMBINEDAPACHELOG}$",
        "%{SYSLOGTIMESTAMP:time} %{SYSLOGHOST:host} %{SYSLOGPROG}: %{GREEDYDATA:message}",
        "%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:level} +\\[%{DATA:thread}\\]",
        "%{INT:first:int}.*?%{NUMBER:second:float}",
        "(?P<key>[a-z]+)=(?P<value>\\S+)",
        "%{IPORHOST:host}:?%{POSINT:port:int}?",
        "%{WORD:verb} %{URIPATHPARAM:path}",
        "DATE=%{NUMBER:date} HOST=%{HOSTNAME:host} PROG=%{DATA:program} .*NBYTES=%{INT:bytes:int}",
    ],
)
def test_common_expressions_give_the_same_fields(pattern):
    ours, engine = LIBRARY.compile(pattern), pygrok.Grok(pattern)
    matched = [line for line in lines() if ours.match(line) is not None]
    assert matched, "an expression that matches nothing compares nothing"
    assert [line for line in lines() if not same(ours.match(line), theirs(engine, line))] == []


def test_a_hexadecimal_digit_is_a_blank_for_pygrok():
    assert LIBRARY["RUUID"].body == r"\h{32}"
    assert pygrok.Grok(r"(?P<x>\h)").match("a ") == {"x": " "}
    assert LIBRARY.compile(r"(?P<x>\h)").match("a ") == {"x": "a"}


def test_a_definition_that_pygrok_refuses_works():
    with pytest.raises(Exception, match="multiple repeat"):
        pygrok.Grok("%{SHOREWALL}")
    line = (
        "Nov 22 10:00:00 gate kernel: Shorewall:net:DROP:IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TOS=0x00 "
        "PREC=0x00 TTL=50 ID=1 DF PROTO=TCP SPT=1 DPT=22 SYN"
    )
    found = LIBRARY.compile("%{SHOREWALL}").match(line)
    assert (found["nf_src_ip"], found["nf_dst_port"]) == ("192.0.2.1", "22")


def test_a_group_that_takes_no_part_is_left_out_where_pygrok_says_none():
    pattern, line = "^(?P<a>x)?(?P<b>y*)z", "z"
    assert pygrok.Grok(pattern).match(line) == {"a": None, "b": ""}
    assert LIBRARY.compile(pattern).match(line) == {}


def test_several_texts_of_one_name_are_a_list_where_pygrok_keeps_one():
    pattern, line = "%{INT:n} %{INT:n}", "1 2"
    assert pygrok.Grok(pattern).match(line) == {"n": "2"}
    assert LIBRARY.compile(pattern).match(line) == {"n": ["1", "2"]}


def test_a_text_that_is_no_number_is_converted_where_pygrok_raises():
    pattern, line = "%{NOTSPACE:n:int}", "12x"
    with pytest.raises(ValueError, match="12x"):
        pygrok.Grok(pattern).match(line)
    assert LIBRARY.compile(pattern).match(line) == {"n": 12}


def test_classes_are_ascii_where_those_of_pygrok_are_unicode():
    pattern, line = r"^(?P<word>\w+)", "né"
    assert pygrok.Grok(pattern).match(line) == {"word": "né"}
    assert LIBRARY.compile(pattern).match(line) == {"word": "n"}


def test_a_newline_is_a_character_like_others_where_that_of_pygrok_ends_the_text():
    pattern, line = "^(?P<all>.*)", "a\nb"
    assert pygrok.Grok(pattern).match(line) == {"all": "a"}
    assert LIBRARY.compile(pattern).match(line) == {"all": "a\nb"}
