"""The gate of the fusion: the weight of the picture, by which of caption and picture a post has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.design.config import DesignConfig
from multimodal.design.fusion import gated_fusions
from multimodal.design.system import DesignSystem
from multimodal.distributed.progress import shared_progress
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.encoders.features.unusable_pictures import left_out_pictures
from multimodal.systems.model_folder import LoadedModel, load_model
from multimodal.systems.queries import to_queries

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

SHORT_CHARACTERS = 20
_POSTS_AT_ONCE = 2_048
CAPTIONS = ("none", f"1 to {SHORT_CHARACTERS} characters", f"over {SHORT_CHARACTERS} characters")
PICTURES = ("present", "missing")


def has_gate(config: RunConfig) -> bool:
    """Return whether a configuration is of a network that learns to weigh caption against picture, and reads both."""
    return isinstance(config, DesignConfig) and config.fusion.name in gated_fusions() and not _unread(config)


def _unread(config: DesignConfig) -> list[str]:
    """Return which of the two a network does not read."""
    return [name for name in ("caption", "image") if getattr(config.encoder, name) is None]


def image_weights(system: DesignSystem, posts: Sequence[Post]) -> NDArray[np.float32]:
    """Return the weight of the picture against the caption, the mean of w over its coordinates, (N,) in 0..1.

    Args:
        system: fitted.
        posts: N posts; hashtags in their captions are removed first, as for ranking.
    """
    queries, _ = to_queries(posts)
    parts = []
    with shared_progress("weighing", len(queries)) as advance:
        for start in range(0, len(queries), _POSTS_AT_ONCE):
            part = queries[start : start + _POSTS_AT_ONCE]
            dataset = system.scorer.datasets.content_dataset(part)
            parts.append(system.scorer.encode_posts(dataset, lambda content: content.image_weight.mean(1)))
            advance(len(part))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def gate_table(system: DesignSystem, posts: Sequence[Post]) -> pd.DataFrame:
    """Return the mean and standard deviation of the picture's weight by caption (after cleaning) and picture.

    Args:
        system: fitted, with a gate.
        posts: at least one.

    Returns:
        Six rows: caption, picture, posts, weight, standard_deviation; NaN where there are too few posts.
    """
    weights = image_weights(system, posts)
    queries, _ = to_queries(posts)
    lengths = np.array([len(caption) for caption in cleaned_captions(queries, system.config.caption_profile)])
    caption = np.where(lengths == 0, 0, np.where(lengths <= SHORT_CHARACTERS, 1, 2))
    missing = np.array([post.image is None for post in posts], np.int64)
    rows = []
    for number, name in enumerate(CAPTIONS):
        for lacks, picture in enumerate(PICTURES):
            chosen = weights[(caption == number) & (missing == lacks)].astype(np.float64)
            mean = chosen.mean() if len(chosen) else np.nan
            deviation = chosen.std(ddof=1) if len(chosen) > 1 else np.nan
            rows.append((name, picture, len(chosen), mean, deviation))
    return pd.DataFrame(rows, columns=["caption", "picture", "posts", "weight", "standard_deviation"])


def gate_of_run(run: str | Path, data: PreparedData, split: str = "test") -> pd.DataFrame:
    """Return the `gate_table` of a trained run on one split.

    Args:
        run: run folder, or its `model/` folder.
        data: a prepared folder.
        split: `train`, `validation` or `test`.

    Raises:
        UserError: the run's network has no gate, or the split is empty.
    """
    return gate_of_model(load_model(run), data, split)


def gate_of_model(model: LoadedModel, data: PreparedData, split: str = "test") -> pd.DataFrame:
    """Return the `gate_table` of a loaded model on one split.

    Raises:
        UserError: the network has no gate, or nothing to weigh against each other, or the split is empty.
    """
    run = model.run.path
    if isinstance(model.config, DesignConfig) and (unread := _unread(model.config)):
        raise UserError(
            f"{run} has no {unread[0]} encoder (encoder.{unread[0]} is null), so its gate weighs nothing against the "
            "other; train with both encoders."
        )
    if not isinstance(model.system, DesignSystem) or not has_gate(model.config):
        what = f"fusion.name={model.config.fusion.name}" if isinstance(model.config, DesignConfig) else "no fusion"
        raise UserError(
            f"{run}: system {model.system.name} with {what} has no gate; train with system=design and fusion.name "
            f"{' or '.join(gated_fusions())}."
        )
    posts = list(data.split(split))
    if not posts:
        raise UserError(f"split: the {split} split is empty.")
    with left_out_pictures():
        return gate_table(model.system, posts)
