"""`bert_fill_mask` against transformers' own fill-mask, what it learns from, and what memory does to its answers."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import ConfigError, DataError, RunError
from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.captions.fill_mask.learner import FillMaskLearner
from multimodal.captions.fill_mask.sentences import IGNORED
from multimodal.captions.fill_mask.system import BertFillMask
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from multimodal.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[4]
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
ENCODER = {
    "random_init": True, "width": 32, "heads": 2, "layers": 1, "vocabulary_size": 300, "maximum_tokens": 32,
    "dropout": 0.0,
}  # fmt: skip
# With K = 2 the validation score still tells epochs apart; with 5 of 13 hashtags the first would do.
TRAINING = {"batch_size": 16, "learning_rate": 0.003, "validation_k": 2, "patience": 20}
# Each word goes with two hashtags, and each pair is always used together.
PAIRS = {
    "harbour": ("sea", "ship"), "mountain": ("alps", "hike"), "oven": ("bread", "bake"),
    "stadium": ("goal", "team"), "orchestra": ("opera", "violin"), "garden": ("rose", "bee"),
}  # fmt: skip
FILLERS = ("today", "again", "with", "friends", "so", "nice")


class Data:
    """What Systems use of a prepared folder."""

    fingerprint = "made up"

    def __init__(self, folder, posts, validation):
        self.folder, self._splits = folder, {"train": posts, "validation": validation, "test": []}
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in posts], 2)

    def split(self, name):
        return self._splits[name]


def make_post(number, caption, hashtags, hours=None):
    timestamp = START + timedelta(hours=number if hours is None else hours)
    return Post(post_id=f"p{number}", user_id=f"u{number % 7}", timestamp=timestamp, caption=caption,
                hashtags=tuple(hashtags), sequence=number)  # fmt: skip


def pair_posts(count, first=0):
    draw = np.random.default_rng([count, first])
    posts = []
    for number in range(first, first + count):
        word = list(PAIRS)[draw.integers(len(PAIRS))]
        fillers = draw.choice(FILLERS, draw.integers(1, 4), replace=False)
        caption = " ".join(draw.permutation([word, *fillers]))
        posts.append(make_post(number, caption, PAIRS[word] if number % 10 else ("fresh",)))
    return posts


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    validation = [replace(post, hashtags=(*post.hashtags, "laterly", "later")) for post in pair_posts(40, first=400)]
    return Data(tmp_path_factory.mktemp("data"), pair_posts(400), validation)


def config(**changes):
    values = {"system": "bert_fill_mask", "encoder": ENCODER, "maximum_hashtags": 4, "questions": 3,
              "training": {**TRAINING, "epochs": 16}}  # fmt: skip
    return validate_config({**values, **changes})


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A trained run; recency off."""
    folder = tmp_path_factory.mktemp("runs") / "fill"
    train_run(config(recency={"weights": [0]}), data, folder)
    return folder


@pytest.fixture
def system(run):
    return load_model(run).system


def with_config(system, **changes):
    system.config = config(**{"recency": {"weights": [0]}, **changes})
    return system


def ask(caption, hours=1_000):
    return make_post(9_999, caption, (), hours)


def names_of(rankings):
    return [[hashtag for hashtag, _ in ranking] for ranking in rankings]


