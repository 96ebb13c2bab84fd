"""Questions that wait together are answered together, and none is lost or exchanged."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from multimodal.serving.batching import MicroBatcher
from multimodal.serving.errors import ServiceError


class Slow:
    """Answers once it is let, and remembers what it was asked together."""

    def __init__(self):
        self.batches, self.go, self.begun = [], threading.Event(), threading.Event()

    def __call__(self, questions):
        self.begun.set()
        assert self.go.wait(30)
        self.batches.append(list(questions))
        return [ValueError(one) if one < 0 else one * 10 for one in questions]


async def reached(condition):
    for _ in range(3_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


def run(use, **given):
    async def begin():
        slow = Slow()
        batcher = MicroBatcher(slow, **{"at_once": 3, "most_waiting": 8, **given})
        batcher.start()
        try:
            return await use(batcher, slow)
        finally:
            slow.go.set()
            await batcher.close()

    return asyncio.run(begin())


def test_what_waits_is_answered_together():
    async def use(batcher, slow):
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        others = [asyncio.create_task(batcher.ask([number], 30)) for number in range(2, 7)]
        await reached(lambda: batcher.waiting == 5)
        slow.go.set()
        assert await asyncio.gather(first, *others) == [[number * 10] for number in range(1, 7)]
        assert slow.batches == [[1], [2, 3, 4], [5, 6]]

    run(use)


def test_one_that_fails_does_not_lose_the_others():
    async def use(batcher, slow):
        slow.go.set()
        good, bad, other = await batcher.ask([1, -2, 3], 30)
        assert (good, str(bad), other) == (10, "-2", 30)

    run(use)


def test_a_full_queue_is_refused_and_recovers():
    async def use(batcher, slow):
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        waiting = asyncio.create_task(batcher.ask([2] * 8, 30))
        await reached(lambda: batcher.waiting == 8)
        with pytest.raises(ServiceError, match="8 posts are waiting, and at most 8 may; come again later") as refused:
            await batcher.ask([3], 30)
        assert refused.value.status == 503
        assert int(refused.value.headers["Retry-After"]) >= 1
        slow.go.set()
        assert await waiting == [20] * 8
        assert await first == [10]
        assert await batcher.ask([3], 30) == [30]

    run(use)


def test_who_has_given_up_is_not_answered():
    async def use(batcher, slow):
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        with pytest.raises(ServiceError, match=r"no answer within 0\.01 seconds; the request was given up") as late:
            await batcher.ask([2], 0.01)
        assert late.value.status == 504
        slow.go.set()
        assert await first == [10]
        assert await batcher.ask([3], 30) == [30]
        assert slow.batches == [[1], [3]]

    run(use)


def test_who_has_left_is_not_answered():
    async def use(batcher, slow):
        first, gone = asyncio.create_task(batcher.ask([1], 30)), asyncio.Event()
        await reached(slow.begun.is_set)
        second = asyncio.create_task(batcher.ask([2, 3], 30, gone.wait))
        third = asyncio.create_task(batcher.ask([4], 30, asyncio.Event().wait))
        await reached(lambda: batcher.waiting == 3)
        gone.set()
        with pytest.raises(ServiceError, match="the client has left") as left:
            await second
        assert left.value.status == 499
        slow.go.set()
        assert (await first, await third) == ([10], [40])
        assert slow.batches == [[1], [4]]

    run(use)


def test_who_has_left_or_waited_too_long_is_not_reported_as_an_error():
    async def use(batcher, slow):
        reported = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["message"]))
        first, gone = asyncio.create_task(batcher.ask([1], 30)), asyncio.Event()
        await reached(slow.begun.is_set)
        gone.set()
        for given_up in (batcher.ask([2, 3], 30, gone.wait), batcher.ask([-4], 0.01)):
            with pytest.raises(ServiceError):
                await given_up
        slow.go.set()
        assert await first == [10]
        await batcher.ask([5], 30)
        gc.collect()
        assert reported == []

    run(use)


def test_who_is_cancelled_is_not_answered():
    async def use(batcher, slow):
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        second = asyncio.create_task(batcher.ask([2], 30))
        await reached(lambda: batcher.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        slow.go.set()
        assert await first == [10]
        assert await batcher.ask([3], 30) == [30]
        assert slow.batches == [[1], [3]]

    run(use)


def test_closing_answers_what_waits():
    async def use(batcher, slow):
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        second = asyncio.create_task(batcher.ask([2], 30))
        await reached(lambda: batcher.waiting == 1)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(ServiceError, match="the service is being stopped"):
            await batcher.ask([3], 30)
        slow.go.set()
        await closing
        assert (await first, await second) == ([10], [20])

    run(use)


def test_a_mistake_reaches_all_that_share_a_batch_and_the_next_is_answered():
    calls = []

    def broken(questions):
        calls.append(questions)
        if len(calls) == 1:
            raise ZeroDivisionError("a bug")
        return questions

    async def use():
        batcher = MicroBatcher(broken, 4, 8)
        batcher.start()
        first = await batcher.ask([1, 2], 30)
        assert [type(one) for one in first] == [ZeroDivisionError] * 2
        assert await batcher.ask([3], 30) == [3]
        await batcher.close()

    asyncio.run(use())


def test_where_a_question_takes_long_fewer_share_a_batch():
    async def use(batcher, slow):
        batcher._seconds_a_question = 0.4
        first = asyncio.create_task(batcher.ask([1], 30))
        await reached(slow.begun.is_set)
        others = asyncio.create_task(batcher.ask([2, 3, 4, 5], 30))
        await reached(lambda: batcher.waiting == 4)
        batcher._measure = lambda size, seconds: None  # it goes on to take as long
        slow.go.set()
        assert await others == [20, 30, 40, 50]
        assert await first == [10]
        assert slow.batches == [[1], [2, 3], [4, 5]]
        batcher._seconds_a_question = 7.0
        assert await batcher.ask([6, 7], 30) == [60, 70]
        assert slow.batches[3:] == [[6], [7]]

    run(use)


def test_who_would_wait_too_long_is_refused_at_once_and_not_when_the_line_is_short():
    async def use(batcher, slow):
        batcher._seconds_a_question = 20.0
        first = asyncio.create_task(batcher.ask([1], 60))
        await reached(slow.begun.is_set)
        second = asyncio.create_task(batcher.ask([2, 3], 60))
        await reached(lambda: batcher.waiting == 2)
        told = "2 posts are waiting, about 40 seconds, and answers may take 30; come again later"
        with pytest.raises(ServiceError, match=told) as refused:
            await batcher.ask([4], 30)
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "40")
        slow.go.set()
        assert await first == [10]
        assert await second == [20, 30]
        assert await batcher.ask([4], 30) == [40]

    run(use)
