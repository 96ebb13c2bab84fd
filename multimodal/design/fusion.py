"""Fusions of caption and image into one content vector, and their registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from data_loaders.registry import Registry
from multimodal.distributed.batch_norm import GlobalBatchNorm

FusionType = TypeVar("FusionType", bound=type["Fusion"])
_FUSIONS: Registry[type[Fusion]] = Registry("fusion")


class Fusion(nn.Module):
    """Turns caption vector t and image vector v into the content vector p.

    Args:
        width: D.
        hidden: width of hidden layers, where there are any.
    """

    learns_weights = False
    # Gain of t and v where they are normalised first, so that p starts at the same scale with every fusion.
    input_scale = 1.0

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.width = width
        self.hidden = hidden

    def forward(self, text_BD: Tensor, image_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return p (B, D) and the image's weight w, (B, D) in 0..1."""
        raise TypeError(f"{type(self).__name__} does not implement forward")


def register_fusion(name: str) -> Callable[[FusionType], FusionType]:
    """Class decorator: make a fusion known under `name`."""
    return _FUSIONS.register(name)


def check_fusion(name: str) -> str:
    """Return the name of a fusion that exists.

    Raises:
        ConfigError: unknown name.
    """
    return _FUSIONS.check(name)


def list_fusions() -> list[str]:
    """Return the names of all fusions, sorted."""
    return _FUSIONS.names()


def gated_fusions() -> list[str]:
    """Return the names of the fusions that learn how to weigh caption against picture, sorted."""
    return [name for name in _FUSIONS.names() if _FUSIONS.get(name).learns_weights]


def build_fusion(name: str, width: int, hidden: int) -> Fusion:
    """Build a fusion by name.

    Raises:
        ConfigError: unknown name.
    """
    return _FUSIONS.get(name)(width, hidden)


@register_fusion("sum")
class SumFusion(Fusion):
    """p = t + v, DESIGN's own fusion."""

    def forward(self, text_BD: Tensor, image_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return t + v; both weigh the same."""
        return text_BD + image_BD, torch.full_like(text_BD, 0.5)


@register_fusion("weighted")
class WeightedFusion(Fusion):
    """The six steps of Yakovlev & Shapoval 2024: a weight per coordinate decides between caption and image.

    f = [t; v];  f̂ = BatchNorm(f);  o = LeakyReLU(Dense(f̂));  ô = BatchNorm(o);  w = σ(Dense(ô));
    p = (1 - w)·t + w·v
    """

    learns_weights = True
    input_scale = 2.0
    outputs_per_coordinate = True

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(width, hidden)
        self.normalise_input = GlobalBatchNorm(2 * width)
        self.first = nn.Linear(2 * width, hidden)
        self.activation = nn.LeakyReLU(0.01)
        self.normalise_hidden = GlobalBatchNorm(hidden)
        self.second = nn.Linear(hidden, width if self.outputs_per_coordinate else 1)

    def forward(self, text_BD: Tensor, image_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return (1 - w)·t + w·v and w."""
        features = self.normalise_input(torch.cat([text_BD, image_BD], dim=-1))
        hidden = self.normalise_hidden(self.activation(self.first(features)))
        weight_BD = torch.sigmoid(self.second(hidden)).expand_as(text_BD)
        return (1 - weight_BD) * text_BD + weight_BD * image_BD, weight_BD


@register_fusion("scalar")
class ScalarFusion(WeightedFusion):
    """Weighted fusion with one weight for all coordinates, for ablations."""

    outputs_per_coordinate = False
