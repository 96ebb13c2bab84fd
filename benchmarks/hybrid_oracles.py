"""What each stage of a hybrid loses: candidates, their order, the length of lists.

    python benchmarks/hybrid_oracles.py --run runs/hybrid --data data/prepared --split test

Each row replaces one stage by an oracle, which knows the truth, and keeps the others; F1 is that of the mean precision
and the mean recall, over posts with hashtags, rolling history. The expected calibration error of *all* candidates is
told beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepared import PreparedData
from multimodal.hybrid.candidates import CandidateTable, joined
from multimodal.hybrid.system import HybridSystem
from multimodal.ranking.calibration import AS_THEY_ARE
from multimodal.ranking.list_length import AutoLength
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.caption_profile import captions_for, profile_of
from multimodal.systems.model_folder import LoadedModel, load_model
from multimodal.systems.queries import to_queries

K, BINS, LONGEST = 5, 10, 10
OWN_DEPTHS = (10, 20, 30)
_POSTS_AT_ONCE = 256
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates of N posts with hashtags, by rank, padded with chance 0.

    Attributes:
        chances, hits: (N, M).
        candidates, truth: (N,) how many each post has.
    """

    chances: Floats
    hits: NDArray[np.bool_]
    candidates: Ints
    truth: Ints

    @classmethod
    def of(cls, table: CandidateTable, chances: Floats, posts: list[Post]) -> Judged:
        """Order the candidates of each post by their chance."""
        right = table.labels([post.hashtags for post in posts])
        truth = np.array([len(set(post.hashtags)) for post in posts])
        sizes = np.bincount(table.rows, minlength=table.posts)
        order = np.lexsort((-chances, table.rows))
        places = np.arange(len(table)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        by_rank, hits = (np.zeros((table.posts, max(int(sizes.max(initial=1)), K)), kind) for kind in (float, bool))
        by_rank[table.rows, places], hits[table.rows, places] = chances[order], right[order]
        tagged = truth > 0
        return cls(by_rank[tagged], hits[tagged], sizes[tagged], truth[tagged])

    def f1(self, found: Ints, lengths: Ints | int) -> float:
        """Return F1 of the means, given how many hashtags of each list are true, and how long it is."""
        precision = float((found / np.maximum(lengths, 1)).mean())
        recall = float((found / self.truth).mean())
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def found(self, lengths: Ints | int) -> Ints:
        """Return how many of the first hashtags of each post are true."""
        inside = np.arange(self.hits.shape[1]) < np.broadcast_to(lengths, len(self.truth))[:, None]
        return np.asarray((self.hits & inside).sum(1))

    def best_lengths(self) -> Ints:
        """Return the length of each list with the highest F1 of its post."""
        found = np.cumsum(self.hits, axis=1)
        f1 = 2 * found / (np.arange(1, self.hits.shape[1] + 1) + self.truth[:, None])
        return np.asarray(1 + f1.argmax(axis=1))

    def calibration_error(self) -> float:
        """Return the expected calibration error over all candidates, in ten bins."""
        named = np.arange(self.hits.shape[1]) < self.candidates[:, None]
        chances, hits = self.chances[named], self.hits[named]
        bins = np.minimum((chances * BINS).astype(int), BINS - 1)
        gaps = np.bincount(bins, chances - hits, minlength=BINS)
        return float(np.abs(gaps).sum() / len(chances)) if len(chances) else float("nan")


def judged(model: LoadedModel, data: PreparedData, split: str) -> Judged:
    """Describe the posts of a split as they are in a rolling evaluation.

    Raises:
        SystemExit: the model is not a hybrid.
    """
    system, memory = model.system, model.memory
    if not isinstance(system, HybridSystem):
        sys.exit(f"the run is of the system {system.name!r}; give one of a hybrid")
    data = captions_for(model.config, data)
    others = [post for name in SPLITS for post in data.split(name) if post.post_id not in memory]
    add_in_batches(system, memory, others)
    posts = list(data.split(split))
    queries, _ = to_queries(posts, profile=profile_of(model.config))
    builder = system._builder()
    parts = [queries[start : start + _POSTS_AT_ONCE] for start in range(0, len(queries), _POSTS_AT_ONCE)]
    table = joined([builder.table(system.spaces.questions(part, memory)) for part in parts])
    return Judged.of(table, system.ranker.chances(table.values), posts)


def figures_of(one: Judged, outside: float, depth: int, spread: float = 0.0) -> dict[str, float]:
    """Return every figure by its name."""
    inside = one.hits.sum(1)
    figures = {
        "candidates a post": float(one.candidates.mean()),
        "share of the truth among them": float((inside / one.truth).mean()),
        f"F1@{K}, all hashtags in perfect order": one.f1(np.minimum(one.truth, K), K),
        f"F1@{K}, candidates in perfect order": one.f1(np.minimum(inside, K), K),
    }
    for own in OWN_DEPTHS:
        figures[f"F1@{K}, the first {own} in perfect order"] = one.f1(np.minimum(one.found(own), K), K)
    figures[f"F1@{K}, as it is"] = one.f1(one.found(K), K)
    fixed = [one.f1(one.found(length), length) for length in range(1, LONGEST + 1)]
    calibration = replace(AS_THEY_ARE, depth=depth, spread=spread)
    auto = AutoLength(calibration, outside, 1, LONGEST).of(one.chances[:, :depth])
    return {
        **figures,
        "best fixed length": 1 + int(np.argmax(fixed)),
        "F1, best fixed length": max(fixed),
        "F1, k=auto": one.f1(one.found(auto), auto),
        "mean length, k=auto": float(auto.mean()),
        "F1, as many as there are": one.f1(one.found(one.truth), one.truth),
        "F1, best length of each post": one.f1(one.found(one.best_lengths()), one.best_lengths()),
        "expected calibration error, all candidates": one.calibration_error(),
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the figures of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="folder of a trained hybrid")
    parser.add_argument("--data", required=True, type=Path, help="prepared folder")
    parser.add_argument("--split", default="validation", help="which posts")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args(arguments)
    model = load_model(options.run)
    calibration = model.system.calibration
    if calibration is None or calibration.outside is None:
        sys.exit("the run was calibrated on no posts")
    figures = figures_of(judged(model, PreparedData.open(options.data), options.split), calibration.outside,
                         calibration.depth, calibration.spread)  # fmt: skip
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.4f}")
    Console(width=100).print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
