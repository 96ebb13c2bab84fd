"""Pictures of prepared posts that have gone or were damaged since: counted, named once, and left out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from data_loaders.errors import some_of
from multimodal.distributed.processes import all_gather, is_main_process

logger = logging.getLogger(__name__)
_collected: ContextVar[dict[str, str] | None] = ContextVar("_collected", default=None)
_NAMED = 3


def leave_out(post_id: str, cause: str) -> None:
    """Take note of a picture that cannot be used, so that its post counts as one without a picture."""
    collected = _collected.get()
    if collected is None:
        _warn([cause])
    else:
        collected.setdefault(post_id, cause)


@contextmanager
def collected_pictures() -> Iterator[dict[str, str]]:
    """Collect the causes by post id during the block, and say nothing: a worker hands them to its parent."""
    collected: dict[str, str] = {}
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)


@contextmanager
def left_out_pictures() -> Iterator[dict[str, str]]:
    """Collect the causes by post id during the block, which every process runs, and warn at its end.

    Yields:
        The causes seen by this process; after the block, by all of them.
    """
    collected: dict[str, str] = {}
    try:
        with collected_pictures() as collected:
            yield collected
        for causes in all_gather(collected):
            collected.update(causes)
    finally:
        if collected:
            _warn(list(collected.values()))


def _warn(causes: list[str]) -> None:
    if is_main_process():
        logger.warning(
            "warning: the pictures of %s posts cannot be used, which count as posts without a picture: %s. If the "
            "pictures were moved, give their folder with --images; or prepare the dump again.",
            f"{len(causes):,}",
            some_of(causes, _NAMED),
        )
