"""The default model, and `recommend`, which uses it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_loaders.command_line import command_line
from data_loaders.errors import RunError
from data_loaders.images.loading import ImageSource
from multimodal.ranking.recommendation import Recommendation
from multimodal.ranking.reranking import Reranking
from multimodal.ranking.rules.rules import GivenHashtags
from multimodal.recommender import Recommender
from multimodal.systems.auto_length import Length
from multimodal.systems.queries import GivenPost

# The first that exists: the hybrid, or DESIGN alone.
DEFAULT_MODELS = ("runs/hybrid", "runs/sample")
MODEL_VARIABLE = "MULTIMODAL_MODEL"


def recommend(
    image: ImageSource | None = None,
    caption: str | None = None,
    user_id: str | None = None,
    k: Length = 5,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    timestamp: str | float | date | None = None,
    history: Sequence[GivenPost] | None = None,
    include_caption_hashtags: bool = False,
    explain: bool = False,
    rerank: Reranking | Mapping[str, Any] | None = None,
    only: str | GivenHashtags | None = None,
    never: GivenHashtags | None = None,
    always: GivenHashtags | None = None,
    replace: Mapping[str, str] | None = None,
    language: str | None = None,
) -> list[Recommendation]:
    """Recommend with the default model: `$MULTIMODAL_MODEL`, else `runs/hybrid`, else `runs/sample`.

    See `Recommender.recommend`.

    Raises:
        RunError: there is no such model.
        UserError: see `Recommender.recommend`.
    """
    return default_recommender().recommend(
        image,
        caption,
        user_id,
        k,
        minimum=minimum,
        maximum=maximum,
        timestamp=timestamp,
        history=history,
        include_caption_hashtags=include_caption_hashtags,
        explain=explain,
        rerank=rerank,
        only=only,
        never=never,
        always=always,
        replace=replace,
        language=language,
    )


def default_recommender() -> Recommender:
    """Return the default model; it is loaded again only if its files change.

    Raises:
        RunError: `$MULTIMODAL_MODEL` is not a model, or it is not set and there is neither
            `runs/hybrid` nor `runs/sample`.
    """
    named = os.environ.get(MODEL_VARIABLE)
    path = named or next((model for model in DEFAULT_MODELS if Path(model).exists()), "")
    if not path:
        wanted = DEFAULT_MODELS[-1]
        raise RunError(
            f"there is no default model: ${MODEL_VARIABLE} is not set and {wanted} does not exist. Set "
            f"{MODEL_VARIABLE} to a run folder, or train one: "
            + command_line("train", "--config", "sample", "--data", "data/prepared", "--output", wanted)
        )
    files = (Path(path, "model.json"), Path(path, "model", "model.json"))
    written = [file.stat().st_mtime_ns for file in files if file.exists()]
    try:
        return _read_once(path, tuple(written), str(Path.cwd()))
    except RunError as error:
        origin = f"${MODEL_VARIABLE}: " if named else "the default model: "
        raise RunError(f"{origin}{error}") from error


@lru_cache(maxsize=1)
def _read_once(path: str, written: tuple[int, ...], folder: str) -> Recommender:
    return Recommender.from_pretrained(path)
