"""The DESIGN network: encoders → interaction → fusion → history → two heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.design.config import DesignConfig
from multimodal.design.fusion import build_fusion
from multimodal.design.heads import MultilabelHead
from multimodal.design.history import FLOOR, NAMED_FLOOR, Copies, MemoryAttention, Pointer, Remembered
from multimodal.design.large_losses import Evidence, Lesson, multilabel_losses
from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.systems.post_networks.attention import MeanPooling, ParallelCoAttention, WordAttention
from multimodal.systems.post_networks.network import Content, PostNetwork, bank_rows
from multimodal.systems.post_networks.sequences.head import SequenceHead
from multimodal.systems.post_networks.sequences.large_losses import large_sequence_losses

# Starting weights of (log age, log rank, log similarity): by recency, and by similarity.
HISTORY_PRIOR = (-0.75, -0.5, 1.0)
NEIGHBOUR_PRIOR = (-0.3, 0.0, 3.0)
_HOUR_DAYS = 1 / 24
_SIMILARITY_FLOOR = 0.02


@dataclass(slots=True)
class FusedContent(Content):
    """The content of B posts: `vector` p (B, D) and `image_weight` w (B, D) of the fusion."""

    image_weight: Tensor


@dataclass(slots=True)
class Attended:
    """Where the network looks in B posts: `words` (B, T), `regions` (B, P), and the weight of the `picture` (B,)."""

    words: Tensor
    regions: Tensor
    picture: Tensor


@dataclass(slots=True)
class DesignOutput:
    """The output of the network for a batch.

    Attributes:
        content: p and the gate.
        joined: z, content and influence of earlier posts, (B, Z).
        logits: multilabel logits, (B, C), -inf for hashtags that a post cannot get; None without that head.
        columns: the meaning of the C columns.
        sequence_logits: (B, S, V + 1) under teacher forcing; None without it.
        losses: of each post and head, (B,) each, instead of logits, where a `Lesson` is given.
    """

    content: FusedContent
    joined: Tensor
    logits: Tensor | None
    columns: OutputVocabulary
    sequence_logits: Tensor | None = None
    losses: dict[str, Tensor] | None = None


class DesignNetwork(PostNetwork):
    """DESIGN (doi 10.1109/TCSS.2022.3184307) with weighted fusion and a pointer onto remembered hashtags.

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
        width, heads, dropout = config.width, config.heads, config.interaction.dropout
        super().__init__(caption_encoder, image_encoder, width, dropout, config.feature_precision)
        self.vocabulary_size = vocabulary_size
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
        self.own, self.near = (
            MemoryAttention(width, heads.embedding_width, prior, config.history.divided) if posts else None
            for posts, prior in (
                (config.history.posts, HISTORY_PRIOR),
                (config.history.neighbours, NEIGHBOUR_PRIOR),
            )
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
        self.names = config.history.named
        floors = [FLOOR] * sources + [NAMED_FLOOR] * self.names
        uses_pointer = config.history.pointer and bool(floors) and heads.multilabel
        self.pointer = Pointer(joined_width, floors) if uses_pointer else None

    def encode(self, batch: PostBatch) -> FusedContent:
        """Return the content of a batch: feature extraction, interaction and fusion."""
        words, word_mask = self.words(batch)
        regions, region_mask = self.regions(batch)
        if self.word_attention is not None:
            words = self.word_attention(words, word_mask)
        text_BD, image_BD = self.interaction(words, word_mask, regions, region_mask)
        return FusedContent(*self.fusion(self.normalise_text(text_BD), self.normalise_image(image_BD)))

    def attend(self, batch: PostBatch) -> Attended:
        """Return the weights by which `encode` sums words and regions, and that of the picture.

        A word counts by both attentions, one after the other: α_i · a_i, made to sum to 1.
        """
        words, word_mask = self.words(batch)
        regions, region_mask = self.regions(batch)
        given = torch.ones_like(word_mask, dtype=words.dtype)
        if self.word_attention is not None:
            given = self.word_attention.weights(words, word_mask)
            words = self.word_attention(words, word_mask)
        word_weights, region_weights = self.interaction.weights(words, word_mask, regions, region_mask)
        both = given * word_weights
        picture_BD = self.encode(batch).image_weight
        return Attended(both / both.sum(1, keepdim=True), region_weights, picture_BD.mean(1))

    def answer(
        self,
        content: FusedContent,
        batch: PostBatch,
        bank: Tensor,
        previous_BS: Tensor | None = None,
        lesson: Lesson | None = None,
    ) -> DesignOutput:
        """Return the output for the content of a batch.

        Args:
            content: of the batch.
            batch, bank, previous_BS: see `PostNetwork.answer`.
            lesson: gives losses instead of logits, some thousand hashtags at a time; None for logits.
        """
        if lesson is not None:
            return self._learn(content, batch, bank, previous_BS, lesson)
        remembered, columns = self.remember(batch, bank), self.columns(batch)
        influences, copies = [], []
        for attention, posts in zip((self.own, self.near), remembered, strict=True):
            if attention is not None:
                influence, copied = attention(content.vector, posts, columns, self.embeddings)
                influences.append(influence)
                copies.append(copied)
        copies += [one.within(0, len(columns)) for one in self.named(batch, columns)]
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

    def _learn(
        self, content: FusedContent, batch: PostBatch, bank: Tensor, previous_BS: Tensor | None, lesson: Lesson
    ) -> DesignOutput:
        remembered, columns = self.remember(batch, bank), self.columns(batch)
        influences, copies = [], []
        for attention, posts in zip((self.own, self.near), remembered, strict=True):
            if attention is not None:
                influence, copied = attention.copies(content.vector, posts, columns, self.embeddings)
                influences.append(influence)
                copies.append(copied)
        copies += self.named(batch, columns)
        joined = torch.cat([content.vector, *influences], dim=-1)
        losses: dict[str, Tensor] = {}
        if self.multilabel is not None:
            evidence = Evidence(joined, copies, columns)
            losses["multilabel"] = multilabel_losses(self.multilabel, self.pointer, evidence, batch.targets, lesson)
        if self.sequence is not None and previous_BS is not None:
            states = self.sequence.states(joined, previous_BS, self.embeddings)
            losses["sequence"] = large_sequence_losses(states, self.sequence.output, lesson.sequence)
        return DesignOutput(content, joined, None, columns, losses=losses)

    def columns(self, batch: PostBatch) -> OutputVocabulary:
        """Return the meaning of the output's columns for a batch."""
        return OutputVocabulary(self.vocabulary_size, batch.new_hashtags)

    def named(self, batch: PostBatch, columns: OutputVocabulary) -> list[Copies]:
        """Return what the pointer copies from captions, 1 for each hashtag named; empty if it copies none of them."""
        return [Copies((batch.named >= 0).float(), columns.of(batch.named))] if self.names else []

    def remember(self, batch: PostBatch, bank: Tensor) -> tuple[Remembered, Remembered]:
        """Return the user's earlier posts and the neighbours of each post."""
        return (
            _remembered(batch.history, batch.history_hashtags, batch.history_age_days, batch.history_similarity, bank),
            _remembered(
                batch.neighbours, batch.neighbour_hashtags, batch.neighbour_age_days, batch.neighbour_similarity, bank
            ),
        )


def _normalisation(width: int, scale: float) -> nn.LayerNorm:
    layer = nn.LayerNorm(width)
    nn.init.constant_(layer.weight, scale)
    return layer


def _remembered(positions: Tensor, hashtags: Tensor, age_days: Tensor, similarity: Tensor, bank: Tensor) -> Remembered:
    mask = positions >= 0
    rank = torch.arange(1, positions.shape[1] + 1, device=positions.device).expand_as(positions)
    features = torch.stack(
        [torch.log(age_days + _HOUR_DAYS), torch.log(rank.float()), torch.log(similarity + _SIMILARITY_FLOOR)], dim=-1
    )
    return Remembered(bank_rows(bank, positions), hashtags, features, mask)
