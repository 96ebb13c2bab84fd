"""Who does bulk work: what commands that cut it into shards share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor


def add_executor_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say who works."""
    parser.add_argument(
        "--executor", default="local", metavar="WHO",
        help="who reads a large dump: local (processes of this machine), ray (the cluster of RAY_ADDRESS, or "
        "one of this machine), ray://HOST:PORT (default: local)",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes at once with --executor local (default: one per core)"
    )


def executor_of(options: argparse.Namespace) -> Executor:
    """Return what these arguments say.

    Raises:
        ConfigError: see `executor_named`.
    """
    from data_loaders.bulk.executors import executor_named

    return executor_named(options.executor, options.processes)
