"""Lists of every row of a benchmark in another order."""

from __future__ import annotations

import pytest

from data_loaders.errors import UserError
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.pipeline import fill_memory
from multimodal.experiments.benchmark.entries import choose_entries
from multimodal.experiments.benchmark.reranked import COLUMNS, parse_rerankings, reranked_table, reranked_tables
from multimodal.experiments.benchmark.running import run_benchmark
from multimodal.experiments.benchmark.table import benchmark_table
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.reranking import Reranking, reordered
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.model_folder import load_model

KS = [3, 5]
GIVEN = ["method=dpp  diversity=0.5", "diversity=0.4 popularity=0.2 one_of_each=true"]


class TestParsing:
    def test_settings_by_what_was_given(self):
        assert parse_rerankings(GIVEN) == {
            "method=dpp diversity=0.5": Reranking(method="dpp", diversity=0.5),
            "diversity=0.4 popularity=0.2 one_of_each=true": Reranking(diversity=0.4, popularity=0.2, one_of_each=True),
        }
        assert parse_rerankings([]) == {}

    @pytest.mark.parametrize("text", ["", "mmr", "diversity=[", "diversity 0.3"])
    def test_what_is_none(self, text):
        with pytest.raises(UserError, match=r"--rerank .* is not of the form key=value …, for instance"):
            parse_rerankings([text])

    def test_values_are_checked_and_none_comes_twice(self):
        with pytest.raises(UserError, match="rerank: diversity 2 is not a number from 0 to 1"):
            parse_rerankings(["diversity=2"])
        with pytest.raises(UserError, match=r"--rerank 'diversity=0\.3' is given twice"):
            parse_rerankings(["diversity=0.3", " diversity=0.3"])


@pytest.fixture(scope="module")
def made(tiny_data, tmp_path_factory):
    rows, failures = run_benchmark(
        choose_entries("popularity,user_habit"), tiny_data, tmp_path_factory.mktemp("benchmark"), KS
    )
    assert not failures
    return rows


def test_every_system_as_ranked_and_in_each_order(made, tiny_data):
    table = reranked_table(made, tiny_data, KS, parse_rerankings(GIVEN))
    assert list(table.columns) == list(COLUMNS)
    orders = ["as ranked", *parse_rerankings(GIVEN)]
    expected = [(row.entry.name, order, k) for row in made for order in orders for k in KS]
    assert list(table[["system", "rerank", "k"]].itertuples(index=False, name=None)) == expected
    (shown,) = reranked_tables(table, 5)
    assert [cell[:2] for cell in shown.cells] == [[row.entry.name, order] for row in made for order in orders]


def test_as_ranked_has_the_figures_of_the_benchmark(made, tiny_data):
    table = reranked_table(made, tiny_data, KS, {})
    whole = benchmark_table(made, tiny_data, KS)
    for column in ("f1", "f1_low", "f1_high", "ndcg", "redundancy", "new_hashtag_recall"):
        assert table[column].tolist() == pytest.approx(whole[column].tolist())


def test_orders_are_those_of_recommend(made, tiny_data):
    habit, settings = made[1], parse_rerankings(GIVEN)
    table = reranked_table([habit], tiny_data, KS, settings)
    model = load_model(habit.folder)
    fill_memory(model.system, model.memory, tiny_data, "rolling")
    posts = list(tiny_data.split("test"))
    ranked = read_predictions(
        RunFolder(habit.folder).evaluation("test") / "predictions.parquet", [post.post_id for post in posts]
    )
    for name, one in settings.items():
        lists = {
            post.post_id: [tag for tag, _ in reordered(ranking, one, model.memory, post, 5)]
            for post, ranking in zip(posts, ranked, strict=True)
        }
        truth = [post.hashtags for post in posts]
        expected = evaluate_rankings(Rankings.from_hashtags(lists), truth, KS, tiny_data.vocabulary)
        own = table[table["rerank"] == name].set_index("k")
        for k in KS:
            assert own.loc[k, "f1"] == expected.at(k)["f1"]
            assert own.loc[k, "novelty"] == expected.at(k)["novelty"]
    assert table["redundancy"].nunique() > 1
