"""A lock that a few threads share, or that one has alone."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from multimodal.distributed import forking
from multimodal.distributed.forking import ForkSafeLock
from multimodal.distributed.shared_lock import SharedLock


def in_child(work):
    """Fork, and return what `work` exits with in the child."""
    child = os.fork()
    if not child:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("most", [1, 2, 3])
def test_as_many_share_it_as_there_are_places(most):
    lock, inside, largest = SharedLock(most), [], []
    # Nobody leaves before all places are taken.
    full = threading.Barrier(most)

    def work(number):
        with lock.shared():
            inside.append(number)
            largest.append(len(inside))
            full.wait()
            inside.remove(number)

    with ThreadPoolExecutor(3 * most) as pool:
        list(pool.map(work, range(6 * most)))
    assert lock.most == most
    assert max(largest) <= most


def test_one_alone_is_with_nobody():
    lock, inside, seen = SharedLock(3), [], []

    def shared(number):
        with lock.shared():
            inside.append(number)
            inside.remove(number)

    def alone(number):
        with lock.alone():
            seen.append(list(inside))
            inside.append(number)
            seen.append(list(inside))
            inside.remove(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: (alone if number % 3 else shared)(number), range(300)))
    assert {len(one) for one in seen} == {0, 1}
    assert inside == []


def test_it_is_reentrant_and_free_after_an_error():
    lock = SharedLock(2)
    with lock.alone(), lock.shared(), lock.alone():
        pass
    for held in (lock.shared, lock.alone):
        with pytest.raises(ValueError, match="in hand"), held():
            raise ValueError("in hand")

    def work():
        with lock.alone():
            return 7

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == 7


def test_a_child_has_it_free():
    lock = SharedLock(2)

    def work():
        with lock.alone():
            return 7

    with lock.shared():
        assert in_child(work) == 7


def test_a_fork_waits_with_nothing_in_hand(monkeypatch):
    outer, inner = ForkSafeLock(), ForkSafeLock()
    held, forking_now = threading.Event(), threading.Event()
    # The fork takes the inner one first, which the thread needs before it gives back the outer one.
    monkeypatch.setattr(forking, "_LOCKS", [inner, outer])
    before_fork = ForkSafeLock.before_fork

    def seen(lock, wait_s):
        taken = before_fork(lock, wait_s)
        if lock is outer and not taken:
            forking_now.set()
        return taken

    monkeypatch.setattr(ForkSafeLock, "before_fork", seen)

    def work():
        with outer:
            held.set()
            forking_now.wait()
            with inner:
                pass

    thread = threading.Thread(target=work)
    thread.start()
    held.wait()

    def both():
        with outer, inner:
            return 7

    assert in_child(both) == 7
    thread.join()
