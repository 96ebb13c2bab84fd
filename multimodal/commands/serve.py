"""Answer recommendations over HTTP."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.errors import UserError

if TYPE_CHECKING:
    from multimodal.serving.settings import Limits

EXAMPLES = """examples:
  multimodal-hashtags serve --run runs/sample
  multimodal-hashtags serve --run runs/sample --memory memory.sqlite --port 8000
  multimodal-hashtags serve --run design=runs/sample --run habit=runs/habit --memory design=postgresql://user@host/tags
  MULTIMODAL_API_KEY=… multimodal-hashtags serve --run runs/sample --host 0.0.0.0
  curl -F image=@photo.jpg -F caption="Low tide at dusk" -F user_id=ann http://127.0.0.1:8000/recommend"""
API_KEY = "MULTIMODAL_API_KEY"
_LONGEST_KEY = 4_096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
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
    parser.add_argument(
        "--api-key-file", type=Path, help=f"file with the key that requests have to carry (default: ${API_KEY}, if set)"
    )
    parser.add_argument(
        "--origin", action="append", default=[], help="of web pages that browsers let ask, such as https://example.org"
    )
    parser.add_argument("--keep-captions", action="store_true", help="keep the captions of observed posts too")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda if available, else cpu)")
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of requests; docs/serving.md lists them",
    )


def run(options: argparse.Namespace) -> None:
    """Serve until a signal ends it."""
    from multimodal.serving.settings import ServiceSettings, model_sources

    settings = ServiceSettings(
        models=model_sources(options.run, options.memory),
        limits=_limits(options.limit),
        api_key=_api_key(options.api_key_file),
        origins=options.origin,
        device=options.device,
        keep_captions=options.keep_captions,
    )
    try:
        from multimodal.serving.server import serve
    except ModuleNotFoundError as error:
        raise UserError(f"serve needs the package {error.name!r}: pip install 'multimodal-hashtags[serve]'.") from None
    serve(settings, options.host, options.port)


def _limits(given: Sequence[str]) -> Limits:
    from multimodal.serving.settings import Limits

    defaults = asdict(Limits())
    values: dict[str, Any] = {}
    for one in given:
        name, _, text = one.partition("=")
        if name not in defaults:
            raise UserError(f"--limit {one}: {name!r} is no limit; accepted: {', '.join(defaults)}.")
        try:
            values[name] = type(defaults[name])(text)
        except ValueError:
            raise UserError(f"--limit {one}: {text!r} is not a number.") from None
    return Limits(**values)


def _api_key(file: Path | None) -> str | None:
    if file is None:
        key = os.environ.get(API_KEY)
    else:
        try:
            key = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--api-key-file {file} cannot be read: {error}.") from None
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise UserError(f"the API key has {len(key)} characters; give 1 to {_LONGEST_KEY}, or none at all.")
    return key
