"""Signals become calls, and only while they should."""

import signal

import pytest

from shipper.operate.signals import on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_stop_is_passed_on(number):
    calls = []
    with on_signals(stop=lambda: calls.append("stop")):
        signal.raise_signal(number)
    assert calls == ["stop"]


def test_a_second_interrupt_by_the_keyboard_does_not_wait():
    calls = []
    with on_signals(stop=lambda: calls.append("stop")):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert calls == ["stop"]


def test_a_second_request_by_the_manager_is_as_patient_as_the_first():
    calls = []
    with on_signals(stop=lambda: calls.append("stop")):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["stop", "stop"]


def test_a_hangup_asks_for_a_reload():
    calls = []
    with on_signals(stop=lambda: calls.append("stop"), reload=lambda: calls.append("reload")):
        signal.raise_signal(signal.SIGHUP)
    assert calls == ["reload"]


def test_handlers_are_put_back_also_after_an_error():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    with pytest.raises(RuntimeError), on_signals(stop=print, reload=print):
        raise RuntimeError
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
