"""A small random ModernBERT, the architecture of mmBERT: its mask, its inputs, its layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from model_folders import make_modernbert
from transformers import AutoModel

from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder, load_caption_encoder

CAPTIONS = ["a photo of the sea", "a red car", "the sea at night in the fog, and a cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_modernbert(tmp_path_factory.mktemp("modernbert"))


@pytest.fixture(scope="module")
def encoder(folder):
    config = CaptionEncoderConfig(name="transformer", pretrained=str(folder), maximum_tokens=48)
    return build_caption_encoder(config, []).eval()


def encoded(encoder, captions):
    ids, mask = encoder.pad(encoder.tokenise(captions))
    with torch.no_grad():
        return encoder(ids, mask), mask


def test_it_is_given_a_mask_and_no_token_types(encoder, monkeypatch):
    seen = {}
    forward = encoder.model.forward

    def watched(**inputs):
        seen.update(inputs)
        return forward(**inputs)

    monkeypatch.setattr(encoder.model, "forward", watched)
    _, mask = encoded(encoder, CAPTIONS)
    assert set(seen) == {"input_ids", "attention_mask"}
    assert seen["attention_mask"].tolist() == mask.long().tolist()
    assert not mask.all()


def test_states_are_those_of_the_library_alone_and_padded(folder, encoder):
    model = AutoModel.from_pretrained(folder).eval()
    together, mask = encoded(encoder, CAPTIONS)
    for row, caption in enumerate(CAPTIONS):
        with torch.no_grad():
            expected = model(input_ids=torch.tensor(np.stack(encoder.tokenise([caption])))).last_hidden_state[0]
        assert together[row, mask[row]].numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_without_its_mask_padding_would_count(encoder):
    ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
    with torch.no_grad():
        masked = encoder.encode_tokens(ids, mask)[1, 0]
        unmasked = encoder.encode_tokens(ids, torch.ones_like(mask))[1, 0]
    assert (masked - unmasked).abs().max() > 1e-3


def test_the_last_layers_can_be_trained(folder):
    config = CaptionEncoderConfig(name="transformer", pretrained=str(folder), maximum_tokens=48, trainable=1)
    encoder = build_caption_encoder(config, [])
    trained = {name for name, parameter in encoder.model.named_parameters() if parameter.requires_grad}
    assert {name.split(".")[1] for name in trained if name.startswith("layers.")} == {"2"}
    assert "final_norm.weight" in trained


def test_saved_and_loaded(encoder, tmp_path):
    encoder.save(tmp_path)
    loaded = load_caption_encoder(tmp_path)
    assert loaded.fingerprint() == encoder.fingerprint()
    assert torch.equal(encoded(loaded, CAPTIONS)[0], encoded(encoder, CAPTIONS)[0])
