"""What stands still is told at once, then ever rarer, and once more when it is over."""

from support.clock import VirtualClock

from shipper.events_log import EventsLog
from shipper.operate.reminders import LONGEST_SILENCE, Rarely, Reminders, Standstill


class Told:
    """The log of what stands still, at a clock that is moved by hand."""

    def __init__(self):
        self.clock = VirtualClock()
        self.lines = []
        self.reminders = Reminders(
            self.clock, EventsLog(lambda level, event, fields: self.lines.append((event, fields)))
        )

    def after(self, seconds, *standstills):
        """What is told when these stand still after so many more seconds."""
        self.clock.advance(seconds)
        self.lines.clear()
        self.reminders.look(standstills)
        return list(self.lines)

    def standing(self, scope, reason="a reason"):
        return Standstill(scope, reason, self.clock.time())


def test_reminders_come_after_one_two_four_minutes_and_at_last_every_hour():
    told = Told()
    room = told.standing("dead letters")
    started = told.clock.now
    minutes = [
        (told.clock.now - started) / 60
        for _ in range(5 * 360)
        if "still_stalled" in [event for event, _ in told.after(10, room)]
    ]

    gaps = [round(later - earlier) for earlier, later in zip([0, *minutes], minutes, strict=False)]
    assert gaps[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(gaps[6:]) == {LONGEST_SILENCE / 60}


def test_a_reminder_says_what_stands_still_why_and_for_how_long():
    told = Told()
    room = told.standing("dead letters", "their limit is reached")
    told.after(0, room)
    assert told.after(61, room) == [
        ("still_stalled", {"scope": "dead letters", "reason": "their limit is reached", "stalled_seconds": 61.0})
    ]


def test_beginning_and_end_are_told_at_once_where_nobody_else_tells_them():
    told = Told()
    room = told.standing("dead letters", "full")
    assert told.after(0, room) == [("stalled", {"scope": "dead letters", "reason": "full"})]
    assert told.after(1, room) == []
    assert told.after(29) == [("stall_over", {"scope": "dead letters", "stalled_seconds": 30.0})]
    assert told.after(1000) == []


def test_what_the_sender_and_the_reader_told_themselves_is_not_told_twice():
    told = Told()
    standstills = [told.standing("output"), told.standing("dataset a"), told.standing("pipeline b")]
    file = told.standing("file /var/log/x")
    assert told.after(0, *standstills, file) == []
    assert told.after(5, file) == []
    assert told.after(5) == [("stall_over", {"scope": "file /var/log/x", "stalled_seconds": 10.0})]


def test_of_many_files_the_one_that_stands_longest_is_named_and_the_others_are_counted():
    told = Told()
    first = told.standing("file /a")
    told.after(0, first)
    told.clock.advance(30)
    others = [told.standing(f"file /b{number}") for number in range(400)]
    reminders = told.after(31, *others, first, told.standing("output"))
    assert reminders == [
        ("still_stalled", {"scope": "file /a", "reason": "a reason", "stalled_seconds": 61.0, "others": 400})
    ]


def test_a_standstill_that_comes_back_is_told_as_a_new_one():
    told = Told()
    told.after(0, told.standing("dead letters"))
    for _ in range(100):
        told.after(60, told.standing("dead letters"))
    told.after(1)
    again = told.standing("dead letters")
    assert [event for event, _ in told.after(0, again)] == ["stalled"]
    assert [event for event, _ in told.after(61, again)] == ["still_stalled"]


def test_the_first_pause_can_be_shorter():
    rarely = Rarely(100.0, first=1.0)
    assert [second for second in range(100, 140) if rarely.due(float(second))] == [101, 103, 107, 115, 131]
