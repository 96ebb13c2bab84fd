"""`EncoderLearner`: what the learners of all networks around a caption encoder have in common."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from multimodal.captions.encoder_system import EncoderSystemConfig
from multimodal.encoders import CaptionEncoder
from multimodal.training.base_learner import BaseLearner, encoder_rate


class EncoderLearner(BaseLearner):
    """A `BaseLearner` whose learning rate falls by `layer_decay` from each encoder layer to the one below.

    Args:
        network: its attribute `encoder` is the caption encoder.
        config: how it is trained.
        lengths: (N,) tokens of each train post's caption.
    """

    def __init__(self, network: nn.Module, config: EncoderSystemConfig, lengths: NDArray[np.int64]) -> None:
        super().__init__(network, config.training, config.seed, lengths)
        encoder = cast(CaptionEncoder, network.encoder)
        self.frozen = ("encoder.",) if encoder.frozen else ()
        rate, layers = encoder_rate(encoder, self.training), encoder.layers()
        # What comes before the first layer, such as word vectors, counts as one layer below it.
        depth = {id(parameter): len(layers) - 1 - i for i, layer in enumerate(layers) for parameter in layer}
        self._encoder_rates = {
            id(parameter): rate * config.layer_decay ** depth.get(id(parameter), len(layers))
            for parameter in encoder.parameters()
        }

    def learning_rate(self, name: str, parameter: nn.Parameter) -> float:
        """Return the encoder's rate, which depends on the layer, or the training's for all other parameters."""
        return self._encoder_rates.get(id(parameter), self.training.learning_rate)
