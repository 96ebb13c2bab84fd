"""The HMemN2N caption encoder: word vectors, and optionally an LSTM over them."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from data_loaders.errors import ConfigError
from multimodal.encoders.captions.lstm import StackedLstmEncoder
from multimodal.encoders.captions.schemas import MemoryEncoderConfig
from multimodal.encoders.registry import register_caption_encoder


@register_caption_encoder("hmemn2n")
class MemoryCaptionEncoder(StackedLstmEncoder):
    """The tweet encoder of a hierarchical memory network (Huang et al. 2016, aclweb C16-1090).

    The paper was not accessible. As in end-to-end memory networks (Sukhbaatar et al. 2015, arXiv 1503.08895), a tweet
    is by default the mean of its word vectors, initialised from a normal distribution with standard deviation 0.1.
    With `layers` it is the last state of that many LSTM layers of width `hidden`.
    """

    config_type: ClassVar = MemoryEncoderConfig
    config: MemoryEncoderConfig

    def make_layers(self) -> None:
        """Create the stacked LSTM, if there is one.

        Raises:
            ConfigError: `hidden` is given without `layers`.
        """
        config = self.config
        if config.hidden is not None and not config.layers:
            raise ConfigError("encoder.caption.hidden is the width of LSTM layers; set encoder.caption.layers too.")
        self.width = (config.hidden or config.width) if config.layers else config.width
        self.make_stack(config.layers)
        nn.init.normal_(self.words.weight, std=0.1)
