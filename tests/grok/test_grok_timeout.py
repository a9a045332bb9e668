import re
import signal
import threading

import pytest

from shipper.grok.timeout import MatchTimeout, can_interrupt, time_limit

SLOW = re.compile("(?:a|a|aa)+$")


def test_a_search_that_does_not_end_is_interrupted_and_the_old_handler_is_back():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(MatchTimeout), time_limit(0.05):
        SLOW.match("a" * 100 + "b")
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_outer_limit_goes_on_after_an_inner_one():
    outcomes = []
    try:
        with time_limit(0.2):
            try:
                with time_limit(0.02):
                    SLOW.match("a" * 100 + "b")
            except MatchTimeout:
                outcomes.append("inner")
            SLOW.match("a" * 100 + "b")
    except MatchTimeout:
        outcomes.append("outer")
    assert outcomes == ["inner", "outer"]


def test_other_threads_are_told_that_they_have_no_limit():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(can_interrupt()))
    thread.start()
    thread.join(10)
    assert (seen, can_interrupt()) == ([False], True)
