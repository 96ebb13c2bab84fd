"""How many posts a second a kept memory acknowledges, in SQLite and in PostgreSQL, and what its disk allows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from memory_stream import SLOTS, SPACE, Generator, vocabulary

from data_loaders.posts import Post
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.live.opening import open_memory
from multimodal.memory.live.snapshot import Origin
from multimodal.memory.post_memory import PostMemory

ORIGIN = Origin("bench", "bench")
# The tests know how to start a server.
_SERVER = Path(__file__).resolve().parents[1] / "tests" / "multimodal" / "memory"
_BATCH, _WRITE_BYTES = 100, 4_096


def empty_memory() -> PostMemory:
    """Return a memory without posts, of the sizes of generated ones."""
    return PostMemory(vocabulary(), 0, SLOTS, {SPACE: 256})


def confirmed_writes(folder: Path, count: int) -> float:
    """Return how many writes of 4 KiB a second the disk confirms, one after the other."""
    path = folder / "confirmed"
    with path.open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(count):
            file.write(bytes(_WRITE_BYTES))
            os.fdatasync(file.fileno())
        seconds = time.perf_counter() - start
    path.unlink()
    return count / seconds


class Observing:
    """Observes generated posts.

    Args:
        generator: draws them.
        count: how many at most.
    """

    def __init__(self, generator: Generator, count: int) -> None:
        self.vectors, self.terms, _ = generator.block(3, count)
        self.posts = [
            Post(
                post_id=f"new{number}",
                user_id=f"u{number % 97}",
                hashtags=("tag1", f"tag{number % 50}"),
                sequence=number,
            )
            for number in range(count)
        ]

    def rate(self, live: LiveMemory, first: int, count: int, at_once: int) -> tuple[float, float]:
        """Return how many posts a second are acknowledged, and the CPU time of this process for one, in milliseconds.

        Args:
            live: a kept memory.
            first: the first post.
            count: how many.
            at_once: how many are given with each call.
        """
        start, used = time.perf_counter(), time.process_time()
        for number in range(first, first + count, at_once):
            rows = np.arange(number, number + at_once)
            live.observe(
                self.posts[number : number + at_once],
                lambda memory, posts, rows=rows: memory.append(  # type: ignore[misc]
                    posts, None, self.terms[rows], {SPACE: self.vectors[rows]}
                ),
            )
        return count / (time.perf_counter() - start), (time.process_time() - used) / count * 1e3


def observe_rates(folder: Path, generator: Generator, singles: int) -> Iterator[tuple[str, float, float]]:
    """Yield name, posts a second and CPU time of a post, in milliseconds, of each way to observe.

    Args:
        folder: for the files; of the disk that is measured.
        generator: draws the posts.
        singles: how many are observed one by one; four times as many in batches of 100.
    """
    batches = max(singles * 4 // _BATCH, 1) * _BATCH
    observing = Observing(generator, singles + batches)
    with postgresql() as url:
        for name, address in (("SQLite", str(folder / "rates.sqlite")), ("PostgreSQL", url)):
            if address:
                live = open_memory(address, empty_memory(), ORIGIN, folder=folder / f"{name} files")
                one_by_one = observing.rate(live, 0, singles, 1)
                in_batches = observing.rate(live, singles, batches, _BATCH)
                live.close()
                yield f"observe, {name}, one by one", *one_by_one
                yield f"observe, {name}, {_BATCH} at once", *in_batches


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a server for a `with` block and yield the URL of an empty schema; an empty text where none is installed."""
    sys.path.append(str(_SERVER))
    from postgresql_server import PostgresqlServer, why_not

    if why_not():
        yield ""
        return
    server = PostgresqlServer()
    try:
        yield server.schema("bench")
    finally:
        server.remove()
