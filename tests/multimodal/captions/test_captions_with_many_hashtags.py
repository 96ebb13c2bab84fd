"""Text-only networks with a large vocabulary: the losses of the logits, and no array of posts times hashtags."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from widest import MANY, Widest, assert_equal, loss_and_gradients, with_many_hashtags

from data_loaders.errors import ConfigError
from multimodal.captions.fasttext import hashtag_outputs
from multimodal.captions.fasttext.learner import FastTextLearner
from multimodal.captions.fasttext.network import FastTextNetwork
from multimodal.captions.fill_mask import system as fill_mask
from multimodal.captions.hmemn2n import learner as hmemn2n
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural import learner as neural
from multimodal.captions.neural.learner import CaptionLearner
from multimodal.encoders import build_caption_encoder
from multimodal.ranking import score_blocks
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system
from multimodal.training import large_vocabulary

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
SMALL = {
    "lstm": ["encoder.width=8", "encoder.hidden=6"],
    "cnn_attention": ["encoder.width=8", "encoder.hidden=6", "hidden=7"],
    "hmemn2n": ["encoder.width=8", "history_posts=4", "history_words=6"],
    "fasttext": ["encoder.width=8", "encoder.buckets=97"],
}
POSTS = list(range(12))


def learner_of(name, data, *overrides):
    """Return a System with random weights, and its learner."""
    config = load_config(CONFIGS / f"{name}.yaml", [*SMALL[name], "dropout=0", "training.batch_size=12", *overrides])
    system = get_system(name)(config)
    system.start_from(data)
    posts = [LabelledCaptions.of(data.split(part), system.id_map, "tweet") for part in ("train", "validation")]
    train, validation = posts[0].learnable(), posts[1].tagged().take(range(8))
    torch.manual_seed(0)
    encoder = build_caption_encoder(config.encoder, train.captions, "encoder")
    if name == "fasttext":
        system._frequencies = np.asarray(train.multi_hot().sum(0), np.int64).ravel()
        system.network = FastTextNetwork(encoder, config.loss, system._frequencies, 0.0)
        torch.nn.init.normal_(system.network.output.weight)
        return system, FastTextLearner(system.network, config, train, validation, system.prior.order)
    system.build(encoder)
    if name == "hmemn2n":
        return system, system.learner(data.split("train"), data.split("validation")[:8])
    return system, CaptionLearner(system.network, config, train, validation, system.scores_or_prior)


CASES = [
    ("lstm", "loss=idf_bce"),
    ("lstm", "loss=bce"),
    ("cnn_attention", "loss=softmax_1_over_k"),
    ("hmemn2n", "hops=2"),
    ("fasttext", "loss=softmax"),
    ("fasttext", "loss=one_versus_all"),
]


@pytest.mark.parametrize(("name", "override"), CASES)
def test_losses_are_those_of_the_logits(tiny_data, monkeypatch, name, override):
    _, learner = learner_of(name, tiny_data, override, "encoder.trainable=true")
    expected = loss_and_gradients(learner, POSTS)
    for module in (neural, hmemn2n, hashtag_outputs):
        monkeypatch.setattr(module, "LARGE_VOCABULARY", 0)
    monkeypatch.setattr(large_vocabulary, "HASHTAGS_AT_ONCE", 4)
    assert_equal(loss_and_gradients(learner, POSTS), expected)


@pytest.mark.parametrize(("name", "override"), [*CASES, ("fasttext", "loss=hierarchical_softmax")])
def test_200_000_hashtags_train_and_rank(tiny_data, monkeypatch, name, override):
    data = copy(tiny_data)
    data.vocabulary = with_many_hashtags(tiny_data.vocabulary)
    system, learner = learner_of(name, data, override)
    with Widest(learner.module) as widest:
        loss, _, _ = loss_and_gradients(learner, POSTS)
    assert loss.isfinite()
    assert widest.rows == 0
    monkeypatch.setattr(score_blocks, "MOST_SCORES", 3 * MANY)
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.split("train"))
    with Widest(learner.module) as widest:
        rankings = system.rank(tiny_data.split("validation")[:8], memory, 5)
        learner.validate()
    # A path through the tree of a hierarchical softmax has a score for each of twice as many nodes.
    assert 0 < widest.rows <= 2 * 3
    assert (rankings.indices >= 0).all()


def test_as_many_tokens_of_a_language_model_are_refused(tiny_data, monkeypatch, tmp_path):
    monkeypatch.setattr(fill_mask, "LARGE_VOCABULARY", 10)
    config = load_config(CONFIGS / "bert_fill_mask.yaml", ["encoder.random_init=true"])
    with pytest.raises(
        ConfigError,
        match=r"^live_tags=1000: fewer than 10 hashtags can be tokens of the language model, here are 15; lower live_",
    ):
        get_system("bert_fill_mask")(config).fit(tiny_data, RunFolder(tmp_path))
