"""Making the spaces of a configuration, saving and loading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.errors import ConfigError
from multimodal.baselines.retrieval.config import CAPTION, CONTENT, IMAGE, WORDS, KnnContentConfig, RetrievalConfig
from multimodal.baselines.retrieval.spaces import PostSpaces
from multimodal.encoders import (
    build_caption_encoder,
    build_image_encoder,
    load_caption_encoder,
    load_image_encoder,
)
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import System
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model, save_model
from multimodal.training.opening import is_finished
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

_TERMS, _CAPTIONS, _IMAGES, _CONTENT = "caption_terms.safetensors", "caption_encoder", "image_encoder", "content"


def build_spaces(config: RetrievalConfig, captions: Sequence[str], content: System | None) -> PostSpaces:
    """Make the spaces that a configuration weighs.

    Args:
        config: which, and by what encoders.
        captions: cleaned captions of the train split, "" for none.
        content: see `PostSpaces`.
    """
    used, words = config.weights, [caption for caption in captions if caption]
    sentences, pictures = config.encoder.caption, config.encoder.image
    encoder = build_caption_encoder(sentences, words) if sentences and CAPTION in used and words else None
    images = build_image_encoder(pictures) if pictures and IMAGE in used else None
    return PostSpaces(
        config,
        CaptionVectors.fit(words, config.bigrams) if WORDS in used and words else None,
        None if encoder is None else encoder.eval(),
        None if images is None else images.eval(),
        content,
    )


def content_system(config: RetrievalConfig, data: PreparedData, run: RunFolder) -> System | None:
    """Return the System whose content vectors count, trained inside the run's folder where a configuration is named.

    Raises:
        ConfigError: it has no content vectors, or `content` names neither a run nor a configuration.
    """
    if not isinstance(config, KnnContentConfig) or CONTENT not in config.weights:
        return None
    if Path(config.content).exists():
        system = load_model(config.content).system
    else:
        inner, folder = load_config(config.content, [f"seed={config.seed}"]), RunFolder(run.path / _CONTENT)
        if not is_finished(folder, inner, data):
            train_run(inner, data, folder.path)
        system = load_model(folder.path).system
    if not system.new_memory().width:
        raise ConfigError(
            f"content={config.content!r} is a run of {system.name!r}, which keeps no content vectors; name one of "
            "'design', for instance content=sample."
        )
    return system


def save_spaces(folder: Path, spaces: PostSpaces) -> None:
    """Write everything that gives terms and vectors.

    Raises:
        RunError: a file cannot be written.
    """
    if spaces.terms is not None:
        save_arrays(folder / _TERMS, {"idf": spaces.terms.idf})
    if spaces.captions is not None:
        spaces.captions.save(folder / _CAPTIONS)
    if spaces.images is not None:
        spaces.images.save(folder / _IMAGES)
    if spaces.content is not None:
        save_model(folder / _CONTENT, spaces.content, spaces.content.new_memory())


def load_spaces(folder: Path, config: RetrievalConfig) -> PostSpaces:
    """Read what `save_spaces` wrote.

    Raises:
        RunError: a file is missing, damaged, or does not fit the configuration.
    """
    used, terms = config.weights, None
    if WORDS in used and (folder / _TERMS).exists():
        idf = load_arrays(folder / _TERMS, "weights of caption terms", {"idf": ArrayForm("float32", (SLOTS,), 0)})
        terms = CaptionVectors(idf["idf"], config.bigrams)
    return PostSpaces(
        config,
        terms,
        load_caption_encoder(folder / _CAPTIONS) if CAPTION in used and (folder / _CAPTIONS).exists() else None,
        load_image_encoder(folder / _IMAGES) if IMAGE in used else None,
        load_model(folder / _CONTENT).system if CONTENT in used else None,
    )
