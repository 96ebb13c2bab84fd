"""Any model of timm: the patch tokens of a transformer, or the last feature map of a convolutional network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
from timm.models import group_parameters
from torch import Tensor, nn

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.configuration import HUB, ImageEncoderConfig
from multimodal.encoders.hub import download, how_to_fetch, hub_file
from multimodal.encoders.images.backbone import HELP, OPTION, BackboneImageEncoder, weights_error
from multimodal.encoders.preprocessing import ImagePreprocessing, preprocessing_for
from multimodal.encoders.storage import mismatch, read_state, shapes_of
from multimodal.storage.run_folder import read_json

_HUB_FILE = "model.safetensors"
# Of a repository's pickle and its safetensors, only the latter are read.
_SAFE_FILES = {"pytorch_model.bin": _HUB_FILE, "open_clip_pytorch_model.bin": "open_clip_model.safetensors"}


class TimmImageEncoder(BackboneImageEncoder):
    """The output of timm's `forward_features`, without class and register tokens.

    Local weights are a state dictionary of the same model, with a classifier of any size or without one. Their
    preprocessing is timm's for that name, unless a JSON file of the same name or `config.json` in the same folder has
    a `pretrained_cfg`.
    """

    @classmethod
    def _published_file(cls, name: str, option: str) -> Path:
        published = _published_settings(name)
        if repository := published.get("hf_hub_id"):
            named = published.get("hf_hub_filename") or _HUB_FILE
            file = _SAFE_FILES.get(named, named)
            return hub_file(repository, (file,), option, f"{HELP} {how_to_fetch(repository, file, 'config.json')}")
        if url := published.get("url"):
            return download(url, option, f"{HELP} To fetch it where there is a network: curl -LO {url}")
        known = timm.list_pretrained(f"{name.partition('.')[0]}*")[:5]
        others = f" Published: {', '.join(known)}." if known else ""
        raise ConfigError(f"{option}: timm has no published weights for this name.{others} {HELP}")

    @classmethod
    def _create(cls, config: ImageEncoderConfig, pretrained: bool | str) -> tuple[Any, ImagePreprocessing]:
        published = _published_settings(config.name)
        backbone: Any
        file = cls.find_weights(config) if pretrained is not False else None
        if file is not None:
            state = read_state(file, OPTION)
            published = {**published, **_beside(file)} if pretrained != HUB else published
            backbone = _with_weights(config, published, state, pretrained)
        else:
            backbone = timm.create_model(config.name, pretrained=False, **_size(config, published))
        backbone.reset_classifier(0)
        return backbone, preprocessing_for(config, _preprocessing(published))

    def layers(self) -> list[list[nn.Parameter]]:
        """Return timm's own layers (residual or transformer blocks) without the stem."""
        matcher = getattr(self.backbone, "group_matcher", None)
        if matcher is None:
            return []
        own = dict(self.backbone.named_parameters())
        groups = group_parameters(self.backbone, matcher(coarse=False))
        return [[own[name] for name in groups[number]] for number in sorted(groups)][1:]

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Return the patch tokens or the flattened feature map, (B, P, C)."""
        features: Tensor = self.backbone.forward_features(pixels)
        if features.ndim == 3:
            return features[:, getattr(self.backbone, "num_prefix_tokens", 0) :]
        if getattr(self.backbone, "output_fmt", "NCHW") == "NHWC":
            return features.flatten(1, 2)
        return features.flatten(2).transpose(1, 2)


def _published_settings(name: str) -> dict[str, Any]:
    settings = timm.get_pretrained_cfg(name)
    if settings is None:
        raise ConfigError(f"{OPTION}.name={name!r}: timm does not describe the input of this model.")
    describe: Any = settings.to_dict
    return dict(describe())


def _with_weights(
    config: ImageEncoderConfig, published: dict[str, Any], state: dict[str, Tensor], pretrained: bool | str
) -> Any:
    classes = _classes(published, state)
    size = _size(config, published)
    try:
        # timm resizes position embeddings and renames keys of other libraries; it loads strictly if both sides have
        # the same number of classes.
        model: Any = timm.create_model(
            config.name,
            pretrained=True,
            pretrained_cfg_overlay={**_settings(published), "state_dict": dict(state), "num_classes": classes},
            num_classes=classes,
            **size,
        )
    except (RuntimeError, KeyError, AttributeError) as error:
        like = timm.create_model(config.name, num_classes=classes, **size).state_dict()
        problem = mismatch(shapes_of(like), shapes_of(state))
        raise weights_error(config.name, pretrained, problem or " ".join(str(error).split())) from None
    model.pretrained_cfg = {key: value for key, value in model.pretrained_cfg.items() if key != "state_dict"}
    return model


def _classes(published: dict[str, Any], state: dict[str, Tensor]) -> int:
    named = published.get("classifier") or ()
    for name in (named,) if isinstance(named, str) else named:
        if f"{name}.weight" in state:
            return int(state[f"{name}.weight"].shape[0])
    return 0


def _size(config: ImageEncoderConfig, published: dict[str, Any]) -> dict[str, Any]:
    own = published["input_size"][-1]
    if config.size_px in (None, own) or not published.get("fixed_input_size"):
        return {}
    return {"img_size": config.size_px}


def _settings(published: dict[str, Any]) -> dict[str, Any]:
    keys = ("input_size", "mean", "std", "interpolation", "crop_pct")
    return {key: published[key] for key in keys if key in published}


def _preprocessing(published: dict[str, Any]) -> ImagePreprocessing:
    return ImagePreprocessing(
        size_px=int(published["input_size"][-1]),
        mean=tuple(published["mean"]),
        std=tuple(published["std"]),
        interpolation=published["interpolation"],
        crop_fraction=float(published["crop_pct"]),
    )


def _beside(path: Path) -> dict[str, Any]:
    for file in (path.with_suffix(".json"), path.with_name("config.json")):
        if file.is_file():
            try:
                described = read_json(file, f"preprocessing of {path.name}").get("pretrained_cfg", {})
            except (RunError, AttributeError) as error:
                raise ConfigError(f"{file} (preprocessing of {path.name}) is damaged: {error}") from None
            if described:
                return _settings(described)
    return {}
