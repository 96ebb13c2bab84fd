"""A metric is named in the catalogue alone: what is added there appears everywhere."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_reference import make_rankings, make_vocabulary

import multimodal
from multimodal.evaluation.files.figures import k_table
from multimodal.evaluation.files.results import evaluation_files, read_per_post
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.catalogue import METRICS, CountMetric, HashtagMetric, ListMetric, RankMetric
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.paired import paired_test

RANKED = [["a", "b", "c"], ["b", "d"], ["d", "c", "b"], ["a"]]
TRUTH = [["a", "c"], ["a"], ["d"], ["a", "b"]]
NEW = [
    CountMetric(name="misses", label="Misses", headline=True, function=lambda found, true, ks: (ks - found) / ks),
    RankMetric(name="last", label="Last hit", function=lambda hits, true, ks, norm: hits[:, ks.clip(max=3) - 1] * 1.0),
    ListMetric(name="length", label="Length", function=lambda lists, ks: np.minimum(lists.length[:, None], ks) * 1.0),
    HashtagMetric(name="named", label="Named", function=lambda counts: float(counts.named.sum())),
]


def evaluate(ranked=RANKED):
    return evaluate_rankings(make_rankings(ranked, k=3, names="abcd"), TRUTH, [1, 3], make_vocabulary({"a": 2, "b": 1}))


@pytest.fixture
def further(monkeypatch):
    for metric in NEW:
        monkeypatch.setitem(METRICS, metric.name, metric)


def test_a_metric_of_the_catalogue_is_computed_and_written(further, tmp_path):
    evaluation = evaluate()
    assert list(evaluation.table.columns) == list(METRICS.columns)
    at_3 = evaluation.at(3)
    assert at_3["misses"] == pytest.approx(np.mean([1 / 3, 1, 2 / 3, 2 / 3]))
    assert at_3["last"] == pytest.approx(1 / 4)
    assert (at_3["length"], at_3["named"]) == (9 / 4, 9)
    write_files(tmp_path, evaluation_files(evaluation, make_rankings(RANKED, k=3, names="abcd"), {}))
    assert {"misses", "last", "length", "named"} <= set(pd.read_csv(tmp_path / "metrics.csv").columns)
    assert "length" in read_per_post(tmp_path / "per_post.parquet").names
    assert "Misses" in k_table(evaluation).headings


def test_a_metric_of_the_catalogue_has_intervals_and_tests(further):
    evaluation, other = evaluate(), evaluate(RANKED[::-1])
    columns = ["misses", "last", "length"]
    assert bootstrap(evaluation.outcomes, columns, resamples=5).values["misses"].tolist() == pytest.approx(
        [1 / 4, 2 / 3]
    )
    tested = paired_test(evaluation.outcomes, other.outcomes, columns, permutations=5)
    assert tested["metric"].unique().tolist() == columns


def test_headings_and_groups():
    assert METRICS.headline == ("hit_rate", "precision", "recall", "f1", "ndcg", "map")
    assert METRICS.headline_sets == ("hit_rate", "precision", "recall", "f1")
    assert (METRICS["precision"].heading, METRICS["ndcg"].heading) == ("P", "NDCG")
    assert (METRICS.label("mrr"), METRICS.label("posts")) == ("MRR", "posts")
    assert set(METRICS) - set(METRICS.of_posts) == {"f1_macro_label", "catalogue_coverage"}


# These tables choose the metrics they show.
MAY_CHOOSE_METRICS = {
    "evaluation/files/figures.py",
    "evaluation/list_length.py",
    "evaluation/metrics/catalogue.py",
    "evaluation/report/metric_parts.py",
    "evaluation/trade_off.py",
    "experiments/ablation/running.py",
    "experiments/benchmark/report.py",
    "experiments/benchmark/reranked.py",
    "experiments/benchmark/table.py",
    "systems/model_card.py",
}


def test_no_other_module_names_a_metric_that_is_not_a_headline_or_lists_metrics():
    root = Path(multimodal.__file__).parent
    further = set(METRICS) - set(METRICS.headline)
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = getattr(node, "elts", None) or getattr(node, "keys", None) or []
            names = {part.value for part in parts if isinstance(part, ast.Constant)} & set(METRICS)
            single = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in further
            if single or len(names) > 3:
                found.add(path.relative_to(root).as_posix())
    assert found - MAY_CHOOSE_METRICS == set()
