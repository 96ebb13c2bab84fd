"""What commands that serve models share: which models, where, and within which limits."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from data_loaders.errors import UserError

if TYPE_CHECKING:
    from multimodal.serving.settings import Limits


COMPUTE_HELP = "fp32, bf16, onnx, onnx-int8, or auto: as a probe of this processor chooses (default: fp32)"


def add_serving_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--run", required=True, action="append", metavar="[NAME=]RUN",
        help="run folder, its model/ folder, or a Hugging Face Hub id; may be repeated, the first answers by default",
    )  # fmt: skip
    parser.add_argument(
        "--memory", action="append", default=[], metavar="[NAME=]URL",
        help="SQLite file or URL of a PostgreSQL database where what is observed is kept (default: in this process)",
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: 8000)")
    parser.add_argument("--keep-captions", action="store_true", help="keep the captions of observed posts too")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda if available, else cpu)")
    parser.add_argument("--compute", help=COMPUTE_HELP)
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of requests; docs/serving.md lists them",
    )


def limits_of(given: Sequence[str]) -> Limits:
    """Return the limits of a call, defaults where none were given.

    Args:
        given: `NAME=VALUE` each.

    Raises:
        UserError: a limit is unknown, or its value is not a number above 0.
    """
    from multimodal.serving.settings import Limits

    defaults = asdict(Limits())
    values: dict[str, Any] = {}
    for one in given:
        name, _, text = one.partition("=")
        if name not in defaults:
            raise UserError(f"--limit {one}: {name!r} is not a limit; accepted: {', '.join(defaults)}.")
        try:
            values[name] = type(defaults[name])(text)
        except ValueError:
            raise UserError(f"--limit {one}: {text!r} is not a number.") from None
    return Limits(**values)
