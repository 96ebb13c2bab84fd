"""Masked language models: reading, hashtag tokens, and one folder that is network and caption encoder in one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder, load_caption_encoder
from multimodal.encoders.captions.masked_language_model import (
    MaskedModelConfig,
    add_hashtag_tokens,
    build_masked_model,
    hashtag_token_ids,
    load_masked_model,
    save_masked_model,
)
from multimodal.systems.config_loading import validate_config

CAPTIONS = ["a cat on the mat", "the sun set", "a cat, a cat!"]
HASHTAGS = ["cats", "sunset", "море", "c++"]
COUNTS = np.array([8, 4, 3, 1])
SMALL = {"random_init": True, "width": 16, "heads": 2, "layers": 2, "vocabulary_size": 300, "maximum_tokens": 32}


def small(**changes: object) -> MaskedModelConfig:
    return MaskedModelConfig.model_validate({**SMALL, **changes})


@pytest.fixture
def with_head(tiny_bert: Path, tmp_path: Path) -> Path:
    """`tiny_bert` with the head that fills masks."""
    from transformers import AutoConfig, BertForMaskedLM

    folder = tmp_path / "with_head"
    shutil.copytree(tiny_bert, folder)
    torch.manual_seed(2)
    BertForMaskedLM(AutoConfig.from_pretrained(tiny_bert)).save_pretrained(folder)
    return folder


def logits(network: object, text: str) -> torch.Tensor:
    network.model.eval()
    with torch.no_grad():
        return network.model(**network.tokenizer(text, return_tensors="pt")).logits


class TestBuilding:
    def test_a_small_model_has_the_sizes_asked_for_and_needs_no_network(self, no_network: None) -> None:
        torch.manual_seed(0)
        network = build_masked_model(small(hidden=24, dropout=0.25), CAPTIONS)
        settings = network.model.config
        assert (settings.hidden_size, settings.num_hidden_layers, settings.num_attention_heads) == (16, 2, 2)
        assert (settings.intermediate_size, settings.max_position_embeddings) == (24, 32)
        assert settings.hidden_dropout_prob == settings.attention_probs_dropout_prob == 0.25
        assert len(network.tokenizer) == settings.vocab_size
        assert network.tokenizer("cat [MASK]")["input_ids"][-1] == network.tokenizer.mask_token_id
        assert network.tokenizer.tokenize("cat") == ["cat"]  # seen twice, so learned as one token
        assert not network.fresh

    def test_pretrained_weights_are_those_of_the_folder(self, with_head: Path) -> None:
        from transformers import AutoModelForMaskedLM

        network = build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])
        plain = AutoModelForMaskedLM.from_pretrained(with_head).eval()
        expected = plain(**network.tokenizer("a cat [MASK]", return_tensors="pt")).logits
        torch.testing.assert_close(logits(network, "a cat [MASK]"), expected)
        assert not network.fresh

    def test_a_missing_head_is_random_and_reported(self, tiny_bert: Path, caplog: pytest.LogCaptureFixture) -> None:
        network = build_masked_model(MaskedModelConfig(pretrained=str(tiny_bert)), [])
        assert network.fresh
        assert all(name.startswith("cls.") for name in network.fresh)
        names = {name for name, _ in network.model.named_parameters() if name.startswith("cls.")}
        assert names <= network.fresh
        assert "has no head for masked tokens" in caplog.text

    def test_random_weights_take_the_folders_architecture(self, with_head: Path) -> None:
        config = MaskedModelConfig(pretrained=str(with_head), random_init=True)
        torch.manual_seed(5)
        network = build_masked_model(config, CAPTIONS)
        assert network.model.config.hidden_size == 16
        assert len(network.tokenizer) == 18
        original = build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])
        assert not torch.equal(logits(network, "a [MASK]"), logits(original, "a [MASK]"))


class TestHashtagTokens:
    def test_new_rows_start_from_their_pieces_and_stay_tied(self, with_head: Path) -> None:
        network = build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])
        before = network.model.get_input_embeddings().weight.detach().clone()
        add_hashtag_tokens(network, HASHTAGS, COUNTS)
        rows = network.model.get_input_embeddings().weight
        decoder = network.model.get_output_embeddings()
        ids = hashtag_token_ids(network.tokenizer, HASHTAGS)
        assert ids == [18, 19, 20, 21]
        assert rows.shape == (22, 16)
        assert network.model.config.vocab_size == 22
        assert decoder.weight is rows
        assert logits(network, "a [MASK]").shape[-1] == 22
        torch.testing.assert_close(rows[:18], before)
        pieces = network.tokenizer.convert_tokens_to_ids(["sun", "##set"])
        torch.testing.assert_close(rows[ids[1]], before[pieces].mean(0))
        assert decoder.bias[ids].tolist() == pytest.approx(np.log(COUNTS / 16).tolist())

    def test_a_hashtag_that_has_a_token_keeps_it(self, with_head: Path) -> None:
        network = build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])
        add_hashtag_tokens(network, HASHTAGS[:2], COUNTS[:2])
        with torch.no_grad():
            network.model.get_input_embeddings().weight[18] = 7.0
        add_hashtag_tokens(network, HASHTAGS, COUNTS)
        assert hashtag_token_ids(network.tokenizer, HASHTAGS) == [18, 19, 20, 21]
        assert (network.model.get_input_embeddings().weight[18] == 7.0).all()
        add_hashtag_tokens(network, HASHTAGS, COUNTS)
        assert len(network.tokenizer) == 22

    def test_rows_that_were_spare_are_used(self, with_head: Path) -> None:
        network = build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])
        network.model.resize_token_embeddings(64)
        add_hashtag_tokens(network, HASHTAGS, COUNTS)
        assert network.model.get_input_embeddings().num_embeddings == 64
        assert hashtag_token_ids(network.tokenizer, HASHTAGS) == [18, 19, 20, 21]

    def test_a_hashtag_without_a_token_is_named(self) -> None:
        network = build_masked_model(small(), CAPTIONS)
        with pytest.raises(RunError, match=r"no token for 2 hashtags \(cats, sunset"):
            hashtag_token_ids(network.tokenizer, HASHTAGS[:2])


class TestKeeping:
    @pytest.fixture
    def kept(self, tmp_path: Path) -> tuple[object, Path]:
        torch.manual_seed(0)
        network = build_masked_model(small(), CAPTIONS)
        add_hashtag_tokens(network, HASHTAGS, COUNTS)
        network.model.eval()
        save_masked_model(tmp_path / "run" / "model" / "caption_encoder", small(), network)
        return network, tmp_path / "run"

    def test_loaded_it_answers_the_same(self, kept: tuple[object, Path], no_network: None) -> None:
        network, run = kept
        loaded = load_masked_model(run / "model" / "caption_encoder")
        assert not loaded.model.training
        text = "a cat #sunset [MASK]"
        assert loaded.tokenizer(text)["input_ids"] == network.tokenizer(text)["input_ids"]
        torch.testing.assert_close(logits(loaded, text), logits(network, text))
        assert loaded.model.get_output_embeddings().weight is loaded.model.get_input_embeddings().weight

    def test_the_same_folder_is_a_caption_encoder(self, kept: tuple[object, Path], no_network: None) -> None:
        network, run = kept
        encoder = load_caption_encoder(run / "model" / "caption_encoder")
        body = network.body(small()).eval()
        assert encoder.fingerprint() == body.fingerprint()
        ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
        torch.testing.assert_close(encoder(ids, mask), body(ids, mask))

    def test_a_run_is_taken_over_by_name(self, kept: tuple[object, Path], no_network: None) -> None:
        network, run = kept
        config = CaptionEncoderConfig(name="transformer", pretrained=str(run), maximum_tokens=32)
        encoder = build_caption_encoder(config, [])
        expected = network.model.base_model.state_dict()
        found = encoder.model.state_dict()
        assert set(found) == set(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        again = build_masked_model(MaskedModelConfig(pretrained=str(run), maximum_tokens=32), [])
        assert not again.fresh
        torch.testing.assert_close(logits(again, "a #море [MASK]"), logits(network, "a #море [MASK]"))

    def test_no_pickle(self, kept: tuple[object, Path]) -> None:
        files = [path for path in kept[1].rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".json", ".safetensors", ".txt"}

    def test_a_folder_without_the_head_is_refused(self, kept: tuple[object, Path]) -> None:
        folder = kept[1] / "model" / "caption_encoder"
        load_caption_encoder(folder).save(folder)
        with pytest.raises(RunError, match="lacks weights of its head: cls"):
            load_masked_model(folder)

    def test_damaged_weights_are_refused(self, kept: tuple[object, Path]) -> None:
        folder = kept[1] / "model" / "caption_encoder"
        (folder / "model.safetensors").write_bytes(b"damaged")
        with pytest.raises(RunError, match="cannot be loaded"):
            load_masked_model(folder)


class TestRefusals:
    def test_sizes_that_do_not_divide(self) -> None:
        with pytest.raises(ConfigError, match="width=18 cannot be divided among heads=4"):
            validate_config({"system": "bert_fill_mask", "encoder": {"random_init": True, "width": 18, "heads": 4}})

    def test_no_such_folder(self) -> None:
        with pytest.raises(ConfigError, match="there is no such folder"):
            build_masked_model(MaskedModelConfig(pretrained="./nowhere"), [])

    def test_a_model_that_is_not_a_masked_language_model(self, tiny_bert: Path, tmp_path: Path) -> None:
        from transformers import AutoTokenizer, GPT2Config

        GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=30).save_pretrained(tmp_path)
        AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
        with pytest.raises(ConfigError, match="type 'gpt2' is not a masked language model"):
            build_masked_model(MaskedModelConfig(pretrained=str(tmp_path)), [])

    def test_a_tokenizer_without_a_mask(self, with_head: Path) -> None:
        from transformers import PreTrainedTokenizerFast

        plain = PreTrainedTokenizerFast(tokenizer_file=str(with_head / "tokenizer.json"), pad_token="[PAD]")
        plain.save_pretrained(with_head)
        with pytest.raises(ConfigError, match="its tokenizer has no mask token"):
            build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])

    def test_a_body_with_holes(self, with_head: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(with_head / "model.safetensors")
        del weights["bert.encoder.layer.1.output.dense.weight"]
        save_file(weights, with_head / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ConfigError, match=r"1 missing: bert\.encoder\.layer\.1\.output\.dense\.weight"):
            build_masked_model(MaskedModelConfig(pretrained=str(with_head)), [])

    def test_more_tokens_than_positions(self, with_head: Path) -> None:
        config = MaskedModelConfig(pretrained=str(with_head), maximum_tokens=65)
        with pytest.raises(ConfigError, match="maximum_tokens=65: this model takes at most 64 tokens"):
            build_masked_model(config, []).body(config)
