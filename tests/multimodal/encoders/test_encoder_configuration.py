"""Configuration errors of the encoders, and their registry."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pydantic import ValidationError

from data_loaders.errors import ConfigError
from multimodal.config import Section
from multimodal.encoders import (
    CaptionEncoderConfig,
    ImageEncoderConfig,
    build_caption_encoder,
    list_caption_encoders,
    list_image_encoders,
    load_caption_encoder,
    names,
    register_caption_encoder,
    register_image_encoder,
)
from multimodal.encoders.captions.schemas import LstmEncoderConfig, SmallEncoderConfig
from multimodal.encoders.captions.small import SmallCaptionEncoder
from multimodal.encoders.configuration import own_learning_rate, wants_training
from multimodal.encoders.images.small import SmallImageEncoder
from multimodal.encoders.registry import get_caption_encoder, get_image_encoder
from multimodal.systems.config_loading import load_config


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"name": "lstm", "random_init": True},
            "random_init is for name=transformer; other encoders start from",
        ),
        ({"name": "small", "word_vectors": "x"}, "name=small has a vocabulary of its own and takes no word_vectors"),
        ({"name": "lstm", "word_ngrams": 2}, "word_ngrams and characters are for name=fasttext; name=lstm has no n-"),
        ({"name": "small", "characters": [3, 6]}, "word_ngrams and characters are for name=fasttext; name=small has"),
        ({"name": "fasttext", "characters": [6, 3]}, "give two numbers from 1 to 12, the smaller first"),
        ({"name": "lstm", "heds": 2}, "heds\n  Extra inputs are not permitted"),
        ({"name": "lstn", "width": 2}, "1 validation error .*\nname\n .*unknown caption encoder 'lstn'"),
        ({"name": 3}, "Input should be a valid string"),
    ],
)
def test_wrong_combinations(values: dict[str, object], message: str) -> None:
    for make in (lambda: CaptionEncoderConfig(**values), lambda: CaptionEncoderConfig.model_validate(values)):
        with pytest.raises(ValidationError, match=message):
            make()


def test_the_name_chooses_the_schema_and_its_defaults() -> None:
    for config in (CaptionEncoderConfig(name="lstm", width=16), CaptionEncoderConfig.model_validate({"name": "lstm"})):
        assert type(config) is LstmEncoderConfig
        assert (config.hidden, config.maximum_tokens, config.dropout) == (50, 200, 0.2)
    assert type(CaptionEncoderConfig()) is SmallEncoderConfig
    copy = CaptionEncoderConfig(name="lstm").model_copy(update={"width": 24})
    assert (type(copy), copy.width) == (LstmEncoderConfig, 24)
    assert not hasattr(CaptionEncoderConfig(name="lstm"), "heads")


def test_a_section_is_written_with_all_keys_of_its_schema() -> None:
    class Whole(Section):
        caption: CaptionEncoderConfig | None = CaptionEncoderConfig()

    whole = Whole(caption={"name": "fasttext", "word_ngrams": 2})
    assert whole.model_dump()["caption"]["word_ngrams"] == 2
    assert whole.model_dump(exclude_unset=True) == {"caption": {"name": "fasttext", "word_ngrams": 2}}
    assert Whole.model_validate(whole.model_dump(mode="json")) == whole
    assert Whole.model_validate_json(whole.model_dump_json()) == whole
    assert Whole().model_dump()["caption"]["heads"] == 4


EARLIER = {
    "name": "lstm", "pretrained": None, "random_init": False, "trainable": None, "maximum_tokens": 50, "width": 12,
    "hidden": 8, "layers": 2, "heads": 6, "dropout": 0.0, "vocabulary_size": 500, "minimum_count": 1, "word_ngrams": 1,
    "characters": None, "buckets": 64, "word_vectors": None, "learning_rate": None,
}  # fmt: skip


def test_a_section_that_an_earlier_release_wrote_with_the_keys_of_all_encoders(tmp_path: Path) -> None:
    config = CaptionEncoderConfig.model_validate(EARLIER)
    assert config == LstmEncoderConfig(
        maximum_tokens=50, width=12, hidden=8, layers=2, dropout=0.0, vocabulary_size=500, minimum_count=1
    )
    encoder = build_caption_encoder(config, ["a cat", "a dog"])
    encoder.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(json.dumps({**described, "config": EARLIER}))
    assert load_caption_encoder(tmp_path).config == config


class MyConfig(CaptionEncoderConfig):
    name: str = "my_own"
    depth: int = 3


@pytest.fixture
def my_own(monkeypatch: pytest.MonkeyPatch) -> type[SmallCaptionEncoder]:
    for registry in (names.CAPTION_ENCODERS, names.CAPTION_SCHEMAS, names.IMAGE_ENCODERS):
        monkeypatch.setattr(registry, "_items", dict(registry._items))

    @register_caption_encoder("my_small")
    class MySmall(SmallCaptionEncoder):
        pass

    @register_caption_encoder("my_own")
    class MyOwn(SmallCaptionEncoder):
        config_type = MyConfig

    return MySmall


def test_an_encoder_from_elsewhere(my_own: type[SmallCaptionEncoder], tmp_path: Path) -> None:
    encoder = build_caption_encoder(CaptionEncoderConfig(name="my_small", width=16), ["a cat"])
    assert type(encoder) is my_own
    encoder.save(tmp_path)
    assert type(load_caption_encoder(tmp_path)) is my_own
    config = load_config(None, ["system=design", "encoder.caption=my_own", "encoder.caption.depth=5"])
    assert config.encoder.caption == MyConfig(depth=5)
    with pytest.raises(ConfigError, match=r"caption.dept: unknown key. Did you mean 'depth'\? Accepted here: name, "):
        load_config(None, ["system=design", "encoder.caption={name: my_own, dept: 1}"])
    register_image_encoder("my_pictures")(SmallImageEncoder)
    assert get_image_encoder(ImageEncoderConfig(name="my_pictures").name) is SmallImageEncoder


def test_checking_a_section_imports_neither_torch_nor_timm() -> None:
    code = """
        import sys
        from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig
        from multimodal.encoders.names import CAPTION_SCHEMAS
        for name in CAPTION_SCHEMAS.names():
            CaptionEncoderConfig(name=name)
        ImageEncoderConfig(name="vgg16", pretrained="hub")
        print(*{"torch", "timm", "transformers"} & set(sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("name", list_caption_encoders())
def test_an_encoder_and_its_module_agree_on_its_schema(name: str) -> None:
    schema = names.CAPTION_SCHEMAS.get(name)
    assert get_caption_encoder(name).config_type is schema
    assert schema().name == name
