"""Layers along a caption of which padding is no part.

Shapes: B captions, L places, C channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.distributed.batch_norm import GlobalBatchNorm


class MaskedBatchNorm(nn.Module):
    """Batch normalisation over the places of all captions; padding neither counts nor changes.

    In training the statistics are those of `torch.nn.BatchNorm1d` over the places that are no padding, as if each
    caption had no more than its own.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = GlobalBatchNorm(channels)

    def forward(self, values_BCL: Tensor, mask_BL: Tensor) -> Tensor:
        """Return normalised values (B, C, L), zero at padding."""
        if not self.training:
            normed: Tensor = self.norm(values_BCL)
            return without_padding(normed, mask_BL)
        inside_NC: Tensor = self.norm(values_BCL.transpose(1, 2)[mask_BL])
        places_BLC = inside_NC.new_zeros(*mask_BL.shape, inside_NC.shape[1])
        places_BLC[mask_BL] = inside_NC
        return places_BLC.transpose(1, 2)


def without_padding(values_BCL: Tensor, mask_BL: Tensor) -> Tensor:
    """Return the values (B, C, L) with zeros at padding."""
    return values_BCL.masked_fill(~mask_BL.unsqueeze(1), 0.0)


def halved(mask_BL: Tensor) -> Tensor:
    """Return the mask behind a layer of stride 2 that pads (size − 1) / 2 on both sides: ⌈L / 2⌉ places."""
    return mask_BL[:, ::2]


def masked_max_pool(values_BCL: Tensor, mask_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool with size 3, stride 2 and padding 1; returns values (B, C, ⌈L / 2⌉) and their mask."""
    # The library's own padding is -inf as well: each pooled place has a place of its caption in its middle.
    blocked = values_BCL.masked_fill(~mask_BL.unsqueeze(1), float("-inf"))
    mask = halved(mask_BL)
    pooled: Tensor = F.max_pool1d(blocked, 3, stride=2, padding=1)
    return without_padding(pooled, mask), mask
