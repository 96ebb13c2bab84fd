"""Tiny local models, made by the libraries themselves: no network, no real weights."""

from __future__ import annotations

import socket
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to open a connection is a failure."""

    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """Pictures of random pixels."""

    def make(width: int = 40, height: int = 30, seed: int = 0) -> Image.Image:
        values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return Image.fromarray(values)

    return make
