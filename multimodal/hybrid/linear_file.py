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
    carried = {} if head.carried is None else matrix_parts("carried", head.carried)
    arrays = {**matrix_parts("words", head.words), "weights": head.weights, **vectors, **carried}
    save_arrays(folder / LINEAR_FILE, arrays)


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
    header = read_header(path, _WHAT)
    posts = header.get("weights", ("", (0,)))[1][0]
    if posts > MOST_POSTS:
        raise RunError(
            f"{path} ({_WHAT}) is damaged: it knows {posts:,} posts, at most {MOST_POSTS:,} are learned from."
        )
    forms = {f"vectors.{space}": ArrayForm("float32", (posts, width), -2, 2) for space, width in widths.items()}
    factored = "carried.ends" in header
    forms["weights"] = ArrayForm("float32", (posts, posts if factored else size), -_MOST, _MOST)
    carried = {"carried": (posts, size)} if factored else {}
    matrices, arrays = load_matrices(path, _WHAT, {"words": (SLOTS, posts), **carried}, forms)
    vectors = {space: arrays[f"vectors.{space}"] for space in widths}
    return LinearHead(matrices["words"], vectors, arrays["weights"], matrices.get("carried"))
