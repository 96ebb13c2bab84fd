"""`ttm`: the topical translation model: words are translated into hashtags, depending on the topic of the post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, BagSystem, PositiveFloats, PositiveInts, WordBags, best_model
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.topics.translations import TopicTranslations, learn_translations
from multimodal.captions.topics.tweet_topics import TweetTopics, learn_topics
from multimodal.storage.array_files import ArrayForm, load_matrices, matrix_parts, save_arrays
from multimodal.storage.model_files import Count, Form, Number, read_json_as
from multimodal.storage.run_folder import RunFolder, write_json
from multimodal.systems.registry import register_system

_FILE, _CHOICE_FILE, _WHAT = "translations.safetensors", "ttm.json", "topics and translations"


class _Choice(Form):
    topics: Annotated[Count, Field(ge=1, le=2**31)]
    backoff: Annotated[Number, Field(gt=0)]
    switch: Annotated[Number, Field(ge=0, le=1)]


class TtmConfig(BagConfig):
    """Configuration of `ttm`."""

    system: Literal["ttm"] = Field(default="ttm", description="name of the System")
    topics: PositiveInts = Field(default=(10, 20, 40), min_length=1, description="numbers of topics to try")
    backoffs: PositiveFloats = Field(
        default=(10.0, 30.0),
        min_length=1,
        description="values of μ to try: weight of the backoff, in words",
    )
    topical_share: float = Field(
        default=0.5, gt=0, le=1, description="λ: share of words that come from a topic, not from the background"
    )
    iterations: int = Field(default=20, ge=1, description="rounds of expectation maximisation")
    smallest_belief: float = Field(
        default=0.01, ge=0, lt=1, description="a train post counts for the topics of at least this probability"
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")


@dataclass(frozen=True, slots=True)
class TopicalTranslationModel:
    """P(h | d) = Σ_z P(z | d) Σ_w P(w | d) P(h | w, z), with P(w | d) in proportion to n(w, d) idf(w).

    Attributes:
        topics: P(z | d).
        translations: P(h | w, z).
        idf: (F,) of each word.
    """

    topics: TweetTopics
    translations: TopicTranslations
    idf: NDArray[np.float32]

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return P(h | d) of word counts, (B, V)."""
        weights = features.astype(np.float64)
        weights.data *= self.idf[weights.indices]
        weights.data /= np.repeat(np.asarray(weights.sum(1)).ravel(), np.diff(weights.indptr))
        return self.translations.translate(weights, self.topics.of(features))


@register_system("ttm")
class Ttm(BagSystem):
    """Ding et al. 2013, "Learning topical translation model for microblog hashtag suggestion" (IJCAI)."""

    config_type = TtmConfig
    config: TtmConfig
    model: TopicalTranslationModel

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit topics, count, and choose the number of topics and μ by F1@5; see `CaptionSystem.learn`."""
        self.bags = WordBags.learn(train.captions, self.config)
        posts = validation.evenly(self.config.tuning_posts)
        self.model = best_model(self._models(train), self.features(posts.captions), posts, self.prior.scores, run)

    def _models(self, train: LabelledCaptions) -> Iterator[tuple[TopicalTranslationModel, dict[str, Any]]]:
        config = self.config
        counts, targets = self.bags.counts(train.captions), shared_equally(train.multi_hot())
        for number in config.topics:
            topics = learn_topics(counts, number, config.iterations, config.seed, config.topical_share).rounded()
            beliefs = topics.of(counts)
            first = learn_translations(counts, targets, beliefs, config.backoffs[0], config.smallest_belief)
            for backoff in config.backoffs:
                translations = TopicTranslations(first.by_topic, first.by_word, first.by_label, backoff)
                model = TopicalTranslationModel(topics, translations, self.bags.idf)
                yield model, {"topics": number, "backoff": backoff}

    def save_learned(self, folder: Path) -> None:
        """Write words, topics and counts."""
        super().save_learned(folder)
        topics, translations = self.model.topics, self.model.translations
        chosen = {"topics": len(topics.topics), "backoff": translations.backoff, "switch": topics.switch}
        write_json(folder / _CHOICE_FILE, chosen)
        stacked = sparse.csr_matrix(sparse.vstack(translations.by_topic))
        arrays = {
            **matrix_parts("by_topic", stacked),
            **matrix_parts("by_word", translations.by_word),
            "by_label": translations.by_label.astype(np.float32),
            "topics": topics.topics.astype(np.float32),
            "words": topics.words.astype(np.float32),
            "background": topics.background.astype(np.float32),
        }
        save_arrays(folder / _FILE, arrays)

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote."""
        super().load_learned(folder)
        chosen = read_json_as(folder / _CHOICE_FILE, _WHAT, _Choice)
        number, backoff, switch = chosen.topics, float(chosen.backoff), float(chosen.switch)
        known, size = len(self.bags), self.id_map.vocabulary_size
        matrices, arrays = load_matrices(
            folder / _FILE,
            _WHAT,
            {"by_topic": (number * known, size), "by_word": (known, size)},
            {
                "by_label": ArrayForm("float32", (number, size), 0, 1),
                "topics": ArrayForm("float32", (number,), 0, 1),
                "words": ArrayForm("float32", (number, known), 0, 1),
                "background": ArrayForm("float32", (known,), 0, 1),
            },
        )
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
        topics = TweetTopics(wide["topics"], wide["words"], wide["background"], switch)
        by_topic = [matrices["by_topic"][topic * known : (topic + 1) * known] for topic in range(number)]
        translations = TopicTranslations(by_topic, matrices["by_word"], wide["by_label"], backoff)
        self.model = TopicalTranslationModel(topics, translations, self.bags.idf)
