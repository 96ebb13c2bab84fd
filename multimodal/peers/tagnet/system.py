"""`tagnet`: triplet attention over caption, picture and user, and a graph of posts with similar pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from multimodal.encoders import (
    CaptionEncoder,
    ImageEncoder,
    build_image_encoder,
    load_image_encoder,
    missing_weights,
)
from multimodal.encoders.base import Encoder
from multimodal.peers.system import ClassifierSystem
from multimodal.peers.tagnet.config import TagnetConfig
from multimodal.peers.tagnet.datasets import GraphDatasets
from multimodal.peers.tagnet.network import TagnetNetwork
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.files import NetworkState
from multimodal.systems.post_networks.train_batches import DropRates
from multimodal.systems.registry import register_system

_GRAPH_FOLDER = "graph_encoder"


@register_system("tagnet")
class Tagnet(ClassifierSystem):
    """TAGNet (Chen et al. 2021, doi 10.1109/TCSVT.2021.3074599): visually similar pictures share hashtags.

    Triplet attention gives a node for the post; graph convolution joins it with the nodes of the earlier posts whose
    pictures are most similar. The paper's graph holds train and test posts alike; here a post looks its neighbours up
    in the memory when it is asked about, so that the graph grows without training. Open in our sources, or ours: both
    modules beyond their purpose (`layers.py`), what a remembered post is (its content and its hashtags), K, that
    neighbours are not linked among themselves, by what pictures are compared (`graph.encoder`).
    """

    config_type = TagnetConfig
    config: TagnetConfig
    network: TagnetNetwork
    pictures: ImageEncoder | None

    def encoders(self) -> list[Encoder]:
        """Return the encoders of captions and pictures, and the one that compares pictures."""
        return [*super().encoders(), *([] if self.pictures is None else [self.pictures])]

    def use_device(self, device: torch.device) -> None:
        """Move the network, and the encoder that compares pictures, to this device."""
        super().use_device(device)
        if self.pictures is not None:
            self.pictures.to(device)

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of all encoders; see `System.missing_weights`."""
        problems = missing_weights(None, self.config.graph.encoder)
        return super().missing_weights() + [one.replace("encoder.image.", "graph.encoder.") for one in problems]

    def assemble(self, caption: CaptionEncoder | None, image: ImageEncoder | None, captions: Sequence[str]) -> None:
        """Set the untrained network, and what compares pictures; see `PostNetworkSystem.assemble`."""
        config = self.config.graph.encoder
        self.pictures = build_image_encoder(config) if config is not None and image is not None else None
        super().assemble(caption, image, captions)

    def make_network(self, caption: CaptionEncoder | None, image: ImageEncoder | None) -> TagnetNetwork:
        """Return the untrained network around its encoders."""
        return TagnetNetwork(self.config, self.id_map.vocabulary_size, caption, image)

    def make_datasets(self) -> PostDatasets:
        """Return what finds the history and the neighbours of posts."""
        return GraphDatasets(self.config, self.network, self.pictures)

    @property
    def drop_rates(self) -> DropRates:
        """What is dropped in training: captions and pictures, and the user's history."""
        return DropRates(self.config.modality_dropout, self.config.history_dropout)

    def save_more(self, folder: Path) -> None:
        """Save the encoder that compares pictures, if it is not the network's."""
        if self.pictures is not None:
            self.pictures.save(folder / _GRAPH_FOLDER)

    def load_more(self, folder: Path, state: NetworkState) -> None:
        """Load what `save_more` saved; see `PeerSystem.load_more`."""
        own = self.config.graph.encoder is not None and state.image_encoder
        self.pictures = load_image_encoder(folder / _GRAPH_FOLDER) if own else None
