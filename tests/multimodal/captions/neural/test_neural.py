"""Neural text-only Systems: what they learn from, how, and what they say of captions that tell them nothing."""

from __future__ import annotations

import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.preprocessing import MultiLabelBinarizer

from data_loaders.errors import ConfigError, DataError
from data_loaders.posts import Post
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural.learner import CaptionLearner
from multimodal.captions.neural.system import NeuralCaptionSystem
from multimodal.design.system import DesignSystem
from multimodal.encoders import CaptionEncoder
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system
from multimodal.training.run import train_run

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
SMALL = {
    "lstm": ["encoder.width=12", "encoder.hidden=10"],
    "text_resnet": ["encoder.width=12", "encoder.hidden=8", "encoder.layers=2"],
    "cnn_attention": ["encoder.width=12", "encoder.hidden=8"],
    "bert": ["encoder.maximum_tokens=32"],
}
TRAINING = "training={epochs: 2, batch_size: 16, learning_rate: 0.01}"
LOSSES = ["idf_bce", "bce", "softmax_1_over_k"]


def config_of(name, tiny_bert, *overrides):
    own = [f"encoder.pretrained={tiny_bert}"] if name == "bert" else []
    return load_config(CONFIGS / f"{name}.yaml", [*SMALL[name], TRAINING, *own, *overrides])


def fit(config, data, folder):
    system = get_system(config.system)(config)
    system.fit(data, RunFolder(folder))
    return system


@pytest.fixture(scope="module")
def fitted(tiny_data, tiny_bert, tmp_path_factory):
    """Each System is trained once, when it is first asked for."""
    trained = {}

    def get(name):
        if name not in trained:
            folder = tmp_path_factory.mktemp("fitted") / name
            trained[name] = train_run(config_of(name, tiny_bert), tiny_data, folder).system, folder
        return trained[name]

    return get


def labelled(*rows, vocabulary_size=4):
    """Captions with their hashtags as indices."""
    return LabelledCaptions([text for text, _ in rows], [tags for _, tags in rows], [2] * len(rows), vocabulary_size)


class TestLabelledCaptions:
    POSTS = (
        Post(post_id="a", caption="Sea and #sky http://t.co/x", hashtags=("sky", "sea", "unheard")),
        Post(post_id="b", caption=None, hashtags=("sea",)),
        Post(post_id="c", caption="a walk", hashtags=("unheard",)),
        Post(post_id="d", caption="#sea", hashtags=("sea",)),
        Post(post_id="e", caption="a walk", hashtags=()),
    )

    @pytest.fixture
    def captions(self):
        id_map = HashtagIdMap(["sea", "sky"], [2, 1])
        id_map.add(["later"])  # remembered, but not of the vocabulary
        return LabelledCaptions.of(self.POSTS, id_map, "tweet")

    def test_captions_are_cleaned_and_hashtags_looked_up(self, captions):
        assert captions.captions == ["sea and", "", "a walk", "", "a walk"]
        assert captions.targets == [[1, 0], [0], [], [0], []]
        assert captions.truth_sizes == [3, 1, 1, 1, 0]
        assert (len(captions), captions.vocabulary_size) == (5, 2)

    def test_what_can_be_learned_from_and_what_is_judged(self, captions):
        assert captions.learnable().captions == ["sea and"]
        assert captions.tagged().targets == [[1, 0], [0], [], [0]]
        assert captions.take([4, 1]).truth_sizes == [0, 1]

    def test_the_matrix_is_that_of_scikit_learn(self, captions):
        expected = MultiLabelBinarizer(classes=[0, 1]).fit_transform(captions.targets)
        np.testing.assert_array_equal(captions.multi_hot().toarray(), expected)


def started(config, train):
    """A System that knows its vocabulary and has no network yet."""
    system = get_system(config.system)(config)
    assert isinstance(system, NeuralCaptionSystem)
    frequencies = train.multi_hot().sum(0).A1.astype(int).tolist()
    system.start(HashtagIdMap([f"tag{n}" for n in range(train.vocabulary_size)], frequencies), len(train))
    return system


ROWS = labelled(("sea sea a", [0, 1]), ("sky a", [1]), ("sun sea a b", [1, 2, 3]), ("b sun", [2]), ("b", [1]))


def learner_of(tiny_bert, *overrides, name="lstm", train=ROWS):
    from multimodal.encoders import build_caption_encoder

    config = config_of(name, tiny_bert, *overrides)
    system = started(config, train)
    torch.manual_seed(0)
    system.build(build_caption_encoder(config.encoder, train.captions))
    return CaptionLearner(system.network, config, train, train, system.scores_or_prior)


