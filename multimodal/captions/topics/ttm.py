"""`ttm`: the topical translation model, in which words of a post call for hashtags according to its topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.array_files import load_matrices, matrix_parts, save_arrays
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.linear.grid import all_positive
from multimodal.captions.linear.judging import evenly, f1_at_k
from multimodal.captions.system import CaptionSystem
from multimodal.captions.topics.translations import TopicTranslations, learn_translations
from multimodal.captions.topics.tweet_topics import TweetTopics, learn_topics
from multimodal.distributed.processes import is_main_process
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

_FILE, _CHOICE_FILE, _WHAT = "translations.safetensors", "ttm.json", "topics and translations"


class TtmConfig(BagConfig):
    """Configuration of `ttm`."""

    system: Literal["ttm"] = Field(default="ttm", description="name of the System")
    topics: tuple[int, ...] = Field(default=(10, 20, 40), min_length=1, description="numbers of topics to try")
    backoffs: tuple[float, ...] = Field(
        default=(10.0, 30.0), min_length=1, description="μ to try: how many words the wider distribution counts for"
    )
    topical_share: float = Field(
        default=0.5, gt=0, le=1, description="λ: share of words that come from a topic, not from the background"
    )
    iterations: int = Field(default=20, ge=1, description="rounds of expectation maximisation")
    smallest_belief: float = Field(
        default=0.01, ge=0, lt=1, description="a train post counts for the topics at least this likely"
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("topics", "backoffs")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return all_positive(values)


@register_system("ttm")
class Ttm(CaptionSystem):
    """P(h | d) = Σ_z P(z | d) Σ_w P(w | d) P(h | w, z), P(w | d) in proportion to n(w, d) idf(w).

    Ding et al. 2013 ("Learning topical translation model for microblog hashtag suggestion", IJCAI).
    """

    config_type = TtmConfig
    config: TtmConfig
    bags: WordBags
    topics: TweetTopics
    translations: TopicTranslations

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit topics and count; their number and μ are those of the best F1@5 on the validation split."""
        self.bags = WordBags.learn(train.captions, self.config)
        judged = evenly(validation, self.config.tuning_posts)
        asked = self.bags.counts(judged.captions)
        empty = np.diff(asked.indptr) == 0

        def scores_of(rows: slice) -> NDArray[np.float64]:
            scores = self._scores(asked[rows])
            scores[empty[rows]] = self._prior_scores
            return scores

        tried: list[tuple[float, TweetTopics, TopicTranslations]] = []
        for topics, translations in self._models(train):
            self.topics, self.translations = topics, translations
            tried.append((f1_at_k(scores_of, judged), topics, translations))
            if is_main_process():
                chosen = {"topics": len(topics.topics), "backoff": translations.backoff}
                run.log({"event": "validation", **chosen, "f1@5": tried[-1][0]})
        _, self.topics, self.translations = max(tried, key=lambda one: one[0])

    def _models(self, train: LabelledCaptions) -> Iterator[tuple[TweetTopics, TopicTranslations]]:
        config = self.config
        counts, targets = self.bags.counts(train.captions), shared_equally(train.multi_hot())
        for number in config.topics:
            topics = learn_topics(counts, number, config.iterations, config.seed, config.topical_share).rounded()
            beliefs = topics.of(counts)
            first = learn_translations(counts, targets, beliefs, config.backoffs[0], config.smallest_belief)
            for backoff in config.backoffs:
                yield topics, TopicTranslations(first.by_topic, first.by_word, first.by_label, backoff)

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a known word."""
        return self.bags.known(captions)

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return P(h | d), (B, V)."""
        return self._scores(self.bags.counts(captions))

    def _scores(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        weights = counts.astype(np.float64)
        weights.data *= self.bags.idf[weights.indices]
        weights.data /= np.repeat(np.asarray(weights.sum(1)).ravel(), np.diff(weights.indptr))
        return self.translations.translate(weights, self.topics.of(counts))

    def save_learned(self, folder: Path) -> None:
        """Write words, topics and counts."""
        self.bags.save(folder)
        write_json(
            folder / _CHOICE_FILE,
            {"topics": len(self.topics.topics), "backoff": self.translations.backoff, "switch": self.topics.switch},
        )
        stacked = sparse.csr_matrix(sparse.vstack(self.translations.by_topic))
        arrays = {
            **matrix_parts("by_topic", stacked),
            **matrix_parts("by_word", self.translations.by_word),
            "by_label": self.translations.by_label.astype(np.float32),
            "topics": self.topics.topics.astype(np.float32),
            "words": self.topics.words.astype(np.float32),
            "background": self.topics.background.astype(np.float32),
        }
        save_arrays(folder / _FILE, arrays)

    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote."""
        self.bags = WordBags.load(folder)
        chosen = read_json(folder / _CHOICE_FILE, _WHAT)
        try:
            number, backoff, switch = int(chosen["topics"]), float(chosen["backoff"]), float(chosen["switch"])
        except (KeyError, TypeError, ValueError):
            raise RunError(
                f"{folder / _CHOICE_FILE} ({_WHAT}) is damaged: it holds no topics, backoff and switch."
            ) from None
        known, size = len(self.bags), self.id_map.vocabulary_size
        matrices, arrays = load_matrices(
            folder / _FILE,
            _WHAT,
            {"by_topic": (number * known, size), "by_word": (known, size)},
            ("by_label", (number, size)),
            ("topics", (number,)),
            ("words", (number, known)),
            ("background", (known,)),
        )
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
        self.topics = TweetTopics(wide["topics"], wide["words"], wide["background"], switch)
        by_topic = [matrices["by_topic"][topic * known : (topic + 1) * known] for topic in range(number)]
        self.translations = TopicTranslations(by_topic, matrices["by_word"], wide["by_label"], backoff)
