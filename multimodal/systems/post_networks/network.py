"""`PostNetwork`: the base of networks over caption and picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.distributed.sharding import is_sharded
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.rounding import FeaturePrecision, rounded

_ALIGNED_TOKENS = 8
ENCODERS = ("caption_encoder.", "image_encoder.")


@dataclass(slots=True)
class Content:
    """The content of B posts: one `vector` (B, D) each; a network may add to it."""

    vector: Tensor


class PostNetwork(nn.Module, ABC):
    """A network whose answer follows from the content of a post and from what was posted before.

    A missing caption or picture is one learned token. Padding and the other posts of a batch never change an output.

    Args:
        caption_encoder: gives (B, T, C); None leaves captions out.
        image_encoder: gives (B, P, C); None leaves pictures out.
        width: D, of the projected words and regions.
        dropout: on them, 0..1.
        precision: of the features of frozen encoders.
    """

    def __init__(
        self,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
        width: int,
        dropout: float,
        precision: FeaturePrecision,
    ) -> None:
        super().__init__()
        self.caption_encoder, self.image_encoder = caption_encoder, image_encoder
        self._precision: FeaturePrecision = precision
        self.project_words = _projection(caption_encoder, width, dropout)
        self.project_regions = _projection(image_encoder, width, dropout)
        self.missing_caption = nn.Parameter(torch.randn(width) * 0.1)
        self.missing_image = nn.Parameter(torch.randn(width) * 0.1)

    @abstractmethod
    def encode(self, batch: PostBatch) -> Any:
        """Return the `Content` of a batch, from its captions and pictures alone."""

    @abstractmethod
    def answer(self, content: Any, batch: PostBatch, bank: Tensor, previous_BS: Tensor | None = None) -> Any:
        """Return the output for the content of a batch.

        Args:
            content: of the batch.
            batch: B posts.
            bank: (N, D) content vectors of the remembered posts, without gradient.
            previous_BS: the hashtag before each step, for teacher forcing; None leaves a sequence out.
        """

    def forward(self, batch: PostBatch, bank: Tensor, *teaching: Any) -> Any:
        """Return the `answer` for a batch; `teaching` is what that takes in training."""
        return self.answer(self.encode(batch), batch, bank, *teaching)

    @property
    def encoders(self) -> dict[str, CaptionEncoder | ImageEncoder]:
        """The encoders that there are, by the prefix of their parameters' names."""
        encoders = dict(zip(ENCODERS, (self.caption_encoder, self.image_encoder), strict=True))
        return {prefix: encoder for prefix, encoder in encoders.items() if encoder is not None}

    def words(self, batch: PostBatch) -> tuple[Tensor, Tensor]:
        """Return the projected words (B, T, D) and their mask (B, T)."""
        missing = self.missing_caption
        if self.caption_encoder is None or self.project_words is None:
            return _single_token(missing, len(batch))
        features = batch.caption
        if features.dim() == 2:
            features = self.caption_encoder(features, batch.caption_mask)
            features = rounded(features, self._precision) if self.caption_encoder.frozen else features
        words = self.project_words(features.to(missing.dtype))
        first = torch.zeros_like(batch.caption_mask)
        first[:, 0] = True
        present = batch.caption_present.unsqueeze(1)
        mask = torch.where(present, batch.caption_mask, first)
        return torch.where(present.unsqueeze(2), words, missing.to(words.dtype)), mask

    def regions(self, batch: PostBatch) -> tuple[Tensor, Tensor]:
        """Return the projected regions (B, P, D) and their mask (B, P)."""
        missing = self.missing_image
        features = batch.image
        if features is None and self.training and self.image_encoder is not None and is_sharded(self.image_encoder):
            # Other processes have pictures, and wait for this one's share of the weights.
            size = self.image_encoder.preprocessing.size_px
            features = torch.zeros(len(batch), 3, size, size, dtype=torch.uint8, device=missing.device)
        if self.image_encoder is None or self.project_regions is None or features is None:
            return _single_token(missing, len(batch))
        if features.dim() == 4:
            features = self.image_encoder(features)
            features = rounded(features, self._precision) if self.image_encoder.frozen else features
        regions = self.project_regions(features.to(missing.dtype))
        mask = torch.ones(regions.shape[:2], dtype=torch.bool, device=regions.device)
        mask[:, 1:] &= batch.image_present.unsqueeze(1)
        return torch.where(batch.image_present[:, None, None], regions, missing.to(regions.dtype)), mask


class CompiledPostNetwork(nn.Module):
    """A network whose content is computed by compiled code: nearly all of the work, in shapes that hardly change.

    Args:
        network: its weights are shared.
    """

    def __init__(self, network: PostNetwork) -> None:
        super().__init__()
        self.network = network
        self._encode: Callable[[PostBatch], Any] = torch.compile(network.encode)

    def forward(self, batch: PostBatch, bank: Tensor, *teaching: Any) -> Any:
        """Return the output for a batch; see the `forward` of the network."""
        padded = _padded_captions(batch)
        for words in (padded.caption, padded.caption_mask):
            torch._dynamo.maybe_mark_dynamic(words, 1)
        return self.network.answer(self._encode(padded), batch, bank, *teaching)


def bank_rows(bank: Tensor, positions_BH: Tensor) -> Tensor:
    """Return the vectors of remembered posts, (B, H, D); of any post where there is none (-1)."""
    if len(bank):
        return bank[positions_BH.clamp(min=0)]
    return bank.new_zeros(*positions_BH.shape, bank.shape[1])


def _padded_captions(batch: PostBatch) -> PostBatch:
    """Pad the captions to a multiple of 8: attention has code of its own for other lengths, compiled separately."""
    extra = -batch.caption.shape[1] % _ALIGNED_TOKENS
    width = (0, 0) * (batch.caption.dim() - 2)
    caption = nn.functional.pad(batch.caption, (*width, 0, extra))
    return replace(batch, caption=caption, caption_mask=nn.functional.pad(batch.caption_mask, (0, extra)))


def _projection(encoder: CaptionEncoder | ImageEncoder | None, width: int, dropout: float) -> nn.Sequential | None:
    if encoder is None:
        return None
    return nn.Sequential(nn.Linear(encoder.width, width), nn.Tanh(), nn.Dropout(dropout))


def _single_token(token: Tensor, posts: int) -> tuple[Tensor, Tensor]:
    return token.expand(posts, 1, -1), torch.ones(posts, 1, dtype=torch.bool, device=token.device)
