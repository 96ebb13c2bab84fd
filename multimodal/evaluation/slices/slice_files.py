"""The files of slices: which post is in which slice (`slices.parquet`), metrics (`slices.csv`, `.md`), figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_loaders.errors import DataError
from multimodal.evaluation.files.chart_style import COLOURS, chart_style
from multimodal.evaluation.files.predictions import read_parquet
from multimodal.evaluation.files.text_table import TextTable, with_interval
from multimodal.evaluation.files.writing import Content
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.slices.slice_metrics import LEAST_UNITS
from multimodal.evaluation.slices.slices import BANDS, HASHTAG_FREQUENCY, TITLES, BandedHits, PostSlices, Slicing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SLICES = "slices.parquet"
_COLUMNS_OF_PANELS = 2
_RESOLUTION_DPI = 160


def slice_files(slices: PostSlices, table: pd.DataFrame, note: str) -> dict[str, Content]:
    """Return `slices.parquet`, `slices.csv`, `slices.md` and `slices.png`.

    Args:
        note: what the figures are based on, in one sentence.
    """
    return {
        SLICES: lambda path: write_post_slices(path, slices),
        "slices.csv": table,
        "slices.md": slice_markdown(table, slices.bands, note),
        "slices.png": lambda path: slice_figure(table).savefig(path, dpi=_RESOLUTION_DPI, format="png"),
    }


def write_post_slices(path: Path, slices: PostSlices) -> None:
    """Write one row per evaluated post: the label of its slice in each slicing, and its true hashtags by band."""
    columns: dict[str, Any] = {"post_id": pa.array(slices.post_ids, pa.string())}
    for name, slicing in slices.slicings.items():
        codes = pa.array(slicing.codes.astype(np.int16))
        columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(slicing.labels, pa.string()))
    bands = slices.bands
    columns |= {f"true {band}": pa.array(bands.true_count[:, i]) for i, band in enumerate(BANDS)}
    posts = len(slices.post_ids)
    offsets = pa.array(np.searchsorted(bands.rows, np.arange(posts + 1)).astype(np.int32))
    columns["hit_ranks"] = pa.ListArray.from_arrays(offsets, pa.array(bands.ranks.astype(np.uint16)))
    columns["hit_bands"] = pa.ListArray.from_arrays(offsets, pa.array(bands.bands.astype(np.uint8)))
    metadata = {"middle_from": str(bands.middle_from), "frequent_from": str(bands.frequent_from)}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path, compression="zstd")


def read_post_slices(path: Path) -> PostSlices:
    """Read what `write_post_slices` wrote.

    Raises:
        DataError: missing or damaged.
    """
    table = read_parquet(path, "slices", missing="which post is in which slice").combine_chunks()
    names = [name for name in TITLES if name != HASHTAG_FREQUENCY]
    needed = ["post_id", *names, *(f"true {band}" for band in BANDS), "hit_ranks", "hit_bands"]
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}; evaluate again: multimodal-hashtags evaluate --run … …")
    slicings = {name: _slicing(table[name].combine_chunks()) for name in names}
    ranks, of_bands = table["hit_ranks"].combine_chunks(), table["hit_bands"].combine_chunks()
    sizes = np.diff(ranks.offsets.to_numpy())
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    bands = BandedHits(
        true_count=np.stack([table[f"true {band}"].to_numpy() for band in BANDS], axis=1),
        rows=np.repeat(np.arange(len(sizes)), sizes),
        ranks=ranks.flatten().to_numpy().astype(np.int64),
        bands=of_bands.flatten().to_numpy().astype(np.int64),
        middle_from=int(metadata["middle_from"]),
        frequent_from=int(metadata["frequent_from"]),
    )
    return PostSlices(table["post_id"].to_pylist(), slicings, bands)


def _slicing(column: Any) -> Slicing:
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    return Slicing(tuple(column.dictionary.to_pylist()), column.indices.to_numpy().astype(np.int64))


def slice_markdown(table: pd.DataFrame, bands: BandedHits, note: str) -> str:
    """Return the slices as Markdown, a table per slicing."""
    parts = [f"# Slices at K = {int(table['k'].iloc[0])}", "", f"{note}.", ""]
    for name, rows in table.groupby("slicing", sort=False):
        banded = name == HASHTAG_FREQUENCY
        rows = rows[rows["posts"] > 0]
        parts += [f"## {TITLES.get(str(name), 'All posts')}", ""]
        if banded:
            parts += [f"Of the vocabulary: rare below {bands.middle_from:,} train posts, frequent from "
                      f"{bands.frequent_from:,} on. Recall over hashtags.", ""]  # fmt: skip
        shown = ("recall",) if banded else METRICS.headline_sets
        headings = ["", "Posts", "True hashtags", *map(METRICS.label, shown)]
        cells = [
            [str(row["slice"]), f"{row['posts']:,}", f"{row['true_hashtags']:,}"]
            + [with_interval(row[column], row[f"{column}_low"], row[f"{column}_high"]) for column in shown]
            for row in rows.to_dict("records")
        ]
        parts.append(TextTable(headings=headings, cells=cells).markdown())
    return "\n".join(parts)


@chart_style()
def slice_figure(table: pd.DataFrame) -> Figure:
    """Draw one small panel per slicing: F1 (for bands of hashtags recall) with its interval, against all posts' F1."""
    from matplotlib.figure import Figure

    groups = [(str(name), rows[rows["posts"] > 0]) for name, rows in table.groupby("slicing", sort=False)]
    overall = float(groups[0][1]["f1"].iloc[0])
    panels = groups[1:]
    lines = -(-len(panels) // _COLUMNS_OF_PANELS)
    pairs = [panels[i : i + _COLUMNS_OF_PANELS] for i in range(0, len(panels), _COLUMNS_OF_PANELS)]
    slots = [max(len(rows) for _, rows in pair) for pair in pairs]
    figure = Figure(figsize=(9.6, 0.9 + 0.3 * sum(slots) + 0.36 * lines), layout="constrained")
    ratios = {"height_ratios": [1.2 + slot for slot in slots]}
    axes = figure.subplots(lines, _COLUMNS_OF_PANELS, squeeze=False, gridspec_kw=ratios)
    top = float(np.nanmax(table[["f1", "recall", "f1_high", "recall_high"]].to_numpy()[1:], initial=0.05))
    for i, (name, rows) in enumerate(panels):
        line, column = divmod(i, _COLUMNS_OF_PANELS)
        _panel(axes[line][column], name, rows, overall, top, slots[line])
    for i in range(len(panels), lines * _COLUMNS_OF_PANELS):
        axes[i // _COLUMNS_OF_PANELS][i % _COLUMNS_OF_PANELS].set_axis_off()
    title = f"F1 at K = {int(table['k'].iloc[0])} by slice, 95 % intervals; dotted: all posts"
    small = "; ring: too few for an interval" if (table["units"][table["posts"] > 0] < LEAST_UNITS).any() else ""
    figure.suptitle(title + small, fontsize=11)
    return figure


def _panel(axes: Axes, name: str, rows: pd.DataFrame, overall: float, top: float, slots: int) -> None:
    column = "recall" if name == HASHTAG_FREQUENCY else "f1"
    values = rows[column].to_numpy()
    heights = np.arange(len(rows))[::-1]
    low, high = rows[f"{column}_low"].to_numpy(), rows[f"{column}_high"].to_numpy()
    # A slice too small for an interval is drawn as a ring.
    firm = ~np.isnan(low)
    axes.hlines(heights[firm], low[firm], high[firm], color=COLOURS[0], linewidth=2.2)
    axes.plot(values[firm], heights[firm], "o", color=COLOURS[0], markersize=5)
    axes.plot(values[~firm], heights[~firm], "o", color=COLOURS[0], markersize=5, markerfacecolor="none")
    if column == "f1":
        axes.axvline(overall, color="black", linewidth=0.9, linestyle=":", zorder=0)
    counts = rows["true_hashtags"] if name == HASHTAG_FREQUENCY else rows["posts"]
    labels = [f"{label}  ({count:,})" for label, count in zip(rows["slice"], counts, strict=True)]
    axes.set_yticks(heights, labels, fontsize=8)
    axes.set_ylim(len(rows) - slots - 0.7, len(rows) - 0.3)
    axes.set_xlim(0, min(1.0, top * 1.05))
    axes.set_title("Recall by frequency in train" if column == "recall" else TITLES[name], loc="left", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
