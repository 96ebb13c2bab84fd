"""VGG-16 and ResNet-50 against torchvision itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights, VGG16_Weights, resnet50, vgg16

from data_loaders.errors import ConfigError
from multimodal.encoders import ImageEncoderConfig, build_image_encoder


def test_vgg16_equals_torchvisions_last_convolutions(tmp_path: Path, picture: Callable[..., Image.Image]) -> None:
    torch.manual_seed(2)
    with torch.device("meta"):
        plain = vgg16(init_weights=False)
    features = plain.features.to_empty(device="cpu").eval()
    for parameter in features.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    classifier = {"classifier.6.weight": torch.zeros(2, 2), "classifier.6.bias": torch.zeros(2)}
    state = {f"features.{name}": tensor for name, tensor in features.state_dict().items()}
    save_file({**state, **classifier}, tmp_path / "vgg.safetensors")
    encoder = build_image_encoder(ImageEncoderConfig(name="vgg16", pretrained=str(tmp_path / "vgg.safetensors")))
    assert (encoder.patches, encoder.width) == (49, 512)
    image = picture(300, 260)
    normalised = VGG16_Weights.IMAGENET1K_V1.transforms()(image)[None]
    with torch.no_grad():
        expected = features(normalised).flatten(2).transpose(1, 2)
    torch.testing.assert_close(encoder(encoder.preprocessing(image)[None]), expected, atol=1e-4, rtol=1e-4)
    trained = build_image_encoder(ImageEncoderConfig(name="vgg16", size_px=32, trainable=2))
    names = {name for name, parameter in trained.named_parameters() if parameter.requires_grad}
    assert names == {f"backbone.features.{i}.{kind}" for i in (26, 28) for kind in ("weight", "bias")}


def test_resnet50_equals_torchvisions_last_stage(tmp_path: Path, picture: Callable[..., Image.Image]) -> None:
    torch.manual_seed(3)
    plain = resnet50().eval()
    torch.save(plain.state_dict(), tmp_path / "resnet.pth")
    encoder = build_image_encoder(
        ImageEncoderConfig(name="resnet50", pretrained=str(tmp_path / "resnet.pth"), trainable=1)
    )
    assert (encoder.patches, encoder.width) == (49, 2048)
    image = picture(260, 333)
    normalised = ResNet50_Weights.IMAGENET1K_V1.transforms()(image)[None]
    hidden = normalised
    with torch.no_grad():
        for name, module in plain.named_children():
            if name in ("avgpool", "fc"):
                break
            hidden = module(hidden)
        output = encoder.eval()(encoder.preprocessing(image)[None])
    torch.testing.assert_close(output, hidden.flatten(2).transpose(1, 2), atol=1e-4, rtol=1e-4)
    names = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert names == {name for name, _ in encoder.named_parameters() if name.startswith("backbone.layer4.2.")}
    with pytest.raises(ConfigError, match=r"resnet.pth' does not hold the weights of vgg16: 26 missing: features.0"):
        build_image_encoder(ImageEncoderConfig(name="vgg16", pretrained=str(tmp_path / "resnet.pth")))


def test_published_preprocessing_is_that_of_the_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multimodal.encoders.images import torchvision_models as images_torchvision

    torch.save(resnet50().state_dict(), tmp_path / "resnet.pth")
    monkeypatch.setattr(images_torchvision, "download", lambda *arguments: tmp_path / "resnet.pth")
    encoder = build_image_encoder(ImageEncoderConfig(name="resnet50", pretrained="hub"))
    assert encoder.preprocessing.crop_fraction == pytest.approx(224 / 232)
    assert encoder.preprocessing.interpolation == "bilinear"
