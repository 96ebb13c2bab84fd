"""`MicroBatcher`: requests that wait at the same time share a forward pass, on one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from multimodal.serving.errors import ServiceError

Question = TypeVar("Question")
Answer = TypeVar("Answer")
_SHARE_OF_THE_LAST = 0.2


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Question, Answer]):
    question: Question
    answer: asyncio.Future[Answer]


class MicroBatcher(Generic[Question, Answer]):
    """A queue before one thread.

    While the thread is busy, questions wait; when it is free, it takes those that wait, so that a batch grows with the
    load and nobody waits for others to come. Where a question takes long, little is saved by asking many together, and
    the first of them would wait for the last: so batches are also limited by time.

    Args:
        answer: called on the thread with questions; returns an answer, or the error, for each.
        at_once: how many questions it is called with at most.
        most_waiting: further questions are refused.
        at_once_s: how long a batch should take at most, by the ones before, in seconds.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Sequence[Answer | Exception]],
        at_once: int,
        most_waiting: int,
        at_once_s: float = 1.0,
    ) -> None:
        self._answer, self._at_once, self._most_waiting, self._at_once_s = answer, at_once, most_waiting, at_once_s
        self._seen: Callable[[int, float], None] | None = None
        self._queue: deque[_Waiting[Question, Answer]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None
        self._closing = False
        self._seconds_a_question = 0.0

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return len(self._queue)

    def start(self, seen: Callable[[int, float], None] | None = None) -> None:
        """Begin to answer, in the running event loop.

        Args:
            seen: called with the sizes and seconds of batches.
        """
        self._seen = seen
        self._worker = asyncio.create_task(self._work())

    async def ask(
        self, questions: Sequence[Question], seconds: float, disconnected: Callable[[], Awaitable[object]] | None = None
    ) -> list[Answer | Exception]:
        """Return the answer, or the error, to each question.

        Args:
            questions: that share a batch, if they can.
            seconds: after which they are given up.
            disconnected: returns once nobody waits for the answers any more, which gives them up too.

        Raises:
            ServiceError: the queue is full, or what waits already takes longer than `seconds` (503); or the answers do
                (504), or nobody waits (499).
        """
        self._refuse_too_many(len(questions), seconds)
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(question, loop.create_future()) for question in questions]
        self._queue.extend(waiting)
        self._arrived.set()
        together: Any = asyncio.gather(*(one.answer for one in waiting), return_exceptions=True)
        together.add_done_callback(_noticed)  # once it is given up, nobody looks at it
        leaving = [] if disconnected is None else [asyncio.ensure_future(disconnected())]
        try:
            await asyncio.wait([together, *leaving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if together.done():
                return list(together.result())
        finally:
            # A request that is given up cancels its futures, and what is cancelled is not answered.
            for one in (together, *leaving):
                one.cancel()
        if any(one.done() and not one.cancelled() for one in leaving):
            raise ServiceError(499, "the client has left.")
        raise ServiceError(504, f"no answer within {seconds:g} seconds; the request was given up.", 1)

    def _refuse_too_many(self, questions: int, seconds: float) -> None:
        if self._closing:
            raise ServiceError(503, "the service is being stopped.", 1)
        waiting, most = len(self._queue), self._most_waiting
        waiting_s = waiting * self._seconds_a_question
        if waiting + questions > most:
            problem = f"{waiting} posts are waiting, and at most {most} may"
        elif waiting_s > seconds:
            problem = f"{waiting} posts are waiting, about {waiting_s:.0f} seconds, and answers may take {seconds:g}"
        else:
            return
        raise ServiceError(503, f"{problem}; come again later.", waiting_s)

    async def close(self) -> None:
        """Answer what waits, and end."""
        self._closing = True
        self._arrived.set()
        if self._worker is not None:
            await self._worker
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            batch = self._take()
            if batch:
                started_s = loop.time()
                answers = await loop.run_in_executor(self._thread, self._try, [one.question for one in batch])
                self._measure(len(batch), loop.time() - started_s)
                for one, answer in zip(batch, answers, strict=True):
                    _settle(one.answer, answer)
            elif self._closing:
                return
            else:
                self._arrived.clear()

    def _take(self) -> list[_Waiting[Question, Answer]]:
        batch: list[_Waiting[Question, Answer]] = []
        in_time = int(self._at_once_s / max(self._seconds_a_question, self._at_once_s / self._at_once))
        while self._queue and len(batch) < max(1, in_time):
            one = self._queue.popleft()
            if not one.answer.done():
                batch.append(one)
        return batch

    def _try(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        try:
            return self._answer(questions)
        except Exception as error:  # noqa: BLE001  it is raised again in the request
            return [error] * len(questions)

    def _measure(self, size: int, seconds: float) -> None:
        if self._seen is not None:
            self._seen(size, seconds)
        self._seconds_a_question += _SHARE_OF_THE_LAST * (seconds / size - self._seconds_a_question)


def _noticed(future: asyncio.Future[Any]) -> None:
    """Look at the error of a future, so that asyncio does not report it as overlooked."""
    if not future.cancelled():
        future.exception()


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
