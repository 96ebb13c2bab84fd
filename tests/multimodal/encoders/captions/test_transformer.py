"""The transformers caption encoder against the library itself, and its ways to fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.captions.transformer_files import multilingual_bert_size

CAPTIONS = ["a cat on the mat", "sunset, the sun!", "город", ""]


def config(folder: Path, **changes: object) -> CaptionEncoderConfig:
    return CaptionEncoderConfig(name="transformer", pretrained=str(folder), maximum_tokens=32, **changes)


def test_equals_the_plain_library_calls(tiny_bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = build_caption_encoder(config(tiny_bert), [])
    tokens = encoder.tokenise(CAPTIONS)
    plain = AutoTokenizer.from_pretrained(tiny_bert)(CAPTIONS, padding=True, truncation=True, return_tensors="pt")
    ids, mask = encoder.pad(tokens)
    assert torch.equal(ids, plain["input_ids"])
    assert torch.equal(mask, plain["attention_mask"].bool())
    with torch.no_grad():
        expected = AutoModel.from_pretrained(tiny_bert).eval()(**plain).last_hidden_state
    torch.testing.assert_close(encoder(ids, mask)[mask], expected[mask])
    assert [len(row) for row in tokens] == [7, 8, 3, 2]  # sunset is sun and ##set
    assert (encoder.frozen, encoder.default_learning_rate) == (True, 2e-5)


def test_the_last_layers_and_only_they_are_trained(tiny_bert: Path) -> None:
    encoder = build_caption_encoder(config(tiny_bert, trainable=1, learning_rate=1e-4), [])
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained
    assert all(name.startswith("model.encoder.layer.1.") for name in trained)
    assert trained == {name for name, _ in encoder.named_parameters() if ".layer.1." in name}
    encoder.train()
    modes = {name: module.training for name, module in encoder.model.named_modules()}
    assert modes["encoder.layer.1.output.dropout"]
    assert not modes["encoder.layer.0.output.dropout"]
    assert not modes["embeddings"]
    assert encoder.default_learning_rate == 1e-4


def test_random_weights_take_the_folders_architecture_and_are_trained(tiny_bert: Path) -> None:
    encoder = build_caption_encoder(config(tiny_bert, random_init=True), [])
    other = build_caption_encoder(config(tiny_bert, random_init=False), [])
    assert encoder.width == other.width == 16
    assert not encoder.frozen
    assert encoder.default_learning_rate is None
    assert not torch.equal(
        encoder.state_dict()["model.embeddings.word_embeddings.weight"],
        other.state_dict()["model.embeddings.word_embeddings.weight"],
    )


def test_random_weights_without_a_folder_are_of_multilingual_berts_size(no_network: None) -> None:
    with torch.device("meta"):
        model, tokenizer = multilingual_bert_size(8000, ["a cat", "a dog"])
    assert sum(parameter.numel() for parameter in model.parameters()) == 177_853_440  # as published, with its pooler
    assert tokenizer("a cat")["input_ids"][0] == tokenizer.cls_token_id


def test_more_tokens_than_positions_is_refused(tiny_bert: Path) -> None:
    too_many = CaptionEncoderConfig(name="transformer", pretrained=str(tiny_bert), maximum_tokens=65)
    with pytest.raises(ConfigError, match="maximum_tokens=65: this model takes at most 64 tokens"):
        build_caption_encoder(too_many, [])


def test_roberta_counts_its_positions_from_behind_the_padding(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    torch.manual_seed(0)
    RobertaModel(
        RobertaConfig(
            vocab_size=40,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=20,
            pad_token_id=0,
        )
    ).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    longest = CaptionEncoderConfig(name="transformer", pretrained=str(tmp_path), maximum_tokens=19)
    encoder = build_caption_encoder(longest, [])
    assert encoder(*encoder.pad(encoder.tokenise(["cat " * 100]))).shape == (1, 19, 16)
    with pytest.raises(ConfigError, match="takes at most 19 tokens"):
        build_caption_encoder(longest.model_copy(update={"maximum_tokens": 20}), [])


def test_a_folder_that_does_not_exist_or_is_not_a_model(tmp_path: Path) -> None:
    help_text = r"encoder.caption.pretrained=/path/to/folder, or random weights: encoder.caption.random_init=true"
    with pytest.raises(ConfigError, match=f"there is no such folder.*{help_text}"):
        build_caption_encoder(config(tmp_path / "absent"), [])
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"the folder has no config.json; it holds notes.txt"):
        build_caption_encoder(config(tmp_path), [])


def test_weights_that_do_not_fit_are_named(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert, folder)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "num_hidden_layers": 3}))
    with pytest.raises(ConfigError, match=r"do not fit its config.json: 16 missing: encoder.layer.2.attention"):
        build_caption_encoder(config(folder), [])
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "no_such_model"}))
    with pytest.raises(ConfigError, match=r"cannot be loaded from .*no_such_model"):
        build_caption_encoder(config(folder), [])


def test_a_model_that_is_not_a_text_encoder_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import BartConfig

    shutil.copytree(tiny_bert, tmp_path / "model")
    BartConfig(d_model=16, encoder_layers=1, decoder_layers=1).save_pretrained(tmp_path / "model")
    with pytest.raises(ConfigError, match="a model of type 'bart' is not a text encoder"):
        build_caption_encoder(config(tmp_path / "model"), [])


def test_damaged_weights_are_named(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_bert, folder)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigError, match=r"encoder.caption.pretrained=.*cannot be loaded from .*damaged"):
        build_caption_encoder(config(folder), [])


@pytest.mark.parametrize("random_init", [False, True])
def test_code_in_a_folder_is_refused_and_not_offered(tmp_path: Path, random_init: bool) -> None:
    mark = tmp_path / "executed"
    (tmp_path / "own.py").write_text(
        f"open({str(mark)!r}, 'w').close()\nfrom transformers import PretrainedConfig\n\n"
        "class Own(PretrainedConfig):\n    model_type = 'own'\n"
    )
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}))
    # Anything the library asked would be read from standard input, which a test does not have.
    with pytest.raises(ConfigError, match=r"it brings code of its own \(`auto_map`\), which is never run"):
        build_caption_encoder(config(tmp_path, random_init=random_init), [])
    assert not mark.exists()


def test_the_list_of_what_a_sentence_encoder_was_trained_on_is_no_matter(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert, folder)
    (folder / "data_config.json").write_text(json.dumps([{"name": "pairs.jsonl.gz", "weight": 1}]))
    assert build_caption_encoder(config(folder), []).tokenise(["cat"])


def test_a_tokenizer_of_its_own_is_not_run(tiny_bert: Path, tmp_path: Path) -> None:
    mark, folder = tmp_path / "executed", tmp_path / "model"
    shutil.copytree(tiny_bert, folder)
    (folder / "own.py").write_text(
        f"open({str(mark)!r}, 'w').close()\nfrom transformers import PreTrainedTokenizerFast\n\n"
        "class Own(PreTrainedTokenizerFast):\n    pass\n"
    )
    settings = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": [None, "own.Own"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    # The architecture is known, so the library's own tokenizer reads the files.
    assert build_caption_encoder(config(folder), []).tokenise(["cat"])
    assert not mark.exists()
