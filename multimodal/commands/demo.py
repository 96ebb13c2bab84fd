"""Try trained models in a browser: hashtags for a picture, a caption and a user, and why."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from data_loaders.errors import UserError
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.serving_arguments import add_serving_arguments, limits_of

if TYPE_CHECKING:
    from multimodal.serving.settings import ServiceSettings

EXAMPLES = """examples:
  multimodal-hashtags demo --run runs/sample
  multimodal-hashtags demo --run runs/hybrid --run runs/sample --data data/prepared
  multimodal-hashtags demo --run runs/hybrid --memory memory.sqlite --port 8080"""

# A page that is open keeps a connection for as long as it is.
_FINISH_S = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_serving_arguments(parser)
    parser.add_argument(
        "--data", type=Path, help="prepared folder: captions and pictures of earlier posts, and test posts to try"
    )
    parser.add_argument("--images", type=Path, help=MOVED)


def run(options: argparse.Namespace) -> None:
    """Serve the page, and the service beside it, until a signal ends it."""
    from multimodal.serving.settings import ServiceSettings, model_sources

    settings = ServiceSettings(
        models=model_sources(options.run, options.memory),
        limits=limits_of(options.limit),
        device=options.device,
        compute=options.compute,
        keep_captions=options.keep_captions,
    )
    # Gradio reads these when it is imported; it keeps files in that folder, of which none is a visitor's.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with TemporaryDirectory(prefix="multimodal-hashtags-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        _serve(settings, options)


def _serve(settings: ServiceSettings, options: argparse.Namespace) -> None:
    try:
        from multimodal.serving.page.known_posts import KnownPosts
        from multimodal.serving.page.mounting import mount_page
        from multimodal.serving.server import serve
    except ModuleNotFoundError as error:
        raise UserError(f"demo needs the package {error.name!r}: pip install 'multimodal-hashtags[demo]'.") from None
    from data_loaders.prepared import PreparedData

    data = None if options.data is None else PreparedData.open(options.data, options.images)
    known = KnownPosts(data)
    with _without_lines_of_requests():
        serve(settings, options.host, options.port, _FINISH_S, extend=lambda app: mount_page(app, known))


@contextmanager
def _without_lines_of_requests() -> Iterator[None]:
    """A page asks for a hundred files."""
    log = logging.getLogger("multimodal.serving.request_log")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
