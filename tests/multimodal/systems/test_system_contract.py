"""What every registered System must do; none is left out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isfinite
from pathlib import Path

import pytest
from chat_stub import chat_stub
from model_folders import make_siglip

from data_loaders.errors import NotFittedError
from data_loaders.posts import Post
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import System
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model, save_model
from multimodal.systems.publishing import check_files
from multimodal.systems.registry import get_system, list_systems
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[3]
# A System that needs training names a configuration or settings here that train in seconds; the others use their own.
SMALL_CONFIGS = {"design": "debug"}
TINY_BERT = "TINY_BERT"  # stands for the folder of the fixture `tiny_bert`
TINY_DESIGN = "TINY_DESIGN"  # stands for the folder of a DESIGN that was trained on the tiny data
STUB_URL = "STUB_URL"  # stands for the address of a stub of a chat endpoint
TINY_SIGLIP = "TINY_SIGLIP"  # stands for the folder of a small random SigLIP
SMALL_SETTINGS = {
    "bert": [
        f"encoder={{pretrained: {TINY_BERT}, maximum_tokens: 32}}",
        "training={epochs: 2, batch_size: 16, encoder_learning_rate: 0.001, schedule: linear}",
    ],
    "bert_fill_mask": [
        "encoder={random_init: true, width: 16, layers: 1, heads: 2, vocabulary_size: 300, maximum_tokens: 32}",
        "training={epochs: 2, batch_size: 16, precision: no}",
    ],
    "sa_lstm": ["encoder={width: 16, hidden: 12, heads: 4}", "training.epochs=2", "training.batch_size=16"],
    "cnn_attention": ["encoder.width=16", "encoder.hidden=8", "training.epochs=2", "training.batch_size=16"],
    "fasttext": ["encoder.width=16", "training.epochs=2", "training.batch_size=16"],
    "hmemn2n": ["encoder.width=16", "history_posts=5", "training.epochs=2", "training.batch_size=16"],
    "knn_caption": [f"encoder.caption={{name: transformer, pretrained: {TINY_BERT}, maximum_tokens: 32}}"],
    "knn_content": [f"content={TINY_DESIGN}"],
    "knn_image": ["encoder.image={name: small, pretrained: false, size_px: 32, width: 16}"],
    "language_model": [f"endpoint.url={STUB_URL}", "budget={calls: 100000, tokens: 100000000}", "cache=null"],
    "lstm": ["encoder.width=16", "encoder.hidden=12", "training.epochs=2", "training.batch_size=16"],
    "zero_shot": [f"model={TINY_SIGLIP}"],
    "text_resnet": ["encoder.width=16", "encoder.hidden=8", "training.epochs=2", "training.batch_size=16"],
}
# The peers are small networks on DESIGN's encoders, which are trained here.
SMALL_PEER = [
    "width=16",
    "encoder.caption={name: small, width: 16, layers: 0, maximum_tokens: 32, vocabulary_size: 500}",
    "encoder.image={name: small, pretrained: false, trainable: null, width: 16, size_px: 32}",
    "training={epochs: 2, batch_size: 16, learning_rate: 0.005, precision: no}",
    "feature_cache=null",
]
SMALL_SETTINGS |= {
    "amnn": [*SMALL_PEER, "image_hidden=8", "hidden=12", "steps=6"],
    "coa": [*SMALL_PEER, "attention_width=8"],
    "tagnet": [
        *SMALL_PEER,
        "attention_width=8",
        "history_posts=4",
        "graph={neighbours: 3, encoder: {name: small, trainable: false, width: 16, size_px: 32}}",
    ],
    "macon": [*SMALL_PEER, "habit={posts: 4, sampling: community_random}"],
}
K = 6
LOAD_AND_RANK = """
import json, sys
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder
for folder in sys.argv[1:]:
    recommender = Recommender.from_pretrained(folder)
    answers = recommender.recommend_many([{"user_id": "user3", "caption": "a quiet walk"}, {"user_id": "new"}], 6)
    print(json.dumps([[[one.hashtag, one.score] for one in answer] for answer in answers]))
