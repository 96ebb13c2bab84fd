"""What all peers have in common: how they learn, what they refuse, what they keep."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from statistics import fmean

import pytest
import torch
from peer_systems import OWN, config_of, learner_of, lists, memory_of, records, untrained

from data_loaders.errors import ConfigError, DataError, RunError
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.registry import get_system
from multimodal.training.run import train_run

# The graph of tagnet is over pictures, so it refuses to leave them out.
LEFT_OUT = [*((name, "caption") for name in OWN), *((name, "image") for name in OWN if name != "tagnet")]
peers = pytest.mark.parametrize("name", sorted(OWN))


def fit(config, data, folder):
    system = get_system(config.system)(config)
    system.fit(data, RunFolder(folder))
    return system


@peers
def test_every_parameter_gets_a_gradient(name, tiny_data):
    _, learner = learner_of(name, tiny_data, "modality_dropout=0")
    learner.network.train()
    rows = list(range(len(learner._data.train)))
    loss, _ = learner.loss(learner.network, rows, 0)
    torch.autograd.backward(loss)
    idle = [key for key, one in learner.network.named_parameters() if one.grad is None or not one.grad.any()]
    assert idle == []


@peers
def test_it_learns_its_train_posts(name, tiny_data):
    _, learner = learner_of(name, tiny_data, "dropout=0", "modality_dropout=0")
    optimiser = torch.optim.Adam(learner.network.parameters(), 0.01)
    rows, losses = list(range(48)), []
    for _ in range(60):
        loss, _ = learner.loss(learner.network, rows, 0)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


@peers
@pytest.mark.parametrize("k", [1, 3])
def test_validation_is_the_f1_of_ranking(name, tiny_data, k):
    system, learner = learner_of(name, tiny_data, f"training.validation_k={k}")
    posts = [post for post in tiny_data.split("validation") if post.hashtags]
    rankings = lists(system.rank(posts, memory_of(system, tiny_data.posts[:108]), k))
    hits = [len(set(ranking) & set(post.hashtags)) for post, ranking in zip(posts, rankings, strict=True)]
    precision = fmean(hits) / k
    recall = fmean(hit / len(post.hashtags) for hit, post in zip(hits, posts, strict=True))
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert learner.validate()["score"] == pytest.approx(expected, abs=1e-9)


@peers
def test_train_posts_remember_train_posts_and_validation_posts_both(name, tiny_data):
    _, learner = learner_of(name, tiny_data)
    parts = learner._data.train, learner._data.validation
    related = [(part.history.positions, part.neighbours.positions) for part in parts]
    assert all(positions.max(initial=-1) < 96 for positions in related[0])
    instants = [post.instant_us for post in tiny_data.posts[:108]]
    for part, positions in zip(parts, related, strict=True):
        for kind in positions:
            for row, found in enumerate(kind):
                assert all(instants[one] < part.instants_us[row] for one in found if one >= 0)


@peers
def test_without_a_hashtag_of_the_vocabulary_it_refuses(name, tiny_data):
    strangers = [replace(post, hashtags=("unheard",)) for post in tiny_data.split("train")]
    with pytest.raises(DataError, match="prepare the data with a lower --minimum-frequency"):
        learner_of(name, tiny_data, train=strangers)
    bare = [replace(post, hashtags=()) for post in tiny_data.split("validation")]
    with pytest.raises(DataError, match="no validation post has a hashtag, so no model can be chosen"):
        learner_of(name, tiny_data, validation=bare)


@pytest.mark.parametrize(("name", "modality"), LEFT_OUT)
def test_a_modality_that_is_left_out_is_not_read(name, tiny_data, modality):
    system = untrained(name, tiny_data, f"encoder.{modality}=null")
    questions = tiny_data.split("test")
    without = [replace(post, **{modality: None}) for post in questions]
    memory = memory_of(system, tiny_data.posts)
    assert lists(system.rank(questions, memory, 9)) == lists(system.rank(without, memory, 9))


@peers
def test_stopped_and_resumed_equals_unbroken(name, tiny_data, tmp_path, monkeypatch):
    config = config_of(name)
    unbroken = fit(config, tiny_data, tmp_path / "unbroken")
    learner = type(learner_of(name, tiny_data)[1])
    loss, calls = learner.loss, []

    def stopping(self, *arguments):
        calls.append(1)
        if len(calls) == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, *arguments)

    monkeypatch.setattr(learner, "loss", stopping)
    with pytest.raises(KeyboardInterrupt):
        fit(config, tiny_data, tmp_path / "stopped")
    resumed = fit(config, tiny_data, tmp_path / "stopped")
    expected, found = unbroken.network.state_dict(), resumed.network.state_dict()
    assert set(found) == set(expected)
    for key, value in found.items():
        assert torch.equal(value, expected[key]), key
    assert records(tmp_path / "stopped") == records(tmp_path / "unbroken")


@peers
def test_compiled_for_training_it_computes_the_same(name, tiny_data, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    system, learner = learner_of(name, tiny_data)
    learner.network.eval()
    module = learner.compiled()
    assert compiled == [system.network.encode]
    expected, found = (learner.loss(one, list(range(10)), 0)[0] for one in (learner.network, module))
    torch.testing.assert_close(found, expected)


@peers
def test_it_trains_in_bf16(name, tiny_data, tmp_path):
    system = fit(config_of(name, "training.precision=bf16", "training.epochs=1"), tiny_data, tmp_path)
    assert {parameter.dtype for parameter in system.network.parameters()} == {torch.float32}
    rankings = list(system.rank(tiny_data.split("test"), memory_of(system, tiny_data.posts[:108]), 5))
    assert all(len(ranking) == 5 for ranking in rankings)


@peers
def test_with_encoders_in_bf16_it_answers_nearly_the_same(name, tiny_data):
    # What is generated has the place in the sequence as its score, which is not near anything.
    system = untrained(name, tiny_data, *(["ranking=contained"] if name == "amnn" else []))
    memory, posts = memory_of(system, tiny_data.posts), tiny_data.split("test")
    full = [dict(ranking) for ranking in system.rank(posts, memory, 9)]
    system.use_precision("bf16")
    for exact, ranking in zip(full, system.rank(posts, memory, 9), strict=True):
        common = [(score, exact[hashtag]) for hashtag, score in ranking if hashtag in exact]
        assert len(common) >= 7
        assert [one for one, _ in common] == pytest.approx([other for _, other in common], abs=0.02)


@peers
def test_the_test_split_is_not_read(name, tiny_data, tmp_path):
    """The published code of AMNN has an empty test split, and reports the validation split that it selects by."""
    with_test = fit(config_of(name), tiny_data, tmp_path / "with")
    rest = replace(tiny_data, posts=tiny_data.posts[:108])
    without = fit(config_of(name), rest, tmp_path / "without")
    found, expected = without.network.state_dict(), with_test.network.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in found.items())


@peers
def test_damaged_files_are_refused(name, tiny_data, tmp_path):
    system = train_run(config_of(name, "training.epochs=1"), tiny_data, tmp_path / "run").system
    folder = tmp_path / "run" / "model"
    kind, config = type(system), system.config
    loaded = kind.load(folder, config, system.id_map)
    assert loaded.network.state_dict().keys() == system.network.state_dict().keys()
    with pytest.raises(RunError, match=f"the configuration is of system 'design', expected '{name}'"):
        kind.load(folder, get_system("design").config_type(), system.id_map)
    wider = config_of(name, "width=24")
    with pytest.raises(RunError, match=r"network\.safetensors"):
        kind.load(folder, wider, system.id_map)
    state = json.loads((folder / "peer.json").read_text())
    (folder / "peer.json").write_text(json.dumps({**state, "caption_encoder": "yes"}))
    with pytest.raises(RunError, match=f"settings of {name}"):
        kind.load(folder, config, system.id_map)


@peers
def test_a_wrong_key_is_named(name):
    with pytest.raises(ConfigError, match="dropuot"):
        config_of(name, "dropuot=0.1")


@peers
def test_the_shipped_configuration_is_of_the_size_of_the_paper_and_frozen(name):
    from multimodal.systems.config_loading import load_config

    config = load_config(name)
    assert config.encoder.image.pretrained == "hub"
    assert config.encoder.image.trainable is False
