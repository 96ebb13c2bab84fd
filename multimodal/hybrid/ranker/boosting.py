"""Growing trees by LightGBM, and taking them over as plain arrays; nothing else needs the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.forest import Forest
from multimodal.hybrid.ranker.rows import RankerRows

_INSTALL = (
    "the ranker's trees are grown by LightGBM, which is not installed: pip install lightgbm, or set ranker.kind=linear."
)


def grow_forest(rows: RankerRows, config: RankerConfig, seed: int = 0) -> Forest:
    """Grow trees on candidates (LightGBM, Ke et al. 2017); the order of rows inside of posts changes nothing.

    Raises:
        UserError: LightGBM is not installed.
    """
    try:
        import lightgbm
    except ModuleNotFoundError:
        raise UserError(_INSTALL) from None
    rows = rows.ordered()
    group = None if config.objective == "binary" else rows.sizes
    weights = rows.weights if config.weights == "posts" else rows.candidate_weights
    data = lightgbm.Dataset(rows.features, rows.labels.astype(np.float32), weight=weights, group=group)
    booster = lightgbm.train(_parameters(config, seed), data, config.rounds)
    return forest_of(booster.dump_model(), rows.features.shape[1])


def _parameters(config: RankerConfig, seed: int) -> dict[str, Any]:
    return {
        "objective": config.objective,
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.least_rows,
        "feature_fraction": config.feature_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1 if config.row_share < 1 else 0,
        "lambda_l2": config.l2,
        "max_bin": config.bins,
        # One by default: several wait for each other, and for torch's, where cores are taken: 3 to 13 times slower.
        "num_threads": config.threads,
        "seed": seed % 2**31,
        "deterministic": True,
        # Column by column, a histogram is added up by one thread: the trees are the same for any number of threads.
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }


def forest_of(dump: Mapping[str, Any], width: int) -> Forest:
    """Return the trees of LightGBM's `Booster.dump_model()` as arrays.

    Args:
        dump: of trees without categorical features.
        width: how many features there are.
    """
    trees = [_preorder(tree["tree_structure"]) for tree in dump["tree_info"]]
    starts = np.cumsum([0, *map(len, trees)])[:-1]
    nodes = [node for tree in trees for node in tree]
    right = np.array([node[2] for node in nodes])
    right[right >= 0] += np.repeat(starts, [len(tree) for tree in trees])[right >= 0]
    return Forest(
        width=width,
        starts=starts.astype(np.int64),
        feature=np.array([node[0] for node in nodes], np.int32),
        threshold=_rounded_down(np.array([node[1] for node in nodes], np.float64)),
        right=right.astype(np.int32),
        missing_left=np.array([node[3] for node in nodes], np.uint8),
        value=np.array([node[4] for node in nodes], np.float64),
    )


def _preorder(structure: Mapping[str, Any]) -> list[list[Any]]:
    """Return feature, threshold, right child, whether missing goes left, and value of every node of a tree."""
    nodes: list[list[Any]] = []

    def add(node: Mapping[str, Any]) -> tuple[float, int]:
        place = len(nodes)
        nodes.append([-1, 0.0, -1, 0, 0.0])
        if "left_child" not in node:
            nodes[place][4] = node["leaf_value"]
            return node["leaf_value"], node.get("leaf_count", 1)
        left, left_count = add(node["left_child"])
        nodes[place][:4] = [node["split_feature"], node["threshold"], len(nodes), _missing_left(node)]
        right, right_count = add(node["right_child"])
        count = left_count + right_count
        nodes[place][4] = (left * left_count + right * right_count) / count
        return nodes[place][4], count

    add(structure)
    return nodes


def _missing_left(node: Mapping[str, Any]) -> bool:
    # Where training saw no missing value, LightGBM takes one for 0.
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else float(node["threshold"]) >= 0.0


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return thresholds that decide the same for every feature of single precision."""
    most = np.finfo(np.float32).max
    rounded = np.clip(thresholds, -most, most).astype(np.float32)
    # LightGBM takes values up to this for 0, which goes to the right of the negative one.
    too_high = (rounded > thresholds) | (rounded == np.float32(-1e-35))
    return np.where(too_high, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def scaled(forest: Forest, slope: float, intercept: float) -> Forest:
    """Return the forest whose log-odds are slope · log-odds + intercept."""
    values = forest.value * slope
    first_tree = slice(int(forest.starts[1]) if len(forest.starts) > 1 else None)
    values[first_tree] += intercept
    return replace(forest, value=values)
