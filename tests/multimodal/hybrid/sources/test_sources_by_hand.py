"""What every source says of hashtags, against loops over a small memory."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from scipy import sparse

from data_loaders.posts import Post
from multimodal.hybrid.linear_file import load_linear, save_linear
from multimodal.hybrid.sources import linear
from multimodal.hybrid.sources.base import Candidates
from multimodal.hybrid.sources.caption import CaptionWords
from multimodal.hybrid.sources.linear import Linear, LinearHead
from multimodal.hybrid.sources.neighbours import Neighbours
from multimodal.hybrid.sources.own import OwnHistory
from multimodal.hybrid.sources.post import Nearness, PostFeatures
from multimodal.hybrid.sources.together import UsedTogether
from multimodal.hybrid.sources.trends import HashtagAge, Trends
from multimodal.hybrid.sources.words import WordHashtags
from multimodal.hybrid.spaces import PostSpaces
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.ranking import score_blocks

START = datetime(2024, 5, 1, tzinfo=timezone.utc)


def post(number, hours, caption, *hashtags, user="ann"):
    time = START + timedelta(hours=hours)
    return Post(post_id=f"p{number}", user_id=user, timestamp=time, caption=caption, hashtags=hashtags)


REMEMBERED = [
    post(0, 0, "Sunset at the sea", "sea", "sunset"),
    post(1, 10, "Rain over the green hills", "rain", "greenhills"),
    post(2, 20, "The sea in winter", "sea", "winter", user="bob"),
    post(3, 30, "A long walk by the sea", "walk", "sea"),
    post(4, 99, "Much later the sea", "later", "zebra", user="bob"),
]
ASKED = [
    post(5, 50, "Green hills by the sea. A zebra in winter", user="ann"),
    post(6, 50, None, user="new"),
    post(7, 5, "Rain", user=None),
]


@pytest.fixture
def questions():
    captions = [one.caption for one in REMEMBERED]
    spaces = PostSpaces("plain", CaptionVectors.fit(captions, 0.5), None, None, None)
    memory = PostMemory(HashtagIdMap(["sea"], [3]), 0, SLOTS)
    memory.append(REMEMBERED, None, spaces.terms.of(captions))
    return spaces.questions(ASKED, memory)


def said(found, row, names):
    """Return what was found for a post, by hashtag."""
    chosen = found.rows == row
    numbers, values = found.hashtags[chosen].tolist(), found.values[chosen].tolist()
    return {
        names[number]: dict(zip(found.names, one, strict=True)) for number, one in zip(numbers, values, strict=True)
    }


def candidates_of(questions, *pairs):
    rows, texts = zip(*pairs, strict=True)
    numbers = np.array([questions.names.number_of(text) for text in texts])
    return Candidates(np.array(rows), numbers, np.ones((len(rows), 2), np.bool_))


def test_own_history(questions):
    source = OwnHistory(("words",))
    found = said(source.values(questions, {}), 0, questions.names)
    assert set(found) == {"sea", "sunset", "rain", "greenhills", "walk"}
    assert found["sea"]["recency"] == pytest.approx(1 / 21 + 1 / 51)
    assert found["sea"]["order"] == pytest.approx(1 + 1 / 3)
    assert found["sea"]["share"] == pytest.approx(2 / 3)
    assert (found["sea"]["last"], found["rain"]["last"]) == (1, 0.5)
    green = questions.terms[0].multiply(questions.memory.terms[1]).sum()
    assert found["greenhills"]["like_words"] == pytest.approx(green**2, abs=1e-4)
    assert source.missing(questions).tolist() == [False, True, True]


def test_neighbours(questions):
    source = Neighbours("similar", {"words": 1.0}, decay=0.3)
    values = source.values(questions, {})
    found = said(values, 0, questions.names)
    assert "later" not in found
    weights = {}
    for position, one in enumerate(REMEMBERED[:4]):
        similarity = round(float(questions.terms[0].multiply(questions.memory.terms[position]).sum()), 5)
        weights[one.post_id] = similarity**2 * (51 - (one.timestamp - START).total_seconds() / 3_600) ** -0.3
    sea = weights["p0"] + weights["p2"] + weights["p3"]
    assert found["sea"]["weight"] == pytest.approx(sea, rel=1e-4)
    assert found["sea"]["votes"] == pytest.approx(sea / sum(weights.values()), rel=1e-4)
    assert found["sea"]["count"] == 3
    assert found["winter"]["best"] == max(one["best"] for one in found.values())
    assert source.missing(questions).tolist() == [False, True, False]
    described = Nearness("similar").describe(
        questions, candidates_of(questions, (0, "sea"), (1, "sea")), {"similar": values}
    )
    assert described[0].tolist() == pytest.approx(
        [sum(one["weight"] for one in found.values()), found["winter"]["best"]]
    )
    assert described[1].tolist() == [0, 0]


def test_words(questions):
    found = said(WordHashtags().values(questions, {}), 0, questions.names)
    # The word winter stood once with winter among four earlier posts.
    assert found["winter"]["max"] == pytest.approx((1 + 2 / 4) / (1 + 2))
    assert "zebra" not in found


def test_words_of_the_caption(questions):
    source = CaptionWords()
    found = said(source.values(questions, {}), 0, questions.names)
    assert found["greenhills"]["chance"] == pytest.approx((1 + 2 / 4) / (1 + 2))
    assert (found["greenhills"]["new"], found["greenhills"]["words"], found["greenhills"]["title"]) == (0, 2, 1)
    assert (found["winter"]["new"], found["winter"]["title"]) == (0, 0)
    # It becomes a hashtag later, which nobody can know yet; green was written, but is not a hashtag either.
    assert (found["zebra"]["new"], found["zebra"]["chance"], found["zebra"]["share"]) == (1, 0, 0)
    assert found["hillsby"]["new"] == 1
    assert "the" not in found
    assert said(source.values(questions, {}), 1, questions.names) == {}


def test_trends(questions):
    found = said(Trends().values(questions, {}), 0, questions.names)
    assert found["sea"]["leads"] == 3
    assert "later" not in found
    described = HashtagAge().describe(questions, candidates_of(questions, (0, "sea"), (0, "zebra"), (2, "sea")), {})
    named = [dict(zip(HashtagAge().columns, row, strict=True)) for row in described.tolist()]
    assert named[0]["uses_1d"] == pytest.approx(sum(2 ** (-age / 24) for age in (50, 30, 20)))
    assert (named[0]["uses"], named[0]["share"], named[0]["since_last"]) == (3, 0.75, 20)
    assert (named[1]["uses"], math.isnan(named[1]["since_last"])) == (0, True)
    assert (named[2]["uses"], named[2]["since_last"]) == (1, 5)
    of_late = [[one[name] for name in ("users", "own", "listed", "since_first")] for one in named]
    assert of_late[0] == pytest.approx([2, 2 / 3, 2, 50])
    assert of_late[1] == pytest.approx([0, math.nan, math.nan, math.nan], nan_ok=True)
    assert of_late[2] == pytest.approx([1, 0, 2, 5])


def test_of_the_last_posts_with_a_hashtag(questions):
    described = HashtagAge(1).describe(questions, candidates_of(questions, (0, "sea")), {})
    (named,) = [dict(zip(HashtagAge(1).columns, row, strict=True)) for row in described.tolist()]
    assert [named[name] for name in ("users", "own", "listed", "since_first")] == [1, 1, 2, 20]
    assert HashtagAge(0).columns == HashtagAge(1).columns[:-4]


def test_used_together(questions):
    similar = Neighbours("similar", {"words": 1.0}).values(questions, {})
    found = said(UsedTogether(("similar",), strongest=1).values(questions, {"similar": similar}), 0, questions.names)
    strongest = said(similar, 0, questions.names)
    assert max(strongest, key=lambda name: strongest[name]["votes"]) == "sea"
    assert {name: one["chances"] for name, one in found.items()} == pytest.approx(
        {"sunset": 1 / 3, "winter": 1 / 3, "walk": 1 / 3}
    )


def test_what_a_post_has(questions):
    candidates = candidates_of(questions, (0, "sea"), (0, "rain"), (1, "sea"))
    described = PostFeatures(()).describe(questions, candidates, {})
    first, second = (dict(zip(PostFeatures(()).columns, described[place].tolist(), strict=True)) for place in (0, 2))
    assert (first["words"], first["history"], first["account_hours"], first["since_own_hours"]) == (9, 3, 50, 20)
    assert (first["own_hashtags"], first["candidates"]) == (2, 2)
    assert (second["words"], second["history"], math.isnan(second["account_hours"])) == (0, 0, True)


class TestLinearHead:
    @pytest.fixture
    def head(self, questions):
        hashtags = [questions.memory.hashtags_of(position).tolist() for position in range(4)]
        return LinearHead.fit(questions.memory.terms[:4], {}, hashtags, 3)

    def test_it_solves_the_ridge_regression(self, head, questions):
        terms = questions.memory.terms[:4].toarray().astype(np.float64)
        targets = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]])
        weights = np.linalg.solve(terms @ terms.T + np.eye(4), targets)
        expected = questions.terms.toarray() @ terms.T @ weights
        np.testing.assert_allclose(head.scores(questions.terms, {}), expected, atol=2e-5)

    def test_words_are_multiplied_as_matrices_are(self, head, questions):
        known = questions.memory.terms[:4]
        np.testing.assert_array_equal(head._shared_words(known), (known @ head.words).toarray())

    def test_many_long_captions_take_little_more_memory_than_what_is_returned(self):
        captions = sparse.csr_matrix(np.full((400, 40), 0.5, np.float32))
        head = LinearHead(captions.T.tocsr(), {}, np.zeros((400, 1), np.float32))
        tracemalloc.start()
        shared = head._shared_words(captions)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (shared == 10).all()
        # All products together are 40 times as large.
        assert peak < 4 * shared.nbytes

    def test_a_post_alone_has_the_same_bits(self, head, questions):
        together = head.scores(questions.terms, {})
        for row in range(len(questions)):
            assert (head.scores(questions.terms[row], {})[0] == together[row]).all()

    def test_squares_of_cosines_count_beside_words(self):
        vectors = np.array([[2.0, 0], [0, 3]], np.float32)
        head = LinearHead.fit(sparse.csr_matrix((2, SLOTS), dtype=np.float32), {"image": vectors}, [[0], [1]], 2)
        scores = head.scores(sparse.csr_matrix((1, SLOTS), dtype=np.float32), {"image": np.ones((1, 2), np.float32)})
        np.testing.assert_allclose(scores, [[0.25, 0.25]], atol=1e-5)

    @pytest.mark.parametrize("posts", [1, 2, 100])
    def test_a_large_vocabulary_is_solved_without_an_array_of_posts_and_hashtags(
        self, head, questions, monkeypatch, tmp_path, posts
    ):
        monkeypatch.setattr(linear, "LARGE_VOCABULARY", 3)
        hashtags = [questions.memory.hashtags_of(position).tolist() for position in range(4)]
        large = LinearHead.fit(questions.memory.terms[:4], {}, hashtags, 3)
        assert (large.weights.shape, large.carried.nnz, large.size) == ((4, 4), 5, head.size)
        np.testing.assert_allclose(large.scores(questions.terms, {}), head.scores(questions.terms, {}), atol=2e-5)
        save_linear(tmp_path, large)
        again = load_linear(tmp_path, 3, {})
        whole = Linear(large, best=2).values(questions, {})
        monkeypatch.setattr(score_blocks, "MOST_SCORES", 3 * posts)
        found = Linear(again, best=2).values(questions, {})
        for one, other in ((found.rows, whole.rows), (found.hashtags, whole.hashtags), (found.values, whole.values)):
            np.testing.assert_array_equal(one, other)
        assert len(whole.rows)

    def test_the_largest_scores_are_said(self, head, questions):
        found = said(Linear(head, best=1).values(questions, {}), 0, questions.names)
        assert list(found) == ["sea"]
        assert Linear(None).missing(questions).all()
        assert len(Linear(None).values(questions, {}).rows) == 0


def test_a_history_is_asked_once_for_all_lengths(questions, monkeypatch):
    fresh = replace(questions, histories={})
    expected = {
        limit: fresh.memory.history([post.user_id for post in fresh.posts], fresh.instants_us, limit)
        for limit in (1, 3)
    }
    assert fresh.history(3).tolist() == expected[3].tolist()
    monkeypatch.setattr(fresh.memory, "history", None)
    assert fresh.history(1).tolist() == expected[1].tolist()
    assert fresh.history(3).tolist() == expected[3].tolist()