"""


@dataclass
class Fitted:
    """A System after `train_run` on the tiny data."""

    name: str
    folder: Path
    system: System


@pytest.fixture(scope="module")
def tiny_design(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("design") / "run"
    train_run(load_config(ROOT / "configs" / "debug.yaml"), tiny_data, folder)
    return folder


@pytest.fixture(scope="module")
def tiny_siglip(tmp_path_factory):
    return make_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def stub_url():
    with chat_stub() as stub:
        yield stub.url


@pytest.fixture(scope="module")
def config_of(tiny_bert, tiny_design, tiny_siglip, stub_url):
    """A System's configuration that trains in seconds."""
    folders = {TINY_BERT: tiny_bert, TINY_DESIGN: tiny_design, TINY_SIGLIP: tiny_siglip, STUB_URL: stub_url}

    def get(name):
        settings = SMALL_SETTINGS.get(name, [])
        for stands, folder in folders.items():
            settings = [setting.replace(stands, str(folder)) for setting in settings]
        return load_config(ROOT / "configs" / f"{SMALL_CONFIGS.get(name, name)}.yaml", settings)

    return get


@pytest.fixture(scope="module")
def all_fitted(config_of, tiny_data, tmp_path_factory):
    """Every System is trained once, when it is first asked for."""
    trained = {}

    def get(name):
        if name not in trained:
            folder = tmp_path_factory.mktemp("runs") / name
            trained[name] = Fitted(name, folder, train_run(config_of(name), tiny_data, folder).system)
        return trained[name]

    return get


@pytest.fixture(params=list_systems())
def fitted(request, all_fitted):
    return all_fitted(request.param)


def memory_of(fitted, posts):
    memory = fitted.system.new_memory()
    fitted.system.add_posts(memory, posts)
    return memory


def assert_same(rankings, expected):
    assert len(rankings) == len(expected)
    for one, other in zip(rankings, expected, strict=True):
        assert [hashtag for hashtag, _ in one] == [hashtag for hashtag, _ in other]
        assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=2e-6)


def as_lists(answers):
    return [[(one.hashtag, one.score) for one in answer] for answer in answers]


@pytest.fixture
def questions(tiny_data):
    return tiny_data.split("test")


@pytest.fixture
def memory(fitted, tiny_data):
    return memory_of(fitted, tiny_data.posts)


def test_every_system_has_a_name_and_a_configuration(config_of):
    assert {"design", "popularity", "user_habit"} <= set(list_systems())
    for name in list_systems():
        assert get_system(name).name == name == config_of(name).system
        assert isinstance(config_of(name), get_system(name).config_type)


def test_it_names_the_encoders_that_ranking_calls(fitted, memory, questions, monkeypatch):
    called = []
    for kind in (CaptionEncoder, ImageEncoder):

        def watching(self, *given, forward=kind.forward):
            called.append(self)
            return forward(self, *given)

        monkeypatch.setattr(kind, "forward", watching)
    fitted.system.rank(questions[:4], memory, K)
    assert {id(encoder) for encoder in called} <= {id(encoder) for encoder in fitted.system.encoders()}


@pytest.mark.parametrize("name", list_systems())
class TestBeforeFit:
    def test_it_says_that_it_is_not_fitted_and_what_to_do(self, config_of, name, tmp_path):
        system = get_system(name)(config_of(name))
        memory = PostMemory(HashtagIdMap())
        calls = [
            system.new_memory,
            lambda: system.rank([Post(post_id="a", caption="the sea")], memory, K),
            lambda: system.save(tmp_path),
        ]
        for call in calls:
            with pytest.raises(NotFittedError, match=f"the system '{name}' is not fitted.*multimodal-hashtags train"):
                call()

    def test_an_attribute_that_no_system_has_stays_a_mistake(self, config_of, name):
        with pytest.raises(AttributeError, match="has no attribute 'hashtag_weights'"):
            _ = get_system(name)(config_of(name)).hashtag_weights


