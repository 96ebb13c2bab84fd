"""Training the Systems that are sources, or taking the runs that are given."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.errors import ConfigError
from multimodal.config import RunConfig
from multimodal.hybrid.parts.first_posts import FirstPosts
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.opening import is_finished
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)
_FOLDER = "sources"


@dataclass(frozen=True, slots=True)
class TrainedPart:
    """A System that is a source.

    Attributes:
        whole: trained on the train split.
        early: the same, trained on the first train posts alone.
        early_posts: on how many.
    """

    whole: System
    early: System
    early_posts: int


def part_config(name: str, given: str, seed: int) -> RunConfig:
    """Return the configuration of a source: that of a run, or of the name or file that is given.

    Raises:
        ConfigError: there is no such run or configuration, or it is another hybrid.
        RunError: it is a folder without a model.
    """
    config = load_model(given).config if Path(given).is_dir() else load_config(given, [f"seed={seed}"])
    if config.system == "hybrid":
        raise ConfigError(f"sources.{name}={given!r} is a hybrid itself; give another System, for instance sample.")
    return config


def train_parts(
    sources: Mapping[str, str], data: PreparedData, order: Sequence[int], early_posts: int, run: RunFolder, seed: int
) -> dict[str, TrainedPart]:
    """Train every source twice, on the train split and on its first posts; finished runs are taken as they are.

    Args:
        sources: a run folder or a configuration by name of the source.
        data: what to learn from.
        order: rows of the train split by time.
        early_posts: how many of them the early one knows.
        run: of the hybrid; trained sources go into a folder of it.
        seed: of those that are trained.

    Raises:
        ConfigError: see `part_config`; or a run was trained on other hashtags, or cleans captions otherwise.
    """
    parts = {}
    for name, given in sources.items():
        config = part_config(name, given, seed)
        folder = run.path / _FOLDER / name
        whole = load_model(given).system if Path(given).is_dir() else _trained(config, data, folder / "whole")
        if list(whole.id_map.names[: whole.id_map.vocabulary_size]) != list(data.vocabulary.hashtags):
            raise ConfigError(
                f"sources.{name}={given!r} was trained on other hashtags than {data.folder} has; train it on this "
                "folder, or name its configuration instead of the run."
            )
        early = _trained(config, FirstPosts(data, order, early_posts), folder / "early")
        parts[name] = TrainedPart(whole, early, early_posts)
    return parts


def check_profiles(profile: str, parts: Mapping[str, TrainedPart]) -> None:
    """Refuse a source that cleans captions in another way.

    Raises:
        ConfigError: one does.
    """
    for name, part in parts.items():
        if profile_of(part.whole.config) != profile:
            raise ConfigError(
                f"sources.{name} cleans captions by the profile {profile_of(part.whole.config)!r}, the hybrid by "
                f"{profile!r}; set caption_profile={profile_of(part.whole.config)}."
            )


def _trained(config: RunConfig, data: PreparedData, folder: Path) -> System:
    run = RunFolder(folder)
    if not is_finished(run, config, data):
        logger.info("training the source in %s", folder)
        train_run(config, data, folder)
    return load_model(folder).system
