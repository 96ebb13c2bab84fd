"""What is exported is the same ranking when it is read again, and other programs order it as we do."""

import json

import numpy as np
import pandas as pd
import pytest
from evaluation_reference import make_rankings, make_vocabulary

from data_loaders.errors import UserError
from multimodal.evaluation.files.export import EXPORTS, export_files, falling
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.ranking.rankings import Rankings

KS = [1, 2, 3, 5]
SHARED = ("precision", "recall", "hit_rate", "ndcg", "mrr")


@pytest.fixture(scope="module")
def ranked():
    """40 lists with many equal scores, some short or empty, and their truth, some without."""
    rng = np.random.default_rng(0)
    tags = [f"tag{number}" for number in range(12)]
    made = make_rankings([rng.permutation(tags)[: rng.integers(0, 6)].tolist() for _ in range(40)], 5, tags)
    scores = np.where(made.indices >= 0, np.sort(rng.integers(0, 3, made.indices.shape) / 3)[:, ::-1], np.nan)
    rankings = Rankings(made.post_ids, made.indices, scores, tags)
    truth = {post: rng.permutation(tags)[: rng.integers(0, 4)].tolist() for post in made.post_ids}
    return rankings, truth


def table_of(rankings, truth):
    return evaluate_rankings(rankings, list(truth.values()), KS, make_vocabulary({"tag0": 2})).table


@pytest.mark.parametrize("kind", EXPORTS)
def test_the_figures_stay_the_same(tmp_path, ranked, kind):
    rankings, truth = ranked
    files = export_files(tmp_path, kind, rankings, truth, "mine")
    assert [path.name for path in files] == EXPORTS[kind].split(" and ")
    read = read_predictions(files[0], rankings.post_ids)
    assert [[tag for tag, _ in pairs] for pairs in read] == [[tag for tag, _ in pairs] for pairs in rankings]
    pd.testing.assert_frame_equal(table_of(read, truth), table_of(rankings, truth), check_exact=True)


def test_ranx_agrees_from_each_file(tmp_path, ranked, ranx):
    rankings, truth = ranked
    expected = table_of(rankings, truth).set_index("k")
    for kind, names in {"trec": ("run.trec", "qrels.trec"), "ranx": ("run.json", "qrels.json")}.items():
        export_files(tmp_path, kind, rankings, truth, "mine")
        run, qrels = ranx.Run.from_file(str(tmp_path / names[0])), ranx.Qrels.from_file(str(tmp_path / names[1]))
        found = ranx.evaluate(qrels, run, [f"{name}@{k}" for name in SHARED for k in KS], make_comparable=True)
        assert {name: expected.loc[int(name.split("@")[1]), name.split("@")[0]] for name in found} == pytest.approx(
            found, abs=1e-9
        )


def test_what_ranx_writes_has_our_figures(tmp_path, ranked, ranx):
    rankings, truth = ranked
    export_files(tmp_path, "ranx", rankings, truth, "mine")
    run = ranx.Run.from_file(str(tmp_path / "run.json"))
    run.name = "theirs"
    for name, kind in (("own.trec", "trec"), ("own.parquet", "parquet")):  # its JSON needs its compiler
        run.save(str(tmp_path / name), kind=kind)
        read = read_predictions(tmp_path / name, rankings.post_ids)
        pd.testing.assert_frame_equal(table_of(read, truth), table_of(rankings, truth), check_exact=True)


def test_scores_fall_strictly_and_those_that_did_stay():
    made = Rankings(["a"], np.array([[0, 1, 2, -1]]), np.array([[0.5, 0.5, 0.25, np.nan]]), ["x", "y", "z"])
    scores = falling(made).scores[0]
    assert scores[:3].tolist() == [0.5, np.nextafter(0.5, 0), 0.25]
    assert np.isnan(scores[3])


def test_truth_lists_each_hashtag_once_and_no_post_without(tmp_path):
    export_files(tmp_path, "ranx", make_rankings([["cat"], ["dog"]]), {"post0": ["cat", "cat"], "post1": []}, "x")
    assert json.loads((tmp_path / "qrels.json").read_text()) == {"post0": {"cat": 1}}


def test_refused(tmp_path):
    rankings = Rankings(["a post"], np.array([[0]]), np.array([[1.0]]), ["cat"])
    with pytest.raises(UserError, match="the post id 'a post' cannot stand in a TREC file, whose columns white space"):
        export_files(tmp_path, "trec", rankings, {"a post": ["cat"]}, "mine")
    with pytest.raises(UserError, match="the name 'my run' cannot stand in a TREC file"):
        export_files(tmp_path, "trec", make_rankings([["cat"]]), {"post0": ["cat"]}, "my run")
    with pytest.raises(UserError, match=r"format: 'ranks' is unknown. Did you mean 'ranx'\?"):
        export_files(tmp_path, "ranks", rankings, {}, "mine")
