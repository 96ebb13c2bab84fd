"""Progress bars of work shared between processes; only the main process shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from data_loaders.bulk.progress import progress_bar
from multimodal.distributed.processes import is_main_process

Item = TypeVar("Item")


@contextmanager
def shared_progress(description: str, total: int | None, unit: str = "posts") -> Iterator[Callable[[int], None]]:
    """Yield a function that advances the bar by a number of steps; see `data_loaders.bulk.progress.progress_bar`."""
    if not is_main_process():
        yield lambda steps: None
        return
    with progress_bar(description, total, unit) as bar:
        yield bar.advance


def shown(items: Iterable[Item], description: str, total: int, unit: str = "posts") -> Iterator[Item]:
    """Yield items under a bar that advances with each; the arguments are those of `shared_progress`."""
    with shared_progress(description, total, unit) as advance:
        for item in items:
            yield item
            advance(1)
