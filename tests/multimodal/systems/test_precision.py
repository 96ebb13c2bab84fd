"""Answering with encoders held in bf16: nearly the same answers, and nothing that was learned is lost by accident."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data_loaders.errors import RunError, UserError
from multimodal import Recommender
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


def test_bf16_encoders_give_nearly_the_same_scores(run, tiny_data):
    full, half = Recommender.from_pretrained(run), Recommender.from_pretrained(run, precision="bf16")
    network = half.system.network
    assert {p.dtype for p in network.caption_encoder.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in network.image_encoder.parameters()} == {torch.bfloat16}
    assert network.image_encoder.mean.dtype == network.fusion.first.weight.dtype == torch.float32
    for post in tiny_data.split("test"):
        asked = {"image": post.image, "caption": post.caption or "", "user_id": post.user_id, "k": 9}
        exact = {one.hashtag: one.score for one in full.recommend(**asked)}
        answer = half.recommend(**asked)
        assert len(answer) == 9
        assert [exact[one.hashtag] for one in answer[:3]] == pytest.approx([one.score for one in answer[:3]], abs=0.05)


def test_bf16_is_not_saved_and_not_undone(run, tmp_path):
    half = Recommender.from_pretrained(run, precision="bf16")
    with pytest.raises(RunError, match="load it with precision='fp32'"):
        half.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(RunError, match="load the model again with precision='fp32'"):
        half.system.use_precision("fp32")


def test_an_unknown_precision_is_refused(run):
    with pytest.raises(UserError, match="precision: 'half' is not known; accepted: fp32, bf16"):
        Recommender.from_pretrained(run, precision="half")
