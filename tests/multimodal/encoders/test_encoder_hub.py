"""Weights from a hub: the cache first, one short request, and errors that say how to go on without."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig, build_caption_encoder, build_image_encoder
from multimodal.encoders import hub as hub_module
from multimodal.encoders.hub import download, hub_file, hub_folder

IMAGE_HELP = r"encoder.image.pretrained=/path/to/weights.safetensors"
CAPTION_HELP = r"encoder.caption.pretrained=/path/to/folder"


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr(hub_module, "_SILENT_HOSTS", {})
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    _empty_caches(monkeypatch, tmp_path)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: None) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    _empty_caches(monkeypatch, tmp_path)


def _empty_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    cached = huggingface_hub.snapshot_download
    looked_up = huggingface_hub.try_to_load_from_cache
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda repo, **options: cached(repo, cache_dir=tmp_path, **options)
    )
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda repo, name: looked_up(repo, name, cache_dir=tmp_path)
    )
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))


def test_an_unreachable_hub_names_the_default_model_and_what_to_do(unreachable: None) -> None:
    with pytest.raises(ConfigError, match=rf"'bert-base-multilingual-cased'.*cannot be reached.*{CAPTION_HELP}"):
        build_caption_encoder(CaptionEncoderConfig(name="transformer"), [])
    with pytest.raises(
        ConfigError, match=r"reached: .* 'ann/bert' is not a folder in '.*': if one was meant, correct the"
    ):
        build_caption_encoder(CaptionEncoderConfig(name="transformer", pretrained="ann/bert"), [])
    with pytest.raises(ConfigError, match=rf"'hub' \(test_vit\).*cannot be reached.*{IMAGE_HELP}"):
        build_image_encoder(ImageEncoderConfig(name="test_vit", pretrained="hub"))
    with pytest.raises(ConfigError, match=rf"'hub' \(vgg16\): https://\S+vgg16\S+ cannot be downloaded.*{IMAGE_HELP}"):
        build_image_encoder(ImageEncoderConfig(name="vgg16", pretrained=True))


def test_offline_switch_is_honoured_without_a_request(offline: None) -> None:
    for config in (CaptionEncoderConfig(name="transformer"),):
        with pytest.raises(
            ConfigError, match=rf"HF_HUB_OFFLINE is set and it is not in the local cache.*{CAPTION_HELP}"
        ):
            build_caption_encoder(config, [])
    for name in ("test_vit", "resnet50"):
        with pytest.raises(ConfigError, match=rf"HF_HUB_OFFLINE is set.*{IMAGE_HELP}"):
            build_image_encoder(ImageEncoderConfig(name=name, pretrained="hub"))


def test_random_weights_never_ask_the_hub(no_network: None) -> None:
    build_image_encoder(ImageEncoderConfig(name="test_vit"))
    build_image_encoder(ImageEncoderConfig(name="small"))
    build_caption_encoder(CaptionEncoderConfig(), ["a cat"])


def test_a_cached_model_is_read_without_a_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: None
) -> None:
    _empty_caches(monkeypatch, tmp_path)
    repository = tmp_path / "models--someone--model"
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    (snapshot / "config.json").write_text("{}")
    assert hub_folder("someone/model", weights=False, option="o", help_text="h") == snapshot
    (snapshot / "model.safetensors").write_bytes(b"x")
    assert hub_folder("someone/model", weights=True, option="o", help_text="h") == snapshot
    assert hub_file("someone/model", ["model.safetensors"], "o", "h") == snapshot / "model.safetensors"


def test_an_unfinished_cached_model_is_not_taken(unreachable: None, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--someone--model" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0123")
    (snapshot / "config.json").write_text("{}")
    with pytest.raises(
        ConfigError, match=r"option: not in the local cache, and the hub .* cannot be reached: .* Help."
    ):
        hub_folder("someone/model", weights=True, option="option", help_text="Help.")


def test_a_hub_that_answers_with_an_error_is_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: urllib.request.Request, timeout: float) -> None:
        raise urllib.error.HTTPError(request.full_url, 405, "not allowed", Message(), None)

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub_module, "_SILENT_HOSTS", {})
    monkeypatch.setattr(urllib.request, "urlopen", answer)
    hub_module._require_hub("option", "help")


def test_a_host_that_keeps_silent_is_asked_once_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = [], threading.Event()

    def wait(url: str) -> str:
        asked.append(url)
        answer.wait()
        return ""

    monkeypatch.setattr(hub_module, "_SILENT_HOSTS", {})
    monkeypatch.setattr(hub_module, "_TIMEOUT_S", 0.01)
    monkeypatch.setattr(hub_module, "_ask", wait)
    for path in ("a", "b"):
        assert hub_module._why_silent(f"https://example.org/{path}") == "no answer within 0.01 s"
    assert asked == ["https://example.org/a"]
    monkeypatch.setattr(hub_module, "_FORGOTTEN_AFTER_S", 0.0)
    monkeypatch.setattr(hub_module, "_ask", lambda url: "")
    assert hub_module._why_silent("https://example.org/c") == ""
    answer.set()


def test_an_invalid_hub_id_is_refused(no_network: None) -> None:
    with pytest.raises(ConfigError, match=rf"neither a local folder nor a hub id.*{CAPTION_HELP}"):
        build_caption_encoder(CaptionEncoderConfig(name="transformer", pretrained="not an id!"), [])


def test_a_downloaded_checkpoint_is_found_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: None
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "net-0123abcd.pth").write_bytes(b"x")
    found = download("https://example.org/models/net-0123abcd.pth", "option", "help")
    assert found == tmp_path / "checkpoints" / "net-0123abcd.pth"


def test_a_repository_with_a_pickle_only_is_refused_and_not_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub

    asked: list[list[str]] = []

    def snapshot(repository: str, allow_patterns: list[str], **options: object) -> str:
        asked.append(allow_patterns)
        (tmp_path / "config.json").write_text("{}")
        return str(tmp_path)

    (tmp_path / "pytorch_model.bin").write_bytes(b"cached by another program")
    monkeypatch.setattr(hub_module, "_cached_folder", lambda *arguments: tmp_path)
    monkeypatch.setattr(hub_module, "_require_hub", lambda *arguments: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    with pytest.raises(ConfigError) as error:
        hub_folder(
            "someone/model", weights=True, option="encoder.caption.pretrained='someone/model'", help_text="Help."
        )
    assert str(error.value).startswith(
        "encoder.caption.pretrained='someone/model': the repository has no safetensors. A pickle (pytorch_model.bin) "
        "can run code when it is read, so none is downloaded. If you trust its author, convert it: python -c "
    )
    assert str(error.value).endswith(" Help.")
    assert asked == [["*.json", "*.txt", "*.model", "*.safetensors"]]


def test_of_timms_published_files_only_safetensors_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from multimodal.encoders.images import timm_models

    monkeypatch.setattr(timm_models, "hub_file", lambda repository, names, *_: Path(*names))
    for named, read in (
        (None, "model.safetensors"),
        ("pytorch_model.bin", "model.safetensors"),
        ("open_clip_pytorch_model.bin", "open_clip_model.safetensors"),
        ("own.safetensors", "own.safetensors"),
    ):
        published = {"hf_hub_id": "timm/x", "hf_hub_filename": named}
        monkeypatch.setattr(timm_models, "_published_settings", lambda _, published=published: published)
        assert timm_models.TimmImageEncoder._published_file("x", "option") == Path(read)
