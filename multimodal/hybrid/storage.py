"""Saving and loading the learned state of a hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from data_loaders.errors import RunError
from multimodal.encoders import load_caption_encoder, load_image_encoder
from multimodal.hybrid.assembly import CORE, LINEAR, TEXTS
from multimodal.hybrid.config import HybridConfig
from multimodal.hybrid.linear_file import load_linear, save_linear
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.ranker.storage import load_ranker, save_ranker
from multimodal.hybrid.sources.linear import LinearHead
from multimodal.hybrid.sources.mentions import EVERYBODY, OWN
from multimodal.hybrid.spaces import PostSpaces
from multimodal.hybrid.texts.files import load_texts, save_texts
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.vectors import HashtagVectors
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.model_files import Count, Form, Number, read_json_as
from multimodal.storage.run_folder import write_json
from multimodal.systems.base import System
from multimodal.systems.model_folder import load_model, save_model

STATE_FILE, TERMS_FILE = "hybrid.json", "caption_terms.safetensors"
_CAPTIONS, _IMAGES, _PARTS = "caption_encoder", "image_encoder", "sources"


class _State(Form):
    train_posts: Count
    bigrams: Annotated[Number, Field(ge=0, le=1)]
    caption_encoder: bool
    image_encoder: bool
    parts: list[str]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class HybridParts:
    """What a hybrid consists of; see `HybridSystem`."""

    spaces: PostSpaces
    head: LinearHead | None
    parts: dict[str, System]
    left_out: tuple[str, ...]
    ranker: Ranker
    train_posts: int
    texts: tuple[HashtagVectors, TextHead] | None = None


def save_parts(folder: Path, parts: HybridParts) -> None:
    """Save ranker, encoders and the Systems that are sources, each in a folder of its own.

    Raises:
        RunError: a file cannot be written.
    """
    spaces = parts.spaces
    save_arrays(folder / TERMS_FILE, {"idf": spaces.terms.idf})
    if spaces.captions is not None:
        spaces.captions.save(folder / _CAPTIONS)
    if spaces.images is not None:
        spaces.images.save(folder / _IMAGES)
    for name, part in parts.parts.items():
        save_model(folder / _PARTS / name, part, part.new_memory())
    if parts.head is not None:
        save_linear(folder, parts.head)
    if parts.texts is not None:
        save_texts(folder, *parts.texts)
    save_ranker(folder, parts.ranker)
    state = {
        "train_posts": parts.train_posts,
        "bigrams": spaces.terms.bigrams,
        "caption_encoder": spaces.captions is not None,
        "image_encoder": spaces.images is not None,
        "parts": list(parts.parts),
        "left_out": list(parts.left_out),
    }
    write_json(folder / STATE_FILE, state)


def load_parts(folder: Path, config: HybridConfig, id_map: HashtagIdMap) -> HybridParts:
    """Load what `save_parts` saved.

    Raises:
        RunError: a file is missing, damaged, or does not fit the configuration.
    """
    path = folder / STATE_FILE
    state = read_json_as(path, "settings of the hybrid", _State)
    unknown = [name for name in state.parts if name not in config.sources]
    if unknown or any(name in CORE for name in state.left_out):
        raise RunError(f"{path} is damaged: it names sources {state.parts}, without {state.left_out}.")
    idf = load_arrays(folder / TERMS_FILE, "weights of caption terms", {"idf": ArrayForm("float32", (SLOTS,), 0)})
    spaces = PostSpaces(
        config.caption_profile,
        CaptionVectors(idf["idf"], state.bigrams),
        load_caption_encoder(folder / _CAPTIONS).eval() if state.caption_encoder else None,
        load_image_encoder(folder / _IMAGES).eval() if state.image_encoder else None,
        config.feature_cache,
    )
    parts = {name: _load_part(folder / _PARTS / name, id_map) for name in state.parts}
    head = None if LINEAR in state.left_out else load_linear(folder, id_map.vocabulary_size, spaces.widths)
    ranker = load_ranker(folder)
    # A model that was saved before hashtags were looked at as texts asks for none.
    encoder = spaces.captions if TEXTS in ranker.sources else None
    texts = None if encoder is None else load_texts(folder, encoder, spaces.cache)
    # One that was saved before it asked for the names in captions neither.
    unasked = [name for name in (EVERYBODY, OWN) if name not in {*ranker.sources, *state.left_out}]
    left_out = (*state.left_out, *unasked)
    return HybridParts(spaces, head, parts, left_out, ranker, int(state.train_posts), texts)


def _load_part(folder: Path, id_map: HashtagIdMap) -> System:
    system = load_model(folder).system
    if list(system.id_map.names[: system.id_map.vocabulary_size]) != list(id_map.names[: id_map.vocabulary_size]):
        raise RunError(f"{folder} is damaged: its vocabulary is not that of the hybrid.")
    return system