class TestLosses:
    LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(3))

    def loss(self, tiny_bert, name):
        learner = learner_of(tiny_bert, f"loss={name}")
        return float(learner.loss(lambda ids, mask: self.LOGITS, list(range(5)), 0)[0])

    def slow(self, weight_of):
        """Sum of binary cross-entropies, over the mean number of hashtags of a post."""
        total = 0.0
        for row, tags in zip(self.LOGITS.tolist(), ROWS.targets, strict=True):
            for tag, logit in enumerate(row):
                chance = 1 / (1 + math.exp(-logit))
                total -= weight_of(tag) * math.log(chance) if tag in tags else math.log(1 - chance)
        return total / 5 / (8 / 5)

    def test_bce(self, tiny_bert):
        assert self.loss(tiny_bert, "bce") == pytest.approx(self.slow(lambda tag: 1.0), rel=1e-5)

    def test_idf_bce_weighs_presence_by_ln_of_posts_over_carriers(self, tiny_bert):
        carriers = [1, 4, 2, 1]
        expected = self.slow(lambda tag: math.log(5 / carriers[tag]))
        assert self.loss(tiny_bert, "idf_bce") == pytest.approx(expected, rel=1e-5)

    def test_softmax_with_targets_1_over_k(self, tiny_bert):
        total = 0.0
        for row, tags in zip(self.LOGITS.tolist(), ROWS.targets, strict=True):
            normaliser = math.log(sum(math.exp(logit) for logit in row))
            total -= sum(row[tag] - normaliser for tag in tags) / len(tags)
        assert self.loss(tiny_bert, "softmax_1_over_k") == pytest.approx(total / 5, rel=1e-5)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_training_starts_from_the_best_answer_that_ignores_the_caption(self, loss, tiny_bert):
        learner = learner_of(tiny_bert, f"loss={loss}")
        output = learner.module.output
        value, _ = learner.loss(lambda ids, mask: output.bias.expand(len(ids), -1), list(range(5)), 0)
        value.backward()
        assert output.bias.grad.abs().max() < 1e-5
        assert not torch.equal(output.bias, torch.zeros(4))

    @pytest.mark.parametrize("loss", LOSSES)
    def test_hashtags_of_all_posts_and_of_none_keep_the_start_finite(self, loss, tiny_bert):
        learner = learner_of(tiny_bert, f"loss={loss}", train=labelled(("a a", [0]), ("a", [0, 1])))
        assert torch.isfinite(learner.module.output.bias).all()
        assert torch.isfinite(learner.loss(learner.module, [0, 1], 0)[0])

    def test_validation_is_f1_of_the_means(self, tiny_bert):
        learner = learner_of(tiny_bert, "training.validation_k=2")
        scores = learner.validate()
        found = learner._scores(ROWS.captions).argsort(1)[:, ::-1][:, :2]
        hits = np.array([len(set(row) & set(tags)) for row, tags in zip(found.tolist(), ROWS.targets, strict=True)])
        precision, recall = (hits / 2).mean(), (hits / 2).mean()  # every row says that it has two hashtags
        assert scores["score"] == pytest.approx(2 * precision * recall / (precision + recall))
        assert scores["hit_rate"] == pytest.approx((hits > 0).mean())


