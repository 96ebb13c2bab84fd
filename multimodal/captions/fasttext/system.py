"""`fasttext`: the mean of word and n-gram vectors, and a hierarchical softmax over the hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data_loaders.errors import RunError
from multimodal.captions.encoder_system import EncoderSystem
from multimodal.captions.fasttext.autotune import autotune, own_settings
from multimodal.captions.fasttext.caption_bags import CaptionBags
from multimodal.captions.fasttext.config import FastTextConfig
from multimodal.captions.fasttext.learner import FastTextLearner
from multimodal.captions.fasttext.network import FastTextNetwork
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import CaptionSystem
from multimodal.encoders import CaptionEncoder, build_caption_encoder
from multimodal.encoders.captions.fasttext import FastTextCaptionEncoder
from multimodal.storage.model_files import Count, Form, read_json_as
from multimodal.storage.run_folder import RunFolder, write_json
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.training.trainer import TrainingState

_FILE = "fasttext.json"
_AT_ONCE = 256


class _State(Form):
    frequencies: list[Count]
    settings: dict[str, Any]


@register_system("fasttext")
class FastText(EncoderSystem, CaptionSystem):
    """The classifier of fastText (Joulin et al. 2017, 1607.01759); DESIGN can use its vectors as a caption encoder."""

    config_type = FastTextConfig
    scores_are_chances = True
    config: FastTextConfig
    network: FastTextNetwork
    layers_file = "output.safetensors"

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Choose settings if `autotune` is on, then train; see `CaptionSystem.learn`."""
        self._frequencies = np.bincount(
            np.concatenate([np.array(row, np.int64) for row in train.targets]), minlength=train.vocabulary_size
        )

        def fit(config: FastTextConfig, folder: RunFolder) -> TrainingState:
            torch.manual_seed(config.seed)
            self.build(build_caption_encoder(config.encoder, train.captions, "encoder"))
            learner = FastTextLearner(self.network, config, train, validation, self.prior.order)
            return self.train(learner, config.training, folder, settings=own_settings(config))

        chosen = autotune(self.config, run, fit) if self.config.autotune.wanted else self.config
        fit(chosen, run)
        self._settings = own_settings(chosen)

    def build(self, encoder: CaptionEncoder) -> None:
        """Set a new network."""
        loss, dropout = self.config.loss, self.config.dropout
        self.network = FastTextNetwork(cast(FastTextCaptionEncoder, encoder), loss, self._frequencies, dropout)

    def layers(self) -> nn.Module:
        """Return the output layer."""
        return self.network.output

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions have a word of the train captions, (B,)."""
        return self.encoder.knows(captions)

    @torch.no_grad()
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each hashtag, (B, V)."""
        self.network.eval()
        bags = CaptionBags(self.network.encoder, captions)
        result = np.empty((len(captions), self.id_map.vocabulary_size))
        for start in range(0, len(captions), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(captions)))
            vectors = self.network.vectors(bags.batch(rows).to(self.device)).double()
            result[start : rows.stop] = self.network.output.log_probabilities(vectors).exp().cpu().numpy()
        return result

    def save_learned(self, folder: Path) -> None:
        """Write the encoder, the output layer and the frequencies that its tree is made from."""
        super().save_learned(folder)
        write_json(folder / _FILE, {"frequencies": self._frequencies.tolist(), "settings": self._settings})

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote, in evaluation mode."""
        values = read_json_as(folder / _FILE, "the hashtags' frequencies", _State)
        self._frequencies, self._settings = np.array(values.frequencies, np.int64), values.settings
        if len(self._frequencies) != self.id_map.vocabulary_size:
            raise RunError(
                f"{folder / _FILE} has the frequencies of {len(self._frequencies)} hashtags, the vocabulary has "
                f"{self.id_map.vocabulary_size}; the folder is damaged, copy it again or train again."
            )
        super().load_learned(folder)
