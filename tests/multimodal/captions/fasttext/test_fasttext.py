"""The System fasttext: its updates beside the library's algorithm, its order of posts, its search for settings."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import torch

from data_loaders.errors import ConfigError, RunError
from multimodal.captions.fasttext.autotune import autotune, draw_settings, own_settings, with_settings
from multimodal.captions.fasttext.config import FastTextConfig
from multimodal.captions.fasttext.learner import FastTextLearner
from multimodal.captions.fasttext.network import FastTextNetwork
from multimodal.captions.labelled import LabelledCaptions
from multimodal.encoders import build_caption_encoder, load_caption_encoder
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from multimodal.training.trainer import Trainer, TrainingState

WORDS = ("sea", "sky", "sun", "tea", "cat", "dog")
V = 5


def make_posts(count=60, seed=0):
    """Captions whose words tell their hashtags."""
    draw = np.random.default_rng(seed)
    captions, targets = [], []
    for _ in range(count):
        words = draw.choice(len(WORDS), 3)
        captions.append(" ".join(WORDS[word] for word in words))
        targets.append(sorted({int(word) % V for word in words[:2]}))
    return LabelledCaptions(captions, targets, [len(row) for row in targets], V)


def make_config(**changes):
    training = {"epochs": 3, "batch_size": 8, "patience": 9, **changes.pop("training", {})}
    encoder = {"width": 8, "word_ngrams": 2, "buckets": 97, **changes.pop("encoder", {})}
    return FastTextConfig(system="fasttext", encoder=encoder, training=training, **changes)


def make_learner(config, posts, kind=FastTextLearner):
    torch.manual_seed(config.seed)
    encoder = build_caption_encoder(config.encoder, posts.captions)
    frequencies = np.bincount([tag for row in posts.targets for tag in row], minlength=V)
    network = FastTextNetwork(encoder, config.loss, frequencies, config.dropout)
    return kind(network, config, posts, make_posts(20, seed=9), np.arange(V))


def fit(folder, config, posts, kind=FastTextLearner):
    learner = make_learner(config, posts, kind)
    state = Trainer(learner, config.training, RunFolder(folder), config.seed).fit()
    return learner.network, state


def slow_fasttext(config, posts, learner, steps):
    """The library's loop, one post after the other: `Model::update` with `HierarchicalSoftmaxLoss`."""
    encoder = learner.network.encoder
    words, ngrams = (table.weight.detach().double().numpy().copy() for table in (encoder.words, encoder.ngrams))
    tree = learner.network.output.tree
    nodes = np.zeros((V - 1, words.shape[1]))
    rate, done = config.training.learning_rate, 0
    for epoch in range(config.training.epochs):
        draws = np.random.default_rng([config.seed, epoch, 1]).random(len(posts))
        for row, caption in enumerate(posts.captions):
            ids, mask = encoder.pad(encoder.tokenise([caption]))
            own, hashed = encoder.rows(ids, mask)
            bag = [("w", int(place)) for place in own.flatten() if place]
            bag += [("n", int(place)) for place in hashed.flatten() if place]
            hidden = sum((words if kind == "w" else ngrams)[place] for kind, place in bag) / len(bag)
            node = posts.targets[row][int(draws[row] * len(posts.targets[row]))]
            now, gradient = rate * (1 - max(done - 1, 0) / (steps - 1)), np.zeros_like(hidden)
            while tree.parents[node] >= 0:
                above = tree.parents[node] - V
                score = 1 / (1 + np.exp(-hidden @ nodes[above]))
                alpha = now * (tree.turns[node] - score)
                gradient += alpha * nodes[above]
                nodes[above] += alpha * hidden
                node = tree.parents[node]
            for kind, place in bag:
                (words if kind == "w" else ngrams)[place] += gradient / len(bag)
            done += 1
    return words, ngrams, nodes


def test_sgd_a_post_at_a_time_is_the_loop_of_the_library(tmp_path):
    posts = make_posts()
    training = {"batch_size": 1, "learning_rate": 0.5, "schedule": "linear"}
    config = make_config(optimiser="sgd", training=training)
    learner = make_learner(config, posts)
    expected = slow_fasttext(config, posts, learner, steps=3 * len(posts))
    last = {}

    class Keeping(FastTextLearner):
        def validate(self):
            last.update({name: value.clone() for name, value in self.weights().items()})
            return super().validate()

    fit(tmp_path, config, posts, Keeping)
    names = ("encoder.words.weight", "encoder.ngrams.weight", "output.weight")
    for name, value in zip(names, expected, strict=True):
        np.testing.assert_allclose(last[name].numpy(), value, atol=2e-5)


