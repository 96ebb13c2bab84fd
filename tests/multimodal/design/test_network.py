"""The whole network on mixed posts: with and without captions, pictures, earlier posts and neighbours."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import load_config

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
SMALL = ["width=8", "heads.embedding_width=8"]
NO_POINTER = ["history.pointer=false"]
KINDS = {
    "all": [],
    "sum": ["fusion.name=sum"],
    "scalar": ["fusion.name=scalar"],
    "normalised": ["fusion.normalise=true"],
    "means": ["interaction.co_attention=false", "interaction.word_attention=false"],
    "free": ["heads.order=free"],
    "multilabel": ["heads.sequence=false"],
    "sequence": ["heads.multilabel=false"],
    "no pointer": NO_POINTER,
    "named": ["history.named=true"],
    "bce": ["heads.loss=bce", *NO_POINTER],
    "captions": ["encoder.image=null"],
    "pictures": ["encoder.caption=null", "history.neighbours=0"],
    "content": ["history.posts=0", "history.neighbours=0"],
}


def make_system(data, overrides=(), train=True):
    """An untrained system with twelve hashtags in its vocabulary."""
    system = DesignSystem(load_config(DEBUG, [*SMALL, *overrides]))
    system.id_map = HashtagIdMap(data.vocabulary.hashtags[:12], data.vocabulary.frequencies[:12])
    system.alpha = 0.5
    torch.manual_seed(0)
    posts = data.split("train")
    system.build(cleaned_captions(posts, system.config.caption_profile), True)
    system.network.train(train)
    return system


@pytest.fixture(params=KINDS)
def system(request, tiny_data):
    system = make_system(tiny_data, KINDS[request.param], train=False)
    # Statistics of the gate's normalisation as training would leave them.
    for module in system.network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.1, 1.0)
    return system


def remembering(system, posts):
    memory = system.new_memory()
    system.add_posts(memory, posts)
    return memory


def answers(system, posts, memory, batch_size):
    """Score by hashtag for every post, -inf for what it cannot name."""
    system.network.eval()
    found = []
    for start in range(0, len(posts), batch_size):
        part = posts[start : start + batch_size]
        batch = system.scorer.datasets.dataset(part, memory).batch(range(len(part)))
        (scores,), columns = system.scorer.scores(batch, torch.from_numpy(memory.vectors), [0.5])
        names = [memory.id_map[index] for index in columns.tolist()]
        for row in scores.tolist():
            found.append({name: score for name, score in zip(names, row, strict=True) if score > -math.inf})
    return found


def assert_same(one, other):
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert first == pytest.approx(second, abs=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(tiny_data, kind):
    system = make_system(tiny_data, KINDS[kind])
    learner = DesignLearner(
        system.config, system.scorer, system.id_map, tiny_data.split("train"), tiny_data.split("validation")
    )
    learner.start_epoch(0, torch.device("cpu"))
    system.network.train()
    rows = list(range(40))
    batch = learner._data.train.batch(rows)
    assert kind == "pictures" or 0 < int(batch.caption_present.sum()) < 40
    assert (batch.history >= 0).any() or not system.config.history.posts
    loss, _ = learner.loss(system.network, rows, 0)
    assert math.isfinite(loss.item())
    loss.backward()
    without = [
        name
        for name, parameter in system.network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # A side with a single token has nothing to choose from.
    alone = {"captions": ("interaction.score_regions",), "pictures": ("interaction.score_words", "word_attention")}
    assert [name for name in without if not name.startswith(alone.get(kind, ("-",)))] == []
    for parameter in system.network.parameters():
        assert torch.isfinite(parameter.grad).all()


def test_alone_as_in_a_batch_and_in_any_order(system, tiny_data):
    memory = remembering(system, tiny_data.posts)
    posts = tiny_data.posts[60:100]
    together = answers(system, posts, memory, 40)
    assert_same(answers(system, posts, memory, 1), together)
    assert_same(answers(system, posts, memory, 7), together)
    assert_same(answers(system, posts[::-1], memory, 40)[::-1], together)


@pytest.mark.parametrize("missing", ["caption", "image", "user_id"])
def test_what_is_missing_in_one_post_changes_no_other(system, tiny_data, missing):
    memory = remembering(system, tiny_data.posts)
    posts = tiny_data.posts[60:80]
    changed = [replace(post, **{missing: None}) if place % 2 else post for place, post in enumerate(posts)]
    before, after = answers(system, posts, memory, 20), answers(system, changed, memory, 20)
    assert_same(after[::2], before[::2])
    assert all(math.isfinite(score) for scores in after for score in scores.values())


@pytest.mark.parametrize("fusion", ["sum", "weighted", "scalar"])
def test_what_is_fused_is_normalised_by_switch(tiny_data, fusion):
    overrides = [f"fusion.name={fusion}"]
    plain = make_system(tiny_data, overrides, train=False).network
    normalised = make_system(tiny_data, [*overrides, "fusion.normalise=true"], train=False).network
    for layer in (normalised.normalise_text, normalised.normalise_image):
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
    weights = normalised.state_dict()
    plain.load_state_dict({name: weights[name] for name in plain.state_dict()})
    system = make_system(tiny_data, overrides)
    batch = system.scorer.datasets.dataset(tiny_data.split("train")[:20], system.new_memory()).batch(range(20))
    inputs = {}
    for name, network in (("plain", plain), ("normalised", normalised)):
        network.interaction.register_forward_hook(lambda module, given, both, name=name: inputs.update({name: both}))
    content, after = plain.encode(batch), normalised.encode(batch)
    assert all(torch.equal(one, other) for one, other in zip(inputs["plain"], inputs["normalised"], strict=True))
    assert torch.equal(content.vector, plain.fusion(*inputs["plain"])[0])
    units = []
    for values, layer in zip(inputs["plain"], (normalised.normalise_text, normalised.normalise_image), strict=True):
        centred = values - values.mean(1, keepdim=True)
        units.append(centred / torch.sqrt((centred**2).mean(1, keepdim=True) + 1e-5) * layer.weight + layer.bias)
    expected, image_weight = plain.fusion(*units)
    torch.testing.assert_close(after.vector, expected)
    torch.testing.assert_close(after.image_weight, image_weight)


def test_normalised_fusions_start_at_the_same_scale(tiny_data):
    vectors = {}
    for fusion in ("sum", "weighted", "scalar"):
        overrides = [f"fusion.name={fusion}", "fusion.normalise=true"]
        network = make_system(tiny_data, overrides, train=False).network
        torch.manual_seed(0)
        text, image = network.normalise_text(torch.randn(500, 8)), network.normalise_image(torch.randn(500, 8))
        network.fusion.eval()
        vectors[fusion] = network.fusion(text, image)[0].std().item()
    assert vectors["weighted"] == pytest.approx(vectors["sum"], rel=0.1)
    assert vectors["scalar"] == pytest.approx(vectors["sum"], rel=0.1)


def test_a_missing_caption_is_an_empty_one(system, tiny_data):
    memory = remembering(system, tiny_data.posts)
    posts = tiny_data.posts[60:70]
    none, empty = ([replace(post, caption=caption) for post in posts] for caption in (None, " "))
    assert_same(answers(system, none, memory, 10), answers(system, empty, memory, 10))


class TestPointer:
    def test_names_what_was_remembered_outside_the_vocabulary(self, tiny_data):
        system = make_system(tiny_data, train=False)
        tagged = [replace(post, hashtags=("unheard", *post.hashtags)) for post in tiny_data.posts[:60]]
        memory = remembering(system, tagged)
        known = {post.user_id for post in tagged} - {None}
        posts = tiny_data.posts[60:80]
        posts[0] = replace(posts[0], user_id=None, caption=None)
        reach = answers(system, posts, memory, 20)
        assert set(reach[0]) == set(system.id_map.names)
        for post, scores in zip(posts, reach, strict=True):
            assert set(system.id_map.names) <= set(scores) <= set(memory.id_map.names)
            assert "unheard" in scores or post.user_id not in known
        assert sum("unheard" in scores for scores in reach) > 10

    def test_without_memory_only_the_vocabulary_is_named(self, tiny_data):
        system = make_system(tiny_data, train=False)
        for scores in answers(system, tiny_data.posts[60:70], system.new_memory(), 10):
            assert set(scores) == set(system.id_map.names)

    def test_switched_off_only_the_vocabulary_is_named(self, tiny_data):
        system = make_system(tiny_data, NO_POINTER, train=False)
        memory = remembering(system, tiny_data.posts)
        assert len(memory.id_map) > 12
        for scores in answers(system, tiny_data.posts[60:70], memory, 10):
            assert set(scores) == set(system.id_map.names)

    def test_what_was_remembered_ranks_higher_for_it(self, tiny_data):
        system = make_system(tiny_data, ["heads.sequence=false"], train=False)
        asked = replace(tiny_data.posts[100], user_id="ann")
        for name in system.id_map.names[:5]:
            earlier = replace(asked, post_id="earlier", timestamp=tiny_data.posts[0].timestamp, hashtags=(name,))
            with_it = answers(system, [asked], remembering(system, [earlier]), 1)[0]
            (without,) = answers(system, [asked], remembering(system, [replace(earlier, hashtags=())]), 1)
            assert max(with_it, key=with_it.get) == name
            assert with_it[name] >= without[name]


def test_padding_in_every_direction_changes_nothing(tiny_data):
    system = make_system(tiny_data, train=False)
    memory = remembering(system, tiny_data.posts)
    posts = tiny_data.posts[60:75]
    batch = system.scorer.datasets.dataset(posts, memory).batch(range(15))
    bank = torch.from_numpy(memory.vectors)
    (plain,), columns = system.scorer.scores(batch, bank, [0.5])
    wider = replace(
        batch,
        caption=torch.nn.functional.pad(batch.caption, (0, 4), value=system.network.caption_encoder.pad_id),
        caption_mask=torch.nn.functional.pad(batch.caption_mask, (0, 4)),
        history=torch.nn.functional.pad(batch.history, (0, 2), value=-1),
        history_hashtags=torch.nn.functional.pad(batch.history_hashtags, (0, 3, 0, 2), value=-1),
        history_age_days=torch.nn.functional.pad(batch.history_age_days, (0, 2)),
        history_similarity=torch.nn.functional.pad(batch.history_similarity, (0, 2)),
        neighbour_hashtags=torch.nn.functional.pad(batch.neighbour_hashtags, (0, 1), value=-1),
    )
    (padded,), same_columns = system.scorer.scores(wider, bank, [0.5])
    assert torch.equal(columns, same_columns)
    torch.testing.assert_close(padded, plain, atol=2e-6, rtol=0)


def test_remembered_content_matters_and_gets_no_gradient(tiny_data):
    system = make_system(tiny_data, train=False)
    memory = remembering(system, tiny_data.posts)
    posts = [post for post in tiny_data.posts[60:90] if post.user_id is not None]
    torch.nn.init.normal_(system.network.own.correlation.weight)
    before = answers(system, posts, memory, 30)
    memory.vectors[:] = np.roll(memory.vectors, 1, axis=0)
    assert answers(system, posts, memory, 30) != before


def test_compiled_for_training_it_computes_the_same(tiny_data, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    system = make_system(tiny_data, train=False)
    learner = DesignLearner(
        system.config, system.scorer, system.id_map, tiny_data.split("train"), tiny_data.split("validation")
    )
    learner.start_epoch(0, torch.device("cpu"))
    module = learner.compiled()
    assert compiled == [system.network.encode]
    for rows in ([0, 1, 2, 3], [4], [5, 6]):
        losses = [learner.loss(network, rows, 0)[0] for network in (system.network, module)]
        torch.testing.assert_close(*losses)
