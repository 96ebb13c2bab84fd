"""Which layers of an encoder are trained."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from data_loaders.errors import ConfigError
from multimodal.encoders.base import Encoder


def set_trainable(encoder: Encoder, trainable: bool | int, probe: Callable[[], Tensor], option: str) -> None:
    """Make all, none, or the last layers of an encoder trainable.

    Parameters that the output does not depend on (a pooler, a classifier's norm) are never trainable, so that every
    trained parameter has a gradient.

    Args:
        encoder: the encoder; set to evaluation mode.
        trainable: True for all layers, False for none, or the number of last layers.
        probe: runs the encoder on a small input and returns its output.
        option: the configuration key, for the message.

    Raises:
        ConfigError: the encoder has fewer layers, or its layers are not known.
    """
    encoder.eval()
    if trainable is False:
        encoder.requires_grad_(False)
        return
    reached = _reached_parameters(encoder, probe)
    encoder.requires_grad_(False)
    chosen = reached
    if trainable is not True:
        layers = [layer for layer in encoder.layers() if any(id(parameter) in reached for parameter in layer)]
        if not 1 <= trainable <= len(layers):
            remedy = f"it has {len(layers)}" if layers else "its layers are not known; give true or false"
            raise ConfigError(f"{option}.trainable={trainable}: that many layers cannot be trained, {remedy}.")
        chosen = reached & {id(parameter) for layer in layers[-trainable:] for parameter in layer}
    for parameter in encoder.parameters():
        parameter.requires_grad_(id(parameter) in chosen)


def _reached_parameters(encoder: Encoder, probe: Callable[[], Tensor]) -> set[int]:
    encoder.requires_grad_(True)
    with torch.enable_grad():
        torch.autograd.backward(probe().square().sum())
    reached = {id(parameter) for parameter in encoder.parameters() if parameter.grad is not None}
    encoder.zero_grad(set_to_none=True)
    return reached


def parameters_of(*modules: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of several modules in one list."""
    return [parameter for module in modules for parameter in module.parameters()]
