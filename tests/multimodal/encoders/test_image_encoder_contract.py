"""What every image encoder must do: the registered ones and some families of timm."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders import (
    ImageEncoder,
    ImageEncoderConfig,
    build_image_encoder,
    list_image_encoders,
    load_image_encoder,
)

SIZES = {"vgg16": 32, "resnet50": 32}
NAMES = [*list_image_encoders(), "test_vit", "test_resnet", "test_efficientnet", "test_mambaout", "test_convnext"]


def make(name: str, **changes: object) -> ImageEncoder:
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(**{"name": name, "size_px": SIZES.get(name), **changes}))


def pictures(encoder: ImageEncoder, count: int = 2) -> torch.Tensor:
    size = encoder.preprocessing.size_px
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", NAMES)
def test_regions_are_as_many_and_as_wide_as_said(name: str, picture: Callable[..., Image.Image]) -> None:
    encoder = make(name, trainable=False)
    pixels = torch.stack([encoder.preprocessing(picture(50, 80, seed)) for seed in range(2)])
    assert pixels.dtype == torch.uint8
    output = encoder(pixels)
    assert output.shape == (2, encoder.patches, encoder.width)
    assert torch.isfinite(output).all()
    torch.testing.assert_close(encoder(pixels.float() / 255), output, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder(pixels[1:]), output[1:], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_saved_moved_and_loaded_it_is_the_same(name: str, tmp_path: Path, no_network: None) -> None:
    changes = {"mean": (0.1, 0.2, 0.3), "crop_fraction": 0.7, "trainable": 1}
    encoder = make(name, **changes).eval()
    encoder.save(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "after")
    loaded = load_image_encoder(tmp_path / "after")
    assert type(loaded) is type(encoder)
    assert not loaded.training
    assert loaded.preprocessing == encoder.preprocessing
    assert loaded.preprocessing.mean == (0.1, 0.2, 0.3)
    assert loaded.fingerprint() == encoder.fingerprint()
    assert [p.requires_grad for p in loaded.parameters()] == [p.requires_grad for p in encoder.parameters()]
    assert torch.equal(loaded(pictures(loaded)), encoder(pictures(encoder)))
    assert {path.name for path in (tmp_path / "after").iterdir()} == {"encoder.json", "weights.safetensors"}


@pytest.mark.parametrize("name", NAMES)
def test_fingerprint_follows_weights_and_preprocessing(name: str) -> None:
    encoder = make(name)
    before = encoder.fingerprint()
    assert make(name, std=(0.3, 0.3, 0.3)).fingerprint() != before
    with torch.no_grad():
        next(encoder.parameters()).view(-1)[0] += 1
    assert encoder.fingerprint() != before


@pytest.mark.parametrize("name", NAMES)
def test_frozen_means_no_gradient_and_evaluation_mode(name: str) -> None:
    encoder = make(name, trainable=False).train()
    assert encoder.frozen
    assert not any(module.training for module in list(encoder.modules())[1:])
    state = {key: value.clone() for key, value in encoder.state_dict().items()}
    assert not encoder(pictures(encoder)).requires_grad
    assert all(torch.equal(value, state[key]) for key, value in encoder.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trainable", [True, 1])
def test_every_trained_parameter_gets_a_gradient(name: str, trainable: bool | int) -> None:
    encoder = make(name, trainable=trainable)
    if trainable is not True:
        trained = {id(parameter) for parameter in encoder.parameters() if parameter.requires_grad}
        # In some networks timm's last group is a norm before the classifier, which no region depends on.
        touched = [layer for layer in encoder.layers() if any(id(parameter) in trained for parameter in layer)]
        assert len(touched) == 1
        assert trained == {id(parameter) for parameter in touched[0]}
    assert encoder.training
    encoder(pictures(encoder)).square().sum().backward()
    for key, parameter in encoder.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key


@pytest.mark.parametrize("name", NAMES)
def test_more_layers_than_there_are_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"encoder.image.trainable=99: that many layers cannot be trained, it has \d"):
        make(name, trainable=99)


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_half_precision(name: str) -> None:
    encoder = make(name, trainable=False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(encoder(pictures(encoder))).all()
    assert encoder.to(torch.bfloat16)(pictures(encoder)).dtype == torch.bfloat16


def test_damaged_and_foreign_weights_are_named(tmp_path: Path) -> None:
    make("small").save(tmp_path / "a")
    make("small", width=32).save(tmp_path / "b")
    shutil.copy(tmp_path / "b" / "weights.safetensors", tmp_path / "a" / "weights.safetensors")
    with pytest.raises(RunError, match=r"does not fit its configuration: \d+ of another shape"):
        load_image_encoder(tmp_path / "a")
    (tmp_path / "b" / "weights.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(RunError, match=r"weights.safetensors \(weights\) is damaged"):
        load_image_encoder(tmp_path / "b")
    (tmp_path / "b" / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=r"weights.safetensors \(weights\) is missing; the folder is partial"):
        load_image_encoder(tmp_path / "b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size_px": 10**6}, "size_px=1000000: give 1 to 2048"),
        ({"crop_fraction": 1e-9}, "crop_fraction=1e-09: give 0.05 to 1"),
        ({"std": [0, 1, 1]}, "give finite numbers, std above 0"),
        ({"std": [1, 1]}, "std: List should have at least 3 items"),
        ({"mean": "x"}, "mean: Input should be a valid list, got 'x'"),
        ({"interpolation": "evil"}, "interpolation 'evil' is unknown"),
    ],
)
def test_a_preprocessing_that_would_fill_the_memory_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    make("small").save(tmp_path)
    values = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(
        json.dumps({**values, "preprocessing": {**values["preprocessing"], **change}})
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        load_image_encoder(tmp_path)


@pytest.mark.parametrize(("value", "kind"), [(torch.nan, "NaN"), (torch.inf, "infinite numbers")])
def test_weights_that_are_not_finite_are_named(tmp_path: Path, value: float, kind: str) -> None:
    make("small").save(tmp_path)
    weights = load_file(tmp_path / "weights.safetensors")
    weights["norm.bias"][1] = value
    save_file(weights, tmp_path / "weights.safetensors")
    with pytest.raises(
        RunError, match=rf"weights.safetensors \(weights\) is damaged: norm.bias has {kind}, so nothing"
    ):
        load_image_encoder(tmp_path)
    save_file({**weights, "norm.bias": torch.zeros(128, dtype=torch.float64)}, tmp_path / "weights.safetensors")
    with pytest.raises(RunError, match=r"norm.bias is of type float64 where float32 is needed"):
        load_image_encoder(tmp_path)


def test_sizes_that_the_file_does_not_have_cost_no_memory(tmp_path: Path) -> None:
    make("small").save(tmp_path)
    values = json.loads((tmp_path / "encoder.json").read_text())
    values["config"]["width"] = 16 * 10**7  # a network of terabytes
    (tmp_path / "encoder.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match="of another shape"):
        load_image_encoder(tmp_path)


def test_augmentation_is_a_switch() -> None:
    assert make("small").augmentation is None
    view = make("small", augmentation=True).augmentation
    assert view is not None
    pixels = torch.arange(3 * 64 * 64).remainder(256).to(torch.uint8).view(3, 64, 64)
    torch.manual_seed(0)
    views = [view(pixels) for _ in range(4)]
    assert all(one.shape == pixels.shape and one.dtype == torch.uint8 for one in views)
    assert not all(torch.equal(one, pixels) for one in views)
    torch.manual_seed(0)
    assert torch.equal(view(pixels), views[0])


@pytest.mark.parametrize("name", NAMES)
def test_regions_are_pooled_to_a_grid(name: str, tmp_path: Path) -> None:
    whole, pooled = make(name), make(name, grid=1)
    pooled.load_state_dict(whole.state_dict())
    with torch.no_grad():
        regions, mean = (encoder.eval()(pictures(encoder)) for encoder in (whole, pooled))
    assert (mean.shape[1], pooled.patches) == (1, 1)
    torch.testing.assert_close(mean[:, 0], regions.mean(1))
    assert whole.fingerprint() != pooled.fingerprint()
    pooled.save(tmp_path)
    loaded = load_image_encoder(tmp_path)
    assert (loaded.patches, loaded.fingerprint()) == (1, pooled.fingerprint())


def test_a_grid_finer_than_the_regions_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"encoder.image.grid=9: the encoder gives \d+ x \d+ regions; give a grid of"):
        make("small", grid=9)
