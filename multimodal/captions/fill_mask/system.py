"""`bert_fill_mask`: hashtags are tokens of a masked language model, which fills in "caption [MASK]"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from data_loaders.errors import ConfigError, DataError, UserError
from data_loaders.posts import Post
from multimodal.captions.fill_mask.config import BertFillMaskConfig
from multimodal.captions.fill_mask.filling import fill_masks, probabilities
from multimodal.captions.fill_mask.learner import FillMaskLearner
from multimodal.captions.fill_mask.network import MaskedHashtagNetwork
from multimodal.captions.fill_mask.recency_tuning import choose_recency
from multimodal.captions.fill_mask.sentences import SentenceMaker
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import CaptionSystem
from multimodal.encoders.captions.masked_language_model import (
    MaskedLanguageModel,
    add_hashtag_tokens,
    build_masked_model,
    find_masked_model,
    hashtag_token_ids,
    load_masked_model,
    save_masked_model,
)
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.recency import decayed_uses, recency_lift, used_within
from multimodal.ranking.top_k import RankedList
from multimodal.storage.model_files import Form, Number, read_json_as
from multimodal.storage.run_folder import write_json
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import Excluded
from multimodal.systems.network import NetworkSystem
from multimodal.systems.registry import register_system
from multimodal.training.large_vocabulary import LARGE_VOCABULARY

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_ENCODER, _FILE = "caption_encoder", "fill_mask.json"
_SENTENCES_AT_ONCE = 256
_POSTS_AT_ONCE = 1_024
_NONE: Ints = np.empty(0, np.int64)


class _Recency(Form):
    half_life_days: Annotated[Number, Field(gt=0)]
    weight: Annotated[Number, Field(ge=0)]


@register_system("bert_fill_mask")
class BertFillMask(NetworkSystem, CaptionSystem):
    """P(hashtag | "caption [MASK]") of a masked language model, weighted by how recently anybody used the hashtag.

    The most frequent hashtags of the train split are live: each has a token. The rest of the vocabulary follows by
    popularity with score 0. Hashtags that are new since training are in the memory but have no token, so they are never
    recommended.
    """

    config_type = BertFillMaskConfig
    config: BertFillMaskConfig
    language_model: MaskedLanguageModel
    network: MaskedHashtagNetwork
    sentences: SentenceMaker
    half_life_days: float
    weight: float

    @property
    def live(self) -> int:
        """C, the number of hashtags with a token, which are the first of the vocabulary."""
        return min(self.config.live_tags, self.id_map.vocabulary_size)

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Convert the language model to `dtype`."""
        self.network.model.to(dtype)

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the language model's weights; see `System.missing_weights`."""
        try:
            find_masked_model(self.config.encoder)
        except UserError as error:
            return [str(error)]
        return []

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train on the train split, then choose half-life and exponent of recency on the validation split.

        Raises:
            DataError: see `CaptionSystem.fit`; or no train post has both a caption and a live hashtag.
        """
        super().fit(data, run)
        self._choose_recency(data, run)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`.

        Raises:
            ConfigError: too many hashtags would be tokens.
        """
        if self.live >= LARGE_VOCABULARY:
            raise ConfigError(
                f"live_tags={self.config.live_tags}: fewer than {LARGE_VOCABULARY:,} hashtags can be tokens of the "
                f"language model, here are {self.live:,}; lower live_tags, or use the system bert."
            )
        train = self._with_live_hashtags(train)
        torch.manual_seed(self.config.seed)
        language_model = build_masked_model(self.config.encoder, train.captions)
        live = slice(0, self.live)
        add_hashtag_tokens(language_model, self.id_map.names[live], self.id_map.frequencies[live])
        self._use(language_model)
        self.network.train()
        self.train(self.learner(train, validation), self.config.training, run)

    def learner(
        self,
        train: LabelledCaptions,
        validation: LabelledCaptions,
        learner_type: type[FillMaskLearner] = FillMaskLearner,
    ) -> FillMaskLearner:
        """Return the learner of the network."""
        fresh = self.language_model.fresh
        return learner_type(self.network, fresh, self.sentences, self.config, train, validation, self.scores_or_prior)

    def _with_live_hashtags(self, posts: LabelledCaptions) -> LabelledCaptions:
        targets = [[index for index in row if index < self.live] for row in posts.targets]
        chosen = LabelledCaptions(posts.captions, targets, posts.truth_sizes, posts.vocabulary_size).learnable()
        if not len(chosen):
            raise DataError(
                f"live_tags={self.config.live_tags}: no train post has both a caption and one of these hashtags; "
                "raise live_tags"
            )
        return chosen

    def _use(self, language_model: MaskedLanguageModel) -> None:
        ids = hashtag_token_ids(language_model.tokenizer, self.id_map.names[: self.live])
        body = language_model.body(self.config.encoder)
        self.language_model = language_model
        self.network = MaskedHashtagNetwork(language_model.model, ids)
        self.sentences = SentenceMaker(
            language_model.tokenizer, ids, body.maximum_tokens, self.config.maximum_hashtags, body.pad_id
        )

    def _choose_recency(self, data: PreparedData, run: RunFolder) -> None:
        memory = self.new_memory()
        for split in ("train", "validation"):
            add_in_batches(self, memory, list(data.split(split)))
        posts = [post for post in data.split("validation") if post.hashtags]
        posts = posts[:: max(-(-len(posts) // self.config.recency.tuning_posts), 1)]
        labelled = self._labelled(posts)
        tokens = self.sentences.tokenise(labelled.captions)
        scored = np.flatnonzero(self.sentences.has_known_tokens(tokens)).tolist()

        def score(rows: Sequence[int], half_lives: Sequence[float]) -> tuple[Floats, list[Floats]]:
            rows = [scored[row] for row in rows]
            logits = self._logits([tokens[row] for row in rows], [[]] * len(rows))
            instants = np.array([posts[row].instant_us for row in rows], np.int64)
            return logits, [self._log_factors(memory, instants, half_life, 1.0) for half_life in half_lives]

        truth = labelled.take(scored)
        chosen, scores = choose_recency(score, truth.targets, truth.truth_sizes, self.config.recency.grid())
        self.half_life_days, self.weight = chosen
        for (half_life, weight), f1 in scores.items():
            run.log({"event": "recency", "half_life_days": half_life, "weight": weight, "f1@5": f1})

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions have a token other than the unknown one, (B,)."""
        return self.sentences.has_known_tokens(self.sentences.tokenise(captions))

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return P(hashtag | "caption [MASK]") regardless of recent use, (B, V); 0 for hashtags without a token."""
        result = np.zeros((len(captions), self.id_map.vocabulary_size))
        result[:, : self.live] = probabilities(self._logits(self.sentences.tokenise(captions), [[]] * len(captions)))
        return result

    @torch.no_grad()
    def _logits(self, captions: Sequence[Ints], shown: Sequence[Sequence[int]]) -> Floats:
        """Return logits of the live hashtags at the mask of "caption shown [MASK]", (B, C)."""
        self.network.eval()
        lengths = [len(tokens) + len(context) for tokens, context in zip(captions, shown, strict=True)]
        order = np.argsort(lengths, kind="stable")
        result = np.empty((len(captions), self.live))
        device = self.network.device
        for start in range(0, len(order), _SENTENCES_AT_ONCE):
            rows = order[start : start + _SENTENCES_AT_ONCE]
            inputs = self.sentences.with_one_mask([captions[row] for row in rows], [shown[row] for row in rows])
            positions = inputs.masked_positions.to(device)
            logits = self.network(inputs.token_ids.to(device), inputs.mask.to(device), positions)
            result[rows] = logits.double().cpu().numpy()
        return result

    def _log_factors(self, memory: PostMemory, instants_us: Ints, half_life_days: float, weight: float) -> Floats:
        """Return weight · ln lift, -inf for hashtags that are out of use at the time, (B, C)."""
        recency = self.config.recency
        factors = np.zeros((len(instants_us), self.live))
        if weight:
            uses = decayed_uses(memory, instants_us, self.live, half_life_days)
            shares = self.id_map.frequencies[: self.live] / self.id_map.frequencies[: self.live].sum()
            factors = weight * np.log(recency_lift(uses, shares, recency.smoothing))
        if recency.live_days is not None:
            alive = used_within(memory, instants_us, self.live, recency.live_days)
            # If no hashtag is in use at all, none is excluded.
            factors[~alive & alive.any(1, keepdims=True)] = -np.inf
        return factors

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank the vocabulary for each post by its caption and by what anybody used strictly before it."""
        lists: list[RankedList] = []
        for start in range(0, len(posts), _POSTS_AT_ONCE):
            part = slice(start, start + _POSTS_AT_ONCE)
            excluded_ids = [self.prior.numbers_of(names) for names in excluded[part]] if excluded is not None else []
            lists += self._lists(posts[part], memory, k, excluded_ids or [_NONE] * len(posts[part]))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, self.id_map.names)

    def _lists(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded_ids: Sequence[Ints]
    ) -> list[RankedList]:
        tokens = self.sentences.tokenise(cleaned_captions(posts, self.config.caption_profile))
        scored = np.flatnonzero(self.sentences.has_known_tokens(tokens)).tolist()
        lists = [self.prior.ranking(k, ids) for ids in excluded_ids]
        # Excluded hashtags are removed after ranking, so that they do not change the scores of the others.
        count = k + max((len(excluded_ids[row]) for row in scored), default=0)
        filled = self._filled([tokens[row] for row in scored], [posts[row] for row in scored], memory, count)
        for row, (indices, scores) in zip(scored, filled, strict=True):
            kept = ~np.isin(indices, excluded_ids[row])
            rest = np.zeros(len(self.prior.order))
            lists[row] = fill_up(indices[kept], scores[kept], self.prior.order, rest, k, excluded_ids[row])
        return lists

    def _filled(
        self, tokens: Sequence[Ints], posts: Sequence[Post], memory: PostMemory, count: int
    ) -> list[RankedList]:
        if not posts:
            return []
        instants = np.array([post.instant_us for post in posts], np.int64)
        factors = self._log_factors(memory, instants, self.half_life_days, self.weight)

        masks = 1 if self.config.filling == "one_mask" else self.config.questions
        return fill_masks(partial(self._logits, tokens), len(posts), factors, self.id_map, count, masks)

    def save_learned(self, folder: Path) -> None:
        """Write the masked language model, whose body is the run's caption encoder, and `fill_mask.json`.

        Raises:
            RunError: the model is in a lower precision than it was trained in.
        """
        self.require_full_precision()
        save_masked_model(folder / _ENCODER, self.config.encoder, self.language_model)
        write_json(folder / _FILE, {"half_life_days": self.half_life_days, "weight": self.weight})

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote, in evaluation mode."""
        self._use(load_masked_model(folder / _ENCODER))
        values = read_json_as(folder / _FILE, "the chosen recency", _Recency)
        self.half_life_days, self.weight = float(values.half_life_days), float(values.weight)
        self.network.eval()
