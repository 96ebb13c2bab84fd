"""`design_modern` with small random models of the same architectures: it trains, answers, and prepares its inputs."""

from __future__ import annotations

import pytest
import timm
import torch
from model_folders import make_modernbert
from PIL import Image

from multimodal.encoders import ImageEncoderConfig, build_image_encoder
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

TOWER = "vit_base_patch16_siglip_224.v2_webli"


@pytest.fixture
def small_tower(monkeypatch):
    """timm makes the same tower with one narrow block."""
    create = timm.create_model

    def smaller(name, **settings):
        return create(name, embed_dim=32, depth=1, num_heads=2, **settings)

    monkeypatch.setattr(timm, "create_model", smaller)


def test_the_tower_normalises_with_one_half_and_gives_no_class_token(small_tower):
    encoder = build_image_encoder(ImageEncoderConfig(name=TOWER, pretrained=False))
    assert encoder.preprocessing.mean == encoder.preprocessing.std == (0.5, 0.5, 0.5)
    assert (encoder.preprocessing.size_px, encoder.patches) == (224, 196)
    seen = []
    encoder.backbone.patch_embed.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        encoder.eval()(encoder.preprocessing(Image.new("RGB", (300, 260), (255, 0, 255)))[None])
    assert seen[0][0, :, 0, 0].tolist() == [1.0, -1.0, 1.0]


def test_it_trains_and_answers(tiny_data, small_tower, tmp_path):
    caption = make_modernbert(tmp_path / "modernbert")
    settings = [
        f"encoder.caption={{name: transformer, pretrained: {caption}, maximum_tokens: 32}}",
        "encoder.image.pretrained=false",
        "width=16",
        "heads={embedding_width: 8, steps: 2}",
        "training={epochs: 1, batch_size: 16, precision: no}",
        "feature_cache=null",
    ]
    config = load_config("design_modern", settings)
    assert config.encoder.image.name == TOWER
    train_run(config, tiny_data, tmp_path / "run")
    model = load_model(tmp_path / "run")
    network = model.system.network
    assert network.caption_encoder.model.config.model_type == "modernbert"
    assert (network.image_encoder.patches, network.caption_encoder.frozen, network.image_encoder.frozen) == (
        49,
        True,
        True,
    )
    rankings = model.system.rank(tiny_data.split("test")[:3], model.memory, 5)
    assert all(len(ranking) == 5 for ranking in rankings)