class TestLearningRates:
    def rates(self, learner):
        names = {id(parameter): name for name, parameter in learner.module.named_parameters()}
        groups = learner.parameter_groups()
        return {names[id(one)]: (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}

    def rate_of(self, rates, part):
        found = {rate for name, (rate, _) in rates.items() if part in name}
        assert len(found) == 1, found
        return found.pop()

    def test_fall_from_layer_to_layer(self, tiny_bert):
        overrides = ["layer_decay=0.5", "training.encoder_learning_rate=0.008"]
        rates = self.rates(learner_of(tiny_bert, *overrides, name="bert"))
        assert len(rates) == len(list(learner_of(tiny_bert, name="bert").module.parameters()))
        assert rates["output.weight"] == (0.01, 0.01)
        assert rates["output.bias"] == (0.01, 0.0)
        assert self.rate_of(rates, "encoder.layer.1.") == pytest.approx(0.008)
        assert self.rate_of(rates, "encoder.layer.0.") == pytest.approx(0.004)
        assert self.rate_of(rates, "embeddings.") == pytest.approx(0.002)

    def test_an_encoders_own_rate_comes_first(self, tiny_bert):
        rates = self.rates(learner_of(tiny_bert, "encoder.learning_rate=0.003", "layer_decay=1", name="bert"))
        assert self.rate_of(rates, "encoder.model") == pytest.approx(0.003)

    def test_fresh_encoders_have_the_trainings_rate(self, tiny_bert):
        rates = self.rates(learner_of(tiny_bert, "training.encoder_learning_rate=0.5"))
        assert {rate for rate, _ in rates.values()} == {0.01}

    def test_matrices_alone_decay(self, tiny_bert):
        learner = learner_of(tiny_bert)
        matrices = {name for name, parameter in learner.module.named_parameters() if parameter.dim() > 1}
        assert {name for name, (_, decay) in self.rates(learner).items() if decay} == matrices

    def test_frozen_encoders_are_neither_trained_nor_kept_in_checkpoints(self, tiny_bert):
        learner = learner_of(tiny_bert, "encoder.trainable=false", name="bert")
        assert set(self.rates(learner)) == {"output.weight", "output.bias"}
        assert set(learner.weights()) == {"output.weight", "output.bias"}


class TestBertConfig:
    @pytest.mark.parametrize(
        ("override", "expected"),
        [
            ("seed=1", "all"),
            ("encoder.trainable=null", "all"),
            ("encoder.trainable=2", 2),
            ("encoder.trainable=false", False),
        ],
    )
    def test_everything_is_trained_unless_said_otherwise(self, override, expected):
        assert load_config(None, ["system=bert", override]).encoder.trainable == expected

    def test_another_encoder_is_refused(self):
        with pytest.raises(ConfigError, match="this system has the encoder 'transformer', not 'lstm'"):
            load_config(None, ["system=bert", "encoder.name=lstm"])

    def test_without_a_hub_the_message_says_how_to_give_a_folder(self, tiny_data, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        config = load_config(CONFIGS / "bert.yaml", ["encoder.pretrained=nobody/no-such-model"])
        with pytest.raises(ConfigError, match=r"^encoder\.pretrained='nobody/no-such-model': HF_HUB_OFFLINE") as caught:
            fit(config, tiny_data, tmp_path)
        assert "encoder.pretrained=/path/to/folder" in str(caught.value)
        load_config(CONFIGS / "bert.yaml", ["encoder.pretrained=/path/to/folder"])


@pytest.mark.parametrize("name", list(SMALL))
class TestAnyCaption:
    NOTHING = (None, "", "  \n", "#sea #sky", "https://t.co/abc", "😀", "ᚠᚢᚦᚨᚱᚲ")

    def ranking(self, system, caption, k=9):
        memory = system.new_memory()
        return next(iter(system.rank([Post(post_id="x", caption=caption)], memory, k)))

    def test_the_train_shares_where_there_is_nothing_to_say(self, name, fitted, tiny_data):
        system, _ = fitted(name)
        train = tiny_data.split("train")
        shares = {
            hashtag: sum(hashtag in post.hashtags for post in train) / len(train)
            for hashtag in tiny_data.vocabulary.hashtags
        }
        best = sorted(shares, key=lambda hashtag: (-shares[hashtag], hashtag))[:9]
        for caption in self.NOTHING:
            ranking = self.ranking(system, caption)
            assert [hashtag for hashtag, _ in ranking] == best, caption
            assert [score for _, score in ranking] == pytest.approx([shares[hashtag] for hashtag in best], abs=1e-6)

    def test_long_captions_and_odd_ones_get_an_answer(self, name, fitted):
        system, _ = fitted(name)
        for caption in ["the walk " * 5_000, "a" * 100_000, "\ud800 a", "a\x00b", "日本語 ไทย العربية a"]:
            ranking = self.ranking(system, caption)
            assert len(ranking) == 9
            assert all(math.isfinite(score) for _, score in ranking)

    def test_the_caption_decides_where_it_says_something(self, name, fitted):
        system, _ = fitted(name)
        answers = [self.ranking(system, caption) for caption in ("a", "the", None)]
        assert answers[0] != answers[1]
        assert answers[0] != answers[2]
        for ranking in answers:
            assert all(0 <= score <= 1 for _, score in ranking)

    def test_known_and_unknown_captions_in_one_call(self, name, fitted):
        system, _ = fitted(name)
        captions = ["a walk", "", "the quiet harbour", "ᚠᚢᚦ"]
        together = system.scores_or_prior(captions)
        for caption, row in zip(captions, together, strict=True):
            np.testing.assert_allclose(system.scores_or_prior([caption])[0], row, atol=1e-6)
        assert np.isfinite(together).all()


class TestFitting:
    def test_no_caption_to_learn_from(self, tiny_data, tiny_bert, tmp_path):
        data = replace_posts(tiny_data, caption=None)
        with pytest.raises(DataError, match=r"system lstm learns from captions alone, and no train post has both"):
            fit(config_of("lstm", tiny_bert), data, tmp_path)

    def test_no_truth_to_choose_by(self, tiny_data, tiny_bert, tmp_path):
        data = replace_posts(tiny_data, "validation", hashtags=())
        with pytest.raises(DataError, match="no validation post has a hashtag"):
            fit(config_of("lstm", tiny_bert), data, tmp_path)

    def test_an_unknown_cleaning_profile_is_refused(self):
        with pytest.raises(ConfigError, match=r"caption_profile: .*'no'.*tweet"):
            load_config(None, ["system=lstm", "caption_profile='no'"])

    @pytest.mark.parametrize("loss", LOSSES)
    def test_a_word_that_tells_the_hashtag_is_learned(self, loss, tiny_bert, tmp_path):
        rows = [(f"a {word} {filler}", [tag]) for filler in "bcdef" for tag, word in enumerate(["sea", "sky", "sun"])]
        train = labelled(*rows * 4, vocabulary_size=3)
        config = config_of("lstm", tiny_bert, f"loss={loss}", "training.epochs=12", "dropout=0.0")
        system = started(config, train)
        system.learn(train, train, RunFolder(tmp_path))
        scores = system.scores(["sea", "d sky", "sun a"])
        assert scores.argmax(1).tolist() == [0, 1, 2]


def replace_posts(data, *splits, **changes):
    """Return a copy of the data in which posts of some splits (all, if none is named) are changed."""
    chosen = {post.post_id for split in splits or ("train", "validation", "test") for post in data.split(split)}
    posts = [replace(post, **changes) if post.post_id in chosen else post for post in data.posts]
    copy = replace(data, posts=posts)
    copy.vocabulary = data.vocabulary
    return copy


def records(folder):
    """Lines of metrics.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: one for key, one in line.items() if key not in ("posts_per_second", "seconds")} for line in lines]


@pytest.mark.parametrize("name", ["text_resnet", "bert"])
def test_stopped_and_resumed_equals_unbroken(name, tiny_data, tiny_bert, tmp_path, monkeypatch):
    config = config_of(name, tiny_bert)
    unbroken = fit(config, tiny_data, tmp_path / "unbroken")
    loss, calls = CaptionLearner.loss, []

    def stopping(self, *arguments):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, *arguments)

    monkeypatch.setattr(CaptionLearner, "loss", stopping)
    with pytest.raises(KeyboardInterrupt):
        fit(config, tiny_data, tmp_path / "stopped")
    resumed = fit(config, tiny_data, tmp_path / "stopped")
    expected, found = unbroken.network.state_dict(), resumed.network.state_dict()
    assert set(found) == set(expected)
    for key, value in found.items():
        assert torch.equal(value, expected[key]), key
    assert records(tmp_path / "stopped") == records(tmp_path / "unbroken")


class TestHandOver:
    """A text-only run becomes DESIGN's caption encoder."""

    def design(self, data, folder, name, run, *overrides):
        caption = [f"encoder.caption.name={name}", f"encoder.caption.pretrained={run}"]
        config = load_config(CONFIGS / "debug.yaml", [*caption, "training.epochs=1", *overrides])
        system = DesignSystem(config)
        system.fit(data, RunFolder(folder))
        encoder = system.network.caption_encoder
        assert isinstance(encoder, CaptionEncoder)
        return encoder

    @pytest.mark.parametrize("name", ["lstm", "text_resnet", "cnn_attention"])
    def test_design_starts_from_its_weights(self, name, fitted, tiny_data, tmp_path):
        _, run = fitted(name)
        saved = load_file(run / "model" / "caption_encoder" / "weights.safetensors")
        encoder = self.design(tiny_data, tmp_path, name, run)
        assert encoder.frozen
        assert set(encoder.state_dict()) == set(saved)
        for key, value in encoder.state_dict().items():
            assert torch.equal(value, saved[key]), key

    def test_bert_is_handed_over_to_a_transformer(self, fitted, tiny_data, tmp_path):
        system, run = fitted("bert")
        encoder = self.design(tiny_data, tmp_path, "transformer", run)
        for key, value in system.encoder.state_dict().items():
            assert torch.equal(value, encoder.state_dict()[key]), key

    def test_design_goes_on_training_where_it_is_asked_to(self, fitted, tiny_data, tmp_path):
        _, run = fitted("lstm")
        saved = load_file(run / "model" / "caption_encoder" / "weights.safetensors")
        rate = "encoder.caption.learning_rate=0.0001"
        encoder = self.design(tiny_data, tmp_path, "lstm", run, "encoder.caption.trainable=all", rate)
        for key, value in encoder.state_dict().items():
            torch.testing.assert_close(value, saved[key], atol=0.002, rtol=0)
        assert not torch.equal(encoder.state_dict()["words.weight"], saved["words.weight"])

    def test_a_run_of_another_encoder_is_refused(self, fitted, tiny_data, tmp_path):
        _, run = fitted("lstm")
        with pytest.raises(ConfigError, match="'lstm'"):
            self.design(tiny_data, tmp_path, "cnn_attention", run)
