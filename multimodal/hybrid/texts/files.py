"""Saving and loading a `TextHead` with the vectors of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from multimodal.encoders.base import CaptionEncoder
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.splitting import MOST_WORDS, WordSplitter
from multimodal.hybrid.texts.vectors import HashtagVectors
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.model_files import Form, Hashtags, read_json_as
from multimodal.storage.run_folder import write_json

ARRAYS_FILE, WORDS_FILE = "texts.safetensors", "texts.json"
_WHAT, _MOST = "hashtags as texts", 1e6
# Of the most frequent hashtags; others are encoded when they are asked for.
_MOST_VECTORS = 32_768


class _Words(Form):
    words: Hashtags


def save_texts(folder: Path, vectors: HashtagVectors, head: TextHead, vocabulary: Sequence[str]) -> None:
    """Write both to an existing folder, with the vectors of the first 32,768 hashtags of the vocabulary.

    Raises:
        RunError: a file cannot be written.
    """
    known = vectors.of(vocabulary[:_MOST_VECTORS]).astype(np.float16)
    save_arrays(folder / ARRAYS_FILE, {"words": head.words, "posts": head.posts, "vectors": known})
    write_json(folder / WORDS_FILE, {"words": list(vectors.splitter.words)})


def load_texts(folder: Path, encoder: CaptionEncoder, vocabulary: Sequence[str]) -> tuple[HashtagVectors, TextHead]:
    """Return what `save_texts` wrote.

    Args:
        folder: of the model.
        encoder: of new hashtags.
        vocabulary: the hashtags of the train split.

    Raises:
        RunError: a file is missing or damaged, or does not fit the encoder or the vocabulary.
    """
    words = read_json_as(folder / WORDS_FILE, _WHAT, _Words).words[:MOST_WORDS]
    known, width = vocabulary[:_MOST_VECTORS], encoder.width
    square = ArrayForm("float32", (width, width), -_MOST, _MOST)
    forms = {"words": square, "posts": square, "vectors": ArrayForm("float16", (len(known), width), -2, 2)}
    arrays = load_arrays(folder / ARRAYS_FILE, _WHAT, forms)
    vectors = HashtagVectors(encoder, WordSplitter(words))
    vectors.keep(known, arrays["vectors"])
    return vectors, TextHead(arrays["words"], arrays["posts"])
