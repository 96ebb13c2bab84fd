"""Whether an ONNX model answers as torch does, for batches and lengths other than those that it was written with."""

from __future__ import annotations

from pathlib import Path

import torch

from data_loaders.errors import RunError
from multimodal.encoders.base import CaptionEncoder, Encoder
from multimodal.encoders.onnx_models.exporting import example_inputs
from multimodal.encoders.onnx_models.session import OnnxEncoder

POSTS, TOKENS = (1, 2, 7), (1, 9, 32)
# Of the largest value: sums of some hundred products of 24 bits, in another order, through a dozen layers.
TOLERANCE = 1e-4


def largest_difference(encoder: Encoder, model: OnnxEncoder) -> float:
    """Return the largest difference between torch and a model, over the largest value of torch."""
    lengths = [min(tokens, encoder.maximum_tokens) for tokens in TOKENS] if isinstance(encoder, CaptionEncoder) else [1]
    differences = []
    with torch.no_grad():
        for posts in POSTS:
            for tokens in lengths:
                inputs = example_inputs(encoder, posts, tokens, seed=posts + tokens).values()
                expected, found = encoder(*inputs), model(*inputs)
                if expected.shape != found.shape:
                    return float("inf")
                scale = expected.abs().max().clamp(min=1.0)
                differences.append(float((expected - found).abs().max() / scale))
    return max(differences)


def check_parity(encoder: Encoder, path: Path) -> float:
    """Return the `largest_difference` of a model in a file.

    Raises:
        RunError: it is larger than the sums of another order explain, so the model is not the encoder.
    """
    difference = largest_difference(encoder, OnnxEncoder(path))
    if not difference <= TOLERANCE:
        raise RunError(
            f"{path} differs from the encoder {encoder.config.name!r} by {difference:.1e} of the largest value, at "
            f"most {TOLERANCE:.0e} is explained by rounding: this encoder cannot be used as ONNX."
        )
    return difference
