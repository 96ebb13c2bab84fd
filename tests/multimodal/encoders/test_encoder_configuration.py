"""Configuration errors of the encoders, and their registry."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from data_loaders.errors import ConfigError
from multimodal.encoders import (
    CaptionEncoderConfig,
    ImageEncoderConfig,
    list_caption_encoders,
    list_image_encoders,
    register_caption_encoder,
    register_image_encoder,
)
from multimodal.encoders.captions.small import SmallCaptionEncoder
from multimodal.encoders.configuration import own_learning_rate, wants_training
from multimodal.encoders.images.small import SmallImageEncoder
from multimodal.encoders.registry import get_caption_encoder, get_image_encoder


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "transfromer"}, "unknown caption encoder 'transfromer'. Did you mean 'transformer'\\? Known: "),
        ({"width": 30, "heads": 4}, "width=30 cannot be divided among heads=4"),
        ({"pretrained": "x"}, "name=small is always trained from scratch; remove `pretrained`"),
        ({"trainable": -1}, "-1 is not accepted; give true, false, all, or how many of the last layers to train"),
        ({"trainable": "some"}, "'some' is not accepted; give true, false, all"),
        ({"maximum_tokens": 1}, "greater than or equal to 2"),
        ({"maximum_token": 1}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_caption_settings(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CaptionEncoderConfig(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"name": "vgg61"},
            "unknown image encoder 'vgg61'. Did you mean 'vgg1.'\\? Known: resnet50, small, vgg16, and",
        ),
        (
            {"pretrained": "hub"},
            "name=small is always trained from scratch; remove `pretrained`, or name another model",
        ),
        ({"name": "vgg16", "pretrained": "weights"}, "'weights' is not accepted; give false, hub, or the path of a"),
        ({"crop_fraction": 0}, "greater than 0"),
        ({"augmentation": True, "trainable": False}, "augmentation=true, but the encoder is frozen: its features are"),
        ({"name": "vgg16", "pretrained": "hub", "augmentation": True}, "set trainable to true, all or the last N"),
    ],
)
def test_wrong_image_settings(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageEncoderConfig(**values)


@pytest.mark.parametrize("trainable", [None, True, "all", 1])
def test_augmentation_of_an_encoder_that_is_trained(trainable: bool | int | str | None) -> None:
    assert ImageEncoderConfig(augmentation=True, trainable=trainable).augmentation
    if trainable is not None:
        assert ImageEncoderConfig(name="vgg16", pretrained="hub", augmentation=True, trainable=trainable).augmentation


def test_settings_survive_being_written() -> None:
    for config in (
        CaptionEncoderConfig(trainable=2),
        CaptionEncoderConfig(trainable=True),
        ImageEncoderConfig(name="vgg16", pretrained=True, trainable="all", mean=(0.1, 0.2, 0.3)),
    ):
        assert type(config).model_validate(config.model_dump(mode="json")) == config
    assert ImageEncoderConfig(name="vgg16", pretrained=True).pretrained == "hub"


def test_random_weights_are_trained_and_pretrained_ones_are_not_unless_asked() -> None:
    assert wants_training(None, from_scratch=True) is True
    assert wants_training(None, from_scratch=False) is False
    assert wants_training("all", from_scratch=False) is True
    assert wants_training(0, from_scratch=True) is False
    assert wants_training(1, from_scratch=False) == 1
    assert own_learning_rate(ImageEncoderConfig(name="vgg16")) is None
    assert own_learning_rate(ImageEncoderConfig(name="vgg16", pretrained="hub")) == 2e-5
    assert own_learning_rate(CaptionEncoderConfig(learning_rate=0.5)) == 0.5


def test_registries() -> None:
    assert {"small", "transformer"} <= set(list_caption_encoders())
    assert {"small", "vgg16", "resnet50"} <= set(list_image_encoders())
    with pytest.raises(ValueError, match="the caption encoder 'transformer' is already registered"):
        register_caption_encoder("transformer")(SmallCaptionEncoder)
    with pytest.raises(ValueError, match="the image encoder 'vgg16' is already registered"):
        register_image_encoder("vgg16")(SmallImageEncoder)
    with pytest.raises(ConfigError, match=r"unknown caption encoder 'smal'\. Did you mean 'small'"):
        get_caption_encoder("smal")
    with pytest.raises(ConfigError, match="unknown image encoder 'resnet5'"):
        get_image_encoder("resnet5")
