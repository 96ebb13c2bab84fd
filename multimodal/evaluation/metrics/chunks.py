"""Work on chunks of posts on all cores, with a progress bar where it takes a while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

Result = TypeVar("Result")
_PATIENCE_S = 2.0
_MOST_THREADS = 4
_FEW_CHUNKS = 4


def chunks(posts: int, size: int, description: str) -> Iterator[slice]:
    """Yield the chunks of `size` posts; a bar shows on stderr once two seconds have gone by."""
    return map_chunks(lambda chunk: chunk, posts, size, description, threads=1)


def map_chunks(
    work: Callable[[slice], Result],
    posts: int,
    size: int,
    description: str,
    threads: int | None = None,
    unit: str = "posts",
) -> Iterator[Result]:
    """Yield `work(chunk)` of each chunk of posts, in order; a bar shows on stderr once two seconds have gone by.

    Args:
        work: NumPy work, which lets go of the interpreter, on a slice of the posts.
        threads: how many chunks to work on at once; by default as many as there are cores, at most 4.
        unit: what the posts are called on the bar.
    """
    slices = [slice(start, min(start + size, posts)) for start in range(0, posts, size)]
    threads = min(os.cpu_count() or 1, _MOST_THREADS) if threads is None else threads
    began = time.monotonic()
    advance: Callable[[int], None] | None = None
    with ExitStack() as stack:
        if threads == 1 or len(slices) <= _FEW_CHUNKS:
            results: Iterator[Result] = map(work, slices)
        else:
            results = stack.enter_context(ThreadPoolExecutor(threads)).map(work, slices)
        for chunk, result in zip(slices, results, strict=True):
            yield result
            if advance is not None:
                advance(chunk.stop - chunk.start)
            elif time.monotonic() - began > _PATIENCE_S:
                # Imported now, for it brings torch along, which short work does without.
                from multimodal.distributed.progress import shared_progress

                advance = stack.enter_context(shared_progress(description, posts, unit))
                advance(chunk.stop)
