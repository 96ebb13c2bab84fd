"""`language_model`: a chat model that chooses among retrieved hashtags, never freely."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_loaders.errors import ConfigError
from data_loaders.posts import Post
from multimodal.baselines.language_model.answers import AnswerCache
from multimodal.baselines.language_model.chat import ChatEndpoint, Unanswered
from multimodal.baselines.language_model.choosing import Candidate, question, read_choice
from multimodal.baselines.language_model.config import URL_VARIABLE, LanguageModelConfig
from multimodal.baselines.language_model.retrieval import fused, ranked_sources
from multimodal.baselines.retrieval.systems import NeighbourVotes
from multimodal.distributed.progress import shared_progress
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import SCORE_DECIMALS, RankedList
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import Excluded
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)
_OFF = (
    f"language_model is off: it sends captions and candidate hashtags to an endpoint, which nobody named. Give "
    f"endpoint.url=http://localhost:8000/v1, or set {URL_VARIABLE}."
)
# Popular hashtags score below all candidates.
_BACKOFF = 0.4 * 10.0**-SCORE_DECIMALS


@register_system("language_model")
class LanguageModel(NeighbourVotes):
    """Asks an OpenAI-compatible endpoint to choose among hashtags of similar posts, of the author and of trends.

    What it chooses comes first, in its order and with scores above 1; the other candidates follow in the order of
    retrieval, then popular hashtags. Where there is no usable answer, or the budget is spent, the order of retrieval
    remains, which is told and counted.

    Attributes:
        counts: since it was made: posts `asked`, `cached`, `unanswered` and `unreadable`, and hashtags that were
            `strangers` to the list and so dropped.
    """

    config_type = LanguageModelConfig
    file = "language_model.json"
    scores_are_chances = False
    config: LanguageModelConfig
    counts: Counter[str]

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__(config)
        self.counts = Counter()
        self._endpoint: ChatEndpoint | None = None

    def missing_weights(self) -> list[str]:
        """Return why it cannot be used: no endpoint is named; see `System.missing_weights`."""
        return [*super().missing_weights(), *([] if self.config.endpoint.found_url() else [_OFF])]

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Choose how neighbours vote; the endpoint is not asked.

        Raises:
            ConfigError: no endpoint is named.
        """
        self._asked()
        super().fit(data, run)

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank what the language model chose, then the other candidates; see `System.rank`.

        Raises:
            ConfigError: there are candidates to choose from, and no endpoint is named.
        """
        before, reasons = self.counts.copy(), Counter[str]()
        captions = cleaned_captions(posts, self.config.caption_profile)
        sources = ranked_sources(
            posts, memory, self._votes(posts, memory), self.config.half_life_days, self.config.candidates
        )
        lists, unwanted = [], excluded or [frozenset()] * len(posts)
        with shared_progress("asking the language model", len(posts)) as advance:
            for caption, named, names in zip(captions, sources, unwanted, strict=True):
                found = fused(named, memory, self.config.candidates)
                candidates = [Candidate(memory.id_map[index], why) for index, _, why in found]
                chosen = self._choose(caption, candidates, reasons)
                scores = {memory.id_map[index]: score for index, score, _ in found}
                lists.append(self._list(chosen, scores, memory, k, names))
                advance(1)
        self._tell(self.counts - before, reasons, len(posts))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _choose(self, caption: str, candidates: Sequence[Candidate], reasons: Counter[str]) -> tuple[str, ...]:
        if not candidates:
            return ()
        endpoint, cache = self._asked()
        messages = question(caption, candidates, self.config.choose)
        body = endpoint.body(messages)
        text = cache.find(body)
        self.counts["asked" if text is None else "cached"] += 1
        if text is None:
            try:
                text = endpoint.ask(messages).text
            except Unanswered as error:
                self.counts["unanswered"] += 1
                reasons[str(error)] += 1
                return ()
            cache.keep(body, text)
        choice = read_choice(text, candidates)
        if choice is None:
            self.counts["unreadable"] += 1
            return ()
        self.counts["strangers"] += choice.strangers
        return choice.hashtags[: self.config.choose]

    def _asked(self) -> tuple[ChatEndpoint, AnswerCache]:
        url = self.config.endpoint.found_url()
        if url is None:
            raise ConfigError(_OFF)
        if self._endpoint is None:
            # One for the life of the System: its budget is that of all calls together.
            self._endpoint = ChatEndpoint(url, self.config.endpoint, self.config.budget)
        folder = self.config.cache
        return self._endpoint, AnswerCache(None if folder is None else Path(folder), url)

    def _list(
        self, chosen: Sequence[str], scores: dict[str, float], memory: PostMemory, k: int, names: AbstractSet[str]
    ) -> RankedList:
        """Return a ranking: chosen ones score from 2 down to above 1, others as they were retrieved, below 1."""
        raised = {hashtag: 2 - place / (len(chosen) + 1) for place, hashtag in enumerate(chosen)}
        ordered = [*raised, *(hashtag for hashtag in scores if hashtag not in raised)]
        kept = [hashtag for hashtag in ordered if hashtag not in names]
        values = np.round([raised.get(hashtag, scores[hashtag]) for hashtag in kept], SCORE_DECIMALS)
        indices = np.array([memory.id_map.find(hashtag) for hashtag in kept], np.int64)
        unwanted = [index for name in names if (index := memory.id_map.find(name)) is not None]
        shares = self.prior.shares * (_BACKOFF if scores else 1.0)
        return fill_up(indices, values.astype(np.float64), self.prior.order, shares, k, unwanted)

    def _tell(self, counts: Counter[str], reasons: Counter[str], posts: int) -> None:
        kept = counts["unanswered"] + counts["unreadable"]
        if kept:
            why = [f"{count} × {reason}" for reason, count in reasons.most_common()]
            why += [f"{counts['unreadable']} × the answer holds no list of hashtags"] if counts["unreadable"] else []
            logger.warning(
                "language_model: %d of %d posts keep the order of retrieval: %s", kept, posts, "; ".join(why)
            )
        if counts["strangers"]:
            logger.warning("language_model: %d hashtags not on its list were dropped", counts["strangers"])
