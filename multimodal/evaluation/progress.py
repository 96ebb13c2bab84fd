"""Chunks of posts, with a progress bar where working through them takes a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from data_loaders.progress import Bar, progress_bar

_PATIENCE_S = 1.0


def chunks(posts: int, size: int, description: str) -> Iterator[int]:
    """Yield the start of each chunk of `size` posts; a bar shows on stderr once a second has gone by."""
    began = time.monotonic()
    bar: Bar | None = None
    with ExitStack() as stack:
        for start in range(0, posts, size):
            yield start
            if bar is not None:
                bar.advance(min(size, posts - start))
            elif time.monotonic() - began > _PATIENCE_S:
                bar = stack.enter_context(progress_bar(description, posts))
                bar.advance(min(start + size, posts))
