"""Which Systems there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from data_loaders.errors import ConfigError, nearest
from multimodal.systems.base import System

SystemType = TypeVar("SystemType", bound=type[System])
_SYSTEMS: dict[str, type[System]] = {}
_BUILT_IN_MODULES = (
    "multimodal.baselines.popularity",
    "multimodal.baselines.user_habit",
    "multimodal.captions.neural.bert",
    "multimodal.captions.fill_mask.system",
    "multimodal.captions.neural.cnn_attention",
    "multimodal.captions.fasttext.system",
    "multimodal.captions.hmemn2n.system",
    "multimodal.captions.neural.lstm",
    "multimodal.captions.linear.naive_bayes",
    "multimodal.captions.random_prior",
    "multimodal.captions.sa_lstm.system",
    "multimodal.captions.linear.svm",
    "multimodal.captions.neural.text_resnet",
    "multimodal.captions.linear.tfidf_logistic",
    "multimodal.captions.topics.ttm",
    "multimodal.design.system",
)


def register_system(name: str) -> Callable[[SystemType], SystemType]:
    """Class decorator: make a System known under `name` (snake_case, unique)."""

    def add(system: SystemType) -> SystemType:
        if name in _SYSTEMS and _SYSTEMS[name] is not system:
            raise ValueError(f"a system named {name!r} is already registered")
        system.name = name
        _SYSTEMS[name] = system
        return system

    return add


def list_systems() -> list[str]:
    """Return the names of all Systems, sorted."""
    _import_built_in()
    return sorted(_SYSTEMS)


def get_system(name: Any) -> type[System]:
    """Return the System class registered under `name`.

    Raises:
        ConfigError: no System has that name; the message names the nearest and all that exist.
    """
    _import_built_in()
    if name not in _SYSTEMS:
        known = ", ".join(list_systems())
        raise ConfigError(f"system: unknown system {name!r}.{nearest(str(name), _SYSTEMS)} Known: {known}.")
    return _SYSTEMS[name]


def _import_built_in() -> None:
    for module in _BUILT_IN_MODULES:
        import_module(module)
