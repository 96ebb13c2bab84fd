"""The DESIGN network: encoders → interaction → fusion → history → two heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.design.attention import MeanPooling, ParallelCoAttention, WordAttention
from multimodal.design.config import DesignConfig
from multimodal.design.fusion import build_fusion
from multimodal.design.heads import MultilabelHead, SequenceHead
from multimodal.design.history import MemoryAttention, Pointer, Remembered
from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.rounding import rounded

# Starting weights of (log age, log rank, log similarity): by recency, and by similarity.
HISTORY_PRIOR = (-0.75, -0.5, 1.0)
NEIGHBOUR_PRIOR = (-0.3, 0.0, 3.0)
_HOUR_DAYS = 1 / 24
_SIMILARITY_FLOOR = 0.02
_ALIGNED_TOKENS = 8


@dataclass(slots=True)
class Content:
    """The content of B posts: `vector` p (B, D) and `image_weight` w (B, D) of the fusion."""

    vector: Tensor
    image_weight: Tensor


@dataclass(slots=True)
class DesignOutput:
    """The output of the network for a batch.

    Attributes:
        content: p and the gate.
        joined: z, content and influence of earlier posts, (B, Z).
        logits: multilabel logits, (B, C), -inf for hashtags that a post cannot get; None without that head.
        columns: the meaning of the C columns.
    """

    content: Content
    joined: Tensor
    logits: Tensor | None
    columns: OutputVocabulary
    sequence_logits: Tensor | None = None


class DesignNetwork(nn.Module):
    """DESIGN (doi 10.1109/TCSS.2022.3184307) with weighted fusion and a pointer onto remembered hashtags.

    A missing caption or picture is one learned token. Padding and the other posts of a batch never change an output.

    Args:
        config: sizes and choices.
        vocabulary_size: V.
        caption_encoder: gives (B, T, C); None leaves captions out.
        image_encoder: gives (B, P, C); None leaves pictures out.
    """

    def __init__(
        self,
        config: DesignConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__()
        width, heads = config.width, config.heads
        self.vocabulary_size = vocabulary_size
        self.caption_encoder, self.image_encoder = caption_encoder, image_encoder
        self._precision = config.feature_precision
        self.project_words = _projection(caption_encoder, width, config.interaction.dropout)
        self.project_regions = _projection(image_encoder, width, config.interaction.dropout)
        self.missing_caption = nn.Parameter(torch.randn(width) * 0.1)
        self.missing_image = nn.Parameter(torch.randn(width) * 0.1)
        self.word_attention = WordAttention(width) if config.interaction.word_attention else None
        self.interaction = (
            ParallelCoAttention(width, config.interaction.dropout, config.interaction.averaged)
            if config.interaction.co_attention
            else MeanPooling()
        )
        self.fusion = build_fusion(config.fusion.name, width, config.fusion.hidden or width)
        self.normalise_text, self.normalise_image = (
            _normalisation(width, self.fusion.input_scale) if config.fusion.normalise else nn.Identity()
            for _ in range(2)
        )
        # The last row stands for hashtags outside the vocabulary and for the start of a sequence.
        self.embeddings = nn.Embedding(vocabulary_size + 1, heads.embedding_width)
        nn.init.normal_(self.embeddings.weight, std=heads.embedding_width**-0.5)
        # `own` and `near` (history and neighbours) are names of saved weights.
        self.own = MemoryAttention(width, heads.embedding_width, HISTORY_PRIOR) if config.history.posts else None
        self.near = (
            MemoryAttention(width, heads.embedding_width, NEIGHBOUR_PRIOR) if config.history.neighbours else None
        )
        sources = sum(source is not None for source in (self.own, self.near))
        joined_width = width * (1 + sources)
        hidden = heads.hidden or width
        self.multilabel = (
            MultilabelHead(joined_width, hidden, vocabulary_size, heads.dropout) if heads.multilabel else None
        )
        self.sequence = (
            SequenceHead(joined_width, hidden, vocabulary_size, heads.embedding_width, heads.dropout)
            if heads.sequence
            else None
        )
        uses_pointer = config.history.pointer and sources > 0 and heads.multilabel
        self.pointer = Pointer(joined_width, sources) if uses_pointer else None

    def encode(self, batch: PostBatch) -> Content:
        """Return the content of a batch: feature extraction, interaction and fusion."""
        words, word_mask = self._words(batch)
        regions, region_mask = self._regions(batch)
        if self.word_attention is not None:
            words = self.word_attention(words, word_mask)
        text_BD, image_BD = self.interaction(words, word_mask, regions, region_mask)
        return Content(*self.fusion(self.normalise_text(text_BD), self.normalise_image(image_BD)))

    def forward(self, batch: PostBatch, bank: Tensor, previous_BS: Tensor | None = None) -> DesignOutput:
        """Return the output for a batch.

        Args:
            batch: B posts.
            bank: (N, D) content vectors of the remembered posts, without gradient.
            previous_BS: the hashtag before each step, for teacher forcing; None leaves the sequence head out.
        """
        return self.answer(self.encode(batch), batch, bank, previous_BS)

    def answer(
        self, content: Content, batch: PostBatch, bank: Tensor, previous_BS: Tensor | None = None
    ) -> DesignOutput:
        """Return the output for the content of a batch; the other arguments are those of `forward`."""
        remembered = self._remember(batch, bank)
        columns = OutputVocabulary(self.vocabulary_size, batch.new_hashtags)
        influences, copies = [], []
        for attention, posts in zip((self.own, self.near), remembered, strict=True):
            if attention is not None:
                influence, copied = attention(content.vector, posts, columns, self.embeddings)
                influences.append(influence)
                copies.append(copied)
        joined = torch.cat([content.vector, *influences], dim=-1)
        logits = self.multilabel(joined) if self.multilabel is not None else None
        if logits is not None:
            extra = len(columns) - self.vocabulary_size
            logits = nn.functional.pad(logits, (0, extra), value=float("-inf"))
            if self.pointer is not None:
                logits = self.pointer(joined, logits, copies)
        sequence_logits = None
        if self.sequence is not None and previous_BS is not None:
            sequence_logits = self.sequence(joined, previous_BS, self.embeddings)
        return DesignOutput(content, joined, logits, columns, sequence_logits)

    def _words(self, batch: PostBatch) -> tuple[Tensor, Tensor]:
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

    def _regions(self, batch: PostBatch) -> tuple[Tensor, Tensor]:
        missing = self.missing_image
        if self.image_encoder is None or self.project_regions is None or batch.image is None:
            return _single_token(missing, len(batch))
        features = batch.image
        if features.dim() == 4:
            features = self.image_encoder(features)
            features = rounded(features, self._precision) if self.image_encoder.frozen else features
        regions = self.project_regions(features.to(missing.dtype))
        mask = torch.ones(regions.shape[:2], dtype=torch.bool, device=regions.device)
        mask[:, 1:] &= batch.image_present.unsqueeze(1)
        return torch.where(batch.image_present[:, None, None], regions, missing.to(regions.dtype)), mask

    def _remember(self, batch: PostBatch, bank: Tensor) -> tuple[Remembered, Remembered]:
        return (
            _remembered(batch.history, batch.history_hashtags, batch.history_age_days, batch.history_similarity, bank),
            _remembered(
                batch.neighbours, batch.neighbour_hashtags, batch.neighbour_age_days, batch.neighbour_similarity, bank
            ),
        )


class CompiledDesignNetwork(nn.Module):
    """A network whose content is computed by compiled code: nearly all of the work, in shapes that hardly change.

    Args:
        network: its weights are shared.
    """

    def __init__(self, network: DesignNetwork) -> None:
        super().__init__()
        self.network = network
        self._encode: Callable[[PostBatch], Content] = torch.compile(network.encode)

    def forward(self, batch: PostBatch, bank: Tensor, previous_BS: Tensor | None = None) -> DesignOutput:
        """Return the output for a batch; see `DesignNetwork.forward`."""
        padded = _padded_captions(batch)
        for words in (padded.caption, padded.caption_mask):
            torch._dynamo.maybe_mark_dynamic(words, 1)
        return self.network.answer(self._encode(padded), batch, bank, previous_BS)


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


def _normalisation(width: int, scale: float) -> nn.LayerNorm:
    layer = nn.LayerNorm(width)
    nn.init.constant_(layer.weight, scale)
    return layer


def _single_token(token: Tensor, posts: int) -> tuple[Tensor, Tensor]:
    return token.expand(posts, 1, -1), torch.ones(posts, 1, dtype=torch.bool, device=token.device)


def _remembered(positions: Tensor, hashtags: Tensor, age_days: Tensor, similarity: Tensor, bank: Tensor) -> Remembered:
    mask = positions >= 0
    rank = torch.arange(1, positions.shape[1] + 1, device=positions.device).expand_as(positions)
    features = torch.stack(
        [torch.log(age_days + _HOUR_DAYS), torch.log(rank.float()), torch.log(similarity + _SIMILARITY_FLOOR)], dim=-1
    )
    width = bank.shape[1]
    vectors = bank[positions.clamp(min=0)] if len(bank) else bank.new_zeros(*positions.shape, width)
    return Remembered(vectors, hashtags, features, mask)
