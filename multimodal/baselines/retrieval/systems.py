"""`knn_words`, `knn_caption`, `knn_image` and `knn_content`: the hashtags of the most similar earlier posts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.batches import Related
from data_loaders.posts import Post
from multimodal.baselines.retrieval.building import build_spaces, content_system, load_spaces, save_spaces
from multimodal.baselines.retrieval.config import (
    KnnCaptionConfig,
    KnnContentConfig,
    KnnImageConfig,
    KnnWordsConfig,
    RetrievalConfig,
)
from multimodal.baselines.retrieval.spaces import PostSpaces
from multimodal.baselines.retrieval.votes import Votes, votes, weights_of
from multimodal.baselines.windows import K, Lists, choose, tuning_windows
from multimodal.distributed.launching import own_device
from multimodal.encoders import missing_weights
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.likeness import Likeness
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import SCORE_DECIMALS, RankedList, order_candidates
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.encoders.base import Encoder

Ints = NDArray[np.int64]
# How many neighbours vote, the exponent of the similarity, that of the age.
Setting = tuple[int, float, float]
# Popular hashtags that no neighbour has score below all others.
_BACKOFF = 0.4 * 10.0**-SCORE_DECIMALS


class NeighbourVotes(PriorSystem):
    """Ranks the hashtags of the k earlier posts with the largest similarity^power · (age in hours + 1)^-decay.

    The score of a hashtag is the share of their weight that posts with it have. Popular hashtags fill the list, with
    scores below; where no earlier post is similar, their scores are their shares of the train posts.

    Attributes:
        spaces: by what posts are compared.
        neighbours: k.
        power: of the similarity.
        decay: of the age.
    """

    file, chosen = "retrieval.json", ("neighbours", "power", "decay")
    scores_are_chances = True
    config: RetrievalConfig
    spaces: PostSpaces
    neighbours: float
    power: float
    decay: float

    @property
    def opens_images(self) -> bool:
        """Whether pictures are compared."""
        content = self.spaces.content
        return self.spaces.images is not None or (content is not None and content.opens_images)

    def encoders(self) -> list[Encoder]:
        """Return the encoders by which posts are compared, and those of the System that gives content vectors."""
        spaces = self.spaces
        own = [encoder for encoder in (spaces.captions, spaces.images) if encoder is not None]
        return [*own, *(spaces.content.encoders() if spaces.content is not None else ())]

    def use_device(self, device: torch.device) -> None:
        """Encode posts on this device from now on."""
        self.spaces.use_device(device)

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of the encoders that count; see `System.missing_weights`."""
        used, encoder = self.config.weights, self.config.encoder
        return missing_weights(
            encoder.caption if "caption" in used else None, encoder.image if "image" in used else None
        )

    # -- learning ----------------------------------------------------------------------------------------------

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count words, then choose k and both exponents by F1@5 on windows of time, history rolling."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.start_from(data)
        torch.manual_seed(self.config.seed)
        captions = cleaned_captions(train, self.config.caption_profile)
        self.spaces = build_spaces(self.config, captions, content_system(self.config, data, run))
        self.use_device(own_device())
        memory, tuning = self.new_memory(), self.config.tuning
        add_in_batches(self, memory, [*train, *validation])
        windows = tuning_windows(train, validation, tuning.windows, tuning.posts)
        search = self.config.search
        first = search.neighbours[0], search.powers[0], search.decays[0]
        chosen, scores = choose(windows, lambda posts: self._all_settings(posts, memory), first)
        self.neighbours, self.power, self.decay = chosen
        for (neighbours, power, decay), score in scores.items():
            settings = {"neighbours": neighbours, "power": power, "decay": decay}
            run.log({"event": "validation", **settings, "f1@5": score})

    def _all_settings(self, posts: Sequence[Post], memory: PostMemory) -> Iterator[tuple[Setting, Lists]]:
        """Yield each setting with the lists of posts that are in the memory."""
        positions = np.array([memory.position_of(post.post_id) for post in posts], np.int64)
        terms = memory.terms_at(positions) if memory.slots else None
        vectors = {space: memory.vectors_at(space, positions) for space in self.spaces.weights if space != "words"}
        moments, search = memory.instants_us[positions], self.config.search
        for power in search.powers:
            for decay in search.decays:
                likeness = self.spaces.likeness(power, decay)
                if likeness is None:
                    return
                found = memory.neighbours(terms, vectors, moments, max(search.neighbours), likeness)
                weights = weights_of(found, memory, moments, power, decay)
                for count in search.neighbours:
                    lists = self._lists(votes(found, weights, memory, count), memory, K, [frozenset()] * len(posts))
                    yield (count, power, decay), ([memory.id_map[i] for i in one.tolist()] for one, _ in lists)

    # -- ranking -----------------------------------------------------------------------------------------------

    def new_memory(self) -> PostMemory:
        """Return an empty memory with room for what posts are compared by."""
        return self.spaces.new_memory(self.id_map.vocabulary())

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with what they are compared by."""
        self.spaces.add_posts(memory, posts)

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank the hashtags of each post's neighbours, then popular ones; see `System.rank`."""
        lists = self._lists(self._votes(posts, memory), memory, k, excluded or [frozenset()] * len(posts))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _votes(self, posts: Sequence[Post], memory: PostMemory) -> Votes:
        moments = memory.resolve(np.array([post.instant_us for post in posts], np.int64))
        likeness = self.spaces.likeness(self.power, self.decay)
        nothing = np.empty((len(posts), 0))
        found = Related(nothing.astype(np.int64), nothing.astype(np.float32))
        if posts and likeness is not None:
            found = self._neighbours(posts, memory, moments, likeness)
        weights = weights_of(found, memory, moments, self.power, self.decay)
        return votes(found, weights, memory, int(self.neighbours))

    def _neighbours(self, posts: Sequence[Post], memory: PostMemory, moments: Ints, likeness: Likeness) -> Related:
        terms, vectors = self.spaces.terms_of(posts), self.spaces.vectors_of(posts)
        return memory.neighbours(terms, vectors, moments, int(self.neighbours), likeness)

    def _lists(
        self, cast: Votes, memory: PostMemory, k: int, excluded: Sequence[AbstractSet[str]]
    ) -> Iterator[RankedList]:
        id_map, shares = memory.id_map, self.prior.shares
        for row, names in enumerate(excluded):
            hashtags, scores = cast.of(row)
            backoff = shares * _BACKOFF if len(hashtags) else shares
            unwanted = [index for name in names if (index := id_map.find(name)) is not None]
            kept = np.round(scores, SCORE_DECIMALS) > 0
            if unwanted:
                kept &= ~np.isin(hashtags, unwanted)
            best, values = order_candidates(hashtags[kept], scores[kept], id_map, k)
            yield fill_up(best, values, self.prior.order, backoff, k, unwanted)

    # -- keeping -----------------------------------------------------------------------------------------------

    def save_learned(self, folder: Path) -> None:
        """Write what posts are compared by."""
        save_spaces(folder, self.spaces)

    def load_learned(self, folder: Path) -> None:
        """Restore what posts are compared by."""
        self.spaces = load_spaces(folder, self.config)


@register_system("knn_words")
class KnnWords(NeighbourVotes):
    """Neighbours by the words of their captions: TF-IDF with pairs of words."""

    config_type = KnnWordsConfig


@register_system("knn_caption")
class KnnCaption(NeighbourVotes):
    """Neighbours by the vectors that a sentence encoder makes of captions."""

    config_type = KnnCaptionConfig


@register_system("knn_image")
class KnnImage(NeighbourVotes):
    """Neighbours by the vectors that an image encoder makes of pictures."""

    config_type = KnnImageConfig


@register_system("knn_content")
class KnnContent(NeighbourVotes):
    """Neighbours by the content vectors of another System: DESIGN's fused p of caption and picture."""

    config_type = KnnContentConfig
