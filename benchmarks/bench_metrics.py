"""Time all metrics at K = 1..30: this package, ranx, and a loop over K with scikit-learn and torch.

    python benchmarks/bench_metrics.py --posts 100000 --loop-posts 2000
    python benchmarks/bench_metrics.py --posts 1000000 --only ours

The inputs are random, with a fixed seed. Each tool first gets them in its own format, so that only the evaluation is
timed, then as the Python objects that it builds its format from, so that this is timed too: lists of hashtags by post
for this package, dictionaries of scores by post for ranx. ranx is compiled before timing. Times below one second are
the median of five runs.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.evaluation.metrics.beyond_accuracy import cooccurrence_similarity
from multimodal.evaluation.metrics.sweep import MetricTable, evaluate_rankings
from multimodal.evaluation.metrics.truth import Truth
from multimodal.ranking.rankings import Rankings

SHARED = {
    "precision": "precision",
    "recall": "recall",
    "hit_rate": "hit_rate",
    "ndcg": "ndcg",
    "map": "map",
    "mrr": "mrr",
}
# What takes a fraction of a second is timed several times; ranx takes many seconds.
_TURNS = 5
console = Console()


@dataclass(frozen=True)
class Inputs:
    """Random lists and truth, as arrays of hashtag numbers."""

    names: list[str]
    listed: NDArray[np.int64]
    true: list[list[int]]

    @property
    def ranked_text(self) -> list[list[str]]:
        """Lists of hashtags, best first."""
        return [[self.names[tag] for tag in row] for row in self.listed.tolist()]

    @property
    def true_text(self) -> list[list[str]]:
        """True hashtags of each post."""
        return [[self.names[tag] for tag in row] for row in self.true]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Falling scores, the same for each post."""
        return np.broadcast_to(np.linspace(1.0, 0.1, self.listed.shape[1]), self.listed.shape).copy()

    def first(self, posts: int) -> Inputs:
        """Return the first `posts` posts."""
        return Inputs(self.names, self.listed[:posts], self.true[:posts])


def draw(posts: int, k: int, true_tags: int, hashtags: int) -> Inputs:
    """Draw lists without repeats, and 1 to 2 x true_tags - 1 true hashtags per post, some of them in the list."""
    rng = np.random.default_rng(0)
    start, step = rng.integers(0, hashtags, (posts, 1)), rng.integers(1, hashtags // k, (posts, 1))
    listed = (start + step * np.arange(k)) % hashtags
    sizes = rng.integers(1, 2 * true_tags, posts)
    drawn = rng.integers(0, hashtags, (posts, 2 * true_tags))
    from_list = np.take_along_axis(listed, rng.integers(0, k, drawn.shape), axis=1)
    drawn = np.where(rng.random(drawn.shape) < 0.3, from_list, drawn)
    true = [sorted(set(row[:size])) for row, size in zip(drawn.tolist(), sizes.tolist(), strict=True)]
    return Inputs([f"hashtag{number}" for number in range(hashtags)], listed, true)


class Seconds(NamedTuple):
    """Wall time and CPU time of all cores; the latter stays comparable on a busy machine."""

    wall: float
    cpu: float

    def __add__(self, other: Any) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)


