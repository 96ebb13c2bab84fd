"""`amnn`: attention over caption and picture, and hashtags as a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from data_loaders.posts import Post
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.peers.amnn.config import AmnnConfig
from multimodal.peers.amnn.network import AmnnNetwork
from multimodal.peers.amnn.scoring import SequenceScorer
from multimodal.peers.learner import PeerLearner
from multimodal.peers.system import PeerSystem
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.sequences.large_losses import SequenceLesson
from multimodal.systems.post_networks.sequences.losses import sequence_loss, set_loss
from multimodal.systems.post_networks.train_batches import DropRates
from multimodal.systems.registry import register_system
from multimodal.training.base_learner import Losses
from multimodal.training.large_vocabulary import LARGE_VOCABULARY


class AmnnLearner(PeerLearner):
    """Trains AMNN to generate the hashtags of a post and then the end; arguments as in `PostLearner`."""

    def __init__(
        self,
        config: AmnnConfig,
        scorer: PostScorer,
        id_map: HashtagIdMap,
        train: Sequence[Post],
        validation: Sequence[Post],
        rates: DropRates,
    ) -> None:
        self._free = config.order == "free"
        super().__init__(config, scorer, id_map, train, validation, rates, config.order, config.steps)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, Losses]:
        """Return the mean loss of some train posts."""
        made, bank = self.made(rows, epoch)
        if self._vocabulary_size >= LARGE_VOCABULARY:
            lesson = SequenceLesson(made.following, self._free)
            return module(made.posts, bank, made.previous, lesson).mean(), {}
        logits: Tensor = module(made.posts, bank, made.previous)
        compute = set_loss if self._free else sequence_loss
        return compute(logits.float(), made.following).mean(), {}


@register_system("amnn")
class Amnn(PeerSystem):
    """AMNN (Yang et al. 2020, doi 10.1109/TCSS.2020.2986778): hashtags of a post as a sequence, without the user.

    Open in our sources, or ours: what "removes the dependency on previous outputs" during inference means (`feedback:
    false` removes it from training too, so that both are the same); how a sequence becomes a ranking of more hashtags
    than it has (`ranking`); the order of the targets (`order`); the regions of the picture as the steps of its LSTM.
    """

    config_type = AmnnConfig
    config: AmnnConfig
    network: AmnnNetwork

    def make_network(self, caption: CaptionEncoder | None, image: ImageEncoder | None) -> AmnnNetwork:
        """Return the untrained network around its encoders."""
        return AmnnNetwork(self.config, self.id_map.vocabulary_size, caption, image)

    def make_scorer(self) -> PostScorer:
        """Return a scorer by the generated sequence."""
        return SequenceScorer(self.config, self.network, self.make_datasets())

    def make_learner(self, train: Sequence[Post], validation: Sequence[Post]) -> PeerLearner:
        """Return an `AmnnLearner`."""
        return AmnnLearner(self.config, self.scorer, self.id_map, train, validation, self.drop_rates)
