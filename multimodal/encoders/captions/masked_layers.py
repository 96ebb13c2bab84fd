"""Layers along a caption that ignore padding.

Shapes: B captions, L positions, C channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.distributed.batch_norm import GlobalBatchNorm


class MaskedBatchNorm(nn.Module):
    """Batch normalisation over the positions of all captions without padding, which stays zero.

    In training the statistics are those of `torch.nn.BatchNorm1d` over the positions that are not padding.
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
        values_BLC = inside_NC.new_zeros(*mask_BL.shape, inside_NC.shape[1])
        values_BLC[mask_BL] = inside_NC
        return values_BLC.transpose(1, 2)


def without_padding(values_BCL: Tensor, mask_BL: Tensor) -> Tensor:
    """Return the values (B, C, L) with zeros at padding."""
    return values_BCL.masked_fill(~mask_BL.unsqueeze(1), 0.0)


def halved(mask_BL: Tensor) -> Tensor:
    """Return the mask after a layer of stride 2 that pads (size − 1) / 2 on both sides: ⌈L / 2⌉ positions."""
    return mask_BL[:, ::2]


def masked_max_pool(values_BCL: Tensor, mask_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool with size 3, stride 2 and padding 1; return values (B, C, ⌈L / 2⌉) and their mask."""
    # The library pads with -inf too; the centre of each pooled window lies inside the caption.
    blocked = values_BCL.masked_fill(~mask_BL.unsqueeze(1), float("-inf"))
    mask = halved(mask_BL)
    pooled: Tensor = F.max_pool1d(blocked, 3, stride=2, padding=1)
    return without_padding(pooled, mask), mask
