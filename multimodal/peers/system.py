"""`PeerSystem`: the base of the peers, and of those that classify."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor

from data_loaders.batches import PostBatch
from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.peers.config import ClassifierConfig, PeerConfig
from multimodal.peers.learner import ClassifierLearner, PeerLearner
from multimodal.peers.network import PeerNetwork
from multimodal.peers.scoring import PeerScorer
from multimodal.storage.model_files import read_json_as
from multimodal.storage.run_folder import write_json
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.files import NetworkState, load_network, save_network
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.system import PostNetworkSystem
from multimodal.systems.post_networks.train_batches import DropRates

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

PeerType = TypeVar("PeerType", bound="PeerSystem")
STATE_FILE = "peer.json"


class PeerSystem(PostNetworkSystem):
    """A peer; a subclass implements `make_network`, `make_scorer` and `make_learner`."""

    config: PeerConfig
    network: PeerNetwork

    @abstractmethod
    def make_network(self, caption: CaptionEncoder | None, image: ImageEncoder | None) -> PeerNetwork:
        """Return the untrained network around its encoders."""

    @abstractmethod
    def make_scorer(self) -> PostScorer:
        """Return the scorer of the network."""

    @abstractmethod
    def make_learner(self, train: Sequence[Post], validation: Sequence[Post]) -> PeerLearner:
        """Return what trains the network on one split and validates it on the other."""

    def make_datasets(self) -> PostDatasets:
        """Return what makes the network's datasets; here, without earlier posts."""
        return PostDatasets(self.config, self.network)

    @property
    def drop_rates(self) -> DropRates:
        """What is dropped in training."""
        return DropRates(self.config.modality_dropout)

    @property
    def memory_width(self) -> int:
        """Width of the content vectors that a memory keeps; 0 where none are read."""
        return self.config.width if self.network.remembers else 0

    def assemble(self, caption: CaptionEncoder | None, image: ImageEncoder | None, captions: Sequence[str]) -> None:
        """Set the untrained network; see `PostNetworkSystem.assemble`."""
        self.use(self.make_network(caption, image))

    def use(self, network: PeerNetwork) -> None:
        """Rank with this network."""
        self.network = network
        self.scorer = self.make_scorer()

    def learn(self, train: Sequence[Post], validation: Sequence[Post], run: RunFolder) -> None:
        """Train the network; see `PostNetworkSystem.learn`."""
        self.train(self.make_learner(train, validation), self.config.training, run)

    def scores(self, batch: PostBatch, bank: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of the vocabulary; see `PostNetworkSystem.scores`."""
        (scores,), columns = self.scorer.scores(batch, bank, [1.0])
        return scores, columns

    def save(self, folder: Path) -> None:
        """Save the network and its encoders, and what `save_more` saves.

        Raises:
            RunError: see `require_full_precision`.
        """
        self.require_full_precision()
        write_json(folder / STATE_FILE, save_network(folder, self.network))
        self.save_more(folder)

    def save_more(self, folder: Path) -> None:
        """Save what a peer has beside its network; here, nothing."""

    def load_more(self, folder: Path, state: NetworkState) -> None:
        """Load what `save_more` saved, before the network is used.

        Raises:
            RunError: a file is missing or damaged.
        """

    @classmethod
    def load(cls: type[PeerType], folder: Path, config: RunConfig, id_map: HashtagIdMap) -> PeerType:
        """Load what `save` saved.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
        if not isinstance(config, cls.config_type):
            raise RunError(f"{folder}: the configuration is of system {config.system!r}, expected {cls.name!r}")
        system = cls(config)
        system.id_map = id_map
        state = read_json_as(folder / STATE_FILE, f"settings of {cls.name}", NetworkState)
        system.load_more(folder, state)
        system.use(load_network(folder, state, system.make_network))
        return system


class ClassifierSystem(PeerSystem):
    """A peer that gives every hashtag of the vocabulary a probability; a subclass implements `make_network`."""

    scores_are_chances = True
    config: ClassifierConfig

    def make_scorer(self) -> PostScorer:
        """Return a scorer by softmax, by sigmoid with `loss: bce`."""
        return PeerScorer(self.network, self.make_datasets(), self.config.loss == "bce")

    def make_learner(self, train: Sequence[Post], validation: Sequence[Post]) -> PeerLearner:
        """Return a `ClassifierLearner`."""
        return ClassifierLearner(self.config, self.scorer, self.id_map, train, validation, self.drop_rates)
