import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_reference import make_rankings
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from multimodal.evaluation.files.predictions import read_predictions, write_predictions

TAGS = ["cat", "dog", "été", "日本", "null", "4ever"]
GOOD = {"post_id": ["a", "a", "b"], "rank": [1, 2, 1], "hashtag": ["cat", "dog", "cat"], "score": [0.5, 0.25, 1.0]}


def write(path, changes=None, **columns):
    rows = {**GOOD, **(changes or {}), **columns}
    pq.write_table(pa.table(rows), path)
    return path


def as_lists(rankings):
    return dict(zip(rankings.post_ids, rankings, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.permutations(TAGS), st.integers(0, 6)), min_size=1, max_size=6))
def test_what_is_written_is_read(tmp_path_factory, drawn):
    rankings = make_rankings([tags[:n] for tags, n in drawn])
    path = tmp_path_factory.mktemp("predictions") / "predictions.parquet"
    write_predictions(path, rankings)
    assert as_lists(read_predictions(path, rankings.post_ids)) == as_lists(rankings)
    filled = {post_id: pairs for post_id, pairs in as_lists(rankings).items() if pairs}
    assert as_lists(read_predictions(path)) == filled


def test_the_file_is_plain_for_other_tools(tmp_path):
    write_predictions(tmp_path / "p.parquet", make_rankings([["cat", "dog"], [], ["dog"]]))
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.names == ["post_id", "rank", "hashtag", "score"]
    assert table.to_pydict() == {
        "post_id": ["post0", "post0", "post2"],
        "rank": [1, 2, 1],
        "hashtag": ["cat", "dog", "dog"],
        "score": [1.0, 0.5, 1.0],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_rows_in_any_order_and_posts_without_a_prediction(tmp_path):
    shuffled = {name: [values[2], values[1], values[0]] for name, values in GOOD.items()}
    rankings = read_predictions(write(tmp_path / "p.parquet", shuffled), ["b", "silent", "a"])
    assert list(rankings) == [[("cat", 1.0)], [], [("cat", 0.5), ("dog", 0.25)]]
    assert np.isnan(rankings.scores[1]).all()


def test_csv_with_ids_and_hashtags_that_look_like_something_else(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("post_id,rank,hashtag,score\n0012,1,null,1\n0012,2,4ever,0.5\n", encoding="utf-8")
    assert as_lists(read_predictions(path)) == {"0012": [("null", 1.0), ("4ever", 0.5)]}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"rank": [1, 1, 1]}, "post 'a': rank 1 is given twice; ranks run 1, 2, 3, … without a gap"),
        ({"rank": [1, 3, 1]}, "post 'a': rank 2 is missing"),
        ({"rank": [2, 1, 2], "score": [0.1, 0.2, 1.0]}, "post 'b': rank 1 is missing"),
        ({"rank": [0, 1, 1]}, "post 'a': rank 0 is below 1"),
        ({"hashtag": ["cat", "cat", "cat"]}, "post 'a' names the hashtag 'cat' twice"),
        ({"score": [0.5, float("nan"), 1.0]}, "post 'a', rank 2: the score is nan; scores must be finite numbers"),
        ({"score": [0.5, 0.25, float("inf")]}, "post 'b', rank 1: the score is inf"),
        ({"score": [0.25, 0.5, 1.0]}, "post 'a': rank 2 has a higher score (0.5) than rank 1 (0.25)"),
        ({"score": [0.5, None, 1.0]}, "1 rows have no score"),
        ({"hashtag": ["cat", "#Dog", "cat"]}, "the hashtag '#Dog' is not in its canonical form; write 'dog'"),
        ({"hashtag": ["cat", "!!", "cat"]}, "the hashtag '!!' is not in its canonical form; it has no letter"),
        ({"hashtag": ["cat", "123", "cat"]}, "'123' is not in its canonical form; it has no letter, and a hashtag has"),
        (
            {"post_id": ["a", "a", "z"]},
            "1 of 2 posts are not among the 2 that are evaluated ('z'); is it the same split",
        ),
        ({"rank": ["one", "two", "three"]}, "the column 'rank' holds string, which is not int32"),
        ({"score": [[1.0], [2.0], [3.0]]}, "the column 'score' holds list<element: double>, which is not double"),
    ],
)
def test_refused(tmp_path, changes, message):
    with pytest.raises(DataError) as error:
        read_predictions(write(tmp_path / "p.parquet", changes), ["a", "b"])
    assert message in str(error.value)
    assert "p.parquet" in str(error.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match=r"is missing; make it: multimodal-hashtags evaluate"):
        read_predictions(tmp_path / "p.parquet")
    (tmp_path / "p.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match="cannot be read as predictions"):
        read_predictions(tmp_path / "p.parquet")
    pq.write_table(pa.table({"post_id": ["a"], "tag": ["cat"]}), tmp_path / "p.parquet")
    with pytest.raises(
        DataError,
        match="column 'rank' is missing; predictions have post_id, rank, hashtag, score, this file has post_id, tag",
    ):
        read_predictions(tmp_path / "p.parquet")


def test_a_file_without_rows(tmp_path):
    empty = {
        name: pa.array([], kind)
        for name, kind in zip(GOOD, [pa.string(), pa.int32(), pa.string(), pa.float64()], strict=True)
    }
    pq.write_table(pa.table(empty), tmp_path / "p.parquet")
    assert list(read_predictions(tmp_path / "p.parquet", ["a", "b"])) == [[], []]
