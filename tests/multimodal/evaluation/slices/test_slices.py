from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pytest
from evaluation_reference import make_rankings, make_vocabulary
from saved_run_maker import TAGS, VOCABULARY, make_posts, rank

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.slices.slice_files import read_post_slices, slice_figure, slice_files, write_post_slices
from multimodal.evaluation.slices.slice_metrics import LEAST_UNITS, slice_table
from multimodal.evaluation.slices.slices import (
    BANDS,
    HASHTAG_FREQUENCY,
    OTHER_SCRIPTS,
    TITLES,
    hashtag_bands,
    slice_posts,
)
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings

FREQUENCIES = {"often": 60, "b": 20, "c": 20, "d": 10, "e": 10}


def day(number):
    return datetime(2024, 1, number, tzinfo=timezone.utc)


def sliced(posts, lists, earlier=(), train_users=(), train_hashtags=(), ks=(2,)):
    vocabulary = make_vocabulary(FREQUENCIES)
    made = make_rankings(lists, k=3)
    rankings = Rankings([post.post_id for post in posts], made.indices, made.scores, made.names)
    seen = {*FREQUENCIES, *train_hashtags}
    evaluation = evaluate_rankings(rankings, [post.hashtags for post in posts], ks, vocabulary, train_hashtags=seen)
    memory = PostMemory(HashtagIdMap(list(FREQUENCIES), list(FREQUENCIES.values())))
    memory.append([*earlier, *posts])
    return slice_posts(posts, evaluation.outcomes, rankings, memory, vocabulary, seen, set(train_users)), evaluation


def labels(slices, name):
    slicing = slices.slicings[name]
    return [slicing.labels[code] for code in slicing.codes]


