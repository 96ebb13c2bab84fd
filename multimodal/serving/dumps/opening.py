"""`Opening`: how a recommender is opened, so that a worker of another machine opens the same one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_loaders.prepared import PreparedData
from multimodal.recommender import Recommender
from multimodal.systems.compute.names import Compute

# Of this process: kept from task to task, and shared with processes that are forked from it.
_HELD: dict[Opening | None, Recommender] = {}


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a recommender is opened.

    Attributes:
        run: run folder, its `model/` folder, or an id of the Hugging Face Hub.
        device: where it computes; None for a GPU if there is one.
        compute: how its encoders compute, see `Recommender.from_pretrained`.
        memory: where what it remembers is kept; None for what is in the model.
        observe: prepared folder whose validation and test posts become known too.
    """

    run: str
    device: str | None = None
    compute: Compute | None = None
    memory: str | None = None
    observe: Path | None = None

    def open(self, refresh_s: float = math.inf) -> Recommender:
        """Return the recommender.

        Args:
            refresh_s: how often it looks into `memory` for what others remember there, in seconds; by default never.

        Raises:
            UserError: see `Recommender.from_pretrained`.
        """
        recommender = Recommender.from_pretrained(
            self.run, device=self.device, memory=self.memory, refresh_s=refresh_s, compute=self.compute
        )
        if self.observe is not None:
            data = PreparedData.open(self.observe)
            later = [post for split in ("validation", "test") for post in data.split(split)]
            recommender.observe([post for post in later if post.post_id not in recommender.memory])
        return recommender


@contextmanager
def held(recommender: Recommender, opening: Opening | None) -> Iterator[None]:
    """Let tasks in this process, and in those that are forked from it, use a recommender while the block runs.

    Args:
        recommender: it.
        opening: how it was opened; None if other machines need not know.
    """
    _HELD[opening] = recommender
    try:
        yield
    finally:
        _HELD.pop(opening, None)


def recommender_of(opening: Opening | None) -> Recommender:
    """Return the recommender that is held here; it is opened where it is not, in place of another."""
    if opening is not None and opening not in _HELD:
        _HELD.clear()
        _HELD[opening] = opening.open()
    return _HELD[opening]
