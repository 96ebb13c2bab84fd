"""Saving and loading a `TextHead` with the vectors of frequent hashtags."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from multimodal.encoders.base import CaptionEncoder
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.splitting import MOST_WORDS, WordSplitter
from multimodal.hybrid.texts.vectors import MOST_KEPT, HashtagVectors
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.model_files import Form, Hashtags, read_json_as
from multimodal.storage.run_folder import write_json

ARRAYS_FILE, WORDS_FILE = "texts.safetensors", "texts.json"
_WHAT, _MOST = "hashtags as texts", 1e6


class _Words(Form):
    words: Hashtags
    hashtags: Hashtags


def save_texts(folder: Path, vectors: HashtagVectors, head: TextHead) -> None:
    """Write both to an existing folder; hashtags beyond those kept are encoded when they are asked for.

    Raises:
        RunError: a file cannot be written.
    """
    known = vectors.of(vectors.hashtags).astype(np.float16)
    save_arrays(folder / ARRAYS_FILE, {"words": head.words, "posts": head.posts, "vectors": known})
    write_json(folder / WORDS_FILE, {"words": list(vectors.splitter.words), "hashtags": list(vectors.hashtags)})


def load_texts(folder: Path, encoder: CaptionEncoder, cache: str | None = None) -> tuple[HashtagVectors, TextHead]:
    """Return what `save_texts` wrote.

    Args:
        folder: of the model.
        encoder: of new hashtags.
        cache: folder for their vectors, None for none.

    Raises:
        RunError: a file is missing or damaged, or does not fit the encoder.
    """
    state = read_json_as(folder / WORDS_FILE, _WHAT, _Words)
    words, hashtags, width = state.words[:MOST_WORDS], state.hashtags[:MOST_KEPT], encoder.width
    square = ArrayForm("float32", (width, width), -_MOST, _MOST)
    forms = {"words": square, "posts": square, "vectors": ArrayForm("float16", (len(hashtags), width), -2, 2)}
    arrays = load_arrays(folder / ARRAYS_FILE, _WHAT, forms)
    vectors = HashtagVectors(encoder, WordSplitter(words), hashtags, cache)
    vectors.keep(hashtags, arrays["vectors"])
    return vectors, TextHead(arrays["words"], arrays["posts"])
