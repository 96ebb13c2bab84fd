"""Who does bulk work: what commands that cut it into shards share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor


def add_executor_arguments(
    parser: argparse.ArgumentParser, doing: str = "reads a large dump", processes: str = "one per core"
) -> None:
    """Add the arguments that say who works.

    Args:
        parser: of the command.
        doing: what is done, in the third person.
        processes: how many work by default, in words.
    """
    parser.add_argument(
        "--executor", default="local", metavar="WHO",
        help=f"who {doing}: local (processes of this machine), ray (the cluster of RAY_ADDRESS, or "
        "one of this machine), ray://HOST:PORT (default: local)",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, metavar="N", help=f"processes at once with --executor local (default: {processes})"
    )


def executor_of(options: argparse.Namespace, begin: Callable[[], None] | None = None) -> Executor:
    """Return what these arguments say.

    Args:
        options: of the command.
        begin: what each worker does first, see `executor_named`.

    Raises:
        ConfigError: see `executor_named`.
    """
    from data_loaders.bulk.executors import executor_named

    return executor_named(options.executor, options.processes, begin)


def executor_side_by_side(options: argparse.Namespace) -> Executor | None:
    """Return who makes runs side by side, which share the machine's processors; None: this process, one by one.

    Args:
        options: of the command.

    Raises:
        ConfigError: see `executor_named`.
    """
    from multimodal.distributed.processors import processors
    from multimodal.experiments.side_by_side import beside_others

    if options.executor == "local" and options.processes in (None, 1):
        return None
    threads = 1 if options.executor != "local" else max(1, processors() // max(1, options.processes))
    return executor_of(options, partial(beside_others, threads))
