"""The tokenizer learned from captions, and the encoder on top."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.captions.tokenizer import encode, repair_surrogates, train_tokenizer

CAPTIONS = [
    "Sunset over the harbour, what an evening!",
    "sunset, harbour and a cold evening",
    "日落 在 港口",
    "港口 的 日落",
    "हिन्दी में सूर्यास्त",
    "सूर्यास्त और हिन्दी",
    "غروب الشمس",
    "الشمس غروب",
]
TOKENIZER = train_tokenizer(CAPTIONS, 2000)


def pieces(text: str) -> list[str]:
    """Return the text of each token but the first."""
    return [TOKENIZER.decode([int(i)]) for i in encode(TOKENIZER, [text], 64)[0][1:]]


def test_words_seen_twice_are_one_token_whatever_their_script() -> None:
    assert pieces("SUNSET the Harbour") == ["sunset", *pieces("the"), "harbour"]
    for word in ("日落", "हिन्दी", "सूर्यास्त", "الشمس"):
        assert pieces(word) == [word]
    assert pieces("sunset,harbour") == ["sunset", ",", "harbour"]
    assert pieces("ｓｕｎｓｅｔ") == ["sunset"]  # NFKC


def test_an_unseen_script_is_spelled_in_bytes_and_found_again() -> None:
    ids = encode(TOKENIZER, ["ไทย 😀"], 64)[0]
    assert TOKENIZER.decode(ids.tolist()[1:]) == "ไทย😀"


def test_a_caption_that_spells_a_special_token_means_its_letters() -> None:
    pad = TOKENIZER.token_to_id("[PAD]")
    start = TOKENIZER.token_to_id("[CLS]")
    ids = encode(TOKENIZER, ["[PAD] [CLS]"], 64)[0].tolist()
    assert pad not in ids
    assert ids.count(start) == 1


def test_an_empty_caption_is_the_start_token_alone() -> None:
    assert encode(TOKENIZER, ["", " \n"], 64)[0].tolist() == [TOKENIZER.token_to_id("[CLS]")]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=40), max_size=4), st.integers(1, 20))
def test_any_text_is_tokenised_alone_as_among_others(captions: list[str], limit: int) -> None:
    together = encode(TOKENIZER, captions, limit)
    assert all(1 <= len(ids) <= limit for ids in together)
    for caption, ids in zip(captions, together, strict=True):
        np.testing.assert_array_equal(encode(TOKENIZER, [caption], limit)[0], ids)


@given(st.text(st.characters(codec=None)))
def test_repaired_text_can_be_written(text: str) -> None:
    repaired = repair_surrogates(text)
    repaired.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert repaired == text


def test_surrogate_pairs_are_joined() -> None:
    assert repair_surrogates("a\ud83d\ude00b\ud800") == "a😀b�"


def test_the_same_captions_give_the_same_tokenizer_in_another_process() -> None:
    code = (
        "import sys; from multimodal.encoders.captions.tokenizer import train_tokenizer;"
        f"sys.stdout.buffer.write(train_tokenizer({CAPTIONS!r}, 2000).to_str().encode())"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60).stdout.decode()
    assert other == train_tokenizer(CAPTIONS, 2000).to_str()


def test_no_captions_at_all_still_give_an_encoder() -> None:
    encoder = build_caption_encoder(CaptionEncoderConfig(), [])
    assert encoder(*encoder.pad(encoder.tokenise(["anything"]))).shape[-1] == 128


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_as_many_layers_as_asked(layers: int) -> None:
    encoder = build_caption_encoder(CaptionEncoderConfig(layers=layers, width=32), CAPTIONS)
    assert len(encoder.layers()) == layers
    assert encoder.width == 32


def test_learns_a_few_captions() -> None:
    torch.manual_seed(0)
    encoder = build_caption_encoder(CaptionEncoderConfig(width=32, dropout=0.0), CAPTIONS)
    head = torch.nn.Linear(32, len(CAPTIONS))
    optimiser = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=3e-3)
    ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
    for _ in range(60):
        pooled = encoder(ids, mask).sum(1) / mask.sum(1, keepdim=True)
        loss = torch.nn.functional.cross_entropy(head(pooled), torch.arange(len(CAPTIONS)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1
