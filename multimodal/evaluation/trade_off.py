"""The curve of F1 against redundancy, novelty and coverage, as lists are made more diverse and less popular."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.output_folder import atomic_folder
from multimodal.distributed.progress import shared_progress
from multimodal.evaluation.files.chart_style import chart_style, line_style
from multimodal.evaluation.metrics.beyond_accuracy import Similarity, as_similarity, cooccurrence_similarity
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.reranking import Reranking, popularity_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from data_loaders.prepared import PreparedData
    from multimodal.evaluation.evaluation_run import EvaluationRun

STEPS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
AGAINST = ("redundancy", "novelty", "catalogue_coverage")
CSV, PICTURE = "trade_off.csv", "trade_off.png"


@dataclass(frozen=True, slots=True)
class _Pool:
    """The rankings of N posts, with what re-ranking asks of their hashtags."""

    rankings: Rankings
    numbers: NDArray[np.int32]
    popularity: NDArray[np.float64]
    similarity: Similarity

    def reordered(self, settings: Reranking, k: int) -> dict[str, list[str]]:
        """Return the first k of each post in the new order."""
        lists = {}
        for row, post_id in enumerate(self.rankings.post_ids):
            indices = self.rankings.indices[row]
            places = np.flatnonzero(indices >= 0)
            numbers = self.numbers[indices[places]]
            likeness = self.similarity(numbers[:, None], numbers[None, :]).astype(np.float64)
            np.fill_diagonal(likeness, 1.0)
            order = settings.order(self.rankings.scores[row, places], likeness, self.popularity[indices[places]], k)
            lists[post_id] = [self.rankings.names[int(indices[places[place]])] for place in order]
        return lists


def trade_off(evaluated: EvaluationRun, data: PreparedData, k: int) -> pd.DataFrame:
    """Return a row for each setting: `curve`, `step`, `f1` and the metrics of `AGAINST`, all at `k`.

    The curves are `mmr`, `dpp` (the step is the diversity) and `popularity` (the step is the discount). The hashtags
    that are reordered are those of the evaluated rankings. Likeness is that of the metric `redundancy`, from train
    posts.
    """
    similarity = cooccurrence_similarity([post.hashtags for post in data.split("train")], data.vocabulary.hashtags)
    id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    names, size = list(evaluated.rankings.names), id_map.vocabulary_size
    found = [id_map.find(name) for name in names]
    numbers = np.array([size if number is None else number for number in found], np.int32)
    pool = _Pool(evaluated.rankings, numbers, popularity_of(names, id_map), as_similarity(similarity, size))
    truth = [post.hashtags for post in evaluated.posts]
    rows, settings = [], [*_settings()]
    with shared_progress("trading accuracy for diversity", len(settings)) as advance:
        for curve, step, one in settings:
            rankings = Rankings.from_hashtags(pool.reordered(one, k))
            table = evaluate_rankings(rankings, truth, [k], data.vocabulary, similarity=similarity)
            values = table.at(k)
            rows.append({"curve": curve, "step": step, "k": k, **{name: values[name] for name in ("f1", *AGAINST)}})
            advance(1)
    return pd.DataFrame(rows)


def _settings() -> Iterator[tuple[str, float, Reranking]]:
    for step in STEPS:
        yield "mmr", step, Reranking(method="mmr", diversity=step)
    for step in STEPS:
        yield "dpp", step, Reranking(method="dpp", diversity=step)
    for step in STEPS:
        yield "popularity", step, Reranking(popularity=step)


def write_trade_off(evaluated: EvaluationRun, data: PreparedData, k: int) -> list[Path]:
    """Write the curves beside the evaluations of a run, as CSV and picture; return both files.

    Raises:
        RunError: the folder cannot be written.
    """
    table = trade_off(evaluated, data, k)
    folder = evaluated.folder.parent.parent / "trade_off" / evaluated.folder.name
    with atomic_folder(folder, "writing a trade-off") as part:
        table.to_csv(part / CSV, index=False, float_format="%.6f")
        trade_off_figure(table).savefig(part / PICTURE, dpi=200)
    return [folder / CSV, folder / PICTURE]


@chart_style()
def trade_off_figure(table: pd.DataFrame) -> Figure:
    """Draw F1 against each of the other metrics, a line for each curve; the ring is the order as it was ranked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    for axes, column in zip(figure.subplots(1, len(AGAINST), sharey=True), AGAINST, strict=True):
        for number, (curve, rows) in enumerate(table.groupby("curve", sort=False)):
            axes.plot(rows[column], rows["f1"], label=str(curve), markersize=4, **line_style(number))
        first = table.iloc[0]
        axes.plot(first[column], first["f1"], "o", markersize=11, markerfacecolor="none", markeredgecolor="black")
        axes.set_xlabel(METRICS.label(column))
        axes.grid(axis="y")
    figure.axes[0].set_ylabel(f"F1@{int(table['k'].iloc[0])}")
    figure.axes[0].legend(fontsize=9)
    return figure
