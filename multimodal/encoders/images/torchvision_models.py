"""VGG-16 and ResNet-50 of torchvision: the regions of the last feature map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multimodal.encoders.configuration import HUB, ImageEncoderConfig
from multimodal.encoders.hub import download
from multimodal.encoders.images.backbone import HELP, OPTION, BackboneImageEncoder, weights_error
from multimodal.encoders.preprocessing import ImagePreprocessing, preprocessing_for
from multimodal.encoders.registry import register_image_encoder
from multimodal.encoders.storage import mismatch, read_state, shapes_of

_CLASSIFIERS = ("classifier.", "fc.", "avgpool.")


@register_image_encoder("vgg16", "resnet50")
class TorchvisionImageEncoder(BackboneImageEncoder):
    """VGG-16's fifth convolution block (7 x 7 x 512 at 224 px) or ResNet-50's fourth stage (7 x 7 x 2048).

    The published weights are torchvision's `DEFAULT` of each network; a local file is a state dictionary of the whole
    network, with or without its classifier.
    """

    @classmethod
    def _published_file(cls, name: str, option: str) -> Path:
        from torchvision.models import get_model_weights

        published: Any = get_model_weights(name)
        url = published.DEFAULT.url
        return download(url, option, f"{HELP} To fetch it where there is a network: curl -LO {url}")

    @classmethod
    def _create(cls, config: ImageEncoderConfig, pretrained: bool | str) -> tuple[Any, ImagePreprocessing]:
        from torchvision.models import get_model_weights

        backbone = {"vgg16": _Vgg16, "resnet50": _ResNet50}[config.name]()
        published: Any = get_model_weights(config.name)
        file = cls.find_weights(config) if pretrained is not False else None
        if file is not None:
            state = read_state(file, OPTION)
            kept = {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSIFIERS)}
            problem = mismatch(shapes_of(backbone.state_dict()), shapes_of(kept))
            if problem:
                raise weights_error(config.name, pretrained, problem)
            backbone.load_state_dict(kept)
        # Local files are mostly the first published weights; random weights can use their preprocessing too.
        settings = (published.DEFAULT if pretrained == HUB else published.IMAGENET1K_V1).transforms()
        size = settings.crop_size[0]
        preprocessing = ImagePreprocessing(
            size_px=size,
            mean=tuple(settings.mean),
            std=tuple(settings.std),
            interpolation=settings.interpolation.value,
            crop_fraction=size / settings.resize_size[0],
        )
        return backbone, preprocessing_for(config, preprocessing)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return VGG-16's 13 convolutions, or ResNet-50's 16 residual blocks."""
        if self.config.name == "vgg16":
            convolutions = [module for module in self.backbone.modules() if isinstance(module, nn.Conv2d)]
            return [list(module.parameters()) for module in convolutions]
        stages = [self.backbone.get_submodule(f"layer{stage}") for stage in (1, 2, 3, 4)]
        return [list(block.parameters()) for stage in stages for block in stage.children()]

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Return the last feature map as regions, (B, P, C)."""
        regions: Tensor = self.backbone(pixels).flatten(2).transpose(1, 2)
        return regions


class _Vgg16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import vgg16

        with torch.device("meta"):  # the classifier's 123 million numbers are never allocated
            features = vgg16(init_weights=False).features
        self.features = features.to_empty(device="cpu")
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.features(pixels)
        return features


class _ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet50

        whole = resnet50()
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            self.add_module(name, getattr(whole, name))

    def forward(self, pixels: Tensor) -> Tensor:
        hidden = pixels
        for module in self.children():
            hidden = module(hidden)
        return hidden
