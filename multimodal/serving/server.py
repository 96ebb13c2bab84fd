"""`serve`: uvicorn around the application, until a signal ends it."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import torch
import uvicorn
from fastapi import FastAPI

from data_loaders.errors import UserError
from multimodal.distributed.processors import processors
from multimodal.serving.app import create_app
from multimodal.serving.protocol import TimedProtocol
from multimodal.serving.served_models import ServedModels
from multimodal.serving.settings import Limits, ServiceSettings

logger = logging.getLogger(__name__)

_BACKLOG, _LAST_PORT = 2_048, 65_535
_LONG_S = 0.05


def serve(
    settings: ServiceSettings,
    host: str,
    port: int,
    finish_s: int = 30,
    extend: Callable[[FastAPI], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered first. SIGHUP loads the models again.

    Args:
        settings: models and limits.
        host: address to listen on.
        port: 0 for any that is free.
        finish_s: how long requests that have begun may take once the service is being stopped.
        extend: adds to the application before it starts, such as a page.

    Raises:
        UserError: a model cannot be loaded, or the address cannot be used.
    """
    most = min(processors(), torch.get_num_threads())
    torch.set_num_threads(most)
    with _listening(host, port) as listener:
        models = ServedModels(settings)
        torch.set_num_threads(_threads(most, models))
        app = create_app(settings, models)
        if extend is not None:
            extend(app)
        server = uvicorn.Server(_config(app, settings.limits, finish_s))
        shown = f"[{host}]" if ":" in host else host

        def stop(number: int, frame: FrameType | None) -> None:
            server.should_exit = True

        # uvicorn handles these while it runs, and raises the one that ended it again; one may come before.
        handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, _reloading(models))
        try:
            logger.info("http://%s:%d  (API: /docs; Ctrl-C stops)", shown, listener.getsockname()[1])
            server.run([listener])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _threads(most: int, models: ServedModels) -> int:
    """Return how many threads compute: one processor is left for requests where an answer takes little longer than one.

    Without it, p99 is four times p50 for a small model on two processors, with it twice; a large one would take twice
    as long with it, and requests hardly disturb it.
    """
    long = max(model.seconds_alone() for model in models) > _LONG_S
    return most if long or most < processors() else max(1, most - 1)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise UserError(f"port: {port} is not a port; give 1 to {_LAST_PORT}, or 0 for any that is free.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        problem = f"the service cannot listen on {host}:{port}: {error}"
        raise UserError(f"{problem}; give another --host or --port.") from None
    listener.listen(_BACKLOG)
    return listener


def _config(app: FastAPI, limits: Limits, finish_s: int) -> uvicorn.Config:
    protocol = type("Protocol", (TimedProtocol,), {"limits": limits})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=finish_s,
        lifespan="on",
    )


def _reloading(models: ServedModels) -> Callable[[int, FrameType | None], None]:
    def reload_all() -> None:
        for model in models:
            try:
                model.reload()
            except UserError as error:
                logger.error("model %s was not loaded again and goes on as it was: %s", model.source.name, error)

    return lambda number, frame: threading.Thread(target=reload_all, name="reload").start()
