"""The evaluation folder: what `evaluate` leaves behind, and reading it back without the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.errors import DataError
from multimodal.evaluation.files.figures import figure_files
from multimodal.evaluation.files.predictions import read_parquet, write_predictions
from multimodal.evaluation.files.writing import Content, plain_values
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS, ListMetric
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.metrics.sweep import DEFINITIONS_VERSION, MetricTable
from multimodal.evaluation.uncertainty.intervals import Bootstrap
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import write_atomically

FINGERPRINT = "truth_fingerprint"
_BITS = 64
_COUNT_COLUMNS = {
    "true_hashtags": "true_count",
    "known_hashtags": "known_count",
    "new_hashtags": "new_count",
    "list_length": "length",
}
_RANK_COLUMNS = {"hit_ranks": "hits", "known_hit_ranks": "known_hits", "new_hit_ranks": "new_hits"}


def truth_fingerprints(truth: Sequence[Sequence[str]]) -> NDArray[np.uint64]:
    """Return one number per post: equal for equal sets of hashtags, and practically never equal for others.

    Args:
        truth: the true hashtags of N posts; order and repeats do not matter.

    Returns:
        (N,).
    """
    sums = (sum(map(_number, set(hashtags))) % 2**_BITS for hashtags in truth)
    return np.fromiter(sums, np.uint64, len(truth))


@lru_cache(maxsize=2**16)
def _number(hashtag: str) -> int:
    return int.from_bytes(blake2b(hashtag.encode("utf-8", "surrogatepass"), digest_size=_BITS // 8).digest(), "little")


def evaluation_files(
    metrics: MetricTable,
    rankings: Rankings,
    settings: dict[str, Any],
    *,
    truth: Sequence[Sequence[str]] | None = None,
    curves: Bootstrap | None = None,
) -> dict[str, Content]:
    """Return `predictions.parquet`, `per_post.parquet`, `metrics.csv`, the two figures and `metrics.json`.

    Args:
        rankings: all of them, also of posts without truth.
        settings: what the reader must know to interpret the figures: history protocol, split, run, seed…
        truth: the true hashtags of the evaluated posts, so that comparisons can tell whether theirs are the same.
    """
    return {
        "predictions.parquet": lambda path: write_predictions(path, rankings),
        "per_post.parquet": lambda path: write_per_post(path, metrics.outcomes, truth),
        "metrics.csv": metrics.table,
        **figure_files(metrics, curves),
        "metrics.json": summary(metrics, settings),
    }


def summary(metrics: MetricTable, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `metrics.json`; a value that is not defined is null."""
    best = metrics.best_k()
    return {
        "definitions_version": DEFINITIONS_VERSION,
        "settings": {**settings, "ap_norm": metrics.outcomes.ap_norm, "ks": metrics.ks},
        "counts": metrics.counts,
        "best_k": {"by": BEST_BY, "k": best, BEST_BY: metrics.at(best)[BEST_BY]},
        "table": plain_values(metrics.table),
    }


def write_per_post(path: Path, outcomes: Outcomes, truth: Sequence[Sequence[str]] | None = None) -> None:
    """Write one row per evaluated post, enough to compute every metric, interval and test again.

    Columns: post_id, user_id, the counts `true_hashtags`, `known_hashtags` (of them in the vocabulary),
    `new_hashtags` (never seen in train), `list_length`; the ranks of the hits `hit_ranks`, `known_hit_ranks`,
    `new_hit_ranks`; `f1_per_post@K`, `novelty@K`, `redundancy@K` for each K; and, where the truth is given,
    `truth_fingerprint`, equal for equal sets of true hashtags.
    """
    ks = outcomes.ks.tolist()
    columns: dict[str, Any] = {"post_id": pa.array(outcomes.post_ids, pa.string())}
    if outcomes.user_ids is not None:
        columns["user_id"] = pa.array(outcomes.user_ids, pa.string())
    for name, attribute in _COUNT_COLUMNS.items():
        columns[name] = pa.array(getattr(outcomes, attribute).astype(np.int32))
    for name, attribute in _RANK_COLUMNS.items():
        columns[name] = _ranks(getattr(outcomes, attribute))
    for metric in (METRICS[BEST_BY].counterpart, *outcomes.stored):
        values = outcomes[metric]
        columns.update({f"{metric}@{k}": pa.array(values[:, i]) for i, k in enumerate(ks)})
    if truth is not None:
        columns[FINGERPRINT] = pa.array(truth_fingerprints(truth))
    metadata = {
        "definitions_version": str(DEFINITIONS_VERSION),
        "ks": ",".join(map(str, ks)),
        "ap_norm": outcomes.ap_norm,
        "places": str(outcomes.hits.shape[1]),
    }
    table = pa.table(columns).replace_schema_metadata(metadata)
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def _ranks(hits: NDArray[np.bool_]) -> pa.ListArray:
    rows, ranks = np.nonzero(hits)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(hits)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array((ranks + 1).astype(np.uint16)))


def read_per_post(path: Path) -> Outcomes:
    """Read what `write_per_post` wrote.

    Raises:
        DataError: missing, damaged, or written by other definitions of the metrics.
    """
    table = read_parquet(path, "per-post values")
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    version = metadata.get("definitions_version")
    if version != str(DEFINITIONS_VERSION):
        raise DataError(
            f"{path}: metric definitions of version {version}, this program has version {DEFINITIONS_VERSION}; "
            "evaluate again: multimodal-hashtags evaluate --run … --data …"
        )
    missing = [name for name in ("post_id", *_COUNT_COLUMNS, *_RANK_COLUMNS) if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; evaluate again: "
            "multimodal-hashtags evaluate --run … --data …"
        )
    ks = [int(k) for k in metadata["ks"].split(",")]
    depth = int(metadata["places"])
    fields = {attribute: table[name].to_numpy().astype(np.int64) for name, attribute in _COUNT_COLUMNS.items()}
    fields |= {attribute: _hits(table[name], depth) for name, attribute in _RANK_COLUMNS.items()}
    stored = {
        metric: np.stack([table[f"{metric}@{k}"].to_numpy() for k in ks], axis=1)
        for metric in (entry.name for entry in METRICS.of(ListMetric))
        if f"{metric}@{ks[0]}" in table.column_names
    }
    users = table["user_id"].to_pylist() if "user_id" in table.column_names else None
    norm: Any = metadata["ap_norm"]
    ids = table["post_id"].to_pylist()
    return Outcomes(**fields, ks=np.array(ks), ap_norm=norm, stored=stored, post_ids=ids, user_ids=users)


def _hits(column: pa.ChunkedArray, depth: int) -> NDArray[np.bool_]:
    ranks = column.combine_chunks()
    lengths = np.diff(ranks.offsets.to_numpy())
    hits = np.zeros((depth, len(ranks)), np.bool_)
    hits[ranks.flatten().to_numpy().astype(np.int64) - 1, np.repeat(np.arange(len(ranks)), lengths)] = True
    return hits.T
