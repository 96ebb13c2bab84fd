"""Ctrl-C and SIGTERM, handled for as long as a block runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


def handle_stop_signals(handler: Handler) -> dict[signal.Signals, Handler | int | None]:
    """Let a function handle Ctrl-C and SIGTERM from now on; one that is ignored stays ignored.

    Returns:
        What handled them before.

    Raises:
        ValueError: this is not the main thread, which alone can handle signals.
    """
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


@contextmanager
def stop_signals_handled(handler: Handler) -> Iterator[None]:
    """Let a function handle Ctrl-C and SIGTERM while the block runs; in another thread than the main one nothing."""
    try:
        previous = handle_stop_signals(handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
