"""The same lists in every format that other programs write are read as the same ranking, or refused by name."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.files.prediction_formats import FORMATS
from multimodal.evaluation.files.predictions import read_predictions

LISTS = {"0012": [("cat", 0.5), ("null", 0.25)], "b": [("cat", 1.0)]}
ROWS = [(post, tag, rank, score) for post, pairs in LISTS.items() for rank, (tag, score) in enumerate(pairs, 1)]
COLUMNS = dict(zip(("post_id", "hashtag", "rank", "score"), map(list, zip(*ROWS, strict=True)), strict=True))


def as_lists(path, **options):
    rankings = read_predictions(path, **options)
    return dict(zip(rankings.post_ids, rankings, strict=True))


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


TREC = "".join(f"{post} Q0 {tag} {rank} {score} mine\n" for post, tag, rank, score in ROWS)
TEXTS = {
    "rows.jsonl": lines(dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)),
    "posts.ndjson": lines(
        {"post_id": post, "hashtags": [tag for tag, _ in pairs], "scores": [score for _, score in pairs]}
        for post, pairs in LISTS.items()
    ),
    "run.trec": TREC,
    "tabs.run": TREC.replace(" ", "\t"),
    "spaces.txt": TREC.replace(" ", "   ").replace("\n", " \r\n"),
    "mixed.trec": TREC.replace("b Q0", "b\tQ0  "),
    "run.json": json.dumps({post: dict(pairs) for post, pairs in LISTS.items()}),
    "p.csv": "post_id,hashtag,score\n" + "".join(f"{post},{tag},{score}\n" for post, tag, _, score in ROWS),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name], encoding="utf-8", newline="")
    assert as_lists(tmp_path / name) == LISTS


@pytest.mark.parametrize("name", ["p.csv", "rows.jsonl", "run.trec", "run.json"])
def test_packed_texts(tmp_path, name):
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(TEXTS[name].encode()))
    assert as_lists(tmp_path / f"{name}.gz") == LISTS


@pytest.mark.parametrize("columns", [["post_id", "hashtag", "rank", "score"], ["post_id", "hashtag", "score"]])
def test_tables(tmp_path, columns):
    pq.write_table(pa.table({name: COLUMNS[name] for name in columns}), tmp_path / "p.parq")
    assert as_lists(tmp_path / "p.parq") == LISTS


def test_the_columns_of_ranx(tmp_path):
    table = {"q_id": COLUMNS["post_id"], "doc_id": COLUMNS["hashtag"], "score": COLUMNS["score"]}
    pq.write_table(pa.table(table), tmp_path / "run.parquet")
    assert as_lists(tmp_path / "run.parquet") == LISTS


def test_without_scores_a_hashtag_gets_minus_its_rank(tmp_path):
    (tmp_path / "p.csv").write_text("post_id,rank,hashtag\na,2,dog\na,1,cat\n")
    assert as_lists(tmp_path / "p.csv") == {"a": [("cat", -1.0), ("dog", -2.0)]}
    (tmp_path / "p.jsonl").write_text(
        '{"post_id": "a", "hashtags": ["cat", "dog"]}\n{"post_id": "b", "hashtags": []}\n'
    )
    assert as_lists(tmp_path / "p.jsonl") == {"a": [("cat", -1.0), ("dog", -2.0)]}


def test_scores_decide_in_a_trec_run_and_ranks_between_equal_ones(tmp_path):
    (tmp_path / "r.trec").write_text("a Q0 cat 2 0.5 x\na Q0 dog 1 0.5 x\na Q0 fox 3 0.9 x\n")
    assert as_lists(tmp_path / "r.trec") == {"a": [("fox", 0.9), ("dog", 0.5), ("cat", 0.5)]}


def test_rows_of_one_post_need_not_follow_each_other(tmp_path):
    (tmp_path / "p.csv").write_text("post_id,hashtag,score\na,cat,0.1\nb,dog,1\na,dog,0.9\na,fox,0.1\n")
    assert as_lists(tmp_path / "p.csv") == {"a": [("dog", 0.9), ("cat", 0.1), ("fox", 0.1)], "b": [("dog", 1.0)]}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.trec", "a Q0 cat 1 0.5\n", "cannot be read as predictions (TREC run: post Q0 hashtag rank score name)"),
        ("r.trec", "a Q0 cat 1 much x\n", "cannot be read as predictions"),
        ("r.json", '["cat"]', "it is not an object of objects"),
        ("r.json", "{", "cannot be read as predictions (ranx's Run as JSON: {post: {hashtag: score}})"),
        ("r.json", '{"a": {"cat": NaN}}', "post 'a', hashtag 'cat': the score is nan; scores must be finite numbers"),
        ("r.jsonl", '{"post_id": "a", "hashtags": "cat"}\n', "a line needs post_id and hashtags, a list"),
        (
            "r.jsonl",
            '{"post_id": "a", "hashtags": ["cat"], "scores": [1, 2]}\n',
            "scores must be a list, as long as that of hashtags",
        ),
        (
            "p.csv",
            "post_id,tag\na,cat\n",
            "the column 'rank' is missing; predictions have post_id, rank, hashtag, score",
        ),
        ("p.csv", "post_id,rank,hashtag,score,rank\na,1,cat,0.5,2\n", "2 columns give the rank (rank, rank); keep one"),
        ("p.csv", "q_id,doc_id,score,post_id\na,cat,0.5,b\n", "2 columns give the post_id (q_id, post_id); keep one"),
        ("r.json", '{"a": {"cat": 0.5}, "a": {"dog": 0.7}}', "the post or hashtag 'a' is given twice in one object"),
        ("r.json", '{"a": {"cat": 0.5, "cat": 0.7}}', "the post or hashtag 'cat' is given twice in one object"),
    ],
)
def test_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_predictions(tmp_path / name)
    assert message in str(error.value)
    assert name in str(error.value)


def test_a_column_that_parquet_has_twice(tmp_path):
    table = pa.table({name: COLUMNS[name] for name in ("post_id", "hashtag", "score")})
    pq.write_table(table.append_column("score", table["score"]), tmp_path / "p.parquet")
    with pytest.raises(DataError, match=r"p\.parquet: 2 columns give the score \(score, score\); keep one of them\.$"):
        read_predictions(tmp_path / "p.parquet")
    noted = table.append_column("note", table["score"]).append_column("note", table["score"])
    pq.write_table(noted, tmp_path / "p.parquet")
    assert as_lists(tmp_path / "p.parquet") == LISTS


def test_the_format(tmp_path):
    (tmp_path / "mine").write_text(TREC)
    assert as_lists(tmp_path / "mine", file_format="trec") == LISTS
    with pytest.raises(UserError, match="the name does not tell what format its predictions are in; give one of parqu"):
        read_predictions(tmp_path / "mine")
    with pytest.raises(UserError, match=r"format: 'tred' is unknown. Did you mean 'trec'\? Accepted: parquet, csv"):
        read_predictions(tmp_path / "mine", file_format="tred")
    assert set(FORMATS) == {"parquet", "csv", "jsonl", "trec", "ranx"}


def test_arguments_of_another_type(tmp_path):
    with pytest.raises(UserError, match=r"path: \['p.csv'\] is not the path of a file of predictions"):
        read_predictions(["p.csv"])
    with pytest.raises(UserError, match="post_ids: 'a' is one text; give a list of ids"):
        read_predictions(tmp_path / "p.csv", "a")