class TestRanking:
    def test_exactly_k_without_repeats_best_first(self, fitted, memory, questions):
        rankings = fitted.system.rank(questions, memory, K)
        assert rankings.k == K
        assert list(rankings.post_ids) == [post.post_id for post in questions]
        for ranking in rankings:
            scores = [score for _, score in ranking]
            assert len({hashtag for hashtag, _ in ranking}) == K
            assert scores == sorted(scores, reverse=True)

    def test_the_same_question_has_the_same_answer(self, fitted, memory, questions):
        assert_same(fitted.system.rank(questions, memory, K), fitted.system.rank(questions, memory, K))

    def test_alone_as_in_a_batch_in_any_order(self, fitted, memory, questions):
        together = list(fitted.system.rank(questions, memory, K))
        backwards = list(fitted.system.rank(questions[::-1], memory, K))[::-1]
        alone = [ranking for post in questions for ranking in fitted.system.rank([post], memory, K)]
        assert_same(backwards, together)
        assert_same(alone, together)

    def test_a_short_list_is_the_start_of_a_long_one(self, fitted, memory, questions):
        long = list(fitted.system.rank(questions, memory, 10))
        for k in (1, 5):
            assert_same(list(fitted.system.rank(questions, memory, k)), [ranking[:k] for ranking in long])

    def test_the_hashtags_of_the_post_are_not_read(self, fitted, memory, questions):
        others = [replace(post, hashtags=("zen", "neverseen")) for post in questions]
        assert_same(fitted.system.rank(others, memory, K), fitted.system.rank(questions, memory, K))

    def test_what_is_excluded_is_not_named_and_the_list_stays_full(self, fitted, memory, questions):
        plain = list(fitted.system.rank(questions, memory, K + 2))
        excluded = [frozenset([ranking[0][0], ranking[2][0], "neverseen"]) for ranking in plain]
        expected = [
            [pair for pair in ranking if pair[0] not in out][:K] for ranking, out in zip(plain, excluded, strict=True)
        ]
        assert_same(fitted.system.rank(questions, memory, K, excluded), expected)

    @pytest.mark.parametrize(
        "missing",
        [{"user_id": None}, {"user_id": "nobody"}, {"image": None}, {"caption": None}, {"caption": ""}],
        ids=str,
    )
    def test_anything_may_be_missing(self, fitted, memory, questions, missing):
        rankings = fitted.system.rank([replace(post, **missing) for post in questions], memory, K)
        assert all(len(ranking) == K for ranking in rankings)

    @pytest.mark.parametrize(
        "caption",
        ["😀", "https://t.co/x", "#sea #sky", "a walk " * 5_000, "ภาษาไทย 日本語 हिन्दी", "\ud800", "x" * 30_000],
        ids=["emoji", "address", "hashtags", "ten thousand words", "unseen scripts", "lone surrogate", "one long word"],
    )
    def test_any_caption_gets_an_answer(self, fitted, memory, questions, caption):
        rankings = fitted.system.rank([replace(post, caption=caption) for post in questions[:2]], memory, K)
        assert all(len(ranking) == K and all(isfinite(score) for _, score in ranking) for ranking in rankings)

    def test_everything_but_one_may_be_missing(self, fitted, memory, questions):
        bare = Post(post_id="bare")
        picture = next(post.image for post in questions if post.image is not None)
        posts = [
            bare,
            *(replace(bare, **one) for one in ({"user_id": "user1"}, {"caption": "sea"}, {"image": picture})),
        ]
        assert all(len(ranking) == K for ranking in fitted.system.rank(posts, memory, K))

    def test_an_empty_memory_and_no_question_at_all(self, fitted, questions):
        empty = fitted.system.new_memory()
        assert all(len(ranking) == K for ranking in fitted.system.rank(questions, empty, K))
        assert len(fitted.system.rank([], empty, K)) == 0


def test_what_brought_a_hashtag_is_said_of_each_or_of_none(fitted, tiny_data, questions):
    asked = questions[6]
    memory = memory_of(fitted, tiny_data.posts)
    answers = Recommender(fitted.system, memory).recommend_many([asked, questions[0]], K, explain=True)
    plain = Recommender(fitted.system, memory).recommend_many([asked, questions[0]], K)
    assert answers == plain
    told = [one.sources is not None for answer in answers for one in answer]
    assert len(set(told)) == 1
    for post, answer in zip([asked, questions[0]], answers, strict=True):
        for one in answer:
            json.dumps(one.to_dict(), allow_nan=False)
            for source in one.sources or ():
                assert isfinite(source.effect)
                behind = [memory.position_of(post_id) for post_id in source.posts]
                assert all(memory.instants_us[position] < post.instant_us for position in behind)
                assert all(memory.id_map.find(one.hashtag) in memory.hashtags_of(position) for position in behind)


