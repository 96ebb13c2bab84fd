"""What every registered caption encoder must do."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders import (
    CaptionEncoder,
    CaptionEncoderConfig,
    build_caption_encoder,
    list_caption_encoders,
    load_caption_encoder,
)

CAPTIONS = ["a cat on the mat", "sunset, the sun!", "город море", "the dogs", "日落 在 海边", "a", "cat cat"] * 2
ODD = [
    "",
    "   \n\t",
    "\ud800 alone",
    "pair \ud83d\ude00",
    "\x00\x07\x1b",
    "क्षत्रिय ไทย العربية 日本語 😀👩‍👩‍👧",
    "x" * 100_000,
    "word " * 20_000,
    "[PAD] [CLS] [SEP] <s> </s>",
]
NAMES = list_caption_encoders()


def make(name: str, tiny_bert: Path, **changes: object) -> CaptionEncoder:
    values: dict[str, object] = {"name": name, "maximum_tokens": 32}
    if name == "transformer":
        values["pretrained"] = str(tiny_bert)
    torch.manual_seed(0)
    return build_caption_encoder(CaptionEncoderConfig(**{**values, **changes}), CAPTIONS)


def features(encoder: CaptionEncoder, captions: list[str]) -> list[np.ndarray]:
    tokens = encoder.tokenise(captions)
    ids, mask = encoder.pad(tokens)
    with torch.no_grad():
        output = encoder(ids, mask)
    assert output.shape == (*ids.shape, encoder.width)
    return [row[: len(ids)].numpy() for row, ids in zip(output, tokens, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_tokens_stand_for_characters_of_the_caption(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert)
    tokens = encoder.tokenise(ODD)
    for caption, ids in zip(ODD, tokens, strict=True):
        told = encoder.token_spans(caption)
        if told is None:
            assert name == "fasttext"
            return
        text, spans = told
        assert len(spans) == len(ids)
        assert all(0 <= start <= end <= len(text) for start, end in spans)
    text, spans = encoder.token_spans("the dogs") or ("", [])
    assert "".join(text[start:end] for start, end in spans if end - start < len(text)) == "thedogs"


@pytest.mark.parametrize("name", NAMES)
def test_any_text_gives_at_least_one_token_and_no_more_than_allowed(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert)
    tokens = encoder.tokenise(ODD)
    assert all(1 <= len(ids) <= encoder.maximum_tokens and ids.dtype == np.int64 for ids in tokens)
    assert all(np.isfinite(rows).all() for rows in features(encoder.eval(), ODD))
    assert encoder.tokenise([]) == []


@pytest.mark.parametrize("name", NAMES)
def test_padding_and_the_rest_of_the_batch_never_change_a_caption(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert).eval()
    together = features(encoder, [*CAPTIONS[:5], "the cat on the mat, the dog on the mat, the sun on the mat!"])
    for caption, rows in zip(CAPTIONS[:5], together, strict=False):
        np.testing.assert_allclose(features(encoder, [caption])[0], rows, atol=2e-6)
    ids, mask = encoder.pad(encoder.tokenise(["a cat"]))
    wider = torch.full((1, ids.shape[1] + 5), 7), torch.zeros(1, ids.shape[1] + 5, dtype=torch.bool)
    wider[0][:, : ids.shape[1]], wider[1][:, : ids.shape[1]] = ids, mask
    output = encoder(*wider)
    torch.testing.assert_close(output[:, : ids.shape[1]], encoder(ids, mask), atol=2e-6, rtol=1e-4)
    assert not output[:, ids.shape[1] :].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_row_without_tokens_is_zero_and_changes_no_other(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert).eval()
    ids, mask = encoder.pad(encoder.tokenise(["a cat", "the dog"]))
    expected = encoder(ids, mask)
    mask[1] = False
    output = encoder(ids, mask)
    torch.testing.assert_close(output[0], expected[0], atol=2e-6, rtol=1e-4)
    assert not output[1].any()


@pytest.mark.parametrize("name", NAMES)
def test_saved_moved_and_loaded_it_is_the_same(name: str, tiny_bert: Path, tmp_path: Path, no_network: None) -> None:
    encoder = make(name, tiny_bert).eval()
    encoder.save(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "after")
    loaded = load_caption_encoder(tmp_path / "after")
    assert type(loaded) is type(encoder)
    assert not loaded.training
    assert loaded.config == encoder.config
    assert loaded.fingerprint() == encoder.fingerprint()
    assert (loaded.width, loaded.maximum_tokens, loaded.pad_id) == (
        encoder.width,
        encoder.maximum_tokens,
        encoder.pad_id,
    )
    for one, other in zip(features(encoder, CAPTIONS), features(loaded, CAPTIONS), strict=True):
        np.testing.assert_array_equal(one, other)
    loaded.save(tmp_path / "after")
    assert load_caption_encoder(tmp_path / "after").fingerprint() == encoder.fingerprint()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_saved_folder_is_a_pickle(name: str, tiny_bert: Path, tmp_path: Path) -> None:
    make(name, tiny_bert).save(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {".json", ".safetensors", ".txt"}


@pytest.mark.parametrize("name", NAMES)
def test_fingerprint_follows_weights_and_length_limit(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert)
    before = encoder.fingerprint()
    assert before == make(name, tiny_bert).fingerprint()
    encoder.tokenise(CAPTIONS)
    assert encoder.fingerprint() == before
    assert make(name, tiny_bert, maximum_tokens=31).fingerprint() != before
    with torch.no_grad():
        next(encoder.parameters()).view(-1)[0] += 1
    assert encoder.fingerprint() != before


@pytest.mark.parametrize("name", NAMES)
def test_frozen_means_no_gradient_and_evaluation_mode(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert, trainable=False).train()
    assert encoder.frozen
    assert not any(module.training for module in list(encoder.modules())[1:])
    first, second = features(encoder, CAPTIONS), features(encoder, CAPTIONS)
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(second))
    assert not encoder(*encoder.pad(encoder.tokenise(["a cat"]))).requires_grad


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trainable", [True, "all", 1])
def test_every_trained_parameter_gets_a_gradient(name: str, trainable: bool | str | int, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert, trainable=trainable)
    if trainable == 1 and trainable is not True:
        chosen = {id(parameter) for parameter in encoder.layers()[-1]}
        assert chosen == {id(p) for p in encoder.parameters() if p.requires_grad}
    else:
        assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert encoder.training
    assert not encoder.frozen
    encoder(*encoder.pad(encoder.tokenise(CAPTIONS))).square().sum().backward()
    for key, parameter in encoder.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key


@pytest.mark.parametrize("name", NAMES)
def test_more_layers_than_there_are_is_refused(name: str, tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match=r"encoder.caption.trainable=99: that many layers cannot be trained, it has"):
        make(name, tiny_bert, trainable=99)


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_half_precision(name: str, tiny_bert: Path) -> None:
    encoder = make(name, tiny_bert, trainable=False)
    batch = encoder.pad(encoder.tokenise(CAPTIONS))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(encoder(*batch)).all()
    assert encoder.to(torch.bfloat16)(*batch).dtype == torch.bfloat16


@pytest.mark.parametrize("name", NAMES)
def test_a_partial_folder_is_named(name: str, tiny_bert: Path, tmp_path: Path) -> None:
    make(name, tiny_bert).save(tmp_path)
    next(tmp_path.glob("*.safetensors")).unlink()
    with pytest.raises(RunError, match=str(tmp_path)):
        load_caption_encoder(tmp_path)


def test_a_folder_of_another_kind_or_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"encoder.json \(caption encoder\) is missing"):
        load_caption_encoder(tmp_path)
    (tmp_path / "encoder.json").write_text('{"format_version": 1, "kind": "image", "config": {"name": "small"}}')
    with pytest.raises(RunError, match="describes a 'image' encoder; expected 'caption'"):
        load_caption_encoder(tmp_path)
    (tmp_path / "encoder.json").write_text('{"format_version": 9, "kind": "caption"}')
    with pytest.raises(RunError, match=r"format version 9; this release reads 1"):
        load_caption_encoder(tmp_path)
