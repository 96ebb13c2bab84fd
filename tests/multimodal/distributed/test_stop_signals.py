"""Ctrl-C and SIGTERM reach the function while the block runs, and nothing else changes."""

import os
import signal
from threading import Thread

import pytest

from multimodal.distributed.stop_signals import stop_signals_handled

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_handled_in_the_block_and_as_before_behind_it(number):
    before, seen = [signal.getsignal(one) for one in SIGNALS], []
    with stop_signals_handled(lambda number, frame: seen.append(number)):
        os.kill(os.getpid(), number)
    assert seen == [number]
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_what_is_ignored_stays_ignored():
    """As behind `nohup`, or where a shell starts a job in the background."""
    previous, seen = signal.signal(signal.SIGINT, signal.SIG_IGN), []
    try:
        with stop_signals_handled(lambda number, frame: seen.append(number)):
            for number in SIGNALS:
                os.kill(os.getpid(), number)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert seen == [signal.SIGTERM]


def test_another_thread_than_the_main_one_changes_nothing():
    before, there = [signal.getsignal(one) for one in SIGNALS], []

    def work():
        with stop_signals_handled(print):
            there.extend(signal.getsignal(one) for one in SIGNALS)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert there == before
