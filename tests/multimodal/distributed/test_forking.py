"""A lock that a forked process can use."""

from __future__ import annotations

import os
import threading

import pytest

from data_loaders.errors import RunError
from multimodal.distributed import forking
from multimodal.distributed.forking import ForkSafeLock


def in_child(work):
    """Fork, and return what `work` exits with in the child."""
    child = os.fork()
    if not child:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_it_is_reentrant_and_free_in_the_child():
    lock = ForkSafeLock()

    def work():
        with lock, lock:
            return 7

    assert in_child(work) == 7
    with lock:
        assert in_child(work) == 7


def test_a_fork_waits_for_other_threads():
    lock, held, forked = ForkSafeLock(), threading.Event(), threading.Event()
    steps = []

    def hold():
        with lock:
            held.set()
            forked.wait(0.05)
            steps.append("done")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert in_child(lambda: len(steps)) == 1
    thread.join()


def test_a_lock_that_stays_held_is_refused_in_the_child_only(monkeypatch):
    monkeypatch.setattr(forking, "_LONGEST_WAIT_S", 0.01)
    lock, held, done = ForkSafeLock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def work():
        with pytest.raises(
            RunError, match=r"was forked while another thread was using this recommender; load it again"
        ):
            lock.__enter__()
        return 7

    assert in_child(work) == 7
    done.set()
    thread.join()
    with lock:
        pass


def test_a_lock_that_is_made_while_a_process_forks_does_no_harm(monkeypatch):
    class Growing(list):
        changes = 2

        def __iter__(self):
            if self.changes:
                self.changes -= 1
                raise RuntimeError("Set changed size during iteration")
            return super().__iter__()

    lock = ForkSafeLock()
    monkeypatch.setattr(forking, "_LOCKS", Growing([lock]))
    assert forking._all_locks() == [lock]