@pytest.mark.parametrize("loss", ["hierarchical_softmax", "softmax", "one_versus_all"])
@pytest.mark.parametrize("labels", ["random", "all"])
def test_every_loss_learns_what_words_tell(loss, labels, tmp_path):
    config = make_config(loss=loss, labels=labels, training={"epochs": 12, "learning_rate": 0.05, "validation_k": 2})
    _, state = fit(tmp_path, config, make_posts(200))
    assert state.best_score > 0.7


def test_training_follows_from_the_seed(tmp_path):
    posts, config = make_posts(), make_config(order="random")
    one, other = (fit(tmp_path / name, config, posts)[0].state_dict() for name in ("one", "other"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    third = fit(tmp_path / "third", make_config(order="random", seed=1), posts)[0].state_dict()
    assert not torch.equal(one["output.weight"], third["output.weight"])


@pytest.mark.parametrize("steps", [[3], [8], [11, 2]], ids=str)
def test_stopped_and_resumed_equals_unbroken(steps, tmp_path):
    posts, config = make_posts(), make_config(order="random")
    whole, state = fit(tmp_path / "whole", config, posts)

    class Stopping(FastTextLearner):
        calls, stop_at = 0, 0

        def loss(self, module, rows, epoch):
            type(self).calls += 1
            if self.calls == self.stop_at:
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(module, rows, epoch)

    for step in steps:
        Stopping.calls, Stopping.stop_at = 0, step
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "broken", config, posts, Stopping)
    network, resumed = fit(tmp_path / "broken", config, posts)
    assert (resumed.step, resumed.scores) == (state.step, state.scores)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in network.state_dict().items())


class TestOrderAndLabels:
    def test_in_time_batches_go_through_the_posts_as_they_stand(self):
        learner = make_learner(make_config(training={"batch_size": 7}), make_posts())
        batches = learner.batches(3)
        assert [row for batch in batches for row in batch] == list(range(60))
        assert {len(batch) for batch in batches} <= {6, 7}

    def test_by_chance_they_follow_from_seed_and_epoch(self):
        learner = make_learner(make_config(order="random"), make_posts())
        rows = [[row for batch in learner.batches(epoch) for row in batch] for epoch in (0, 1, 0)]
        assert rows[0] == rows[2] != rows[1]
        assert sorted(rows[1]) == list(range(60))

    def test_a_label_by_chance_is_one_of_the_posts_own_and_each_has_its_turn(self):
        posts = make_posts()
        learner = make_learner(make_config(), posts)
        seen = [set() for _ in range(60)]
        for epoch in range(40):
            rows, labels, shares = learner._pairs(range(60), epoch)
            assert rows.tolist() == list(range(60))
            assert (shares == 1).all()
            for row, label in zip(rows, labels.tolist(), strict=True):
                seen[row].add(label)
        assert [sorted(row) for row in seen] == posts.targets

    def test_all_labels_share_the_loss(self):
        posts = make_posts()
        rows, labels, shares = make_learner(make_config(labels="all"), posts)._pairs([4, 2], 0)
        assert labels.tolist() == posts.targets[4] + posts.targets[2]
        np.testing.assert_allclose(np.bincount(rows, shares), [1, 1])


