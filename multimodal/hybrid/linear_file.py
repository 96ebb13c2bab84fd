"""Saving and loading a `LinearHead`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from data_loaders.errors import RunError
from multimodal.hybrid.sources.linear import MOST_POSTS, LinearHead
from multimodal.memory.search.caption_vectors import SLOTS
from multimodal.storage.array_files import ArrayForm, load_matrices, matrix_parts, read_header, save_arrays

LINEAR_FILE = "linear.safetensors"
_WHAT, _MOST = "the linear head", 1e6


def save_linear(folder: Path, head: LinearHead) -> None:
    """Write a head to an existing folder.

    Raises:
        RunError: the file cannot be written.
    """
    vectors = {f"vectors.{space}": rows for space, rows in head.vectors.items()}
    save_arrays(folder / LINEAR_FILE, {**matrix_parts("words", head.words), "weights": head.weights, **vectors})


def load_linear(folder: Path, size: int, widths: Mapping[str, int]) -> LinearHead:
    """Return the head that `save_linear` wrote.

    Args:
        folder: of the model.
        size: V, how many hashtags it has to score.
        widths: of the dense spaces that it has to know.

    Raises:
        RunError: the file is missing or damaged, or does not fit.
    """
    path = folder / LINEAR_FILE
    _, shape = read_header(path, _WHAT).get("weights", ("", (0,)))
    posts = shape[0]
    if posts > MOST_POSTS:
        raise RunError(
            f"{path} ({_WHAT}) is damaged: it knows {posts:,} posts, at most {MOST_POSTS:,} are learned from."
        )
    forms = {f"vectors.{space}": ArrayForm("float32", (posts, width), -2, 2) for space, width in widths.items()}
    forms["weights"] = ArrayForm("float32", (posts, size), -_MOST, _MOST)
    matrices, arrays = load_matrices(path, _WHAT, {"words": (SLOTS, posts)}, forms)
    return LinearHead(matrices["words"], {space: arrays[f"vectors.{space}"] for space in widths}, arrays["weights"])
