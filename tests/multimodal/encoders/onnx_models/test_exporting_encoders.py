"""Encoders as ONNX models: the same output for batches and lengths that they were not written with."""

from __future__ import annotations

import os

import pytest
import torch

from data_loaders.errors import RunError, UserError
from multimodal.encoders import (
    CaptionEncoderConfig,
    ImageEncoderConfig,
    build_caption_encoder,
    build_image_encoder,
)
from multimodal.encoders.kept_outputs import KeptOutputs
from multimodal.encoders.onnx_models import packages
from multimodal.encoders.onnx_models.exporting import example_inputs, export_encoder
from multimodal.encoders.onnx_models.made_once import onnx_model
from multimodal.encoders.onnx_models.parity import check_parity, largest_difference
from multimodal.encoders.onnx_models.session import OnnxEncoder

CAPTIONS = ["a walk by the sea", "sun and rain again", "x y z"] * 5


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def words(name="small", **settings):
    torch.manual_seed(0)
    return build_caption_encoder(CaptionEncoderConfig(name=name, **settings), CAPTIONS).eval()


def regions(name="small", **settings):
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(name=name, **settings)).eval()


@pytest.fixture(scope="module")
def small_words(tmp_path_factory):
    encoder, path = words(), tmp_path_factory.mktemp("onnx") / "words.onnx"
    export_encoder(encoder, path)
    return encoder, path


def test_small_captions_agree_for_any_batch_and_length(small_words):
    encoder, path = small_words
    assert 0 < check_parity(encoder, path) < 1e-5


def test_a_transformer_agrees(tiny_bert, tmp_path):
    encoder = words("transformer", pretrained=str(tiny_bert), maximum_tokens=24)
    export_encoder(encoder, tmp_path / "words.onnx")
    assert check_parity(encoder, tmp_path / "words.onnx") < 1e-5


@pytest.mark.parametrize("name", ["small", "test_vit"])
def test_pictures_agree(name, tmp_path):
    encoder = regions(name)
    export_encoder(encoder, tmp_path / "regions.onnx")
    assert check_parity(encoder, tmp_path / "regions.onnx") < 1e-5


def test_writing_changes_nothing_of_the_encoder(tmp_path):
    encoder = regions().train()
    encoder.kept = kept = KeptOutputs(100)
    export_encoder(encoder, tmp_path / "regions.onnx")
    assert encoder.training
    assert encoder.kept is kept
    assert encoder.backend is None


def test_other_weights_are_noticed(small_words):
    _, path = small_words
    other = words()
    with torch.no_grad():
        other.norm.weight += 0.01
    assert largest_difference(other, OnnxEncoder(path)) > 1e-3
    with pytest.raises(RunError, match=r"words\.onnx differs from the encoder 'small' by .* cannot be used as ONNX"):
        check_parity(other, path)


def test_an_encoder_without_a_counterpart_is_named(tmp_path, monkeypatch):
    def refuse(*given, **settings):
        raise torch.onnx.errors.UnsupportedOperatorError("aten::lstm", 18, None)

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(
        RunError, match=r"the encoder 'small' cannot be written as ONNX \(Unsup.* by torch: fp32 or bf16"
    ):
        export_encoder(words(), tmp_path / "words.onnx")


def test_a_damaged_model_is_named(tmp_path):
    (tmp_path / "words.onnx").write_bytes(b"no model")
    with pytest.raises(RunError, match=r"words\.onnx cannot be run by ONNX Runtime .* delete it"):
        OnnxEncoder(tmp_path / "words.onnx")


def test_a_missing_package_is_named_with_its_command(monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(packages, "import_module", missing)
    with pytest.raises(UserError, match=r"the package 'onnxscript', .* pip install 'multimodal-hashtags\[onnx\]'"):
        export_encoder(words(), tmp_path / "words.onnx")


@torch.no_grad()
def test_a_model_is_made_once_and_computes_in_place_of_torch(monkeypatch):
    encoder = words(trainable=False)
    path = onnx_model(encoder, int8=False)
    written = path.stat().st_mtime_ns
    assert onnx_model(encoder, int8=False) == path
    assert path.stat().st_mtime_ns == written
    inputs = tuple(example_inputs(encoder, 4, 6).values())
    expected = encoder(*inputs)
    encoder.backend = OnnxEncoder(path)
    monkeypatch.setattr(encoder, "encode_tokens", None)
    torch.testing.assert_close(encoder(*inputs), expected, atol=1e-5, rtol=1e-4)
    encoder.kept = KeptOutputs(10**6)
    torch.testing.assert_close(encoder(*inputs), expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_int8_is_near_and_takes_less_room():
    encoder = words(width=128, layers=2)
    exact, coarse = onnx_model(encoder, int8=False), onnx_model(encoder, int8=True)
    assert exact.parent != coarse.parent
    assert 1e-5 < largest_difference(encoder, OnnxEncoder(coarse)) < 0.2
    sizes = [sum(file.stat().st_size for file in path.parent.iterdir()) for path in (exact, coarse)]
    assert sizes[1] < 0.6 * sizes[0]


@torch.no_grad()
def test_a_forked_process_computes_by_torch(monkeypatch):
    encoder = words()
    inputs = tuple(example_inputs(encoder, 2, 4).values())
    expected = encoder(*inputs)
    encoder.backend = lambda *given: torch.zeros(1)
    assert not encoder(*inputs).any()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert encoder.backend is None
    assert torch.equal(encoder(*inputs), expected)


def test_torch_computes_in_training():
    encoder = words()
    encoder.backend = lambda *given: torch.zeros(1)
    encoder.train()
    assert encoder.backend is None
    assert encoder(*example_inputs(encoder, 2, 4).values()).any()
