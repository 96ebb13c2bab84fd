"""A hybrid with a sentence encoder: hashtags as texts, in time, in its answers and in its files."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.hybrid.system import HybridSystem
from multimodal.hybrid.texts.vectors import HashtagVectors
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.recommender import Recommender
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from tests.multimodal.hybrid.conftest import hybrid_config


@pytest.fixture(scope="module")
def model(texts_run):
    return load_model(texts_run.path)


def scores_of(system, posts, memory):
    """The table of each post asked alone, and its column of scores by hashtag."""
    tables = [system._builder().table(system.spaces.questions([post], memory)) for post in posts]
    column = tables[0].names.index("texts.score")
    named = [
        dict(zip([one.texts[number] for number in one.hashtags.tolist()], one.values[:, column].tolist(), strict=True))
        for one in tables
    ]
    return tables, named


def remembered(system, posts):
    memory = system.new_memory()
    system.add_posts(memory, posts)
    return memory


def same(scores, others):
    """The same hashtags have the same scores, whatever the order in which means were summed up."""
    for one, other in zip(scores, others, strict=True):
        assert one.keys() == other.keys()
        assert np.allclose([*one.values()], [other[name] for name in one], atol=1e-4, equal_nan=True)
    assert any(value > 0 for one in scores for value in one.values())


def test_the_run_says_that_it_took_them(texts_run, hybrid_run):
    def sources(run):
        records = [json.loads(line) for line in run.metrics.read_text().splitlines()]
        return next(record["sources"] for record in records if record["event"] == "ranker")

    assert sources(texts_run)[-1] == "texts"
    assert "texts" not in sources(hybrid_run)


def test_without_a_sentence_encoder_there_are_none(hybrid_run):
    system = load_model(hybrid_run.path).system
    assert system.texts is None
    assert "texts" not in system.ranker.sources
    assert not (hybrid_run.model / "texts.safetensors").exists()


def test_later_posts_with_words_of_the_caption_change_no_bit(model, tiny_data):
    asked = [post for post in tiny_data.split("validation") if post.caption]
    known = [*tiny_data.split("train"), *tiny_data.split("validation")]
    before, after = remembered(model.system, known), remembered(model.system, known)
    last = known[-1].timestamp
    invented = [
        replace(
            post,
            post_id=f"later {number}",
            timestamp=last + timedelta(hours=number + 1),
            hashtags=(*post.caption.split(), "".join(post.caption.split()[:2]), "invented"),
        )
        for number, post in enumerate(asked)
    ]
    model.system.add_posts(after, invented)
    (tables, _), (later, _) = scores_of(model.system, asked, before), scores_of(model.system, asked, after)
    for one, other in zip(tables, later, strict=True):
        assert [one.texts[number] for number in one.hashtags] == [other.texts[number] for number in other.hashtags]
        assert np.array_equal(one.values, other.values, equal_nan=True)
    assert list(model.system.rank(asked, before, 8)) == list(model.system.rank(asked, after, 8))


def test_a_late_post_counts_from_when_it_was_posted_whenever_it_arrives(model, tiny_data):
    train, asked = list(tiny_data.split("train")), tiny_data.split("validation")
    in_order = remembered(model.system, train)
    late = remembered(model.system, [*train[:20], *train[30:]])
    model.system.add_posts(late, train[20:30])
    same(scores_of(model.system, asked, late)[1], scores_of(model.system, asked, in_order)[1])


def test_before_its_first_use_a_hashtag_has_0_and_a_post_without_caption_nothing(model, tiny_data):
    captioned = next(post for post in tiny_data.split("validation") if post.caption)
    memory = remembered(model.system, tiny_data.split("train"))
    _, (named, silent) = scores_of(model.system, [captioned, replace(captioned, caption=None)], memory)
    used = set(memory.id_map.names)
    assert {value for name, value in named.items() if name not in used} == {0.0}
    assert any(value != 0 for name, value in named.items() if name in used)
    assert np.isnan(list(silent.values())).all()


def test_a_new_hashtag_is_encoded_when_it_is_observed(texts_run, monkeypatch):
    recommender = Recommender.from_pretrained(texts_run.path)
    encoded, encode = [], HashtagVectors._encoded

    def keep(self, hashtag):
        encoded.append(hashtag)
        return encode(self, hashtag)

    monkeypatch.setattr(HashtagVectors, "_encoded", keep)
    recommender.observe({"post_id": "n", "caption": "a quiet harbour", "hashtags": ["brandnew"]})
    assert encoded == ["brandnew"]
    table, _ = scores_of(recommender.system, [Post(post_id="1", caption="a quiet harbour")], recommender.memory)
    assert "brandnew" in table[0].texts
    assert encoded.count("brandnew") == 1
    assert not set(encoded) & set(recommender.system.texts[0].hashtags)


def test_a_forgotten_user_leaves_nothing_in_the_scores(model, tiny_data):
    train, asked = list(tiny_data.split("train")), tiny_data.split("validation")
    user = train[0].user_id
    memory = remembered(model.system, train)
    memory.forget(user)
    never = remembered(model.system, [post for post in train if post.user_id != user])
    same(scores_of(model.system, asked, memory)[1], scores_of(model.system, asked, never)[1])


def test_hashtags_outside_of_the_vocabulary_are_not_kept(model, tiny_data, monkeypatch):
    used = Counter(one for post in tiny_data.split("train") for one in post.hashtags)
    (first, often), (second, _) = used.most_common(2)
    monkeypatch.setattr(model.system, "id_map", HashtagIdMap([first], [often]))
    model.system.id_map.add([second])
    assert model.system._hashtag_vectors(list(tiny_data.split("train"))).hashtags == (first,)


def test_explanations_name_them(model, tiny_data):
    asked = tiny_data.split("test")
    rankings = model.system.rank(asked, model.memory, 5)
    named = {
        source.name
        for explained in model.system.explain(asked, rankings, model.memory)
        for sources in explained
        for source in sources
    }
    assert "texts" in named


def test_sources_that_do_not_help_are_left_out(tiny_data, tiny_bert, tmp_path, monkeypatch):
    monkeypatch.setattr("multimodal.hybrid.choosing._LEAST_GAIN", 2.0)
    monkeypatch.setattr("multimodal.hybrid.choosing._standard_error", lambda ones, others: -2.0)
    monkeypatch.setattr("multimodal.hybrid.choosing.FEWEST_POSTS", 1)
    encoder = f"encoder.caption={{name: transformer, pretrained: {tiny_bert}, maximum_tokens: 32}}"
    train_run(hybrid_config(encoder), tiny_data, tmp_path / "run")
    system = load_model(tmp_path / "run").system
    assert "texts" in system.left_out
    assert system.texts is None
    assert "texts.score" not in system.ranker.names


class TestFiles:
    @pytest.fixture
    def folder(self, texts_run, tmp_path):
        shutil.copytree(texts_run.path / "model", tmp_path / "model")
        return tmp_path / "model"

    def refused(self, model, folder, *texts):
        with pytest.raises(RunError) as caught:
            HybridSystem.load(folder, model.config, model.system.id_map)
        for text in texts:
            assert text in str(caught.value)

    def test_a_model_that_is_saved_again_gives_the_same_lists(self, model, folder, tmp_path, tiny_data):
        again = HybridSystem.load(folder, model.config, model.system.id_map)
        asked = tiny_data.split("validation")
        assert list(again.rank(asked, model.memory, 5)) == list(model.system.rank(asked, model.memory, 5))
        (tmp_path / "second").mkdir()
        again.save(tmp_path / "second")
        for name in ("texts.safetensors", "texts.json"):
            assert (tmp_path / "second" / name).read_bytes() == (folder / name).read_bytes()

    def test_vectors_that_are_kept_are_those_that_would_be_made_again(self, model, folder, tiny_data):
        hashtags = json.loads((folder / "texts.json").read_text(encoding="utf-8"))["hashtags"]
        used = Counter(one for post in tiny_data.split("train") for one in post.hashtags)
        assert set(hashtags) == {one for one, count in used.items() if count >= 3} < set(used)
        kept = load_file(folder / "texts.safetensors")["vectors"]
        vectors, _ = model.system.texts
        again = HashtagVectors(model.system.spaces.captions, vectors.splitter).of(hashtags)
        assert np.allclose(kept, again, atol=2e-3)
        assert vectors.of(hashtags).astype(np.float16).tobytes() == kept.tobytes()

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            (lambda arrays: arrays.update(words=arrays["words"][:, :2]), "words has the shape"),
            (
                lambda arrays: arrays.update(posts=np.full_like(arrays["posts"], np.nan)),
                "numbers that are not finite",
            ),
            (lambda arrays: arrays.update(vectors=arrays["vectors"][1:]), "vectors has the shape"),
            (lambda arrays: arrays.update(vectors=arrays["vectors"] + 9), "vectors has numbers from"),
            (lambda arrays: arrays.update(vectors=arrays["vectors"].astype(np.float32)), "vectors is of type float32"),
            (lambda arrays: arrays.pop("posts"), "posts"),
            (lambda arrays: arrays.update(more=arrays["posts"]), "'more', which belongs to another model"),
        ],
    )
    def test_arrays_that_do_not_fit(self, model, folder, change, text):
        path = folder / "texts.safetensors"
        arrays = {name: array.copy() for name, array in load_file(path).items()}
        change(arrays)
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
        self.refused(model, folder, "texts.safetensors (hashtags as texts)", text)

    @pytest.mark.parametrize("words", [["sea", "sea"], ["two words"], "sea", [""]])
    def test_words_that_are_none(self, model, folder, words):
        (folder / "texts.json").write_text(json.dumps({"words": words, "hashtags": []}), encoding="utf-8")
        self.refused(model, folder, "texts.json (hashtags as texts) is damaged: words")

    @pytest.mark.parametrize("name", ["texts.safetensors", "texts.json"])
    def test_a_file_that_is_missing(self, model, folder, name):
        (folder / name).unlink()
        self.refused(model, folder, name, "is missing")

    def test_a_pickle(self, model, folder):
        (folder / "texts.safetensors").write_bytes(b"\x80\x04.")
        self.refused(model, folder, "texts.safetensors", "it is a pickle")

    def test_a_model_that_was_saved_before_there_were_any(self, tiny_data, tiny_bert, tmp_path, monkeypatch):
        monkeypatch.setattr("multimodal.hybrid.system.HybridSystem._hashtag_vectors", lambda self, train: None)
        encoder = f"encoder.caption={{name: transformer, pretrained: {tiny_bert}, maximum_tokens: 32}}"
        train_run(hybrid_config(encoder, "rows.choose=false"), tiny_data, tmp_path / "run")
        older = load_model(tmp_path / "run")
        assert older.system.texts is None
        assert "texts" not in older.system.ranker.sources
        assert len(list(older.system.rank(tiny_data.split("test"), older.memory, 5))) == len(tiny_data.split("test"))