def test_where_it_looked_is_said_of_what_there_is(fitted, questions):
    told = [fitted.system.attention(post) for post in questions]
    if all(attention is None for attention in told):
        assert fitted.name != "design"
        return
    for post, attention in zip(questions, told, strict=True):
        assert (attention.words is not None) == bool(post.caption)
        assert (attention.picture is not None) == (post.image is not None)
        assert (attention.picture_weight is not None) == (bool(post.caption) and post.image is not None)
        if attention.words is not None:
            assert attention.words.weights.sum() + attention.words.elsewhere == pytest.approx(1, abs=1e-5)
        if attention.picture is not None:
            assert attention.picture.weights.sum() == pytest.approx(1, abs=1e-5)


class TestRulesOfUsers:
    """The list by rules is the full ranking with what they leave, cut afterwards."""

    def answers(self, fitted, memory, questions, **rules):
        return as_lists(Recommender(fitted.system, memory).recommend_many(questions, 4, **rules))

    def ranked(self, fitted, memory, questions):
        answers = Recommender(fitted.system, memory).recommend_many(questions, len(memory.id_map), on_short="fewer")
        return as_lists(answers)

    def test_never(self, fitted, memory, questions):
        full = self.ranked(fitted, memory, questions)
        unwanted = {hashtag for hashtag, _ in full[0][:3]}
        expected = [[pair for pair in ranking if pair[0] not in {*unwanted, "kiwi"}][:4] for ranking in full]
        assert_same(self.answers(fitted, memory, questions, never=[*unwanted, "ki*"]), expected)
        assert all(len(ranking) == 4 for ranking in expected)

    def test_only(self, fitted, memory, questions):
        full = self.ranked(fitted, memory, questions)
        wanted = {hashtag for ranking in full for hashtag, _ in ranking[4::3] if hashtag in fitted.system.id_map}
        expected = [[pair for pair in ranking if pair[0] in wanted][:4] for ranking in full]
        assert_same(self.answers(fitted, memory, questions, only=wanted, on_short="fewer"), expected)

    def test_own_hashtags_alone(self, fitted, memory, questions):
        posts = [post for post in questions if post.user_id is not None]
        for post, answer in zip(posts, self.answers(fitted, memory, posts, only="mine", on_short="fewer"), strict=True):
            earlier = memory.history([post.user_id], [post.instant_us], 200)[0]
            own = {memory.id_map[index] for index in memory.hashtag_pairs(earlier)[1].tolist()}
            assert {hashtag for hashtag, _ in answer} <= own
            assert len(answer) == min(4, len(own))

    def test_always_and_replace(self, fitted, memory, questions):
        full = self.ranked(fitted, memory, questions)
        rules = {"always": ["market"], "replace": {"s*": "fog"}}
        for answer, ranking in zip(self.answers(fitted, memory, questions, **rules), full, strict=True):
            replaced = {}
            for hashtag, score in ranking:
                replaced.setdefault("fog" if hashtag.startswith("s") else hashtag, score)
            expected = [("market", ranking[0][1]), *replaced.items()][:4]
            assert_same([answer], [expected])

    def test_words_of_the_caption_obey_too(self, fitted, memory):
        post = Post(post_id="spam", caption="spammer walk spammers", user_id="user1")
        answers = Recommender(fitted.system, memory).recommend_many([post], 8, never=["spam*"])
        assert not [one.hashtag for one in answers[0] if one.hashtag.startswith("spam")]


class TestTime:
    def test_later_posts_change_nothing(self, fitted, tiny_data, questions):
        asked = questions[3]
        earlier = [post for post in tiny_data.posts if post.instant_us < asked.instant_us]
        later = [
            replace(asked, post_id=f"later{days}", timestamp=asked.timestamp + timedelta(days=days), hashtags=("fog",))
            for days in (0, 1, 400)
        ]
        before = list(fitted.system.rank([asked], memory_of(fitted, earlier), K))
        after = list(fitted.system.rank([asked], memory_of(fitted, [*later, *earlier]), K))
        assert_same(after, before)

    def test_what_was_withdrawn_or_forgotten_was_never_there(self, fitted, tiny_data, questions):
        known = [post for post in tiny_data.posts if post.post_id not in {question.post_id for question in questions}]
        forgotten = next(post.user_id for post in reversed(known) if post.user_id is not None)
        withdrawn = {post.post_id for post in known[5::7]}
        memory = memory_of(fitted, known)
        memory.withdraw(withdrawn & {post.post_id for post in known if post.user_id != forgotten})
        assert memory.forget(forgotten) > 0
        kept = [post for post in known if post.user_id != forgotten and post.post_id not in withdrawn]
        never = memory_of(fitted, kept)
        assert 0 < len(kept) < len(known)
        assert memory.now_us == never.now_us
        assert_same(fitted.system.rank(questions, memory, 5), fitted.system.rank(questions, never, 5))

    def test_a_post_that_is_remembered_does_not_see_itself(self, fitted, tiny_data, questions):
        for asked in questions[:4]:
            known = [post for post in tiny_data.posts if post.post_id != asked.post_id]
            with_itself = fitted.system.rank([asked], memory_of(fitted, tiny_data.posts), K)
            assert_same(with_itself, fitted.system.rank([asked], memory_of(fitted, known), K))