class TestAgainstTransformers:
    @pytest.fixture(scope="class")
    def pipe(self, run):
        from transformers import pipeline

        return pipeline("fill-mask", model=str(run / "model" / "caption_encoder"), device="cpu")

    def chances(self, pipe, text, hashtags):
        found = pipe(text, targets=[f"#{hashtag}" for hashtag in hashtags], top_k=len(hashtags))
        total = sum(one["score"] for one in found)
        return {one["token_str"].strip().removeprefix("#"): one["score"] / total for one in found}

    def test_one_mask_is_the_pipelines_answer_limited_to_the_hashtags(self, system, pipe):
        hashtags = list(system.id_map.names)
        assert len(hashtags) == 13
        captions = ["nice harbour today", "orchestra", "friends with mountain so"]
        rankings = list(system.rank([ask(caption) for caption in captions], system.new_memory(), 13))
        for caption, ranking in zip(captions, rankings, strict=True):
            expected = self.chances(pipe, f"{caption} [MASK]", hashtags)
            assert dict(ranking) == pytest.approx(expected, abs=2e-6)
            assert [hashtag for hashtag, _ in ranking[:5]] == sorted(expected, key=expected.get, reverse=True)[:5]

    def test_iterative_filling_is_a_slow_loop_around_the_pipeline(self, system, pipe):
        hashtags = set(system.id_map.names)
        with_config(system, filling="iterative")
        captions = ["nice harbour today", "again oven", "stadium with friends"]
        for caption, ranking in zip(
            captions, system.rank([ask(caption) for caption in captions], system.new_memory(), 6), strict=True
        ):
            named, score, expected = [], 1.0, []
            for question in range(3):
                text = " ".join([caption, *(f"#{hashtag}" for hashtag in named), "[MASK]"])
                found = self.chances(pipe, text, sorted(hashtags - set(named)))
                order = sorted(found, key=found.get, reverse=True)
                if question < 2:
                    score *= found[order[0]]
                    named.append(order[0])
                    expected.append((order[0], score))
            expected += [(hashtag, score * found[hashtag]) for hashtag in order[:4]]
            assert [hashtag for hashtag, _ in ranking] == [hashtag for hashtag, _ in expected]
            assert [value for _, value in ranking] == pytest.approx([value for _, value in expected], abs=1e-5)

    def test_the_loss_is_the_models_own_with_labels(self, system, data):
        learner = learner_of(with_config(system, masks="one", loss="vocabulary"), data)
        rows = list(range(25))
        sentences = learner.masked_sentences(rows, epoch=3)
        ids = system.network.hashtag_ids
        labels = torch.where(sentences.labels == IGNORED, IGNORED, ids[sentences.labels.clamp(min=0)])
        model = system.language_model.model.eval()
        expected = model(input_ids=sentences.token_ids, attention_mask=sentences.mask.long(), labels=labels).loss
        loss, _ = learner.loss(system.network.eval(), rows, 3)
        torch.testing.assert_close(loss, expected)

    def test_the_loss_over_live_hashtags_is_a_softmax_over_them_alone(self, system, data):
        learner = learner_of(with_config(system, masks="all"), data)
        rows = list(range(12))
        sentences = learner.masked_sentences(rows, epoch=1)
        assert (sentences.labels != IGNORED).sum(1).max() == 2
        system.network.eval()
        logits = system.language_model.model(
            input_ids=sentences.token_ids, attention_mask=sentences.mask.long()
        ).logits[..., system.network.hashtag_ids]
        per_post = [
            torch.nn.functional.cross_entropy(logits[row][labels != IGNORED], labels[labels != IGNORED])
            for row, labels in enumerate(sentences.labels)
        ]
        torch.testing.assert_close(learner.loss(system.network, rows, 1)[0], torch.stack(per_post).mean())


def learner_of(system, data):
    labelled = system._labelled(data.split("train")).learnable()
    return system.learner(labelled, system._labelled(data.split("validation")).tagged())