def test_each_post_is_in_the_slice_it_belongs_to():
    posts = [
        Post(post_id="a", user_id="ann", timestamp=day(9), caption="x" * 50, image="p.png", hashtags=("often", "gone")),
        Post(post_id="skipped", user_id="ann", timestamp=day(10), caption="no hashtags"),
        Post(post_id="b", user_id="bob", timestamp=day(9), caption="д" * 51, hashtags=("new1", "new2")),
        Post(post_id="c", timestamp=day(9), hashtags=tuple(f"new{number}" for number in range(11))),
    ]
    earlier = [Post(post_id=f"e{n}", user_id="ann", timestamp=day(n), hashtags=("b",)) for n in (1, 2, 3, 9)]
    slices, _ = sliced(posts, [["often"], [], ["new1"], []], earlier, {"ann"}, {"gone"})
    assert slices.post_ids == ["a", "b", "c"]
    assert labels(slices, "caption_length") == ["short", "long", "none"]
    assert labels(slices, "image") == ["with", "without", "without"]
    assert labels(slices, "history") == ["3–9", "0", "0"]  # the earlier post of the very same instant does not count
    assert labels(slices, "user") == ["seen in train", "new", "unknown"]
    assert labels(slices, "true_hashtags") == ["2", "2", "11+"]
    assert labels(slices, "truth") == ["some seen", "all unseen", "all unseen"]
    assert labels(slices, "script") == ["Latin", "Cyrillic", "none"]
    assert slices.bands.true_count.tolist() == [[0, 1, 0, 0, 1], [2, 0, 0, 0, 0], [11, 0, 0, 0, 0]]
    assert slices.bands.found(2).tolist() == [[0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("count", "label"),
    [(0, "0"), (1, "1–2"), (2, "1–2"), (3, "3–9"), (9, "3–9"), (10, "10+"), (12, "10+")],
)
def test_bands_of_history(count, label):
    earlier = [Post(post_id=f"e{n}", user_id="u", timestamp=day(n + 1)) for n in range(count)]
    post = Post(post_id="p", user_id="u", timestamp=day(20), hashtags=("b",))
    assert labels(sliced([post], [["b"]], earlier)[0], "history") == [label]


def test_the_rarest_scripts_are_one_slice():
    letters = "aдαあ漢한אبक"
    posts = [
        Post(post_id=f"{letter}{number}", timestamp=day(1), caption=letter, hashtags=("b",))
        for place, letter in enumerate(letters)
        for number in range(len(letters) - place)
    ]
    scripts = labels(sliced(posts, [["b"]] * len(posts))[0], "script")
    assert scripts.count(OTHER_SCRIPTS) == 2 + 1
    assert len(set(scripts)) == 8


def test_the_vocabulary_is_cut_at_thirds_of_its_uses():
    bands = hashtag_bands(make_vocabulary(FREQUENCIES), {*FREQUENCIES, "gone"})
    assert (bands.frequent_from, bands.middle_from) == (60, 20)
    found = [BANDS[bands.band_of(tag)] for tag in ("often", "b", "c", "d", "gone", "never")]
    assert found == ["frequent", "middle", "middle", "rare", "outside the vocabulary", "unseen in train"]
    assert hashtag_bands(make_vocabulary({}), set()).band_of("x") == 0


def example(users=5):
    posts = make_posts(60, users)
    rankings = rank(posts, 0.4)
    evaluation = evaluate_rankings(rankings, [post.hashtags for post in posts], [1, 3, 5], VOCABULARY,
                                   train_hashtags=TAGS[:10], user_ids=[post.user_id for post in posts])  # fmt: skip
    memory = PostMemory(HashtagIdMap(TAGS[:8], [5] * 8))
    memory.append(posts)
    slices = slice_posts(posts, evaluation.outcomes, rankings, memory, VOCABULARY, TAGS[:10], {"user0"})
    at_k = evaluation.outcomes.at(np.array([3]))
    return posts, rankings, evaluation, slices, at_k


def test_metrics_of_slices_are_those_of_their_posts_alone():
    posts, rankings, evaluation, slices, at_k = example()
    table = slice_table(at_k, slices, resamples=50).set_index(["slicing", "slice"])
    np.testing.assert_allclose(table.loc[("all", "all"), "f1"], evaluation.at(3)["f1"])
    for name, slicing in slices.slicings.items():
        assert table.loc[name, "posts"].sum() == 60
        for code, label in enumerate(slicing.labels):
            rows = np.flatnonzero(slicing.codes == code)
            if not len(rows):
                assert np.isnan(table.loc[(name, label), "f1"])
                continue
            part = Rankings([rankings.post_ids[row] for row in rows], rankings.indices[rows], rankings.scores[rows],
                            rankings.names)  # fmt: skip
            alone = evaluate_rankings(part, [posts[row].hashtags for row in rows], [3], VOCABULARY).at(3)
            for column in ("hit_rate", "precision", "recall", "f1"):
                np.testing.assert_allclose(table.loc[(name, label), column], alone[column], atol=1e-9)
    lists = [set(row[:3]) for row in ([tag for tag, _ in one] for one in rankings)]
    unseen = [(post, tag) for post in range(60) for tag in posts[post].hashtags if tag in TAGS[10:]]
    found = sum(tag in lists[post] for post, tag in unseen)
    row = table.loc[(HASHTAG_FREQUENCY, "unseen in train")]
    assert (row["true_hashtags"], row["recall"]) == (len(unseen), pytest.approx(found / len(unseen)))


def test_small_slices_have_no_interval():
    _, _, _, slices, at_k = example(users=5)
    over_posts, over_users = (slice_table(at_k, slices, unit=unit, resamples=50) for unit in ("posts", "users"))
    for table in (over_posts, over_users):
        small = table["units"] < LEAST_UNITS
        assert table.loc[small, "recall_low"].isna().all()
        shown = table.loc[~small]
        assert (shown["recall_low"] <= shown["recall"]).all()
        assert (shown["recall"] <= shown["recall_high"]).all()
    assert (over_users["units"] <= 10).all()  # five users, and five posts of nobody


def test_slices_are_read_back(tmp_path):
    slices = example()[3]
    write_post_slices(tmp_path / "slices.parquet", slices)
    back = read_post_slices(tmp_path / "slices.parquet")
    assert back.post_ids == list(slices.post_ids)
    for name, slicing in slices.slicings.items():
        assert labels(back, name) == labels(slices, name)
        assert back.slicings[name].labels == slicing.labels
    np.testing.assert_array_equal(back.bands.true_count, slices.bands.true_count)
    for k in (1, 3, 5):
        np.testing.assert_array_equal(back.bands.found(k), slices.bands.found(k))
    rows = np.array([7, 3, 40])
    np.testing.assert_array_equal(back.take(rows).bands.found(5), slices.bands.found(5)[rows])
    with pytest.raises(
        DataError, match=r"\(which post is in which slice\) is missing; make it: multimodal-hashtags eval"
    ):
        read_post_slices(tmp_path / "no.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"bad")
    with pytest.raises(DataError, match="cannot be read as slices"):
        read_post_slices(tmp_path / "bad.parquet")
    pd.DataFrame({"post_id": ["a"]}).to_parquet(tmp_path / "short.parquet")
    with pytest.raises(DataError, match="lacks caption_length, image, history"):
        read_post_slices(tmp_path / "short.parquet")


def test_files_of_slices(tmp_path):
    _, _, _, slices, at_k = example()
    table = slice_table(at_k, slices, resamples=50)
    names = [path.name for path in write_files(tmp_path, slice_files(slices, table, "60 posts"))]
    assert names == ["slices.parquet", "slices.csv", "slices.md", "slices.png"]
    markdown = (tmp_path / "slices.md").read_text(encoding="utf-8")
    for title in TITLES.values():
        assert f"## {title}" in markdown
    assert "| unknown | 5 |" in markdown
    panels = [axes for axes in slice_figure(table).axes if axes.get_title(loc="left")]
    assert len(panels) == len(TITLES)
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["none  (15)", "short  (30)", "long  (15)"]
