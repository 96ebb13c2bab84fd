"""What a configuration needs is looked for at once, before any data are read."""

from __future__ import annotations

import shutil
import sys

import pytest

from data_loaders.errors import ConfigError
from data_loaders.text import lemmas
from multimodal.commands.main import main
from multimodal.encoders import hub
from multimodal.encoders.captions import transformer
from multimodal.storage.configurations import list_configs
from multimodal.systems.config_loading import load_config
from multimodal.systems.requirements import check_requirements

NO_WEIGHTS = {
    "bert": ("encoder.random_init=true",),
    "bert_fill_mask": ("encoder.random_init=true",),
    **dict.fromkeys(("amnn", "coa", "knn_image", "macon", "tagnet"), ("encoder.image.pretrained=false",)),
    **dict.fromkeys(
        ("design_sentence", "knn_caption", "knn_mixed"),
        ("encoder.caption.random_init=true", "encoder.caption.pretrained=null"),
    ),
    "design_modern": (
        "encoder.caption.random_init=true",
        "encoder.caption.pretrained=null",
        "encoder.image.pretrained=false",
    ),
    "language_model": ("endpoint.url=http://127.0.0.1:9/v1",),
    **dict.fromkeys(
        ("design_vgg_sum", "design_vgg_weighted", "design_vit_sum", "design_vit_weighted"),
        ("encoder.caption.random_init=true", "encoder.image.pretrained=false"),
    ),
}


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """No cached model, and a network on which nobody answers; returns the hosts that were asked."""
    import huggingface_hub
    import torch

    asked = []
    cached, looked_up = huggingface_hub.snapshot_download, huggingface_hub.try_to_load_from_cache
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **options: cached(name, cache_dir=tmp_path, **options)
    )
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda name, file: looked_up(name, file, cache_dir=tmp_path)
    )
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(hub, "_SILENT_HOSTS", {})
    monkeypatch.setattr(hub, "_ask", lambda url: asked.append(url) or "Name or service not known")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return asked


def problems(name, *overrides):
    with pytest.raises(ConfigError) as error:
        check_requirements(load_config(name, overrides))
    return str(error.value)


# zero_shot has nothing to say without weights that are trained.
@pytest.mark.parametrize("name", [name for name in list_configs() if name != "zero_shot"])
def test_random_weights_need_no_network(name, silent):
    check_requirements(load_config(name, NO_WEIGHTS.get(name, ())))
    assert silent == []


def test_everything_that_is_missing_is_said_at_once(silent, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "simplemma", None)
    lemmas._dictionary.cache_clear()
    lemmas.lemma.cache_clear()
    text = problems("design_vit_weighted", "training.tensorboard=true", "caption_profile=tweet_lemmas")
    first, *lines = text.splitlines()
    assert first == "4 things that this configuration needs are missing:"
    beginnings = (
        "Lemmas need",
        "training.tensorboard=true needs",
        "encoder.caption.pretrained=",
        "encoder.image.pretrained=",
    )
    assert len(lines) == 4
    assert all(line.startswith(f"  - {beginning}") for line, beginning in zip(lines, beginnings, strict=True))
    assert "pip install 'simplemma" in lines[0]
    assert "pip install tensorboard, or set training.tensorboard=false" in lines[1]
    assert silent == ["https://huggingface.co"]  # one wait for both
    lemmas._dictionary.cache_clear()


def test_the_error_says_how_to_fetch_the_weights(silent):
    text = problems("design_vit_sum")
    assert (
        "hf download bert-base-multilingual-cased config.json model.safetensors tokenizer.json tokenizer_config.json "
        "vocab.txt --local-dir weights/bert-base-multilingual-cased"
    ) in text
    assert "hf download timm/vit_base_patch16_224.augreg2_in21k_ft_in1k model.safetensors config.json" in text
    assert "curl -LO https://download.pytorch.org/models/vgg16-397923af.pth" in problems("design_vgg_sum")
    assert len(silent) == 2


def test_data_are_not_read_before(silent, tmp_path, capsys):
    assert main(["train", "--config", "design_vgg_sum", "--data", "no/such/data", "--output", "run"]) == 2
    said = capsys.readouterr().err
    assert "encoder.caption.pretrained='bert-base-multilingual-cased'" in said
    assert "encoder.image.pretrained='hub' (vgg16)" in said
    assert "no/such/data" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["bert", "bert_fill_mask"])
def test_text_models_name_their_own_keys(name, silent):
    text = problems(name)
    assert text.startswith("encoder.pretrained='bert-base-multilingual-cased': not in the local cache")
    assert "encoder.caption" not in text


class TestMistypedPaths:
    @pytest.mark.parametrize(
        "path", ["weights/bert", "./bert", "~/bert", "/nowhere/bert", "a/b/c", "bert/", "C:\\bert"]
    )
    def test_are_never_taken_for_a_hub_id(self, silent, path):
        text = problems("design_vgg_sum", f"encoder.caption.pretrained={path}", "encoder.image=null")
        assert text.startswith(f"encoder.caption.pretrained={path!r}: there is no such folder. ")
        assert text.endswith("Where to get published weights: docs/getting-started/offline.md.")
        assert silent == []

    @pytest.mark.parametrize("path", ["mine/brt", "mien/bert"])
    def test_beside_what_exists(self, silent, tmp_path, path):
        (tmp_path / "mine" / "bert").mkdir(parents=True)
        text = problems("design_vgg_sum", f"encoder.caption.pretrained={path}", "encoder.image=null")
        hint = (
            "Did you mean 'bert'? 'mine' holds bert." if path == "mine/brt" else "'mien' either. Did you mean 'mine'?"
        )
        assert f"{hint} Give a local folder" in text
        assert silent == []

    def test_of_pictures(self, silent, tmp_path):
        (tmp_path / "vit.safetensors").touch()
        text = problems("design_vit_sum", "encoder.caption=null", "encoder.image.pretrained=vti.safetensors")
        assert "there is no such file; give a .safetensors or .pth file. Did you mean 'vit.safetensors'?" in text
        assert silent == []

    def test_of_word_vectors_and_trained_encoders(self, silent):
        assert "encoder.word_vectors='glove.txt': there is no such file" in problems(
            "lstm", "encoder.word_vectors=glove.txt"
        )
        assert "encoder.pretrained='runs/x': no trained caption encoder" in problems(
            "lstm", "encoder.pretrained=runs/x"
        )


class TestRandomWeights:
    def test_of_another_architecture_need_its_tokenizer(self, silent):
        text = problems("bert", "encoder.pretrained=someone/model", "encoder.random_init=true")
        assert "random_init=true uses config.json and the tokenizer" in text
        assert "or leave the name out: encoder.pretrained=null" in text
        assert "or random weights" not in text

    def test_of_a_local_folder_of_that_name_are_its_own(self, silent, tiny_bert, tmp_path):
        shutil.copytree(tiny_bert, tmp_path / transformer.DEFAULT_TRANSFORMER)
        config = load_config("bert", ["encoder.random_init=true"]).encoder
        folder = transformer.TransformerCaptionEncoder.find_weights(config)
        assert folder.name == transformer.DEFAULT_TRANSFORMER
