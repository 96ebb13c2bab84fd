"""`Opening`: how a recommender is opened, so that a worker of another machine opens the same one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from multimodal.recommender import Recommender
from multimodal.systems.compute.names import Compute


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
            from data_loaders.prepared import PreparedData

            data = PreparedData.open(self.observe)
            later = [post for split in ("validation", "test") for post in data.split(split)]
            recommender.observe([post for post in later if post.post_id not in recommender.memory])
        return recommender
