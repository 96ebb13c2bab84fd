"""F1@5 of trained runs where something is missing: caption, picture, user, or several of them.

    python benchmarks/missing_inputs.py --runs runs/hybrid runs/user_habit runs/knn_words --data data/prepared

Rolling history over the posts of a split; posts that are remembered keep what they have. The row `new users` counts
posts of users who wrote nothing before. Hybrids that learned from validation posts are flattered there: train them with
rows.validation=false.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepared import PreparedData
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.caption_profile import captions_for, profile_of
from multimodal.systems.model_folder import load_model
from multimodal.systems.queries import to_queries

K = 5
NEW = "new users"
MISSING: dict[str, Callable[[Post], Post]] = {
    "nothing": lambda post: post,
    "caption": lambda post: replace(post, caption=None),
    "picture": lambda post: replace(post, image=None),
    "user": lambda post: replace(post, user_id=None),
    "caption, user": lambda post: replace(post, caption=None, user_id=None),
    "picture, user": lambda post: replace(post, image=None, user_id=None),
    "caption, picture": lambda post: replace(post, caption=None, image=None),
}


def figures_of(run: Path, data: PreparedData, split: str) -> dict[str, float]:
    """Return F1@5 of a run by what is missing, and of the posts of new users."""
    model = load_model(run)
    system, memory = model.system, model.memory
    prepared = captions_for(model.config, data)
    known = SPLITS[: SPLITS.index(split) + 1]
    add_in_batches(
        system, memory, [post for name in known for post in prepared.split(name) if post.post_id not in memory]
    )
    posts = [post for post in prepared.split(split) if post.hashtags]
    figures = {}
    for missing, strip in MISSING.items():
        queries, excluded = to_queries([strip(post) for post in posts], profile=profile_of(model.config))
        rankings = list(system.rank(queries, memory, K, excluded))
        hits = np.array(
            [
                len({tag for tag, _ in ranking}.intersection(post.hashtags))
                for ranking, post in zip(rankings, posts, strict=True)
            ]
        )
        figures[missing] = _f1(hits, posts)
        if missing == "nothing":
            first = memory.history([post.user_id for post in posts], np.array([post.instant_us for post in posts]), 1)
            new = np.flatnonzero(first[:, 0] < 0)
            figures[f"{NEW} ({len(new)})"] = _f1(hits[new], [posts[row] for row in new])
    return figures


def _f1(hits: NDArray[np.int64], posts: Sequence[Post]) -> float:
    if not len(posts):
        return float("nan")
    recall = hits / np.array([len(set(post.hashtags)) for post in posts])
    return float(f1_of_means((hits / K).mean(), recall.mean()))


def main() -> None:
    """Print a table, a row for what is missing and a column for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", required=True, nargs="+", type=Path, help="folders of trained runs")
    parser.add_argument("--data", required=True, type=Path, help="prepared folder")
    parser.add_argument("--split", default="validation", choices=SPLITS, help="which posts")
    options = parser.parse_args()
    data = PreparedData.open(options.data)
    columns = [figures_of(run, data, options.split) for run in options.runs]
    table = Table("missing", *(run.name for run in options.runs))
    for missing in columns[0]:
        table.add_row(missing, *(f"{column[missing]:.4f}" for column in columns))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
