"""NULs are waited for as long as they may still be filled in, and no longer."""

from shipper.read.nuls import SETTLE, NulHold

DATA = b"one\ntwo\n\0\0\0three\nfour\n"
BEFORE = len(b"one\ntwo\n")


def test_lines_before_nuls_are_read_at_once_and_the_others_when_they_settled():
    hold = NulHold()

    assert hold.readable(DATA, 100, 0.0, at_end=True) == BEFORE
    assert hold.readable(DATA, 100, SETTLE - 0.1, at_end=True) == BEFORE
    assert hold.readable(DATA, 100, SETTLE, at_end=True) == len(DATA)


def test_what_is_written_behind_them_does_not_begin_the_wait_again_and_nuls_in_it_have_a_wait_of_their_own():
    hold = NulHold()
    hold.readable(DATA, 0, 0.0, at_end=True)
    grown = DATA + b"five\n\0six\n"

    assert hold.readable(grown, 0, SETTLE - 1, at_end=True) == BEFORE
    assert hold.readable(grown, 0, SETTLE, at_end=True) == len(DATA + b"five\n")
    assert hold.readable(grown, 0, 2 * SETTLE, at_end=True) == len(grown)


def test_nuls_that_change_are_waited_for_anew():
    hold = NulHold()
    hold.readable(DATA, 0, 0.0, at_end=True)
    filled = DATA.replace(b"\0\0\0", b"\0xy")

    assert hold.readable(filled, 0, SETTLE, at_end=True) == BEFORE
    assert hold.readable(filled, 0, 2 * SETTLE, at_end=True) == len(filled)


def test_a_narrower_look_at_what_is_held_decides_nothing():
    hold = NulHold()
    wide = b"\0" * 4000 + b"line\n"
    hold.readable(wide[:1000], 0, 0.0, at_end=False)
    hold.readable(wide, 0, 0.0, at_end=True)

    assert hold.readable(wide[:1000], 0, SETTLE, at_end=False) == 0
    assert hold.readable(wide, 0, SETTLE, at_end=True) == len(wide)


def test_a_file_that_became_shorter_is_waited_for_anew():
    hold = NulHold()
    hold.readable(b"\0" * 40 + b"\n", 0, 0.0, at_end=True)

    assert hold.readable(b"\0" * 20 + b"\n", 0, SETTLE, at_end=True) == 0
    assert hold.readable(b"\0" * 20 + b"\n", 0, 2 * SETTLE, at_end=True) == 21


def test_the_lines_before_them_may_be_consumed_meanwhile():
    hold = NulHold()
    hold.readable(DATA, 0, 0.0, at_end=True)

    assert hold.readable(DATA[BEFORE:], BEFORE, SETTLE - 1, at_end=True) == 0
    assert hold.readable(DATA[BEFORE:], BEFORE, SETTLE, at_end=True) == len(DATA) - BEFORE
