"""Whose turn it is: live files before a backlog, a backlog in spite of tireless writers."""

from shipper.read.turns import Turns


def turns(live="", backlog=""):
    made = Turns()
    for item in backlog:
        made.add(item, live=False)
    for item in live:
        made.add(item, live=True)
    return made


def order(made, count):
    """The files that have a turn if none comes to its end."""
    taken = []
    for _ in range(count):
        item, live = made.next()
        made.add(item, live=live)
        taken.append(item)
    return "".join(taken)


def test_a_backlog_is_read_in_turn():
    assert order(turns(backlog="abc"), 7) == "abcabca"


def test_between_two_rounds_of_live_files_the_backlog_has_one_turn():
    assert order(turns(live="xy", backlog="ab"), 9) == "axybxyaxy"


def test_live_files_alone_are_read_in_turn():
    assert order(turns(live="xy"), 4) == "xyxy"


def test_files_at_their_end_are_live_when_they_are_looked_at_again():
    made = turns(backlog="abc")
    first, _ = made.next()
    made.rest(first)
    assert order(made, 2) == "bc"
    made.look_again()
    assert order(made, 4) == "baca"


def test_nobody_has_a_turn_when_all_are_at_their_end():
    made = turns(live="x")
    made.rest(made.next()[0])
    assert made.next() is None
    assert list(made.at_end()) == ["x"]
    made.remove("x")
    made.look_again()
    assert made.next() is None
