"""Check that weights and optional packages of a configuration are there, before any data are read."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from data_loaders.errors import ConfigError
from data_loaders.text.captions import clean_caption
from multimodal.config import RunConfig
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.registry import get_system


def check_requirements(config: RunConfig) -> None:
    """Refuse a configuration that needs what this machine lacks; weights that a hub has are downloaded now.

    Raises:
        ConfigError: weights or packages are missing; one message lists them all and says how to get them.
    """
    problems = [*_missing_packages(config), *get_system(config.system)(config).missing_weights()]
    if len(problems) == 1:
        raise ConfigError(problems[0])
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(f"{len(problems)} things that this configuration needs are missing:\n{lines}")


def _missing_packages(config: RunConfig) -> Iterator[str]:
    try:
        clean_caption("word", profile_of(config))
    except ConfigError as error:
        yield str(error)
    if getattr(getattr(config, "training", None), "tensorboard", False):
        try:
            import_module("torch.utils.tensorboard")
        except ImportError as error:
            yield (
                f"training.tensorboard=true needs the package tensorboard, which cannot be imported ({error}). Install "
                "it with pip install tensorboard, or set training.tensorboard=false."
            )
