"""An input that is read more slowly than it is written is found; one that catches up now and then is not."""

from collections import Counter
from dataclasses import replace

from support.agents import Site
from support.logs import numbered, write

from shipper.operate.slowdown import Slowdowns
from shipper.settings import MIB
from shipper.start import agent


def after(sizes, period=300.0, step=10.0):
    """What is found after so many bytes were unread, one size each step."""
    slowdowns = Slowdowns(period)
    for number, size in enumerate(sizes):
        assert slowdowns.is_due(number * step)
        slowdowns.look({"tstat": size}, number * step)
    return slowdowns.found()


def test_an_unread_part_that_grows_for_the_whole_period_is_found():
    assert after([number * MIB for number in range(31)])["tstat"] == (0, 30 * MIB, 300.0)


def test_one_that_grew_for_less_than_the_period_is_not():
    assert after([number * MIB for number in range(30)]) == {}


def test_one_that_shrinks_now_and_then_to_where_it_was_is_not():
    assert after([number % 20 * MIB for number in range(200)]) == {}


def test_one_that_waves_and_yet_grows_is_found():
    assert after([(number % 3 + number) * MIB for number in range(60)])


def test_one_that_stays_as_it_is_is_not_growing():
    assert after([500 * MIB] * 100) == {}


def test_one_that_grows_by_less_than_a_mebibyte_is_not_worth_a_word():
    assert after(range(100)) == {}


def test_one_that_was_caught_up_is_found_no_more():
    assert after([*(number * MIB for number in range(100)), 0]) == {}


def test_what_is_kept_does_not_grow_with_the_time():
    slowdowns = Slowdowns(300.0)
    for number in range(100_000):
        slowdowns.look({"tstat": number}, number * 10.0)
    assert len(slowdowns._samples["tstat"]) < 40


def test_the_sentence_names_the_side_that_is_slow():
    found = after([number * MIB for number in range(31)])["tstat"]
    grew = "its unread part grew by 30 MiB within 5 minutes: "
    assert found.sentence(output_is_slow=False) == grew + "it is read more slowly than written"
    assert found.sentence(output_is_slow=True) == grew + "the output takes less than is written"


def test_an_agent_tells_of_an_input_that_outruns_its_rate(tmp_path):
    site = Site(tmp_path)
    slow = replace(site.settings.inputs[0], rate=1024)
    site.with_settings(inputs=(slow,), stall_after=60.0)
    log = write(site.logs / "a.log", *numbered(0, 10))
    line = b"x" * 1023 + b"\n"
    turns = Counter()

    def stopping():
        turns["all"] += 1
        with log.open("ab") as file:
            file.write(1000 * line)
        return site.events.counts["stalled"] > 0 or turns["all"] > 100

    with agent(site.settings, site.clock, site.events, threads=0) as running:
        running.run(stopping)
        assert running.snapshot().unread["logs"] > MIB
        assert [stall.scope for stall in running._state.stalls()] == ["input logs"]
    assert site.events.counts["stalled"] == 1
