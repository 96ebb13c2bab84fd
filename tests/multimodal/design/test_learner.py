"""How DESIGN learns: what is dropped, which rates apply, and that validation is what ranking gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch

from data_loaders.errors import DataError
from multimodal.design.learner import ALPHAS, DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import load_config
from multimodal.systems.post_networks.train_batches import Dropped, DropRates

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
CPU = torch.device("cpu")


def make_system(data, *overrides):
    system = DesignSystem(load_config(DEBUG, overrides))
    system.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    system.alpha = 0.5
    torch.manual_seed(0)
    system.build(cleaned_captions(data.split("train"), system.config.caption_profile), True)
    return system


def make_both(data, *overrides, train=None, validation=None):
    splits = train or data.split("train"), validation or data.split("validation")
    system = make_system(data, *overrides)
    learner = DesignLearner(system.config, system.scorer, system.id_map, *splits)
    learner.start_epoch(0, CPU)
    return system, learner


def make_learner(data, *overrides, train=None, validation=None):
    return make_both(data, *overrides, train=train, validation=validation)[1]


def choose(learner, epoch):
    rates = DropRates(learner.config.modality_dropout, learner.config.history.dropout)
    return Dropped.choose(learner._data.train, rates, learner.config.seed, epoch)


class TestRefusals:
    def test_no_train_post_has_a_hashtag_of_the_vocabulary(self, tiny_data):
        strangers = [replace(post, hashtags=("unheard",)) for post in tiny_data.split("train")]
        with pytest.raises(DataError, match="prepare the data with a lower --minimum-frequency"):
            make_learner(tiny_data, train=strangers)

    def test_no_validation_post_has_a_hashtag(self, tiny_data):
        bare = [replace(post, hashtags=()) for post in tiny_data.split("validation")]
        with pytest.raises(DataError, match="no validation post has a hashtag, so no model can be chosen"):
            make_learner(tiny_data, validation=bare)


class TestWhoIsTrained:
    def test_posts_without_a_hashtag_of_the_vocabulary_are_remembered_but_not_trained_on(self, tiny_data):
        posts = list(tiny_data.split("train"))
        posts[3] = replace(posts[3], hashtags=("unheard",))
        posts[5] = replace(posts[5], hashtags=())
        learner = make_learner(tiny_data, train=posts)
        assert len(learner._data.train) == 94
        assert len(learner._data.contents) == 108
        rows = sorted(row for rows in learner.batches(0) for row in rows)
        assert set(rows) <= set(range(94))
        assert len(rows) == len(set(rows)) == 94 // 16 * 16

    @pytest.mark.parametrize("bucketing", [False, True])
    def test_captions_of_any_length_share_a_batch_unless_bucketed(self, tiny_data, bucketing):
        learner = make_learner(tiny_data, f"length_bucketing={str(bucketing).lower()}")
        present = learner._data.train.captions.present()
        assert 0 < present.sum() < len(present)
        batches = learner.batches(0)
        spread = np.mean([np.ptp(learner._lengths[rows]) for rows in batches])
        assert (spread < 0.5 * np.ptp(learner._lengths)) == bucketing
        shares = np.array([present[rows].mean() for rows in batches])
        assert (np.ptp(shares) == 1) == bucketing

    def test_train_posts_remember_train_posts_and_validation_posts_both(self, tiny_data):
        learner = make_learner(tiny_data)
        train = learner._data.train.batch(range(96))
        assert int(train.history.max()) < 96
        own = [post.instant_us for post in tiny_data.posts]
        for row, positions in enumerate(train.history.tolist()):
            assert all(own[position] < own[row] for position in positions if position >= 0)
        validation = learner._data.validation.batch(range(12))
        assert int(validation.history.max()) >= 96
        assert (validation.targets == -1).all()


class TestDropping:
    def test_never_both_modalities_and_never_the_only_one(self, tiny_data):
        learner = make_learner(tiny_data, "modality_dropout=0.5", "history.dropout=0.5")
        captions, images = learner._data.train.captions.present(), learner._data.train.images.present()
        dropped = []
        for epoch in range(6):
            chosen = choose(learner, epoch)
            assert not (chosen.caption & chosen.image).any()
            left = (captions & ~chosen.caption) | (images & ~chosen.image)
            assert left[captions | images].all()
            dropped.append(np.concatenate([chosen.caption, chosen.image, chosen.history]))
        assert all(one.any() for one in dropped)
        assert not np.array_equal(dropped[0], dropped[1])
        chosen = choose(learner, 0)
        again = np.concatenate([chosen.caption, chosen.image, chosen.history])
        assert np.array_equal(again, dropped[0])

    def test_switched_off(self, tiny_data):
        learner = make_learner(tiny_data, "modality_dropout=0", "history.dropout=0")
        chosen = choose(learner, 0)
        assert not (chosen.caption | chosen.image | chosen.history).any()


class TestAugmentation:
    ON = ("encoder.image.augmentation=true", "modality_dropout=0.3")

    def trained_on(self, learner, rows, epoch):
        """The pictures that reach the network in a train step, by row; None for a row without one."""
        seen = []

        def module(batch, *others):
            seen.append(batch)
            return learner.network(batch, *others)

        learner.loss(module, rows, epoch)
        (batch,) = seen
        present = batch.image_present.tolist()
        return {row: image if here else None for row, image, here in zip(rows, batch.image, present, strict=True)}

    def test_views_follow_from_seed_epoch_and_row(self, textured_data):
        learner = make_learner(textured_data, *self.ON)
        rows = list(range(60))
        plain = learner._data.train.batch(rows).image
        whole = self.trained_on(learner, rows, 3)
        pictured = [row for row in rows if whole[row] is not None]
        assert len(pictured) > 10
        assert not any(torch.equal(whole[row], plain[row]) for row in pictured)
        again = self.trained_on(make_learner(textured_data, *self.ON), rows[::-2], 3)
        assert all(torch.equal(again[row], whole[row]) for row in again if again[row] is not None)
        later = self.trained_on(learner, rows, 4)
        both = [row for row in pictured if later[row] is not None]
        assert not any(torch.equal(later[row], whole[row]) for row in both)
        other = self.trained_on(make_learner(textured_data, *self.ON, "seed=5"), rows, 3)
        assert not any(torch.equal(other[row], whole[row]) for row in pictured if other[row] is not None)

    def test_what_is_remembered_and_validation_see_the_picture_itself(self, textured_data):
        plain, learner = make_learner(textured_data), make_learner(textured_data, *self.ON)
        pixels = learner._data.train.batch(range(96)).image
        assert torch.equal(learner.tensors()["bank"], plain.tensors()["bank"])
        assert learner.validate() == plain.validate()
        self.trained_on(learner, list(range(96)), 0)
        assert torch.equal(learner._data.train.batch(range(96)).image, pixels)

    def test_off(self, textured_data):
        learner = make_learner(textured_data, "modality_dropout=0")
        plain = learner._data.train.batch(range(96)).image
        for row, image in self.trained_on(learner, list(range(96)), 0).items():
            assert image is None or torch.equal(image, plain[row])

    def test_without_pictures(self, tiny_data):
        bare = [replace(post, image=None) for post in tiny_data.split("train")]
        learner = make_learner(tiny_data, *self.ON, train=bare)
        assert torch.isfinite(learner.loss(learner.network, [0, 1, 2], 0)[0])


class TestParameters:
    def test_every_trained_parameter_is_in_one_group(self, tiny_data):
        learner = make_learner(tiny_data, "encoder.image.trainable=false", "encoder.caption.learning_rate=0.5")
        groups = learner.parameter_groups()
        listed = [id(parameter) for group in groups for parameter in group["params"]]
        trained = {name: one for name, one in learner.module.named_parameters() if one.requires_grad}
        assert sorted(listed) == sorted(id(one) for one in trained.values())
        settings = {id(one): (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
        for name, parameter in trained.items():
            rate = 0.5 if name.startswith("caption_encoder.") else 0.005
            assert settings[id(parameter)] == (rate, 0.01 if parameter.dim() > 1 else 0.0)
        assert not any(name.startswith("image_encoder.") for name in trained)

    def test_what_is_frozen_is_not_kept_in_checkpoints(self, tiny_data):
        weights = make_learner(tiny_data, "encoder.image.trainable=false").weights()
        assert any(key.startswith("caption_encoder.") for key in weights)
        assert not any(key.startswith("image_encoder.") for key in weights)
        assert "fusion.normalise_input.running_mean" in weights

    def test_weights_come_back(self, tiny_data):
        learner = make_learner(tiny_data)
        saved = {key: value.clone() for key, value in learner.weights().items()}
        with torch.no_grad():
            for parameter in learner.module.parameters():
                parameter.add_(1)
        learner.load_weights(saved)
        assert all(torch.equal(value, saved[key]) for key, value in learner.weights().items())


class TestEpoch:
    def test_content_vectors_are_those_of_the_network_in_evaluation_mode(self, tiny_data):
        system, learner = make_both(tiny_data)
        memory = system.new_memory()
        system.add_posts(memory, tiny_data.posts[:108])
        np.testing.assert_allclose(learner.tensors()["bank"].numpy(), memory.vectors, atol=1e-6)

    def test_an_epoch_that_goes_on_uses_the_vectors_it_began_with(self, tiny_data):
        first, second = make_learner(tiny_data), make_learner(tiny_data)
        kept = {"bank": torch.randn_like(first.tensors()["bank"])}
        for learner in (first, second):
            learner.load_tensors({"bank": kept["bank"].clone()}, CPU)
            learner.network.eval()
        rows = list(range(10))
        assert torch.equal(first.tensors()["bank"], kept["bank"])
        assert torch.equal(first.loss(first.network, rows, 2)[0], second.loss(second.network, rows, 2)[0])

    def test_without_memory_nothing_is_computed(self, tiny_data):
        learner = make_learner(tiny_data, "history.posts=0", "history.neighbours=0")
        learner.start_epoch(1, CPU)
        assert not learner.tensors()["bank"].any()

    def test_the_parts_of_the_loss(self, tiny_data):
        learner = make_learner(tiny_data, "heads.sequence_weight=0.25")
        learner.network.eval()
        loss, parts = learner.loss(learner.network, list(range(8)), 0)
        assert loss.item() == pytest.approx(float(parts["multilabel_loss"] + 0.25 * parts["sequence_loss"]), rel=1e-5)
        one_head = make_learner(tiny_data, "heads.sequence=false")
        assert set(one_head.loss(one_head.network, [0, 1], 0)[1]) == {"multilabel_loss"}


def slow_f1(data, system, alpha, k):
    """F1 of mean precision and mean recall, from rankings of the validation posts."""
    system.alpha = alpha
    memory = system.new_memory()
    system.add_posts(memory, data.posts[:108])
    posts = data.split("validation")
    hits = [
        len({name for name, _ in ranking} & set(post.hashtags))
        for post, ranking in zip(posts, system.rank(posts, memory, k), strict=True)
    ]
    precision = fmean(hits) / k
    recall = fmean(hit / len(post.hashtags) for hit, post in zip(hits, posts, strict=True))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("k", [1, 3])
def test_validation_is_the_f1_of_ranking_with_the_best_weight_of_the_heads(tiny_data, k):
    system, learner = make_both(tiny_data, f"training.validation_k={k}")
    found = learner.validate()
    assert found["alpha"] == learner.alpha
    expected = {alpha: slow_f1(tiny_data, system, alpha, k) for alpha in ALPHAS}
    assert found["score"] == pytest.approx(max(expected.values()), abs=1e-9)
    assert expected[found["alpha"]] == pytest.approx(found["score"], abs=1e-9)


def test_a_weight_that_is_given_is_not_chosen(tiny_data):
    learner = make_learner(tiny_data, "ranking.alpha=0.3")
    assert learner.validate()["alpha"] == 0.3
    assert learner.alpha == 0.3
