"""`Spaces`: the vectors by which posts are compared beside their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.batches import CaptionInputs, ImageInputs
from multimodal.design.config import DesignConfig
from multimodal.distributed.processes import map_processes
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.inputs import caption_inputs
from multimodal.encoders.features.rounding import rounded

Floats = NDArray[np.float32]
_BATCH = 32
CAPTION, IMAGE = "caption", "image"


class Spaces:
    """Pools what frozen encoders make of captions and pictures: a vector for each post, zeros where it has none.

    The vectors have to stay the same while the network learns, so an encoder that is trained gives none.

    Args:
        config: says in which spaces posts are compared.
        captions: gives the space `caption`; None where there is none.
        images: gives the space `image`; None where there is none.
        own_captions: whether the caption encoder is not the network's, so that it needs inputs of its own.
    """

    def __init__(
        self, config: DesignConfig, captions: CaptionEncoder | None, images: ImageEncoder | None, own_captions: bool
    ) -> None:
        self._config, self._own_captions = config, own_captions
        used = config.history.weights.keys()
        self.captions = captions if CAPTION in used else None
        self.images = images if IMAGE in used else None

    @property
    def widths(self) -> dict[str, int]:
        """The width of each space."""
        encoders = {CAPTION: self.captions, IMAGE: self.images}
        return {space: encoder.width for space, encoder in encoders.items() if encoder is not None}

    def vectors(
        self, captions: Sequence[str], inputs: tuple[CaptionInputs, ImageInputs], cache: str | None
    ) -> dict[str, Floats]:
        """Return the vectors of N posts in each space, (N, its width).

        Args:
            captions: cleaned captions, "" for none.
            inputs: of the network's encoders.
            cache: folder for the features of frozen encoders; None for none.

        Raises:
            DataError: a picture cannot be used.
        """
        found = {}
        if self.captions is not None:
            precision = self._config.feature_precision
            own = caption_inputs(self.captions, captions, cache, precision) if self._own_captions else inputs[0]
            found[CAPTION] = self._pooled_captions(self.captions, own)
        if self.images is not None:
            found[IMAGE] = self._pooled_images(self.images, inputs[1])
        return found

    @torch.no_grad()
    def _pooled_captions(self, encoder: CaptionEncoder, inputs: CaptionInputs) -> Floats:
        lengths, device = inputs.lengths(), next(encoder.parameters()).device

        def pool(rows: list[int]) -> Floats:
            features, mask = (tensor.to(device) for tensor in inputs.batch(rows))
            words = encoder(features, mask) if features.dim() == 2 else features
            pooled: Floats = encoder.pool(rounded(words, self._config.feature_precision), mask).cpu().numpy()
            return pooled * inputs.present()[rows, None]

        return _pooled(lengths, encoder.width, pool)

    @torch.no_grad()
    def _pooled_images(self, encoder: ImageEncoder, inputs: ImageInputs) -> Floats:
        device = next(encoder.parameters()).device

        def pool(rows: list[int]) -> Floats:
            features = inputs.batch(rows)
            if features is None:
                return np.zeros((len(rows), encoder.width), np.float32)
            features = features.to(device)
            regions = encoder(features) if features.dim() == 4 else features
            pooled: Floats = rounded(regions, self._config.feature_precision).mean(1).cpu().numpy()
            return pooled * inputs.present()[rows, None]

        return _pooled(np.zeros(len(inputs.present()), np.int64), encoder.width, pool)


def _pooled(lengths: NDArray[np.int64], width: int, pool: Callable[[list[int]], Floats]) -> Floats:
    """Return what `pool` gives for each row, by all processes; rows of similar length share a batch."""

    def work(rows: Sequence[int]) -> list[Floats]:
        vectors: dict[int, Floats] = {}
        order = sorted(rows, key=lambda row: int(lengths[row]))
        for start in range(0, len(order), _BATCH):
            part = order[start : start + _BATCH]
            vectors.update(zip(part, pool(part), strict=True))
        return [vectors[row] for row in rows]

    found = map_processes(range(len(lengths)), work)
    return np.stack(found).astype(np.float32) if found else np.empty((0, width), np.float32)
