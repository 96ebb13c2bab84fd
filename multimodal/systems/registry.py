"""Which Systems there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from data_loaders.registry import Registry
from multimodal.systems.base import System

SystemType = TypeVar("SystemType", bound=type[System])
_SYSTEMS: Registry[type[System]] = Registry(
    "system",
    {
        "amnn": "multimodal.peers.amnn.system",
        "bert": "multimodal.captions.neural.bert",
        "bert_fill_mask": "multimodal.captions.fill_mask.system",
        "cnn_attention": "multimodal.captions.neural.tweet_models",
        "coa": "multimodal.peers.coa.system",
        "design": "multimodal.design.system",
        "fasttext": "multimodal.captions.fasttext.system",
        "hmemn2n": "multimodal.captions.hmemn2n.system",
        "hybrid": "multimodal.hybrid.system",
        "knn_caption": "multimodal.baselines.retrieval.systems",
        "knn_content": "multimodal.baselines.retrieval.systems",
        "knn_image": "multimodal.baselines.retrieval.systems",
        "knn_words": "multimodal.baselines.retrieval.systems",
        "language_model": "multimodal.baselines.language_model.system",
        "lstm": "multimodal.captions.neural.tweet_models",
        "macon": "multimodal.peers.macon.system",
        "naive_bayes": "multimodal.captions.linear.naive_bayes",
        "popularity": "multimodal.baselines.popularity",
        "random_prior": "multimodal.captions.random_prior",
        "sa_lstm": "multimodal.captions.sa_lstm.system",
        "svm": "multimodal.captions.linear.svm",
        "tagnet": "multimodal.peers.tagnet.system",
        "text_resnet": "multimodal.captions.neural.tweet_models",
        "tfidf_logistic": "multimodal.captions.linear.tfidf_logistic",
        "trends": "multimodal.baselines.trends",
        "ttm": "multimodal.captions.topics.ttm",
        "user_habit": "multimodal.baselines.user_habit",
        "zero_shot": "multimodal.baselines.zero_shot.system",
    },
)


def register_system(name: str) -> Callable[[SystemType], SystemType]:
    """Class decorator: make a System known under `name` (snake_case, unique)."""

    def add(system: SystemType) -> SystemType:
        _SYSTEMS.register(name)(system).name = name
        return system

    return add


def list_systems() -> list[str]:
    """Return the names of all Systems, sorted."""
    return _SYSTEMS.names()


def get_system(name: str) -> type[System]:
    """Return the System class registered under `name`; its module is imported now.

    Raises:
        ConfigError: no System has that name; the message names the nearest and all that exist.
    """
    return _SYSTEMS.get(name)
