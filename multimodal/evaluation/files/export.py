"""Rankings and truth as files of other programs: TREC run and qrels, ranx, CSV, JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.errors import UserError, nearest
from multimodal.evaluation.files.predictions import prediction_table
from multimodal.evaluation.files.writing import Content, write_files
from multimodal.ranking.rankings import Rankings

EXPORTS = {
    "trec": "run.trec and qrels.trec",
    "ranx": "run.json and qrels.json",
    "ranx-parquet": "run.parquet and qrels.parquet",
    "csv": "predictions.csv and truth.csv",
    "jsonl": "predictions.jsonl and truth.jsonl",
}
_POSTS_AT_ONCE = 32_768
Truth = Mapping[str, Sequence[str]]


def export_files(folder: Path, kind: str, rankings: Rankings, truth: Truth, name: str) -> list[Path]:
    """Write a ranking and the true hashtags of its posts for other programs; return the paths.

    For programs that order by score, which may do as they like with equal ones, a score that is not below the one
    before it is written as the next smaller number.

    Args:
        kind: one of `EXPORTS`.
        truth: post id → true hashtags; posts without any are left out of the qrels, as they are of all metrics.
        name: of the System.

    Raises:
        UserError: an unknown kind, or an id or name that a TREC file cannot hold.
    """
    if kind not in EXPORTS:
        raise UserError(f"format: {kind!r} is unknown.{nearest(kind, EXPORTS)} Accepted: {', '.join(EXPORTS)}.")
    labelled = {post_id: list(dict.fromkeys(hashtags)) for post_id, hashtags in truth.items() if hashtags}
    return write_files(folder, _WRITERS[kind](rankings, labelled, name))


def falling(rankings: Rankings) -> Rankings:
    """Return the ranking with scores that fall strictly along each list; those that did already stay the same."""
    scores: NDArray[np.float64] = rankings.scores.copy()
    for rank in range(1, rankings.k):
        scores[:, rank] = np.minimum(scores[:, rank], np.nextafter(scores[:, rank - 1], -np.inf))
    return Rankings(rankings.post_ids, rankings.indices, scores, rankings.names)


def _tables(rankings: Rankings) -> list[pa.Table]:
    starts = range(0, len(rankings), _POSTS_AT_ONCE)
    return [prediction_table(rankings, slice(start, start + _POSTS_AT_ONCE)) for start in starts]


def _true_table(truth: Truth) -> pa.Table:
    post_ids = [post_id for post_id, hashtags in truth.items() for _ in hashtags]
    hashtags = [hashtag for tags in truth.values() for hashtag in tags]
    return pa.table({"post_id": pa.array(post_ids, pa.string()), "hashtag": pa.array(hashtags, pa.string())})


def _trec(rankings: Rankings, truth: Truth, name: str) -> dict[str, Content]:
    for what, texts in (("post id", [*rankings.post_ids, *truth]), ("name", [name])):
        spaced = next((text for text in texts if not text or re.search(r"\s", text)), None)
        if spaced is not None:
            raise UserError(
                f"the {what} {spaced!r} cannot stand in a TREC file, whose columns white space separates; export "
                "another format, such as ranx."
            )
    tables = [_with(table, {"q0": "Q0", "name": name}) for table in _tables(falling(rankings))]
    columns = ["post_id", "q0", "hashtag", "rank", "score", "name"]
    true = _with(_true_table(truth), {"zero": "0", "one": "1"}).select(["post_id", "zero", "hashtag", "one"])
    return {"run.trec": _spaced([table.select(columns) for table in tables]), "qrels.trec": _spaced([true])}


def _with(table: pa.Table, constants: Mapping[str, str]) -> pa.Table:
    for column, value in constants.items():
        table = table.append_column(column, pa.array([value]).take(pa.array(np.zeros(len(table), np.int64))))
    return table


def _spaced(tables: Sequence[pa.Table]) -> Content:
    return lambda path: _write_csv(path, tables, include_header=False, delimiter=" ", quoting_style="none")


def _csv(rankings: Rankings, truth: Truth, name: str) -> dict[str, Content]:
    true = [_true_table(truth)]
    return {
        "predictions.csv": lambda path: _write_csv(path, _tables(rankings)),
        "truth.csv": lambda path: _write_csv(path, true),
    }


def _write_csv(path: Path, tables: Sequence[pa.Table], **options: Any) -> None:
    from pyarrow import csv

    with csv.CSVWriter(path, tables[0].schema, write_options=csv.WriteOptions(**options)) as writer:
        for table in tables:
            writer.write_table(table)


def _json_lines(rankings: Rankings, truth: Truth, name: str) -> dict[str, Content]:
    lists = (
        {"post_id": post_id, "hashtags": [tag for tag, _ in pairs], "scores": [score for _, score in pairs]}
        for post_id, pairs in zip(rankings.post_ids, rankings, strict=True)
    )
    true = ({"post_id": post_id, "hashtags": hashtags} for post_id, hashtags in truth.items())
    return {"predictions.jsonl": _lines(lists), "truth.jsonl": _lines(true)}


def _lines(records: Any) -> Content:
    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write


def _ranx(rankings: Rankings, truth: Truth, name: str) -> dict[str, Content]:
    lists = falling(rankings)
    run = {post_id: dict(pairs) for post_id, pairs in zip(lists.post_ids, lists, strict=True) if pairs}
    qrels = {post_id: dict.fromkeys(hashtags, 1) for post_id, hashtags in truth.items()}
    return {"run.json": json.dumps(run, ensure_ascii=False), "qrels.json": json.dumps(qrels, ensure_ascii=False)}


def _ranx_parquet(rankings: Rankings, truth: Truth, name: str) -> dict[str, Content]:
    run = pa.concat_tables(_tables(falling(rankings))).select(["post_id", "hashtag", "score"])
    true = _true_table(truth)
    true = true.append_column("score", pa.array(np.ones(len(true), np.int64)))
    names = ["q_id", "doc_id", "score"]
    return {
        "run.parquet": lambda path: pq.write_table(run.rename_columns(names), path),
        "qrels.parquet": lambda path: pq.write_table(true.rename_columns(names), path),
    }


_WRITERS: Mapping[str, Callable[[Rankings, Truth, str], dict[str, Content]]] = {
    "trec": _trec,
    "ranx": _ranx,
    "ranx-parquet": _ranx_parquet,
    "csv": _csv,
    "jsonl": _json_lines,
}
