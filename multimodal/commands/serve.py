"""Answer recommendations over HTTP."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.commands.serving_arguments import add_serving_arguments, limits_of

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
    add_serving_arguments(parser)
    parser.add_argument(
        "--api-key-file", type=Path, help=f"file with the key that requests have to carry (default: ${API_KEY}, if set)"
    )
    parser.add_argument(
        "--origin", action="append", default=[], help="of web pages that browsers let ask, such as https://example.org"
    )


def run(options: argparse.Namespace) -> None:
    """Serve until a signal ends it."""
    from multimodal.serving.settings import ServiceSettings, model_sources

    settings = ServiceSettings(
        models=model_sources(options.run, options.memory),
        limits=limits_of(options.limit),
        api_key=_api_key(options.api_key_file),
        origins=options.origin,
        device=options.device,
        compute=options.compute,
        keep_captions=options.keep_captions,
    )
    try:
        from multimodal.serving.server import serve
    except ModuleNotFoundError as error:
        raise UserError(f"serve needs the package {error.name!r}: pip install 'multimodal-hashtags[serve]'.") from None
    serve(settings, options.host, options.port)


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
