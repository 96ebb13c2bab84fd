"""`bert_fill_mask`: hashtags are tokens of a masked language model, which is asked to fill "caption [MASK]"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.captions.fill_mask.config import BertFillMaskConfig
from multimodal.captions.fill_mask.filling import RankedList, chances, fill_one_by_one, fill_one_mask
from multimodal.captions.fill_mask.learner import FillMaskLearner
from multimodal.captions.fill_mask.network import MaskedHashtagNetwork
from multimodal.captions.fill_mask.questions import SentenceMaker
from multimodal.captions.fill_mask.recency_tuning import choose_recency
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import CaptionSystem
from multimodal.distributed.processes import is_main_process
from multimodal.encoders.captions.masked_language_model import (
    MaskedLanguageModel,
    add_hashtag_tokens,
    build_masked_model,
    hashtag_token_ids,
    load_masked_model,
    save_masked_model,
)
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.recency import decayed_uses, recency_lift, used_within
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.network import NetworkSystem
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_ENCODER, _FILE = "caption_encoder", "fill_mask.json"
_SENTENCES_AT_ONCE = 256
_POSTS_AT_ONCE = 1_024


@register_system("bert_fill_mask")
class BertFillMask(NetworkSystem, CaptionSystem):
    """P(hashtag | "caption [MASK]") of a masked language model, weighed by how recently anybody used the hashtag.

    The most frequent hashtags of the train split are the live ones: each is a token. Others of the vocabulary follow
    by popularity with score 0. Hashtags that came up after training are in the memory, but have no token: no mask
    can be filled with them, and they are never named.
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
        """C, how many of the first hashtags of the vocabulary have a token."""
        return min(self.config.live_tags, self.id_map.vocabulary_size)

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run the language model in `dtype`."""
        self.network.model.to(dtype)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train on the train split, then choose half-life and exponent of recency on the validation split.

        Raises:
            DataError: see `CaptionSystem.fit`; or no train post has both a caption and a live hashtag.
        """
        super().fit(data, run)
        self._choose_recency(data, run)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`."""
        train = self._with_live_hashtags(train)
        torch.manual_seed(self.config.seed)
        language_model = build_masked_model(self.config.encoder, train.captions)
        live = slice(0, self.live)
        add_hashtag_tokens(language_model, self.id_map.names[live], self.id_map.frequencies[live])
        self._use(language_model)
        self.network.train()
        state = Trainer(FillMaskLearner(self, train, validation), self.config.training, run, self.config.seed).fit()
        self.network.eval()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds})

    def _with_live_hashtags(self, posts: LabelledCaptions) -> LabelledCaptions:
        targets = [[index for index in row if index < self.live] for row in posts.targets]
        chosen = LabelledCaptions(posts.captions, targets, posts.truth_sizes, posts.vocabulary_size).learnable()
        if not len(chosen):
            raise DataError(
                f"live_tags={self.config.live_tags}: no train post has both a caption and such a hashtag; raise it"
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
        judged = np.flatnonzero(self.sentences.has_known_tokens(tokens)).tolist()

        def judge(rows: Sequence[int], half_lives: Sequence[float]) -> tuple[Floats, list[Floats]]:
            places = [judged[row] for row in rows]
            logits = self._logits([tokens[place] for place in places], [[]] * len(places))
            instants = np.array([posts[place].instant_us for place in places], np.int64)
            return logits, [self._log_factors(memory, instants, half_life, 1.0) for half_life in half_lives]

        truth = [labelled.targets[place] for place in judged]
        sizes = [labelled.truth_sizes[place] for place in judged]
        (self.half_life_days, self.weight), scores = choose_recency(judge, truth, sizes, self.config.recency.grid())
        for (half_life, weight), score in scores.items() if is_main_process() else ():
            run.log({"event": "recency", "half_life_days": half_life, "weight": weight, "f1@5": score})

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a token that is not the unknown one."""
        return self.sentences.has_known_tokens(self.sentences.tokenise(captions))

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return P(hashtag | "caption [MASK]"), (B, V), whatever was posted lately; 0 for hashtags without a token."""
        result = np.zeros((len(captions), self.id_map.vocabulary_size))
        result[:, : self.live] = chances(self._logits(self.sentences.tokenise(captions), [[]] * len(captions)))
        return result

    @torch.no_grad()
    def _logits(self, captions: Sequence[Ints], named: Sequence[Sequence[int]]) -> Floats:
        """Return logits of the live hashtags at the mask of "caption named [MASK]", (B, C)."""
        self.network.eval()
        lengths = [len(tokens) + len(context) for tokens, context in zip(captions, named, strict=True)]
        order = np.argsort(lengths, kind="stable")
        result = np.empty((len(captions), self.live))
        device = self.network.device
        for start in range(0, len(order), _SENTENCES_AT_ONCE):
            rows = order[start : start + _SENTENCES_AT_ONCE]
            asked = self.sentences.questions([captions[row] for row in rows], [named[row] for row in rows])
            logits = self.network(asked.token_ids.to(device), asked.mask.to(device), asked.places.to(device))
            result[rows] = logits.double().cpu().numpy()
        return result

    def _log_factors(self, memory: PostMemory, instants_us: Ints, half_life_days: float, weight: float) -> Floats:
        """Return weight · ln lift, -inf for hashtags that are dead at the time, (B, C)."""
        recency = self.config.recency
        factors = np.zeros((len(instants_us), self.live))
        if weight:
            uses = decayed_uses(memory, instants_us, self.live, half_life_days)
            shares = self.id_map.frequencies[: self.live] / self.id_map.frequencies[: self.live].sum()
            factors = weight * np.log(recency_lift(uses, shares, recency.smoothing))
        if recency.live_days is not None:
            alive = used_within(memory, instants_us, self.live, recency.live_days)
            # Where nothing at all is alive the memory has nothing to say.
            factors[~alive & alive.any(1, keepdims=True)] = -np.inf
        return factors

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank the vocabulary for each post by its caption and by what anybody used strictly before it."""
        lists: list[RankedList] = []
        for start in range(0, len(posts), _POSTS_AT_ONCE):
            part = slice(start, start + _POSTS_AT_ONCE)
            excluded_ids = [self.prior.numbers_of(names) for names in excluded[part]] if excluded is not None else []
            lists += self._lists(posts[part], memory, k, excluded_ids or [[]] * len(posts[part]))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, self.id_map.names)

    def _lists(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded_ids: Sequence[Sequence[int]]
    ) -> list[RankedList]:
        tokens = self.sentences.tokenise(cleaned_captions(posts, self.config.caption_profile))
        judged = np.flatnonzero(self.sentences.has_known_tokens(tokens)).tolist()
        lists = [self.prior.ranking(k, numbers) for numbers in excluded_ids]
        # What is barred is named first and taken out then: the question is the same with and without it.
        count = k + max((len(excluded_ids[row]) for row in judged), default=0)
        filled = self._filled([tokens[row] for row in judged], [posts[row] for row in judged], memory, count)
        for row, (indices, scores) in zip(judged, filled, strict=True):
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

        def ask(named: Sequence[Sequence[int]]) -> Floats:
            return self._logits(tokens, named)

        if self.config.filling == "one_mask":
            return fill_one_mask(ask, len(posts), factors, self.id_map, count)
        return fill_one_by_one(ask, len(posts), factors, self.id_map, count, self.config.questions)

    def save_learned(self, folder: Path) -> None:
        """Write the masked language model, whose body is the run's caption encoder, and `fill_mask.json`.

        Raises:
            RunError: the model is held in less precision than it was trained in.
        """
        self.require_full_precision()
        save_masked_model(folder / _ENCODER, self.config.encoder, self.language_model)
        write_json(folder / _FILE, {"half_life_days": self.half_life_days, "weight": self.weight})

    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote, in evaluation mode."""
        self._use(load_masked_model(folder / _ENCODER))
        values = read_json(folder / _FILE, "the chosen recency")
        self.half_life_days, self.weight = float(values["half_life_days"]), float(values["weight"])
        self.network.eval()