def timed(work: Callable[[], Any], turns: int = 1) -> tuple[Seconds, Any]:
    """Return the median time of several runs, and the result."""
    taken = []
    for _ in range(turns):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        taken.append(Seconds(time.perf_counter() - wall, time.process_time() - cpu))
    return sorted(taken)[turns // 2], result


def peak_mib() -> float:
    """Return the peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def post_ids(posts: int) -> list[str]:
    """Make up ids."""
    return [f"post{number}" for number in range(posts)]


def vocabulary_of(inputs: Inputs) -> Vocabulary:
    """Make all hashtags known, equally frequent."""
    count = len(inputs.names)
    return Vocabulary(tuple(sorted(inputs.names)), tuple([5] * count), 1)


def build_ours(ranked: dict[str, list[str]], true: list[list[str]]) -> tuple[Rankings, Truth]:
    """Turn lists of text into this package's format."""
    rankings = Rankings.from_hashtags(ranked)
    return rankings, Truth.from_hashtags(true, rankings.names)


def bench_ours(inputs: Inputs, ks: list[int], with_text: bool) -> tuple[dict[str, Seconds], MetricTable]:
    """Time our evaluation; with_text also times building from lists of text."""
    vocabulary, posts = vocabulary_of(inputs), len(inputs.listed)
    rankings = Rankings(post_ids(posts), inputs.listed, inputs.scores, inputs.names)
    truth = Truth.from_hashtags(inputs.true_text, inputs.names)
    before = peak_mib()
    console.print(
        f"ranking {(rankings.indices.nbytes + rankings.scores.nbytes) / 2**20:,.0f} MiB; peak so far {before:,.0f}"
    )
    evaluate_rankings(
        Rankings(rankings.post_ids[:9], rankings.indices[:9], rankings.scores[:9], rankings.names),
        inputs.first(9).true_text,
        ks,
        vocabulary,
    )
    seconds: dict[str, Seconds] = {}
    seconds["ours"], evaluation = timed(lambda: evaluate_rankings(rankings, truth, ks, vocabulary), _TURNS)
    console.print(f"peak after all metrics at all K {peak_mib():,.0f} MiB ({peak_mib() - before:+,.0f})")
    seconds["ours, K = 5 alone"], _ = timed(lambda: evaluate_rankings(rankings, truth, [5], vocabulary), _TURNS)
    similarity = cooccurrence_similarity(inputs.first(20_000).true_text, vocabulary.hashtags)
    seconds["ours, with redundancy"], _ = timed(
        lambda: evaluate_rankings(rankings, truth, ks, vocabulary, similarity=similarity)
    )
    console.print(f"peak with redundancy {peak_mib():,.0f} MiB")
    if with_text:
        ranked, true = dict(zip(post_ids(posts), inputs.ranked_text, strict=True)), inputs.true_text
        seconds["ours, with building"], _ = timed(
            lambda: evaluate_rankings(*build_ours(ranked, true), ks, vocabulary), _TURNS
        )
    return seconds, evaluation


def bench_ranx(inputs: Inputs, ks: list[int], ours: MetricTable) -> dict[str, Seconds]:
    """Time ranx on the seven metrics it shares with us at all K."""
    import ranx

    ranked, true = inputs.ranked_text, inputs.true_text
    ids, scores = post_ids(len(ranked)), inputs.scores[0].tolist()
    runs = {post: dict(zip(tags, scores, strict=True)) for post, tags in zip(ids, ranked, strict=True)}
    qrels = {post: dict.fromkeys(tags, 1) for post, tags in zip(ids, true, strict=True)}
    metrics = [f"{name}@{k}" for name in [*SHARED.values(), "f1"] for k in ks]
    some = ids[:10]
    small = ranx.Qrels({post: qrels[post] for post in some}), ranx.Run({post: runs[post] for post in some})
    compiling, _ = timed(lambda: ranx.evaluate(*small, metrics))
    console.print(f"ranx: compiled in {compiling.wall:.1f} s, not counted")
    building, (theirs_true, theirs_run) = timed(lambda: (ranx.Qrels(qrels), ranx.Run(runs)))
    evaluating, values = timed(lambda: ranx.evaluate(theirs_true, theirs_run, metrics))
    console.print(f"ranx: largest difference to ours {_largest_difference(ours, values, ks):.1e}")
    return {"ranx": evaluating, "ranx, with building": evaluating + building}


def _largest_difference(ours: MetricTable, values: dict[str, float], ks: list[int]) -> float:
    # ranx divides average precision by |G|, so `map` is compared in the tests, with ap_norm="relevant".
    return max(
        abs(ours.at(k)[column] - values[f"{name}@{k}"])
        for column, name in SHARED.items()
        for k in ks
        if column != "map"
    )


def bench_loop(inputs: Inputs, ks: list[int], ours: MetricTable) -> dict[str, Seconds]:
    """Time the plain way, K after K: label matrices for scikit-learn, top-k and hits for torch."""
    import torch
    from sklearn.metrics import f1_score, ndcg_score

    shape = (len(inputs.true), len(inputs.names))
    true = np.zeros(shape, np.int8)
    for row, tags in enumerate(inputs.true):
        true[row, tags] = 1
    scores = np.zeros(shape, np.float32)
    np.put_along_axis(scores, inputs.listed, inputs.scores.astype(np.float32), axis=1)
    somewhere = true.any(axis=0)

    def with_sklearn() -> float:
        worst = 0.0
        for k in ks:
            named = np.zeros(shape, np.int8)
            np.put_along_axis(named, inputs.listed[:, :k], 1, axis=1)
            micro = f1_score(true, named, average="micro", zero_division=0)
            f1_score(true[:, somewhere], named[:, somewhere], average="macro", zero_division=0)
            ndcg = ndcg_score(true, scores, k=k)
            worst = max(worst, abs(micro - ours.at(k)["f1_micro"]), abs(ndcg - ours.at(k)["ndcg"]))
        return worst

    labels, weights = torch.from_numpy(true), torch.from_numpy(scores)

    def with_torch() -> float:
        worst = 0.0
        for k in ks:
            hits = labels.gather(1, weights.topk(k).indices).double()
            relevant, places = labels.sum(1).double(), torch.arange(1, k + 1).double()
            found = hits.sum(1)
            precision, recall = (found / k).mean(), (found / relevant).mean()
            (found > 0).double().mean()
            (2 * found / (k + relevant)).mean()
            (hits.cumsum(1) / places * hits).sum(1).div(relevant.clamp(max=k)).mean()
            (hits / torch.log2(places + 1)).sum(1).mean()
            (hits / places).amax(1).mean()
            row = ours.at(k)
            worst = max(worst, abs(float(precision) - row["precision"]), abs(float(recall) - row["recall"]))
        return worst

    seconds: dict[str, Seconds] = {}
    for name, work in (("scikit-learn (F1 micro, macro, NDCG)", with_sklearn), ("torch (7 metrics)", with_torch)):
        seconds[name], worst = timed(work)
        console.print(f"{name}: largest difference to ours {worst:.1e}")
    return seconds


def show(title: str, seconds: dict[str, Seconds]) -> None:
    """Print a table of seconds, and of the ratio to this package."""
    table = Table("", "seconds", "times ours", "CPU seconds", "times ours", title=title)
    for name, value in seconds.items():
        _add(table, name, value, seconds["ours"])
    if "ranx, with building" in seconds:
        table.add_section()
        _add(
            table, "ranx over ours, both with building", seconds["ranx, with building"], seconds["ours, with building"]
        )
    console.print(table)


def _add(table: Table, name: str, value: Seconds, ours: Seconds) -> None:
    cells = [f"{value.wall:.3f}", f"{value.wall / ours.wall:.1f}", f"{value.cpu:.3f}", f"{value.cpu / ours.cpu:.1f}"]
    table.add_row(name, *cells)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--k", type=int, default=30, help="length of the lists; K = 1..k are evaluated")
    parser.add_argument("--true-hashtags", type=int, default=8, help="mean number per post")
    parser.add_argument("--hashtags", type=int, default=5_000)
    parser.add_argument("--loop-posts", type=int, default=2_000, help="posts for the scikit-learn and torch loops")
    parser.add_argument("--only", choices=["ours"], help="leave the other tools out")
    options = parser.parse_args()
    ks = list(range(1, options.k + 1))
    inputs = draw(options.posts, options.k, options.true_hashtags, options.hashtags)
    seconds, evaluation = bench_ours(inputs, ks, with_text=True)
    if options.only is None:
        seconds |= bench_ranx(inputs, ks, evaluation)
    show(f"{options.posts:,} posts, top {options.k}, K = 1..{options.k}", seconds)
    if options.only is None and options.loop_posts:
        part = inputs.first(options.loop_posts)
        seconds, evaluation = bench_ours(part, ks, with_text=False)
        show(
            f"{options.loop_posts:,} posts, top {options.k}, K = 1..{options.k}",
            seconds | bench_loop(part, ks, evaluation),
        )


if __name__ == "__main__":
    main()
