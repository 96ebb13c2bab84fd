"""One vector per post from what a frozen encoder makes of its caption or picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.batches import CaptionInputs, ImageInputs
from multimodal.distributed.processes import map_processes
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.rounding import FeaturePrecision, rounded

Floats = NDArray[np.float32]
_BATCH = 32


@torch.no_grad()
def pooled_captions(encoder: CaptionEncoder, inputs: CaptionInputs, precision: FeaturePrecision) -> Floats:
    """Return the mean over the tokens of each caption, (N, C), zeros without one."""
    lengths, device = inputs.lengths(), next(encoder.parameters()).device

    def pool(rows: list[int]) -> Floats:
        features, mask = (tensor.to(device) for tensor in inputs.batch(rows))
        words = encoder(features, mask) if features.dim() == 2 else features
        pooled: Floats = encoder.pool(rounded(words, precision), mask).cpu().numpy()
        return pooled * inputs.present()[rows, None]

    return _pooled(lengths, encoder.width, pool)


@torch.no_grad()
def pooled_images(encoder: ImageEncoder, inputs: ImageInputs, precision: FeaturePrecision) -> Floats:
    """Return the mean over the regions of each picture, (N, C), zeros without one."""
    device = next(encoder.parameters()).device

    def pool(rows: list[int]) -> Floats:
        features = inputs.batch(rows)
        if features is None:
            return np.zeros((len(rows), encoder.width), np.float32)
        features = features.to(device)
        regions = encoder(features) if features.dim() == 4 else features
        pooled: Floats = rounded(regions, precision).mean(1).cpu().numpy()
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
