"""The timm image encoder against timm itself, and weights from a file."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from data_loaders.errors import ConfigError
from multimodal.encoders import ImageEncoderConfig, build_image_encoder


def save_model(name: str, path: Path, **options: object) -> torch.nn.Module:
    torch.manual_seed(5)
    model = timm.create_model(name, **options).eval()
    save_file(model.state_dict(), path)
    return model


def build(name: str, path: Path, **changes: object) -> torch.nn.Module:
    return build_image_encoder(ImageEncoderConfig(name=name, pretrained=str(path), **changes))


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_mambaout"])
def test_equals_plain_timm_from_picture_to_regions(
    name: str, tmp_path: Path, picture: Callable[..., Image.Image]
) -> None:
    plain = save_model(name, tmp_path / "w.safetensors")
    encoder = build(name, tmp_path / "w.safetensors")
    image = picture(301, 222)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(plain))
    normalised = transform(image)[None]
    pixels = encoder.preprocessing(image)[None]
    torch.testing.assert_close((pixels / 255 - encoder.mean) / encoder.std, normalised)
    with torch.no_grad():
        expected = plain.forward_features(normalised)
    if name == "test_vit":
        expected = expected[:, plain.num_prefix_tokens :]
    elif name == "test_resnet":
        expected = expected.flatten(2).transpose(1, 2)  # (B, C, H, W)
    else:
        expected = expected.flatten(1, 2)  # (B, H, W, C)
    torch.testing.assert_close(encoder(pixels), expected, atol=1e-5, rtol=1e-4)
    assert encoder.frozen
    assert encoder.default_learning_rate == 2e-5


@pytest.mark.parametrize("classes", [0, 7, 1000])
def test_the_classifiers_size_does_not_matter(classes: int, tmp_path: Path) -> None:
    plain = save_model("test_vit", tmp_path / "w.safetensors", num_classes=classes)
    encoder = build("test_vit", tmp_path / "w.safetensors")
    assert torch.equal(encoder.state_dict()["backbone.blocks.0.attn.qkv.weight"], plain.blocks[0].attn.qkv.weight)
    assert not any("head" in name for name in encoder.state_dict())


def test_torch_files_are_read_also_nested(tmp_path: Path) -> None:
    plain = save_model("test_resnet", tmp_path / "w.safetensors")
    torch.save({"state_dict": plain.state_dict(), "epoch": 3}, tmp_path / "w.pth")
    encoder = build("test_resnet", tmp_path / "w.pth")
    assert encoder.fingerprint() == build("test_resnet", tmp_path / "w.safetensors").fingerprint()


def test_another_input_size_resizes_position_embeddings(tmp_path: Path) -> None:
    save_model("test_vit", tmp_path / "w.safetensors")
    encoder = build("test_vit", tmp_path / "w.safetensors", size_px=96)
    assert encoder.preprocessing.size_px == 96
    assert encoder.patches == 36
    assert encoder(torch.zeros(1, 3, 96, 96, dtype=torch.uint8)).shape == (1, 36, encoder.width)
    assert build_image_encoder(ImageEncoderConfig(name="test_resnet", size_px=96)).patches == 9


@pytest.mark.parametrize("beside", ["w.json", "config.json"])
def test_preprocessing_beside_the_weights_comes_before_timms_own(beside: str, tmp_path: Path) -> None:
    save_model("test_resnet", tmp_path / "w.safetensors")
    own = build("test_resnet", tmp_path / "w.safetensors").preprocessing
    described = {"pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "crop_pct": 0.5, "input_size": [3, 64, 64]}}
    (tmp_path / beside).write_text(json.dumps(described))
    read = build("test_resnet", tmp_path / "w.safetensors").preprocessing
    assert (read.mean, read.crop_fraction, read.size_px) == ((0.1, 0.2, 0.3), 0.5, 64)
    assert (read.std, read.interpolation) == (own.std, own.interpolation)
    changed = build("test_resnet", tmp_path / "w.safetensors", mean=(0.7, 0.7, 0.7), crop_fraction=1.0).preprocessing
    assert (changed.mean, changed.crop_fraction, changed.size_px) == ((0.7, 0.7, 0.7), 1.0, 64)
    (tmp_path / beside).write_text("{")
    with pytest.raises(ConfigError, match=rf"{beside} \(preprocessing of w.safetensors\) is damaged"):
        build("test_resnet", tmp_path / "w.safetensors")


def test_weights_of_another_model_are_refused_with_their_keys(tmp_path: Path) -> None:
    save_model("test_resnet", tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match=r"does not hold the weights of test_vit: .*missing: cls_token.*unexpected: "):
        build("test_vit", tmp_path / "w.safetensors")
    state = timm.create_model("test_vit").state_dict()
    del state["blocks.3.norm1.bias"]
    save_file({**state, "extra.weight": torch.zeros(2)}, tmp_path / "v.safetensors")
    with pytest.raises(ConfigError, match=r"1 missing: blocks.3.norm1.bias; 1 unexpected: extra.weight\."):
        build("test_vit", tmp_path / "v.safetensors")
    save_file({**state, "blocks.3.norm1.bias": torch.zeros(3)}, tmp_path / "v.safetensors")
    with pytest.raises(ConfigError, match=r"1 of another shape: blocks.3.norm1.bias \(3,\) where \(64,\) is needed"):
        build("test_vit", tmp_path / "v.safetensors")


def test_files_that_cannot_be_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.pth': there is no such file; give a .safetensors or .pth file"):
        build("test_vit", tmp_path / "absent.pth")
    (tmp_path / "broken.safetensors").write_bytes(b"not a tensor in sight")
    with pytest.raises(ConfigError, match=r"broken.safetensors' cannot be read: "):
        build("test_vit", tmp_path / "broken.safetensors")
    torch.save(timm.create_model("test_resnet"), tmp_path / "code.pth")
    with pytest.raises(ConfigError, match=r"code in a weights file is never run; convert it to safetensors"):
        build("test_resnet", tmp_path / "code.pth")
    torch.save({"a": torch.ones(1)}, tmp_path / "disguised.safetensors")
    (tmp_path / "plain.safetensors").write_bytes(pickle.dumps({"a": 1}))
    for name in ("disguised", "plain"):
        with pytest.raises(ConfigError, match=r"it is a pickle .* convert it to safetensors, .* only if you trust its"):
            build("test_resnet", tmp_path / f"{name}.safetensors")
    for content in (b"", b"PK\x03\x04", pickle.dumps([1], 0), b"\x80\x05." * 9):
        (tmp_path / "broken.bin").write_bytes(content)
        with pytest.raises(ConfigError, match=r"broken.bin' (cannot be read: it|does not hold a state dictionary)"):
            build("test_resnet", tmp_path / "broken.bin")
    state = timm.create_model("test_resnet").state_dict()
    save_file({**state, "fc.bias": state["fc.bias"] * torch.nan}, tmp_path / "nan.safetensors")
    with pytest.raises(ConfigError, match=r"nan.safetensors' cannot be used: fc.bias has NaN, so nothing can be comp"):
        build("test_resnet", tmp_path / "nan.safetensors")
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    with pytest.raises(ConfigError, match=r"numbers.pth' does not hold a state dictionary \(names and tensors\)"):
        build("test_resnet", tmp_path / "numbers.pth")


def test_last_blocks_of_a_vision_transformer_with_its_norm(tmp_path: Path) -> None:
    save_model("test_vit", tmp_path / "w.safetensors")
    encoder = build("test_vit", tmp_path / "w.safetensors", trainable=2)
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    last = ("backbone.blocks.4.", "backbone.blocks.5.", "backbone.norm.")
    assert trained == {name for name, _ in encoder.named_parameters() if name.startswith(last)}
