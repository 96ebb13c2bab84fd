"""Saving and loading a ranker: `ranker.safetensors` and `ranker.json`; nothing of them is trusted."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data_loaders.errors import RunError
from multimodal.hybrid.ranker.forest import Forest
from multimodal.hybrid.ranker.linear import Linear
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.ranker.splits import MOST_LEAVES
from multimodal.storage.array_files import ArrayForm, load_arrays, read_header, save_arrays
from multimodal.storage.model_files import Form, Hashtag, Names, Number, read_json_as
from multimodal.storage.run_folder import write_json

ARRAYS_FILE, STATE_FILE = "ranker.safetensors", "ranker.json"
_WHAT = "the ranker"
_MOST_TREES, _MOST_FEATURES = 10_000, 4_096
_MOST_NODES = _MOST_TREES * (2 * MOST_LEAVES - 1)
_MOST_LOG_ODDS = 1e6
_WEIGHTS = ("low", "high", "plain", "bent", "missing", "mean")


class _State(Form):
    kind: Literal["trees", "linear"]
    names: Annotated[Names, Field(min_length=1, max_length=_MOST_FEATURES)]
    sources: list[Hashtag]
    bias: Annotated[Number, Field(ge=-_MOST_LOG_ODDS, le=_MOST_LOG_ODDS)] = 0.0


def save_ranker(folder: Path, ranker: Ranker) -> None:
    """Write a ranker to an existing folder.

    Raises:
        RunError: a file cannot be written.
    """
    arrays: dict[str, Any] = asdict(ranker.model)
    further = {name: arrays.pop(name) for name in ("width", "bias") if name in arrays}
    save_arrays(folder / ARRAYS_FILE, arrays)
    state = {"kind": ranker.kind, "names": list(ranker.names), "sources": list(ranker.sources)}
    write_json(folder / STATE_FILE, {**state, **({"bias": further["bias"]} if "bias" in further else {})})


def load_ranker(folder: Path) -> Ranker:
    """Return the ranker that `save_ranker` wrote.

    Raises:
        RunError: a file is missing or damaged, or does not hold trees that can be walked.
    """
    state = read_json_as(folder / STATE_FILE, _WHAT, _State)
    width = len(state.names)
    if len(state.sources) != width:
        raise RunError(
            f"{folder / STATE_FILE} ({_WHAT}) is damaged: it has {width} features with {len(state.sources)} sources."
        )
    path = folder / ARRAYS_FILE
    model = _load_forest(path, width) if state.kind == "trees" else _load_linear(path, width, state.bias)
    return Ranker(tuple(state.names), tuple(state.sources), model)


def _load_linear(path: Path, width: int, bias: float) -> Linear:
    most = float(np.finfo(np.float32).max)
    forms = {name: ArrayForm("float64", (width,), -most, most) for name in _WEIGHTS}
    arrays = load_arrays(path, _WHAT, forms)
    if (arrays["low"] > arrays["high"]).any():
        raise RunError(f"{path} ({_WHAT}) is damaged: a feature has a lower bound above its upper one.")
    return Linear(bias, **arrays)


def _load_forest(path: Path, width: int) -> Forest:
    header = read_header(path, _WHAT)
    # Before anything of that size is read.
    for name, most, what in (("starts", _MOST_TREES, "trees"), ("feature", _MOST_NODES, "nodes")):
        size = header.get(name, ("", ()))[1][:1]
        if size and not 1 <= size[0] <= most:
            raise RunError(f"{path} ({_WHAT}) does not fit: it has {size[0]:,} {what}; 1 to {most:,} are accepted.")
    nodes = header["feature"][1][0] if len(header.get("feature", ("", ()))[1]) == 1 else None
    forms = {
        "starts": ArrayForm("int64", (None,), 0),
        "feature": ArrayForm("int32", (nodes,), -1, width - 1),
        "threshold": ArrayForm("float32", (nodes,)),
        "right": ArrayForm("int32", (nodes,), -1),
        "missing_left": ArrayForm("uint8", (nodes,), 0, 1),
        "value": ArrayForm("float64", (nodes,), -_MOST_LOG_ODDS, _MOST_LOG_ODDS),
    }
    arrays = load_arrays(path, _WHAT, forms)
    problem = _problem(arrays["starts"], arrays["feature"], arrays["right"])
    if problem:
        raise RunError(f"{path} ({_WHAT}) is damaged: {problem}.")
    return Forest(width, **arrays)


def _problem(starts: NDArray[Any], feature: NDArray[Any], right: NDArray[Any]) -> str:
    """Return why nodes are not trees in preorder; an empty string if they are."""
    ends = np.append(starts[1:], len(feature))
    if starts[0] != 0 or (ends <= starts).any():
        return f"its trees do not follow each other from the first of {len(feature):,} nodes to the last"
    is_leaf = feature < 0
    end = np.repeat(ends, ends - starts)
    here = np.arange(len(feature))
    wrong = np.flatnonzero(np.where(is_leaf, right != -1, (right <= here + 1) | (right >= end)))
    if len(wrong):
        node = int(wrong[0])
        return f"node {node} has the right child {right[node]}, which is not a later node of its tree"
    size = [1] * len(feature)
    rights, inner = right.tolist(), ~is_leaf
    for node in np.flatnonzero(inner)[::-1].tolist():
        left_size = size[node + 1]
        if rights[node] != node + 1 + left_size:
            return f"node {node} has the right child {rights[node]}, which does not follow its left branch"
        size[node] = 1 + left_size + size[rights[node]]
    wrong = np.flatnonzero(np.array(size)[starts] != ends - starts)
    if len(wrong):
        return f"tree {wrong[0]} has nodes that cannot be reached"
    leaves = np.add.reduceat(is_leaf, starts, dtype=np.int64)
    if leaves.max() > MOST_LEAVES:
        return f"tree {leaves.argmax()} has {leaves.max()} leaves; at most {MOST_LEAVES} are accepted"
    return ""
