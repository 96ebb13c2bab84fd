"""`HabitDatasets`: posts with the sample of earlier posts that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_loaders.batches import PostDataset, Related
from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.peers.macon.config import MaconConfig
from multimodal.peers.macon.sampling import sampled_history
from multimodal.systems.post_networks.datasets import Floats, Inputs, PostDatasets


class HabitDatasets(PostDatasets):
    """`PostDatasets` with an external memory for each post; see `sampled_history`."""

    config: MaconConfig

    def dataset(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        targets: Sequence[Sequence[int]] | None = None,
        inputs: Inputs | None = None,
        vectors: Mapping[str, Floats] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs, each with its sample; see `PostDatasets.dataset`."""
        instants = np.array([post.instant_us for post in posts], np.int64)
        users = [post.user_id for post in posts]
        positions = sampled_history(memory, users, instants, self.config.habit, self.config.seed)
        history = Related(positions, np.zeros(positions.shape, np.float32))
        return PostDataset(posts, *(inputs or self.inputs(posts)), memory, history, targets=targets)
