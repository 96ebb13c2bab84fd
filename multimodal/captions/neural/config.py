"""Settings that the neural text-only classifiers share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from multimodal.captions.encoder_system import EncoderSystemConfig

CaptionLoss = Literal["idf_bce", "bce", "softmax_1_over_k"]


class NeuralCaptionConfig(EncoderSystemConfig):
    """Settings of every neural text-only classifier."""

    loss: CaptionLoss = Field(
        default="idf_bce", description="bce; idf_bce: positives weighted by ln(N / n); or softmax with targets 1/k"
    )
    hidden: int | None = Field(
        default=None, ge=1, description="width of a tanh layer between the caption's vector and the output; null: none"
    )
