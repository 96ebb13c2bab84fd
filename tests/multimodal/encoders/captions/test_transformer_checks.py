"""A folder of the transformers library that somebody made up."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders import (
    CaptionEncoder,
    CaptionEncoderConfig,
    build_caption_encoder,
    load_caption_encoder,
)


def build(folder: Path) -> CaptionEncoder:
    return build_caption_encoder(
        CaptionEncoderConfig(name="transformer", pretrained=str(folder), maximum_tokens=16), []
    )


@pytest.fixture
def folder(tiny_bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def change(folder: Path, name: str = "config.json", **values: object) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_pickle_is_refused_with_what_to_do(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ConfigError) as error:
        build(folder)
    assert "its weights pytorch_model.bin are a pickle, which can run code when it is read, so it never is." in str(
        error.value
    )
    assert f"python -c \"from transformers import AutoModel, AutoTokenizer as T; n = '{folder}'; " in str(error.value)


def test_a_pickle_beside_safetensors_or_named_like_them(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert build(folder).tokenise(["cat"])
    torch.save({"a": torch.ones(1)}, folder / "model.safetensors")
    with pytest.raises(ConfigError, match=r"it is a pickle .* and not safetensors"):
        build(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers=1000000000 in config.json is out of range: at most 10,000"),
        ({"num_labels": 10**9}, "num_labels=1000000000 in config.json is out of range"),
        ({"hidden_size": 2**40}, "hidden_size=1099511627776 in config.json is out of range: at most 2,147,483,648"),
        ({"hidden_size": 10**6, "intermediate_size": 10**6}, "its config.json describes a network of "),
        ({"vocab_size": 10**9}, "its config.json describes a network of "),
        ({"attn_implementation": "someone/kernel"}, "`attn_implementation` in config.json names 'someone/kernel'"),
        ({"text": {"_attn_implementation": {"": "x/y"}}}, "`_attn_implementation` in config.json names {'': 'x/y'}"),
        ({"quantization_config": {"quant_method": "gptq"}}, "its weights are quantised (`quantization_config`"),
    ],
)
def test_configurations_that_fetch_code_or_never_end(folder: Path, values: dict[str, object], message: str) -> None:
    change(folder, **values)
    with pytest.raises(ConfigError) as error:
        build(folder)
    assert message in str(error.value)


def test_an_adapter_to_another_model_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else"}')
    with pytest.raises(ConfigError, match=r"adapter_config.json refers to another model; merge the adapter into it"):
        build(folder)


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "null", '{"a": NaN}', '{"a": 1, "a": 2}', "\x00"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_damaged_json(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(ConfigError, match=rf"cannot be loaded from .*{name} \(text encoder\) is damaged: "):
        build(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ConfigError, match=r"a named pipe|has no config.json"):
        build(folder)


def test_weights_that_are_not_finite_are_named(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    weights[name][3, 1] = torch.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match=r"word_embeddings.weight has NaN, so nothing can be computed with these"):
        build(folder)


def test_a_token_that_the_network_does_not_know(folder: Path, tmp_path: Path) -> None:
    build(folder).save(tmp_path / "saved")
    path = tmp_path / "saved" / "tokenizer.json"
    described = json.loads(path.read_text())
    last = max(described["model"]["vocab"], key=lambda word: described["model"]["vocab"][word])
    described["model"]["vocab"][last] = 10**6
    path.write_text(json.dumps(described))
    with pytest.raises(RunError, match="its tokenizer has a token number 1,000,000, the network has "):
        load_caption_encoder(tmp_path / "saved")


def test_a_token_number_that_would_take_gigabytes(folder: Path) -> None:
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    described["model"]["vocab"]["[PAD]"] = 2**31
    path.write_text(json.dumps(described))
    with pytest.raises(ConfigError, match=r"is damaged: a token has the number 2,147,483,648; at most 10,000,000\."):
        build(folder)


def test_a_tokenizer_that_panics_is_an_error(folder: Path) -> None:
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    # Cutting words by this takes time that grows exponentially; the library stops it by a panic.
    endless = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    path.write_text(json.dumps({**described, "pre_tokenizer": endless}))
    change(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    encoder = build(folder)
    with pytest.raises(RunError, match=r"the tokenizer cannot be used: .*retry-limit"):
        encoder.tokenise(["a" * 40 + "b"])