class TestWhatItLearnsFrom:
    @pytest.mark.parametrize("masks", ["one", "all"])
    def test_exactly_the_masked_hashtags_are_labelled_and_never_shown(self, system, data, masks):
        learner = learner_of(with_config(system, masks=masks), data)
        train = system._labelled(data.split("train")).learnable()
        ids = system.network.hashtag_ids.tolist()
        mask_id = system.language_model.tokenizer.mask_token_id
        shown_before_a_mask = 0
        for epoch in range(3):
            sentences = learner.masked_sentences(range(len(train)), epoch)
            for row, own in enumerate(train.targets):
                tokens, labels = sentences.token_ids[row].tolist(), sentences.labels[row]
                hidden = labels[labels != IGNORED].tolist()
                shown = [ids.index(token) for token in tokens if token in ids]
                assert hidden
                assert not set(hidden) & set(shown)
                assert set(hidden) | set(shown) <= set(own)
                assert [token == mask_id for token in tokens] == (labels != IGNORED).tolist()
                assert len(hidden) == (1 if masks == "one" else len(own) - len(shown))
                shown_before_a_mask += bool(shown)
        # both questions are usual: of the nine in ten posts with two hashtags, half show one
        assert shown_before_a_mask / (3 * len(train)) == pytest.approx(0.45, abs=0.05)

    def test_masks_change_with_the_epoch_and_not_with_the_batch(self, system, data):
        learner = learner_of(system, data)
        first, other = learner.masked_sentences(range(50), 0), learner.masked_sentences(range(50), 1)
        assert not torch.equal(first.labels, other.labels)
        again = learner.masked_sentences([30], 0)
        length = int(again.mask.sum())
        assert torch.equal(again.labels[0], first.labels[30, :length])
        assert torch.equal(again.token_ids[0], first.token_ids[30, :length])

    def test_only_hashtags_of_the_train_split_have_a_token(self, run, system):
        known = {token for token in system.language_model.tokenizer.get_vocab() if token.startswith("#")} - {"#"}
        assert known == {f"#{hashtag}" for hashtag in system.id_map.names}
        assert not known & {"#laterly", "#later"}

    def test_only_the_most_frequent_have_one_and_the_rest_follows_by_popularity(self, data, tmp_path):
        settings = config(live_tags=5, training={"epochs": 1}, recency={"weights": [0]})
        system = train_run(settings, data, tmp_path / "run").system
        vocabulary = list(data.vocabulary.hashtags)
        assert len(system.network.hashtag_ids) == 5
        for filling in ("one_mask", "iterative"):
            system.config = settings.model_copy(update={"filling": filling})
            (ranking,) = system.rank([ask("harbour")], system.new_memory(), 12)
            assert {hashtag for hashtag, _ in ranking[:5]} == set(vocabulary[:5])
            assert [hashtag for hashtag, _ in ranking[5:]] == vocabulary[5:12]
            assert [score for _, score in ranking[5:]] == [0.0] * 7

    def test_no_post_with_a_live_hashtag_is_refused(self, data, tmp_path):
        silent = [replace(post, caption=None) for post in data.split("train")]
        rare = [make_post(1_000 + n, "a word", ["scarce"]) for n in range(2)]
        with pytest.raises(DataError, match="live_tags=1: no train post has both a caption and one of these hashtags"):
            train_run(config(live_tags=1), Data(tmp_path, [*silent, *rare], data.split("validation")), tmp_path / "r")