class TestAutotune:
    def test_settings_follow_from_seed_and_number_and_lie_in_their_range(self):
        assert draw_settings(0, 3) == draw_settings(0, 3) != draw_settings(1, 3)
        drawn = [draw_settings(0, number) for number in range(1, 200)]
        assert all(0.002 <= one["learning_rate"] <= 0.05 and 16 <= one["width"] <= 200 for one in drawn)
        assert {one["word_ngrams"] for one in drawn} == {1, 2, 3}
        for one in drawn:
            assert own_settings(with_settings(make_config(), one)) == one

    def search(self, folder, tried, stop_at=None, **wanted):
        config = make_config(autotune=wanted)

        def judge(given, run):
            if len(tried) == stop_at:
                raise KeyboardInterrupt
            run.path.mkdir(parents=True)
            tried.append(own_settings(given))
            # The best width is 100, whatever else is drawn.
            score = 1 / (1 + abs(given.encoder.width - 100))
            return TrainingState(best_score=score, best_epoch=2, seconds=30.0)

        return autotune(config, RunFolder(folder), judge)

    def test_the_best_of_the_trials_is_taken_and_all_are_kept_in_the_metrics(self, tmp_path):
        tried = []
        chosen = self.search(tmp_path, tried, trials=8)
        assert len(tried) == 8
        assert tried[0] == own_settings(make_config())
        best = min(tried, key=lambda one: abs(one["width"] - 100))
        assert own_settings(chosen) == best
        assert not chosen.autotune.wanted
        lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
        assert [line["trial"] for line in lines] == list(range(8))
        assert [line["width"] for line in lines] == [one["width"] for one in tried]
        assert [path.name for path in (tmp_path / "checkpoints" / "autotune").iterdir()] == ["autotune.json"]

    def test_time_ends_it_too(self, tmp_path):
        tried = []
        self.search(tmp_path, tried, minutes=1.9)
        assert len(tried) == 4

    def test_stopped_and_resumed_it_tries_the_same(self, tmp_path):
        whole, broken = [], []
        expected = self.search(tmp_path / "whole", whole, trials=6)
        with pytest.raises(KeyboardInterrupt):
            self.search(tmp_path / "broken", broken, trials=6, stop_at=3)
        assert self.search(tmp_path / "broken", broken, trials=6) == expected
        assert broken == whole

    def test_in_a_run_it_chooses_before_it_trains(self, tiny_data, tmp_path):
        values = {"system": "fasttext", "encoder": {"width": 8}, "training": {"epochs": 1}, "autotune": {"trials": 2}}
        trained = train_run(validate_config(values), tiny_data, tmp_path / "run")
        lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
        trials = [line for line in lines if line["event"] == "trial"]
        best = max(trials, key=lambda trial: trial["score"])
        settings = json.loads((tmp_path / "run" / "model" / "fasttext.json").read_text())["settings"]
        assert settings == {key: best[key] for key in settings}
        assert trained.system.network.encoder.width == best["width"]
        assert load_model(tmp_path / "run").system.network.encoder.width == best["width"]


class TestSystem:
    @pytest.fixture(scope="class")
    def run(self, tiny_data, tmp_path_factory):
        folder = tmp_path_factory.mktemp("fasttext") / "run"
        values = {"system": "fasttext", "encoder": {"width": 8, "word_ngrams": 2}, "training": {"epochs": 2}}
        return train_run(validate_config(values), tiny_data, folder)

    def test_any_caption_gets_an_answer_and_nothing_known_the_prior(self, run):
        system = run.system
        odd = ["", "😀", "ქართული ენა", "zzz qqq", "https://t.co/x", "a quiet walk " * 10_000, "quiet zzz"]
        scores = system.scores_or_prior(odd)
        assert np.isfinite(scores).all()
        prior = system.scores_or_prior([""])[0]
        for row, caption in enumerate(odd):
            assert system.can_score([caption])[0] == (row > 4)
            assert np.array_equal(scores[row], prior) == (row < 5)

    def test_scores_are_probabilities(self, run):
        scores = run.system.scores(["a quiet walk", "rain and cake"])
        np.testing.assert_allclose(scores.sum(1), 1, atol=1e-12)

    def test_design_can_take_its_encoder(self, run):
        encoder = load_caption_encoder(run.run.model / "caption_encoder")
        ids, mask = encoder.pad(encoder.tokenise(["a quiet walk"]))
        vector = encoder.pool(encoder(ids, mask), mask).double()
        scores = run.system.network.output.log_probabilities(vector).exp().detach().numpy()
        np.testing.assert_allclose(scores, run.system.scores(["a quiet walk"]), atol=1e-7)

    def test_frequencies_of_another_vocabulary_are_refused(self, run, tmp_path):
        run.system.save_learned(tmp_path)
        file = tmp_path / "fasttext.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "frequencies": [1, 2]}), encoding="utf-8")
        with pytest.raises(RunError, match=r"has the frequencies of 2 hashtags, the vocabulary has \d+; the folder"):
            load_model(run.run.model).system.load_learned(tmp_path)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"training": {"clip": 1}}, "clip is for AdamW and not used by fasttext; leave it out"),
            ({"training": {"weight_decay": 0.0}}, "weight_decay is for AdamW and not used by fasttext"),
            ({"layer_decay": 0.5}, "layer_decay is for encoders of several layers"),
            ({"encoder": {"name": "lstm"}}, "this system has the encoder 'fasttext', not 'lstm'"),
            ({"loss": "hs"}, "hierarchical_softmax"),
            ({"autotune": {"trials": 0}}, "autotune.trials"),
        ],
        ids=str,
    )
    def test_settings_that_do_nothing_or_do_not_exist_are_refused(self, values, message):
        with pytest.raises(ConfigError, match=message):
            validate_config({"system": "fasttext", **values})
