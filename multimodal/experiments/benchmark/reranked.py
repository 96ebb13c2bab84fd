"""What lists of every System of a benchmark are worth when they are ordered anew: less redundant, less popular."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.config import YAML_ERRORS
from multimodal.distributed.progress import shared_progress
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.text_table import TextTable, number, with_interval
from multimodal.evaluation.metrics.beyond_accuracy import cooccurrence_similarity
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.pipeline import known_posts
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.experiments.benchmark.running import Row
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.reranking import Reranking, read_reranking, reordered
from multimodal.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

AS_RANKED = "as ranked"
_FURTHER = ("redundancy", "novelty", "catalogue_coverage", "new_hashtag_recall")
COLUMNS = ("system", "rerank", "k", *METRICS.headline, f"{BEST_BY}_low", f"{BEST_BY}_high", *_FURTHER)


def parse_rerankings(texts: Sequence[str]) -> dict[str, Reranking]:
    """Read settings such as `method=dpp diversity=0.3 popularity=0.1`, by what was given.

    Raises:
        UserError: one is not of this form, has an unknown key or a value out of range, or is given twice.
    """
    found: dict[str, Reranking] = {}
    for text in texts:
        name = " ".join(text.split())
        try:
            values = {key: yaml.safe_load(value) for key, value in (part.split("=", 1) for part in name.split())}
        except (ValueError, *YAML_ERRORS):
            values = {}
        settings = read_reranking(values) if values else None
        if settings is None:
            raise UserError(f"--rerank {text!r} is not of the form key=value …, for instance --rerank diversity=0.3.")
        if name in found:
            raise UserError(f"--rerank {name!r} is given twice.")
        found[name] = settings
    return found


def reranked_table(
    rows: Sequence[Row],
    data: PreparedData,
    ks: Sequence[int],
    settings: Mapping[str, Reranking],
    unit: Unit = "posts",
) -> pd.DataFrame:
    """Return a line per row, setting and K, the columns `COLUMNS`: each System's lists as ranked, then ordered anew.

    What is ordered anew are the hashtags that were saved, as `recommend(rerank=…)` orders them. Redundancy is that of
    train posts, likeness that of strictly earlier posts.

    Args:
        rows: finished rows.
        data: the prepared folder; the test split is evaluated.
        ks: cut-offs.
        settings: by name.
        unit: what the interval of F1 resamples.
    """
    posts = list(data.split("test"))
    memory = known_posts(data, "rolling", "test", posts)
    train = [post.hashtags for post in data.split("train")]
    similarity = cooccurrence_similarity(train, data.vocabulary.hashtags)
    truth, users = [post.hashtags for post in posts], [post.user_id for post in posts]
    known = {hashtag for hashtags in train for hashtag in hashtags}
    lines: list[dict[str, Any]] = []
    with shared_progress("ordering lists anew", len(rows) * (1 + len(settings))) as advance:
        for row in rows:
            path = RunFolder(row.folder).evaluation("test") / "predictions.parquet"
            ranked = read_predictions(path, [post.post_id for post in posts])
            for name, one in ((AS_RANKED, None), *settings.items()):
                lists = ranked if one is None else _anew(ranked, one, posts, memory, max(ks))
                table = evaluate_rankings(
                    lists, truth, ks, data.vocabulary, train_hashtags=known, similarity=similarity, user_ids=users
                )
                low, high = bootstrap(table.outcomes, [BEST_BY], unit=unit).interval(BEST_BY)
                for place, k in enumerate(table.ks):
                    ends = {f"{BEST_BY}_low": low[place], f"{BEST_BY}_high": high[place]}
                    line = {"system": row.entry.name, "rerank": name, **table.at(k), "k": k, **ends}
                    lines.append({column: line[column] for column in COLUMNS})
                advance(1)
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _anew(ranked: Rankings, settings: Reranking, posts: Sequence[Post], memory: PostMemory, k: int) -> Rankings:
    lists = {
        post.post_id: [hashtag for hashtag, _ in reordered(ranking, settings, memory, post, k)]
        for post, ranking in zip(posts, ranked, strict=True)
    }
    return Rankings.from_hashtags(lists)


def reranked_tables(reranked: pd.DataFrame, k: int) -> list[TextTable]:
    """Return the lines of one K for people, those of each System together."""
    headings = ["system", "rerank", f"F1@{k}", *(METRICS[name].heading for name in _FURTHER)]
    cells = [
        [
            line["system"],
            line["rerank"],
            with_interval(line[BEST_BY], line[f"{BEST_BY}_low"], line[f"{BEST_BY}_high"]),
            *(number(line[name]) for name in _FURTHER),
        ]
        for line in reranked[reranked["k"] == k].to_dict("records")
    ]
    return [TextTable(headings=headings, cells=cells, title=f"Lists ordered anew, K = {k}", text_columns=2)]
