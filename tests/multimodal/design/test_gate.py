"""What the gate's table says, on a network whose gate is set by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import UserError
from multimodal.design.gate import CAPTIONS, gate_of_run, gate_table, has_gate, image_weights
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.training.run import train_run

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    return train_run(load_config(DEBUG, ["training.epochs=1"]), tiny_data, folder)


def test_weights_are_of_each_post_alone(run, tiny_data):
    posts = tiny_data.split("test")
    weights = image_weights(run.system, posts)
    assert weights.shape == (len(posts),)
    assert ((weights > 0) & (weights < 1)).all()
    alone = np.concatenate([image_weights(run.system, [post]) for post in posts])
    np.testing.assert_allclose(alone, weights, atol=1e-6)
    tagged = [replace(post, caption=f"{post.caption or ''} #sea") for post in posts]
    np.testing.assert_allclose(image_weights(run.system, tagged), weights, atol=1e-6)


def test_a_gate_set_by_hand(run, tiny_data):
    gate = run.system.network.fusion.second
    saved = {key: value.clone() for key, value in gate.state_dict().items()}
    with torch.no_grad():
        gate.weight.zero_()
        gate.bias.copy_(torch.linspace(-2, 3, len(gate.bias)))
    expected = float(torch.sigmoid(gate.bias).mean().detach())
    posts = [replace(post, caption=caption) for post, caption in zip(
        tiny_data.posts, [None, "#sea", "a walk", "a walk along the quiet harbour", "x" * 20, "x" * 21], strict=False
    )]  # fmt: skip
    table = gate_table(run.system, posts)
    gate.load_state_dict(saved)
    counts = {(row.caption, row.picture): row.posts for row in table.itertuples()}
    none, short, long = CAPTIONS
    # Every third post of the tiny data has a picture.
    assert counts == {
        (none, "present"): 1, (none, "missing"): 1, (short, "present"): 0, (short, "missing"): 2,
        (long, "present"): 1, (long, "missing"): 1,
    }  # fmt: skip
    for row in table.itertuples():
        assert math.isnan(row.weight) if row.posts == 0 else row.weight == pytest.approx(expected, abs=1e-6)


def test_of_a_run(run, tiny_data):
    table = gate_of_run(run.run.path, tiny_data, "validation")
    assert table["posts"].sum() == len(tiny_data.split("validation"))


def test_what_has_no_gate(tiny_data, tmp_path):
    assert has_gate(load_config(DEBUG))
    assert has_gate(load_config(DEBUG, ["fusion.name=scalar"]))
    assert not has_gate(load_config(DEBUG, ["fusion.name=sum"]))
    train_run(validate_config({"system": "popularity"}), tiny_data, tmp_path / "run")
    with pytest.raises(UserError, match=r"popularity with no fusion has no gate.*fusion.name scalar or weighted"):
        gate_of_run(tmp_path / "run", tiny_data)


def test_without_an_image_encoder_there_is_nothing_to_weigh(tiny_data, tmp_path):
    config = load_config(DEBUG, ["encoder.image=null", "training.epochs=1"])
    assert not has_gate(config)
    train_run(config, tiny_data, tmp_path / "run")
    with pytest.raises(UserError, match=r"has no image encoder \(encoder.image is null\), so its gate weighs nothing"):
        gate_of_run(tmp_path / "run", tiny_data)
