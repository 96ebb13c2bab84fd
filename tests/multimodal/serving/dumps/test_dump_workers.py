"""Forked workers: order, bounded reading, and what happens when one dies."""

from __future__ import annotations

import os
import signal
from contextlib import closing

import pytest
import torch

from data_loaders.errors import RunError
from multimodal.serving.dumps.workers import worked_on


@pytest.mark.parametrize("processes", [None, 1, 3])
def test_results_come_in_order(processes):
    assert list(worked_on(range(20), lambda item: item * item, processes)) == [item * item for item in range(20)]


def test_workers_have_one_thread_each_and_are_other_processes():
    facts = list(worked_on(range(4), lambda item: (os.getpid(), torch.get_num_threads()), 2))
    assert {threads for _, threads in facts} == {1}
    assert os.getpid() not in {pid for pid, _ in facts}


def test_items_are_read_as_they_are_needed():
    read = []

    def items():
        for number in range(100):
            read.append(number)
            yield number

    with closing(worked_on(items(), lambda item: item, 2)) as results:
        for number, result in enumerate(results):
            assert result == number
            assert len(read) <= number + 4
            if number == 10:
                break


def test_a_worker_that_is_killed():
    def work(item):
        if item == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(RunError, match=r"one of 2 processes died, perhaps for lack of memory\. What was answered"):
        list(worked_on(range(10), work, 2))


def test_an_error_of_the_work_is_raised_here():
    def work(item):
        raise RunError(f"no {item}")

    with pytest.raises(RunError, match="no 0"):
        list(worked_on(range(3), work, 2))