class TestWhatItHasLearned:
    @pytest.mark.parametrize("filling", ["one_mask", "iterative"])
    def test_a_word_brings_its_two_hashtags(self, system, filling):
        with_config(system, filling=filling)
        rankings = names_of(system.rank([ask(f"so {word} again") for word in PAIRS], system.new_memory(), 2))
        assert [set(names) for names in rankings] == [set(pair) for pair in PAIRS.values()]

    def test_the_second_question_takes_the_first_answer_into_account(self, tmp_path):
        """Captions say nothing about the hashtags, so that only the one shown tells the other."""
        pairs = [PAIRS["harbour"], PAIRS["mountain"]]
        posts = [make_post(n, FILLERS[n % 6], pairs[(n * n + n // 6) % 2]) for n in range(220)]
        # Of epochs with equal scores the last is kept; a first question could not tell them apart anyway.
        unanswerable = [replace(post, hashtags=("later",)) for post in posts[200:]]
        training = {**TRAINING, "epochs": 28, "patience": 28, "batch_size": 8, "learning_rate": 0.005}
        settings = config(recency={"weights": [0]}, training=training)
        system = train_run(settings, Data(tmp_path, posts[:200], unanswerable), tmp_path / "run").system
        names = list(system.id_map.names)
        for one, other in pairs:
            for shown, asked in ((one, other), (other, one)):
                logits = system._logits(system.sentences.tokenise(["so"]), [[names.index(shown)]])
                assert names[int(logits.argmax())] == asked


class TestAnswers:
    @pytest.mark.parametrize("caption", [None, "", "   ", "https://t.co/abc", "😀", "#harbour"], ids=repr)
    def test_a_caption_that_says_nothing_gets_the_prior(self, system, caption):
        (ranking,) = system.rank([ask(caption)], system.new_memory(), 4)
        train = pair_posts(400)
        best = max(system.id_map.names, key=lambda name: sum(name in post.hashtags for post in train))
        assert ranking[0] == (best, pytest.approx(sum(best in post.hashtags for post in train) / 400, abs=1e-6))
        assert [name for name, _ in ranking] == list(system.id_map.names[:4])

    @pytest.mark.parametrize("filling", ["one_mask", "iterative"])
    def test_any_caption_gets_a_list(self, system, filling):
        with_config(system, filling=filling)
        captions = ["harbour " * 10_000, "日本語の文章", "[MASK] [PAD] [CLS]", "\ud800", "x" * 50_000, "ไทย", "a"]
        rankings = list(system.rank([ask(caption) for caption in captions], system.new_memory(), 5))
        assert all(len(ranking) == 5 and np.isfinite([score for _, score in ranking]).all() for ranking in rankings)

    def test_unknown_words_alone_get_the_prior(self, data, tmp_path):
        from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PAIRS, *FILLERS]
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        BertForMaskedLM(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(tmp_path / "bert")
        BertTokenizerFast(vocab={word: place for place, word in enumerate(words)}).save_pretrained(tmp_path / "bert")
        settings = config(encoder={"pretrained": str(tmp_path / "bert")}, training={"epochs": 1, "batch_size": 32})
        system = train_run(settings, data, tmp_path / "run").system
        assert system.can_score(["日本語", "日本語 harbour"]).tolist() == [False, True]
        (ranking,) = system.rank([ask("日本語")], system.new_memory(), 3)
        assert [name for name, _ in ranking] == list(system.id_map.names[:3])

    @pytest.mark.parametrize("filling", ["one_mask", "iterative"])
    def test_alone_as_in_a_batch_with_what_is_excluded_taken_out(self, system, filling):
        with_config(system, filling=filling)
        posts = [ask(f"{word} {filler}") for word in PAIRS for filler in FILLERS[:3]] + [ask(None)]
        memory = system.new_memory()
        together = list(system.rank(posts, memory, 6))
        for post, ranking in zip(posts, together, strict=True):
            (alone,) = system.rank([post], memory, 6)
            assert [name for name, _ in alone] == [name for name, _ in ranking]
            out = frozenset([ranking[0][0], ranking[3][0], "never"])
            (kept,) = system.rank([post], memory, 4, [out])
            expected = [pair for pair in ranking if pair[0] not in out]
            assert [name for name, _ in kept] == [name for name, _ in expected]
            assert [score for _, score in kept] == pytest.approx([score for _, score in expected], abs=2e-6)


class TestRecency:
    def remembered(self, system, *uses):
        memory = system.new_memory()
        posts = [make_post(5_000 + n, "x", [name], hours) for n, (name, hours) in enumerate(uses)]
        system.add_posts(memory, posts)
        return memory

    def rank(self, system, memory, hours=1_000, k=13):
        (ranking,) = system.rank([ask("harbour today", hours)], memory, k)
        return dict(ranking)

    @pytest.fixture
    def weighed(self, system):
        system.half_life_days, system.weight = 1.0, 1.0
        return system

    def test_scores_are_probabilities_times_lift(self, system):
        memory = self.remembered(system, ("violin", 990), ("violin", 996), ("sea", 976), ("unheard", 999))
        plain = self.rank(system, memory)
        system.half_life_days, system.weight = 1.0, 0.5
        found = self.rank(system, memory)
        uses = {"violin": 2 ** (-10 / 24) + 2 ** (-4 / 24), "sea": 0.5}
        counts = dict(zip(system.id_map.names, system.id_map.frequencies, strict=True))
        total = sum(counts.values())
        lift = {
            name: (uses.get(name, 0) + 1) / (sum(uses.values()) * count / total + 1) for name, count in counts.items()
        }
        raw = {name: plain[name] * lift[name] ** 0.5 for name in plain}
        assert found == pytest.approx({name: value / sum(raw.values()) for name, value in raw.items()}, abs=5e-6)
        assert "unheard" not in found

    @pytest.mark.parametrize("filling", ["one_mask", "iterative"])
    def test_what_came_at_the_same_instant_or_later_changes_nothing(self, weighed, filling):
        weighed.config = config(filling=filling)
        before = self.rank(weighed, self.remembered(weighed, ("violin", 998)))
        memory = self.remembered(weighed, ("violin", 998), ("rose", 1_000), ("rose", 1_001), ("opera", 5_000))
        assert self.rank(weighed, memory) == pytest.approx(before)
        assert self.rank(weighed, self.remembered(weighed, ("rose", 998))) != pytest.approx(before)

    def test_a_weight_of_nothing_and_an_empty_memory_are_the_same(self, weighed):
        empty = self.rank(weighed, weighed.new_memory())
        weighed.weight = 0.0
        assert self.rank(weighed, self.remembered(weighed, ("violin", 999))) == pytest.approx(empty)

    @pytest.mark.parametrize("filling", ["one_mask", "iterative"])
    def test_dead_hashtags_come_after_all_live_ones(self, system, filling):
        with_config(system, filling=filling, recency={"weights": [0], "live_days": 2})
        memory = self.remembered(system, ("violin", 999), ("rose", 960), ("bee", 951))
        ranking = list(self.rank(system, memory))
        assert set(ranking[:2]) == {"violin", "rose"}
        dead = [name for name in system.id_map.names if name not in ranking[:2]]
        assert ranking[2:] == dead

    def test_where_nothing_is_alive_all_may_be_named(self, system):
        plain = self.rank(system, system.new_memory())
        with_config(system, recency={"weights": [0], "live_days": 2})
        assert self.rank(system, self.remembered(system, ("violin", 1))) == pytest.approx(plain)

    def test_the_best_weight_on_validation_is_taken(self, data, tmp_path):
        """Captions say nothing, and a hashtag is used in bursts: only recency helps."""
        names = [name for pair in PAIRS.values() for name in pair]
        posts = [make_post(n, f"{FILLERS[n % 3]}", [names[n // 20 % 12]]) for n in range(480)]
        bursts = Data(tmp_path, posts[:400], posts[400:])
        settings = config(training={"epochs": 1}, recency={"weights": [0, 1], "half_lives_days": [0.1, 100]})
        system = train_run(settings, bursts, tmp_path / "run").system
        assert (system.half_life_days, system.weight) == (0.1, 1.0)
        lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
        scores = {
            (record["half_life_days"], record["weight"]): record["f1@5"]
            for record in map(json.loads, lines)
            if record["event"] == "recency"
        }
        assert set(scores) == {(0.1, 0.0), (0.1, 1.0), (100.0, 1.0)}
        assert max(scores, key=scores.get) == (0.1, 1.0)
        loaded = load_model(tmp_path / "run").system
        assert (loaded.half_life_days, loaded.weight) == (0.1, 1.0)


class TestKeeping:
    def test_stopped_and_resumed_equals_unbroken(self, data, tmp_path, run):
        class Interrupted(FillMaskLearner):
            calls = 0

            def loss(self, module, rows, epoch):
                self.calls += 1
                if self.calls == 30:
                    trainer._interrupted = True
                return super().loss(module, rows, epoch)

        settings = config(encoder={**ENCODER, "dropout": 0.2}, training={"epochs": 3, "batch_size": 16})
        weights = []
        for name, stops in (("unbroken", False), ("broken", True)):
            for again in (True, False) if stops else (False,):
                torch.manual_seed(0)
                system = BertFillMask(settings)
                system.start(load_model(run).system.id_map, 400)
                train = system._labelled(data.split("train")).learnable()
                torch.manual_seed(0)
                from multimodal.encoders.captions.masked_language_model import add_hashtag_tokens, build_masked_model

                language_model = build_masked_model(settings.encoder, train.captions)
                add_hashtag_tokens(language_model, system.id_map.names, system.id_map.frequencies)
                system._use(language_model)
                kind = Interrupted if again else FillMaskLearner
                learner = system.learner(train, system._labelled(data.split("validation")).tagged(), kind)
                trainer = Trainer(learner, settings.training, RunFolder(tmp_path / name), 0)
                if again:
                    with pytest.raises(KeyboardInterrupt):
                        trainer.fit()
                else:
                    trainer.fit()
            weights.append(learner.weights())
        for name, value in weights[0].items():
            torch.testing.assert_close(weights[1][name], value, msg=name)

    def test_its_body_is_designs_caption_encoder(self, run, system, data, tmp_path):
        encoder = build_caption_encoder(
            CaptionEncoderConfig(name="transformer", pretrained=str(run), maximum_tokens=32), []
        )
        ids, mask = encoder.pad(encoder.tokenise(["harbour today", "rose"]))
        body = system.language_model.model.base_model.eval()
        with torch.no_grad():
            expected = body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        torch.testing.assert_close(encoder(ids, mask)[mask], expected[mask])
        overrides = [
            f"encoder.caption={{name: transformer, pretrained: {run}, trainable: true, maximum_tokens: 32}}",
            "encoder.image=null",
            "training.epochs=1",
        ]
        design = load_config(ROOT / "configs" / "debug.yaml", overrides)
        trained = train_run(design, data, tmp_path / "design")
        (ranking,) = trained.system.rank([ask("harbour today")], trained.system.new_memory(), 3)
        assert len(ranking) == 3
        assert load_model(tmp_path / "design").system.config == design

    def test_held_in_bf16_it_answers_alike_and_is_not_saved(self, system, tmp_path):
        posts = [ask(f"so {word} again") for word in PAIRS]
        plain = names_of(system.rank(posts, system.new_memory(), 2))
        system.use_precision("bf16")
        assert {tensor.dtype for tensor in system.network.parameters()} == {torch.bfloat16}
        found = names_of(system.rank(posts, system.new_memory(), 2))
        assert [set(names) for names in found] == [set(names) for names in plain]
        with pytest.raises(RunError, match="the encoder is in bf16"):
            system.save(tmp_path)
        with pytest.raises(RunError, match="load the model again"):
            system.use_precision("fp32")

    def test_trained_in_bf16(self, data, tmp_path):
        settings = config(training={**TRAINING, "epochs": 10, "precision": "bf16"})
        system = train_run(settings, data, tmp_path / "run").system
        found = names_of(system.rank([ask(f"so {word} again") for word in PAIRS], system.new_memory(), 1))
        assert all(name in pair for (name,), pair in zip(found, PAIRS.values(), strict=True))

    def test_a_folder_of_another_vocabulary_is_refused(self, run, tmp_path):
        import shutil

        shutil.copytree(run / "model", tmp_path / "model")
        vocabulary = json.loads((tmp_path / "model" / "vocabulary.json").read_text())
        vocabulary["hashtags"][2] = "other"
        (tmp_path / "model" / "vocabulary.json").write_text(json.dumps(vocabulary))
        info = json.loads((tmp_path / "model" / "model.json").read_text())
        del info["checksums"]
        (tmp_path / "model" / "model.json").write_text(json.dumps(info))
        with pytest.raises(RunError, match=r"no token for 1 hashtags \(other"):
            load_model(tmp_path / "model")

    def test_going_on_from_a_run_keeps_its_hashtag_tokens(self, run, system, data, tmp_path, caplog):
        caplog.set_level(logging.WARNING)
        encoder = {"pretrained": str(run), "maximum_tokens": 32, "learning_rate": 1e-9}
        settings = config(encoder=encoder, training={"epochs": 1}, recency={"weights": [0]})
        again = train_run(settings, data, tmp_path / "again").system
        assert "no head" not in caplog.text
        posts = [ask(f"so {word} again") for word in PAIRS]
        for one, other in zip(
            *(list(each.rank(posts, each.new_memory(), 13)) for each in (again, system)), strict=True
        ):
            assert dict(one) == pytest.approx(dict(other), abs=1e-4)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"filling": "iterative", "questions": 9}, "questions=9: a sentence has at most 4 hashtags"),
            ({"recency": {"weights": [0, 4]}}, r"recency: weights=\[0.0, 4.0\]: each must be from 0 to 3"),
            ({"recency": {"half_lives_days": [0]}}, r"half_lives_days=\[0.0\]: each must be above 0"),
            ({"recency": {"weights": []}}, "recency.weights"),
            ({"filling": "beam"}, "filling"),
            ({"live_tags": 0}, "live_tags"),
            ({"encoder": {"width": 16, "length": 3}}, "encoder.length: unknown key"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, values, message):
        with pytest.raises(ConfigError, match=message):
            config(**values)

    def test_without_an_exponent_there_is_one_half_life_to_try(self):
        assert config(recency={"weights": [0], "half_lives_days": [1, 7]}).recency.grid() == [(1.0, 0.0)]
        grid = config(recency={"weights": [0, 1], "half_lives_days": [1, 7]}).recency.grid()
        assert grid == [(1.0, 0.0), (1.0, 1.0), (7.0, 1.0)]
