"""A store of every kind."""

from __future__ import annotations

import pytest

from multimodal.memory.log.opening import open_store

STORES = ("in_process",)


@pytest.fixture(params=STORES)
def store(request):
    """An empty log of each kind."""
    with open_store(None, "model-a") as opened:
        yield opened
