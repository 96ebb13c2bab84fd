"""The questions of a PostMemory: what dies leaves no trace, forks and copies ask for themselves."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from scipy import sparse

from data_loaders.posts import NOW_US, Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.growing_timelines import GrowingTimelines
from multimodal.memory.posts.mentions import mention_slots
from multimodal.memory.questions.shelf import Shelf
from multimodal.memory.search.likeness import Likeness

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOW = np.array([NOW_US])
LATER = np.array([int((START + 99 * DAY).timestamp()) * 10**6])
WORDS = sparse.csr_matrix(np.eye(3, dtype=np.float32))


def post(number, *hashtags, user="u"):
    when = START + number * DAY
    return Post(post_id=str(number), user_id=user, hashtags=hashtags, timestamp=when, caption=f"@ann @{user}")


@pytest.fixture
def memory():
    memory = PostMemory(HashtagIdMap(["a", "b", "c"]), slots=3, keep_mentions=True)
    posts = [post(0, "a", "b"), post(1, "a", "c", user="v"), post(2, "c")]
    memory.append(posts, terms=WORDS, languages=["en", "de", None])
    return memory


def answers(memory):
    """Every answer about now, by the text of the hashtags."""
    questions, name = memory.questions, memory.id_map.__getitem__
    top = questions.trends(NOW, 2 * DAY, count=3)
    english = questions.trends(NOW, 2 * DAY, language="en", count=3)
    everything = [[(name(index), *top.values[0]) for index in row.tolist() if index >= 0] for row in top.hashtags]
    found = [
        questions.cooccurrence(np.array([[0]]), NOW),
        questions.own_hashtags(["u"], NOW),
        questions.word_hashtags(sparse.csr_matrix(np.ones((1, 3), np.float32)), NOW, rules=("max", "lift")),
        questions.mention_hashtags(mention_slots(["@ann @v"]), NOW, rules=("max", "lift")),
        questions.mention_hashtags(mention_slots(["@ann"]), NOW, user_ids=["u"], rules=("max", "lift")),
    ]
    for one in found:
        pairs = zip(one.hashtags.tolist(), one.values.tolist(), strict=True)
        everything.append(sorted((name(index), *values) for index, values in pairs))
    everything.append([name(index) for index in english.hashtags[0].tolist() if index >= 0])
    return everything


def rebuilt(memory):
    """A memory that never had the dead posts, asked for the first time."""
    return answers(memory.living())


def test_every_question_finds_what_was_used(memory):
    trends, together, own, words, names, own_names, english = answers(memory)
    assert [name for name, *_ in trends] == ["c", "a", "b"]
    assert [(name, count) for name, _, count, _ in together] == [("b", 1.0), ("c", 1.0)]
    assert [(name, rank) for name, _, _, rank in own] == [("a", 1.0), ("b", 1.0), ("c", 0.0)]
    assert [name for name, *_ in words] == ["a", "b", "c"]
    assert [name for name, *_ in names] == ["a", "b", "c"]
    assert [(name, chance) for name, chance, _ in own_names] == [
        ("a", (1 + 2 * 2 / 3) / 4),
        ("b", (1 + 2 * 1 / 3) / 4),
        ("c", (1 + 2 * 2 / 3) / 4),
    ]
    assert english == ["a", "b"]


@pytest.mark.parametrize("asked_before", [False, True])
def test_withdrawn_corrected_and_forgotten_posts_leave_no_trace(memory, asked_before):
    for change in (
        lambda: memory.withdraw(["2"]),
        lambda: memory.correct(post(0, "b", "c")),
        lambda: memory.forget("v"),
        lambda: memory.append([post(2, "a")], terms=WORDS[:1], languages=["en"]),
    ):
        if asked_before:
            answers(memory)
        change()
        assert answers(memory) == rebuilt(memory)


def test_a_correction_keeps_the_language(memory):
    memory.correct(post(1, "b"))
    position = memory.position_of("1")
    assert memory.languages[memory.language_numbers(np.array([position]))[0]] == "de"


def test_a_fork_asks_for_itself(memory):
    before = answers(memory)
    with memory.fork() as fork:
        assert answers(fork) == before
        fork.append([post(3, "d")], terms=WORDS[:1], languages=["en"])
        fork.withdraw(["0"])
        changed = answers(fork)
        assert changed == rebuilt(fork) != before
        memory.append([post(4, "e")], terms=WORDS[:1])
        assert answers(fork) == changed
    assert answers(memory) == rebuilt(memory)


def test_what_the_first_fork_derives_serves_the_memory_and_all_forks(memory):
    with memory.fork() as fork:
        assert fork.questions._postings["hashtags"] is memory.questions._postings["hashtags"]


def test_a_fork_made_before_the_memory_grew_does_not_see_it(memory):
    with memory.fork() as fork:
        memory.append([post(3, "d")], terms=WORDS[:1])
        answers(memory)
        assert answers(fork) == rebuilt(fork)


def test_a_copy_for_another_process_asks_for_itself(memory):
    memory.withdraw(["2"])
    before = answers(memory)
    copy = pickle.loads(pickle.dumps(memory))
    assert answers(copy) == before
    copy.append([post(3, "d")], terms=WORDS[:1])
    assert answers(memory) == before != answers(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda memory: memory.append([post(3, "d")], terms=WORDS[:1]),
        lambda memory: memory.correct(post(0, "b", "c")),
        lambda memory: memory.withdraw(["2"]),
        lambda memory: memory.forget("u"),
    ],
    ids=["append", "correct", "withdraw", "forget"],
)
def test_a_thread_beside_sees_a_change_whole_or_not_at_all(memory, change, monkeypatch):
    before, seen, sort = answers(memory), [], GrowingTimelines.grown

    def asked_meanwhile(timelines, *columns):
        seen.append(answers(memory))
        return sort(timelines, *columns)

    monkeypatch.setattr(GrowingTimelines, "grown", asked_meanwhile)
    change(memory)
    monkeypatch.undo()
    assert seen
    assert all(one == before != answers(memory) for one in seen)
    assert answers(memory) == rebuilt(memory)


def lifts(memory):
    words = sparse.csr_matrix(np.ones((1, 3), np.float32))
    found = memory.questions.word_hashtags(words, LATER, rules=("lift",))
    return sorted(zip(map(memory.id_map.__getitem__, found.hashtags.tolist()), found.values.tolist(), strict=True))


def trends(memory):
    top = memory.questions.trends(LATER, 99_999 * DAY, count=4)
    return [memory.id_map[index] for index in top.hashtags[0].tolist() if index >= 0], top.values.tolist()


@pytest.mark.parametrize(
    ("ask", "step"), [(lifts, 1), (lifts, 2), (lifts, 3), (trends, 1), (trends, 2)], ids=lambda value: str(value)[:16]
)
def test_what_happens_during_a_question_is_in_all_of_the_answer_or_in_none(memory, ask, step, monkeypatch):
    before, look_up, steps = ask(memory.living()), Shelf.__getitem__, []

    def something_happens(shelf, key):
        steps.append(key)
        if len(steps) == step:
            memory.append([replace(post(3, "b", "d"), timestamp=START)], terms=WORDS[:1], languages=["en"])
            memory.withdraw(["2"])
        return look_up(shelf, key)

    monkeypatch.setattr(Shelf, "__getitem__", something_happens)
    answer = ask(memory)
    monkeypatch.undo()
    assert len(steps) >= step
    assert answer == ask(memory.living()) != before


def test_many_half_lives_and_languages_are_derived_once(memory):
    tables, names = memory.questions._tables, [(10**6 * days, code) for days in range(1, 20) for code in ("en", "de")]
    first = [tables[name] for name in names]
    assert all(tables[name] is one for name, one in zip(names, first, strict=True))


def test_own_neighbours_of_many_questions_are_found_block_by_block(memory, monkeypatch):
    asked = ["u", "v", None, "u", "u"], sparse.csr_matrix(np.ones((5, 3), np.float32)), {}, np.repeat(LATER, 5)
    whole = memory.own_neighbours(*asked, 2, Likeness())
    monkeypatch.setattr("multimodal.memory.search.own_neighbours._QUERIES_AT_ONCE", 2)
    blocks = memory.own_neighbours(*asked, 2, Likeness())
    assert blocks.positions.tolist() == whole.positions.tolist() == [[2, 0], [1, -1], [-1, -1], [2, 0], [2, 0]]
    assert blocks.similarity.tolist() == whole.similarity.tolist()


class TestDetectedLanguages:
    CAPTIONS = ("Sending a hug to whoever needs it", None, "Ein ganz normaler Tag am Meer mit Freunden", "ok")

    def posts(self, first=0):
        return [replace(post(first + index, "a"), caption=text) for index, text in enumerate(self.CAPTIONS)]

    def test_they_are_found_out_if_asked_for(self):
        memory = PostMemory(HashtagIdMap(), detect_languages=True)
        memory.append(self.posts())
        assert memory.languages_at(np.arange(4)) == ["en", None, "de", None]
        with memory.fork() as fork:
            fork.append(self.posts(10))
            assert fork.languages_at(np.arange(4, 8)) == ["en", None, "de", None]
        memory.withdraw(["0"])
        again = memory.living()
        again.append(self.posts(20)[:1])
        assert again.languages_at(np.arange(4)) == [None, "de", None, "en"]

    def test_those_that_are_given_count(self):
        memory = PostMemory(HashtagIdMap(), detect_languages=True)
        memory.append(self.posts(), languages=["fr", "fr", None, None])
        assert memory.languages_at(np.arange(4)) == ["fr", "fr", None, None]
        with pytest.raises(ValueError, match="1 languages for 4 posts; give one for each, None where it is not known"):
            memory.append(self.posts(10), languages=["fr"])
        assert len(memory) == 4

    def test_without_it_nothing_is_read(self, monkeypatch):
        monkeypatch.setattr("multimodal.memory.posts.languages.language_of", lambda caption: 1 / 0)
        memory = PostMemory(HashtagIdMap())
        memory.append(self.posts())
        assert memory.languages_at(np.arange(4)) == [None] * 4

    def test_without_them_no_question_is_asked_about_one(self):
        memory = PostMemory(HashtagIdMap(), slots=3)
        memory.append([post(0, "a"), post(1, "b")], terms=WORDS[:2])
        message = r"language is 'de', but this memory does not know the languages .* detect_languages=True before posts"
        asks = (
            lambda: memory.questions.trends(NOW, DAY, language="de"),
            lambda: memory.questions.trend_values(np.zeros((1, 1), np.int64), NOW, DAY, language="de"),
            lambda: memory.neighbours(WORDS[:1], {}, NOW, 1, Likeness(), language="de"),
        )
        for ask in asks:
            with pytest.raises(ValueError, match=message):
                ask()
        memory.append([post(2, "a")], terms=WORDS[2:], languages=["en"])
        assert [len(np.ravel(ask()[0])) for ask in asks[:2]] == [10, 1]
        assert asks[2]().positions.tolist() == [[-1]]

    def test_a_kept_memory_writes_them_to_its_log(self):
        live = LiveMemory(PostMemory(HashtagIdMap(), detect_languages=True), InProcessStore("model"))
        live.observe(self.posts(), PostMemory.append)
        events = [event for _, event in live.store.read()]
        assert [event.language for event in events] == ["en", None, "de", None]
        live.correct(replace(post(0, "b"), caption=self.CAPTIONS[2]), PostMemory.append)
        live.correct(replace(post(2, "b"), caption="ok"), PostMemory.append)
        live.correct(post(3, "c"), None)
        ids = ("0", "1", "2", "3")
        codes = [live.memory.languages_at(np.array([live.memory.position_of(one)]))[0] for one in ids]
        assert codes == ["de", None, None, None]
        again = LiveMemory(PostMemory(HashtagIdMap()), live.store)
        again.refresh()
        assert [again.memory.languages_at(np.array([again.memory.position_of(one)]))[0] for one in ids] == codes
        live.forget("u")
        assert not live.memory.living().languages


class TestMentions:
    CAPTIONS = ("with @ann and @bob", None, "ann@example.com @Ann")
    ANN, BOB = (slots[0] for slots in mention_slots(["@ann", "@bob"]))

    def posts(self, first=0):
        return [replace(post(first + index, "a"), caption=text) for index, text in enumerate(self.CAPTIONS)]

    def test_they_are_found_if_they_are_kept(self):
        memory = PostMemory(HashtagIdMap(), keep_mentions=True)
        memory.append(self.posts())
        found = [[self.ANN, self.BOB], [], [self.ANN]]
        assert memory.mentions_at(np.arange(3)) == found
        with memory.fork() as fork:
            fork.append(self.posts(10))
            assert fork.mentions_at(np.arange(3, 6)) == found
        memory.withdraw(["0"])
        again = memory.living()
        again.append(self.posts(20)[:1])
        assert again.mentions_at(np.arange(3)) == [[], [self.ANN], [self.ANN, self.BOB]]

    def test_those_that_are_given_count(self):
        memory = PostMemory(HashtagIdMap(), keep_mentions=True)
        memory.append(self.posts(), mentions=[[7], [], [8, 9]])
        assert memory.mentions_at(np.arange(3)) == [[7], [], [8, 9]]
        with pytest.raises(ValueError, match="1 lists of mentions for 3 posts; give one for each, empty for none"):
            memory.append(self.posts(10), mentions=[[7]])
        assert len(memory) == 3

    def test_without_it_nothing_is_read_or_kept(self, monkeypatch):
        monkeypatch.setattr("multimodal.memory.posts.mentions.find_mentions", lambda caption: 1 / 0)
        memory = PostMemory(HashtagIdMap())
        memory.append(self.posts())
        memory.append(self.posts(10), mentions=[[7], [], [8, 9]])
        assert memory.mentions_at(np.arange(6)) == [[]] * 6
        assert not any("mention" in name for part in memory.state() for name in part)

    def test_users_have_their_own_hashtags_with_a_name(self):
        memory = PostMemory(HashtagIdMap(), keep_mentions=True)
        memory.append([post(0, "a"), post(1, "b", user="v"), replace(post(2, "c"), user_id=None)])
        ask, name = memory.questions.mention_hashtags, memory.id_map.__getitem__
        users = ["u", "v", None, "nobody"]
        own = ask([[self.ANN]] * 4, np.repeat(NOW, 4), user_ids=users)
        assert [*zip(own.rows.tolist(), map(name, own.hashtags), strict=True)] == [(0, "a"), (1, "b")]
        everybody = ask([[self.ANN], [], [self.BOB]], np.repeat(NOW, 3))
        assert [*zip(everybody.rows.tolist(), map(name, everybody.hashtags), strict=True)] == [
            (0, "a"),
            (0, "b"),
            (0, "c"),
        ]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"rules": ()}, r"rules are \[\]; expected some of max, mean, noisy_or, lift"),
            ({"last": -1}, "last is -1; expected at least 0"),
            ({"mentions": []}, "mentions has 0 rows for 1 instants; give one for each"),
        ],
    )
    def test_what_cannot_be_asked(self, memory, values, message):
        with pytest.raises(ValueError, match=message):
            memory.questions.mention_hashtags(**{"mentions": [[1]], "instants_us": NOW, **values})

    def test_a_kept_memory_writes_them_to_its_log(self):
        live = LiveMemory(PostMemory(HashtagIdMap(), keep_mentions=True), InProcessStore("model"))
        live.observe(self.posts(), PostMemory.append)
        events = [event for _, event in live.store.read()]
        assert [event.mentions for event in events] == [(self.ANN, self.BOB), (), (self.ANN,)]
        live.correct(replace(post(0, "b"), caption="@bob"), PostMemory.append)
        live.correct(replace(post(2, "b"), caption="nobody"), PostMemory.append)
        live.correct(post(1, "c"), None)
        ids = ("0", "1", "2")
        names = [live.memory.mentions_at(np.array([live.memory.position_of(one)]))[0] for one in ids]
        assert names == [[self.BOB], [], []]
        again = LiveMemory(PostMemory(HashtagIdMap(), keep_mentions=True), live.store)
        again.refresh()
        assert [again.memory.mentions_at(np.array([again.memory.position_of(one)]))[0] for one in ids] == names
        live.forget("u")
        assert live.memory.living().mentions_at(np.arange(0)) == []

    def test_a_memory_that_keeps_none_writes_none(self):
        live = LiveMemory(PostMemory(HashtagIdMap()), InProcessStore("model"))
        live.observe(self.posts(), PostMemory.append)
        assert [event.mentions for _, event in live.store.read()] == [None] * 3
