"""The plots of the data card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data_loaders.prepare.post_index import Ints, PostIndex
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.statistics import years_of

PLOTS = {
    "posts_per_month.png": "Posts per month",
    "tags_per_post.png": "Hashtags per post",
    "tags_per_post_by_year.png": "Hashtags per post by year",
    "tag_frequency.png": "Hashtag frequency",
    "caption_length.png": "Caption length",
}
_COLOURS = ("#4c78a8", "#f2a541", "#c8553d")
_INK = "#33415c"
_SIZE_IN = (7.0, 3.2)
_DPI = 120
_MOST_BARS = 30


def draw_plots(index: PostIndex, split_ids: Ints, folder: Path) -> list[str]:
    """Draw the plots that the data allows and return their file names.

    Args:
        index: N posts.
        split_ids: (N,) indices into `SPLITS`.
        folder: where the plots are written; created if missing.
    """
    folder.mkdir(exist_ok=True)
    drawn = []
    painters = (_posts_per_month, _tags_per_post, _tags_per_post_by_year, _tag_frequency, _caption_length)
    for (name, title), draw in zip(PLOTS.items(), painters, strict=True):
        figure, axes = _figure(title)
        if draw(axes, index, split_ids):
            figure.savefig(folder / name, dpi=_DPI)
            drawn.append(name)
    return drawn


def _figure(title: str) -> tuple[Any, Any]:
    # Figure without pyplot: no global state, no window system.
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _posts_per_month(axes: Any, index: PostIndex, split_ids: Ints) -> bool:
    if not index.dated.any():
        return False
    months = index.instants_us[index.dated].astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    first = int(months.min())
    span = int(months.max()) - first + 1
    dates = (np.arange(span) + first).astype("datetime64[M]").astype("datetime64[D]")
    below = np.zeros(span)
    for split_id, name in enumerate(SPLITS):
        counts = np.bincount(months[split_ids[index.dated] == split_id] - first, minlength=span)
        axes.bar(dates, counts, width=28, bottom=below, color=_COLOURS[split_id], label=name, linewidth=0)
        below += counts
    axes.set_ylabel("posts")
    # Above the bars: looking for the best place among many months takes seconds.
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return True


def _tags_per_post(axes: Any, index: PostIndex, split_ids: Ints) -> bool:
    counts = np.minimum(index.tag_counts, _MOST_BARS)
    bars = np.bincount(counts)
    axes.bar(np.arange(len(bars)), bars, color=_COLOURS[0])
    axes.set_xlabel("hashtags" + (f" ({_MOST_BARS} means {_MOST_BARS} or more)" if counts.max() == _MOST_BARS else ""))
    axes.set_ylabel("posts")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return True


def _tags_per_post_by_year(axes: Any, index: PostIndex, split_ids: Ints) -> bool:
    if not index.dated.any():
        return False
    years, counts = years_of(index.instants_us[index.dated]), index.tag_counts[index.dated]
    shown = np.unique(years)
    quarters = np.array([np.quantile(counts[years == year], (0.25, 0.75)) for year in shown])
    means = [counts[years == year].mean() for year in shown]
    axes.fill_between(shown, quarters[:, 0], quarters[:, 1], color=_COLOURS[0], alpha=0.2, label="middle half")
    axes.plot(shown, means, color=_COLOURS[0], marker="o", markersize=4, label="mean")
    axes.axhline(5, color=_COLOURS[2], linewidth=1, linestyle="--", label="Instagram's limit since December 2025")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("hashtags")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    return True


def _tag_frequency(axes: Any, index: PostIndex, split_ids: Ints) -> bool:
    counts = np.sort(np.bincount(index.tags, minlength=len(index.hashtags)))[::-1]
    axes.loglog(np.arange(1, len(counts) + 1), counts, color=_COLOURS[0])
    axes.set_xlabel("rank of the hashtag")
    axes.set_ylabel("posts")
    return True


def _caption_length(axes: Any, index: PostIndex, split_ids: Ints) -> bool:
    lengths = index.caption_lengths[index.caption_lengths > 0]
    if not len(lengths):
        return False
    edges = np.unique(np.geomspace(1, max(int(lengths.max()), 2) + 1, 41).astype(np.int64))
    axes.hist(lengths, bins=edges, color=_COLOURS[0])
    axes.set_xscale("log")
    axes.set_xlabel(f"characters ({int((index.caption_lengths < 0).sum()):,} posts have no caption)")
    axes.set_ylabel("posts")
    return True