class TestKeeping:
    def test_saved_and_loaded_it_answers_the_same(self, fitted, tiny_data, questions):
        loaded = load_model(fitted.folder)
        assert loaded.config == fitted.system.config
        assert list(loaded.memory.post_ids) == [post.post_id for post in tiny_data.split("train")]
        memory = memory_of(fitted, tiny_data.split("train"))
        assert_same(loaded.system.rank(questions, loaded.memory, K), fitted.system.rank(questions, memory, K))

    def test_a_second_fit_forgets_the_first(self, fitted, other_tiny_data, tmp_path):
        fresh = train_run(fitted.system.config, other_tiny_data, tmp_path / "fresh").system
        again = load_model(fitted.folder).system
        train_again = again.config
        again.fit(other_tiny_data, RunFolder(tmp_path / "again"))
        assert again.config == train_again
        assert list(again.id_map.names) == list(fresh.id_map.names) == list(other_tiny_data.vocabulary.hashtags)
        posts = other_tiny_data.split("test")
        rankings = []
        for system in (again, fresh):
            memory = system.new_memory()
            system.add_posts(memory, other_tiny_data.split("train"))
            rankings.append(list(system.rank(posts, memory, K)))
        assert_same(*rankings)


def test_another_process_gives_the_same_answers(all_fitted):
    folders = [str(all_fitted(name).folder) for name in list_systems()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LOAD_AND_RANK, *folders]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for folder, line in zip(folders, done.stdout.splitlines(), strict=True):
        asked = [{"user_id": "user3", "caption": "a quiet walk"}, {"user_id": "new"}]
        here = as_lists(Recommender.from_pretrained(folder).recommend_many(asked, 6))
        assert_same(json.loads(line), here)


class TestRecommendEqualsEvaluate:
    # Evaluations of Systems that choose the length of a list rank deeper.
    K = 10

    def first(self, rankings):
        return [ranking[: self.K] for ranking in rankings]

    def recommend_all(self, recommender, posts):
        return as_lists(
            recommender.recommend(post.image, post.caption, post.user_id, self.K, timestamp=post.timestamp)
            if (post.image, post.caption, post.user_id) != (None, None, None)
            else recommender.recommend_many([post], self.K)[0]
            for post in posts
        )

    def test_frozen(self, fitted, tiny_data, questions):
        saved = evaluate_run(fitted.folder, tiny_data, history="frozen", batch_size=5)
        assert_same(
            self.recommend_all(Recommender.from_pretrained(fitted.folder), questions), self.first(saved.rankings)
        )

    def test_rolling_when_posts_are_observed_as_they_come(self, fitted, tiny_data, questions):
        saved = evaluate_run(fitted.folder, tiny_data, history="rolling", ks=[1, 3])
        recommender = Recommender.from_pretrained(fitted.folder)
        recommender.observe(tiny_data.split("validation"))
        answers = []
        for post in questions:
            answers.extend(self.recommend_all(recommender, [post]))
            recommender.observe(post)
        assert_same(answers, self.first(saved.rankings))


def test_without_its_memory_a_saved_model_names_no_user_and_no_post_and_is_fit_to_be_shared(fitted, tmp_path):
    save_model(tmp_path / "model", fitted.system, fitted.system.new_memory())
    check_files(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert [path.name for path in files if re.search(rb"\buser\d|\bt\d{3}\b", path.read_bytes())] == []
    assert len(Recommender.from_pretrained(tmp_path / "model").recommend(caption="a walk", user_id="user3", k=K)) == K
