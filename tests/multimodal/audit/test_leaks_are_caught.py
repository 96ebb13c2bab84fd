"""A System planted with each leak is caught by the check for it; honest ones pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.audit import run as audit
from multimodal.audit.captions import own_hashtags_as_words, own_hashtags_cut_out
from multimodal.audit.chance import constant_scores_fall_to_chance, shuffled_truth_falls_to_chance
from multimodal.audit.context import AuditContext, choose_posts, same_list
from multimodal.audit.duplicates import no_near_duplicates_across_split
from multimodal.audit.invariance import order_and_batches_change_nothing, own_hashtags_unread, post_ids_unread
from multimodal.audit.lists import list_length_independent_of_truth, ties_settled_without_truth
from multimodal.audit.time import time_respected
from multimodal.audit.vocabulary import only_known_hashtags_named, vocabulary_free_of_test
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import order_candidates
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import System
from multimodal.systems.config_loading import validate_config
from multimodal.systems.registry import get_system


class Fake(System):
    """Ranks by train frequency, and besides whatever `prefer` puts in front."""

    def __init__(self, data):
        super().__init__(RunConfig.model_construct(system="fake", seed=0))
        self.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)

    def fit(self, data, run):
        return

    def save(self, folder):
        return

    @classmethod
    def load(cls, folder, config, id_map):
        raise NotADirectoryError(folder)

    def prefer(self, post, memory, posts):
        return ()

    def rank(self, posts, memory, k, excluded=None):
        lists = []
        for row, post in enumerate(posts):
            preferred = memory.id_map.add(self.prefer(post, memory, posts))
            indices = np.arange(len(memory.id_map))
            scores = memory.id_map.frequency_of(indices) / 1000
            scores[preferred] += 1
            if excluded is not None:
                scores[[memory.id_map.add([tag])[0] for tag in excluded[row] if tag in memory.id_map]] = -np.inf
            lists.append(order_candidates(indices, scores, memory.id_map, k))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)


class ReadsItsOwnHashtags(Fake):
    def prefer(self, post, memory, posts):
        return post.hashtags


class LooksItselfUp(Fake):
    def prefer(self, post, memory, posts):
        position = memory.position_of(post.post_id)
        return () if position is None else [memory.id_map[index] for index in memory.hashtags_of(position)]


class LooksAhead(Fake):
    """What the user posts next, whenever that is."""

    def prefer(self, post, memory, posts):
        codes = np.array(memory.user_ids)[memory.users] == (post.user_id or "")
        later = np.flatnonzero(codes & (memory.instants_us > post.instant_us))
        if not len(later):
            return ()
        return [memory.id_map[index] for index in memory.hashtags_of(later[np.argmin(memory.instants_us[later])])]


class TakesEqualForEarlier(Fake):
    """`<=` where it should be `<`."""

    def prefer(self, post, memory, posts):
        position = memory.history([post.user_id], np.array([post.instant_us + 1]), 1)[0, 0]
        return () if position < 0 else [memory.id_map[index] for index in memory.hashtags_of(position)]


class SeesBatchMates(Fake):
    def prefer(self, post, memory, posts):
        return [self.id_map[len(post.caption or "") % 7]] if post is posts[0] else ()


class KnowsTestHashtags(Fake):
    def __init__(self, data):
        super().__init__(data)
        self.future = sorted({tag for post in data.split("test") for tag in post.hashtags} - set(self.id_map.names))

    def prefer(self, post, memory, posts):
        return self.future


class CountedTestToo(Fake):
    def __init__(self, data):
        super().__init__(data)
        counts = Vocabulary.from_posts([post.hashtags for split in SPLITS for post in data.split(split)], 2)
        self.id_map = HashtagIdMap(counts.hashtags, counts.frequencies)


class OracleLength(Fake):
    def rank(self, posts, memory, k, excluded=None):
        ranked = super().rank(posts, memory, k, excluded)
        for row, post in enumerate(posts):
            ranked.indices[row, max(len(post.hashtags), 1) :] = -1
            ranked.scores[row, max(len(post.hashtags), 1) :] = np.nan
        return ranked


class SettlesTiesByTruth(Fake):
    def rank(self, posts, memory, k, excluded=None):
        lists = []
        for post in posts:
            order = sorted(range(self.id_map.vocabulary_size), key=lambda i: self.id_map[i] not in post.hashtags)
            lists.append((np.array(order[:k]), np.full(len(order[:k]), 0.5)))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)


def case_of(system, data, posts=40):
    memory = system.new_memory()
    for split in SPLITS:
        add_in_batches(system, memory, data.split(split))
    return AuditContext(system, memory, data, "test", choose_posts(data, "test", posts, 0), 5, 0)


def fitted(name, data, tmp_path):
    system = get_system(name)(validate_config({"system": name}))
    system.fit(data, RunFolder(tmp_path))
    return system


def statuses(findings):
    return {finding.name: finding.status for finding in findings}


@pytest.mark.parametrize("name", ["fake", "popularity", "user_habit"])
def test_honest_systems_pass(name, tiny_data, tmp_path):
    system = Fake(tiny_data) if name == "fake" else fitted(name, tiny_data, tmp_path)
    found = statuses(audit.audit_context(case_of(system, tiny_data)))
    # Every other caption of the tiny data says its first hashtag, as a word.
    assert found.pop("own_hashtags_as_words") == "warning"
    assert len(found) == 13
    assert set(found.values()) == {"passed"}, found


@pytest.mark.parametrize(
    ("system", "check", "name", "text"),
    [
        (ReadsItsOwnHashtags, own_hashtags_unread, "own_hashtags_unread", "must not read Post.hashtags"),
        (ReadsItsOwnHashtags, shuffled_truth_falls_to_chance, None, "follow whatever truth a post is given"),
        (LooksItselfUp, post_ids_unread, "post_ids_unread", "knows these posts by their id"),
        (LooksItselfUp, shuffled_truth_falls_to_chance, None, "the post's own entry in the memory"),
        (LooksItselfUp, time_respected, "later_posts_unused", "strictly earlier"),
        (LooksAhead, time_respected, "later_posts_unused", "strictly earlier"),
        (TakesEqualForEarlier, time_respected, "equal_instant_unused", "compare instants with <, not <="),
        (SeesBatchMates, order_and_batches_change_nothing, None, "must not see each other"),
        (KnowsTestHashtags, only_known_hashtags_named, None, "fit it on train alone"),
        (CountedTestToo, vocabulary_free_of_test, None, "from the train split alone"),
        (OracleLength, list_length_independent_of_truth, None, "must not decide the length of a list"),
        (SettlesTiesByTruth, ties_settled_without_truth, None, "order_candidates, which does not see the truth"),
    ],
)
def test_planted_leaks_are_caught(system, check, name, text, tiny_data):
    found = check(case_of(system(tiny_data), tiny_data))
    found = found if isinstance(found, list) else [found]
    failed = [finding for finding in found if finding.status == "failed"]
    assert failed, [finding.measured for finding in found]
    assert name is None or name in {finding.name for finding in failed}
    assert any(text in finding.remedy for finding in failed)


def test_posts_become_queries_once(tiny_data, monkeypatch):
    from multimodal.audit import context

    real, calls = context.to_queries, []
    monkeypatch.setattr(context, "to_queries", lambda *args, **kwargs: calls.append(1) or real(*args, **kwargs))
    case = case_of(Fake(tiny_data), tiny_data, posts=5)
    assert [query.hashtags for query in case.queries] == [()] * 5
    assert len(case.excluded) == len(case.rankings.post_ids) == 5
    assert len(calls) == 1


def test_looking_ahead_is_no_equal_instant(tiny_data):
    found = statuses(time_respected(case_of(LooksAhead(tiny_data), tiny_data)))
    assert found == {"later_posts_unused": "failed", "equal_instant_unused": "passed"}


def test_user_habit_notices_an_earlier_twin(tiny_data, tmp_path):
    later, _ = time_respected(case_of(fitted("user_habit", tiny_data, tmp_path), tiny_data))
    assert later.numbers["changed_by_an_earlier_post"] > 0
    assert "For comparison, an earlier twin changes" in later.measured


class Table(list):
    """Posts with the caption column that a prepared folder keeps."""

    def __init__(self, posts, originals):
        super().__init__(posts)
        self.originals = originals

    def column(self, name):
        assert name == "caption_original"
        return self

    def to_pylist(self):
        return self.originals


class Captions:
    """A prepared folder of a few captions."""

    def __init__(self, *rows):
        posts = [Post(post_id=f"p{n}", caption=row[0], hashtags=row[1], sequence=n) for n, row in enumerate(rows)]
        self.test = Table(posts, [row[2] for row in rows])
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in posts], 1)

    def split(self, name):
        return self.test if name == "test" else [replace(post, post_id=f"t{post.post_id}") for post in self.test]


def caption_case(*rows):
    data = Captions(*rows)
    system = Fake(data)
    return AuditContext(system, system.new_memory(), data, "test", data.test, 3, 0)


def test_a_marked_hashtag_in_a_caption_fails():
    context = caption_case(("at the #Beach again", ("beach",), "at the #Beach again"), ("fine", ("sun",), "fine #sun"))
    finding = own_hashtags_cut_out(context)
    assert (finding.status, finding.numbers["in_the_folder"], finding.numbers["as_encoders_see_it"]) == ("failed", 1, 0)
    assert "1 of 2 captions of the prepared folder hold #hashtags of their own post ('p0')" in finding.measured


def test_the_sign_taken_off_and_the_word_left_fails():
    context = caption_case(("love beach today", ("beach",), "love #beach today"), ("fine", ("sun",), "fine #sun"))
    finding = own_hashtags_as_words(context)
    assert finding.status == "failed"
    assert "1 captions have words in the place of a #hashtag ('p0')" in finding.measured


def test_words_the_author_wrote_are_a_remark_with_their_share():
    context = caption_case(
        ("a day at the beach", ("beach", "sun"), "a day at the beach #beach #sun"),
        ("what a throwback thursday", ("throwbackthursday",), "what a throwback thursday #ThrowbackThursday"),
        ("my cover photo", ("coverphoto",), "my cover photo #coverphoto"),
    )
    finding = own_hashtags_as_words(context)
    assert finding.status == "warning"
    assert (finding.numbers["as_a_word"], finding.numbers["as_split_words"]) == (1, 2)
    assert finding.numbers["share"] == pytest.approx(3 / 4)
    assert "75.0 % of 4 true hashtags" in finding.measured


@pytest.mark.parametrize(
    "left",
    [
        "vibes#sunset and more",
        "行った＃sunset",
        "@bob#SUNSET",
        "look #\u200bsunset",
        "vibes#sun❤️set",
        "a&#35;sunset",
        "a&amp;#x23;sunset",
        "https://x.example/#sunset",
        "2024﹟sunset",
        "# sunset",
        "(#\u00a0\t sunset)",
        "#\nsunset",
        "vibes %23sunset",
        "%2523sun%73et",
        "#<span>sunset</span>",
        "#&lt;b&gt;sunset",
        "**#**sunset",
        '# "sunset"',
        "♯sunset",
    ],
)
def test_signs_that_are_no_hashtags_to_the_pattern_are_caught_by_the_truth(left):
    finding = own_hashtags_cut_out(caption_case((left, ("sunset",), left), ("fine", ("sea",), "fine #sea")))
    assert (finding.status, finding.numbers["in_the_folder"]) == ("failed", 1)
    assert "1 of 2 captions of the prepared folder hold #hashtags of their own post ('p0')" in finding.measured


@pytest.mark.parametrize(
    "left",
    [
        "a sunset",
        "# sunsets",
        "%23sunsets",
        "vibes#sunsets",
        "it&#x27;s sunset",
        "#other sunset",
        "C# sunset",
        "C♯ (sunset)",
        "#- sunset",
        "#) sunset",
    ],
)
def test_words_and_other_signs_are_no_hashtags_of_the_post(left):
    finding = own_hashtags_cut_out(caption_case((left, ("sunset", "x27"), left), ("fine", ("sea",), "fine #sea")))
    assert finding.status == "passed"


def test_a_word_in_the_place_of_a_glued_hashtag_is_caught():
    finding = own_hashtags_as_words(caption_case(("vibes sunset", ("sunset",), "vibes#sunset")))
    assert (finding.status, finding.numbers["posts_with_words_left_behind"]) == ("failed", 1)


def test_captions_that_say_nothing_of_it_pass():
    finding = own_hashtags_as_words(caption_case(("hello", ("beach",), "hello #beach"), (None, ("sun",), None)))
    assert (finding.status, finding.numbers["share"]) == ("passed", 0)


def test_near_duplicates_on_both_sides_fail():
    said = "the very same long sentence, said twice"
    finding = no_near_duplicates_across_split(caption_case((said, ("a",), said), ("short", ("b",), "short")))
    assert (finding.status, finding.numbers["near_duplicates_by_caption"]) == ("failed", 1)
    assert "1 of 2 posts (50.0 %) have a near-duplicate in train ('p0')" in finding.measured


def test_an_evaluation_that_settles_ties_by_truth_is_caught(tiny_data, monkeypatch):
    from multimodal.audit import chance

    real = chance.evaluate_rankings

    def kind(rankings, truth, ks, vocabulary):
        index = {name: number for number, name in enumerate(rankings.names)}
        best = [[index[tag] for tag in tags if tag in index][: rankings.k] for tags in truth]
        indices = np.array([(row + [i for i in order if i not in row])[: rankings.k] for row, order in zip(
            best, rankings.indices.tolist(), strict=True)])  # fmt: skip
        return real(replace(rankings, indices=indices), truth, ks, vocabulary)

    assert constant_scores_fall_to_chance(case_of(Fake(tiny_data), tiny_data)).status == "passed"
    monkeypatch.setattr(chance, "evaluate_rankings", kind)
    assert constant_scores_fall_to_chance(case_of(Fake(tiny_data), tiny_data)).status == "failed"


def test_lists_are_the_same_but_for_rounding():
    one = [("a", 1.0), ("b", 0.5), ("c", 0.5)]
    assert same_list(one, [("a", 1.000001), ("c", 0.5), ("b", 0.5)])
    assert same_list(one, [("a", 1.0), ("b", 0.5), ("d", 0.500001)])
    assert not same_list(one, [("a", 1.0), ("b", 0.6), ("c", 0.5)])
    assert not same_list(one, [("a", 1.0), ("d", 0.6), ("b", 0.5)])
    assert not same_list(one, one[:2])
    assert same_list([], [])
