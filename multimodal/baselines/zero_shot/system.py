"""`zero_shot`: the hashtags whose text is nearest to the picture, by two towers that share one space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator

from data_loaders.errors import ConfigError, RunError
from data_loaders.posts import Post
from multimodal.config import Choice, RunConfig, SearchSpace
from multimodal.distributed.launching import own_device
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.score_blocks import posts_at_once
from multimodal.ranking.top_k import RankedList, order_candidates
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.encoders.towers.siglip import SiglipTowers
    from multimodal.storage.run_folder import RunFolder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_FOLDER = "towers"


class ZeroShotConfig(RunConfig):
    """Configuration of `zero_shot`."""

    search_space: ClassVar[SearchSpace] = {"prompt": Choice(("{}", "a photo of {}", "this is a photo of {}.", "#{}"))}
    system: Literal["zero_shot"] = Field(default="zero_shot", description="name of the System")
    model: str = Field(
        default="google/siglip2-base-patch16-224", description="a SigLIP or SigLIP 2 model: a local folder or a hub id"
    )
    prompt: str = Field(
        default="this is a photo of {}.", description="the text of a hashtag; {} stands for the hashtag"
    )
    recent: int = Field(
        default=200, ge=0, le=10_000, description="hashtags outside the vocabulary that are compared: those used most"
    )
    half_life_days: float = Field(default=30, ge=0.001, le=36_500, description="of those uses")

    @field_validator("prompt")
    @classmethod
    def _has_a_place(cls, prompt: str) -> str:
        if "{}" not in prompt:
            raise ValueError(f"{prompt!r} has no place for the hashtag; write {{}} where it stands")
        return prompt


@register_system("zero_shot")
class ZeroShot(PriorSystem):
    """Ranks hashtags by the cosine of the picture and of the hashtag's text, through the towers of SigLIP.

    Compared are the vocabulary and what was used most outside of it before the post. Nothing is learned. A post without
    a picture gets popular hashtags.

    Attributes:
        towers: of text and of pictures.
    """

    config_type = ZeroShotConfig
    file = "zero_shot.json"
    config: ZeroShotConfig
    towers: SiglipTowers

    @property
    def opens_images(self) -> bool:
        """Whether pictures are read: always."""
        return True

    def use_device(self, device: torch.device) -> None:
        """Encode on this device from now on."""
        self.towers.use_device(device)

    def missing_weights(self) -> list[str]:
        """Return why the model cannot be used; see `System.missing_weights`."""
        from multimodal.encoders.towers.siglip import find_towers

        try:
            find_towers(self.config.model, self._option)
        except ConfigError as error:
            return [str(error)]
        return []

    @property
    def _option(self) -> str:
        return f"model={self.config.model!r}"

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Read the towers; nothing is learned."""
        from multimodal.encoders.towers.siglip import SiglipTowers, find_towers

        self.start_from(data)
        self._use(SiglipTowers.load(find_towers(self.config.model, self._option), self._option))
        self.use_device(own_device())

    def _use(self, towers: SiglipTowers) -> None:
        self.towers = towers
        self._rows: dict[str, int] = {}
        self._vectors = np.empty((0, towers.width))

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank hashtags by their text for each picture; see `System.rank`."""
        lists = self._lists(posts, memory, k, excluded or [frozenset()] * len(posts)) if posts else iter(())
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _lists(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Sequence[AbstractSet[str]]
    ) -> Iterator[RankedList]:
        pictures, id_map = self.towers.pictures(posts), memory.id_map
        for picture, candidates, names in zip(pictures, self._candidates(posts, memory), excluded, strict=True):
            if not picture.any():
                yield self.prior.ranking(k, self.prior.numbers_of(names))
                continue
            unwanted = [index for name in names if (index := id_map.find(name)) is not None]
            kept = candidates[~np.isin(candidates, unwanted)]
            # One product for each text, so that the number does not depend on what else is compared.
            cosines = np.einsum("ij,j->i", self._texts([id_map[index] for index in kept.tolist()]), picture)
            yield order_candidates(kept, cosines, id_map, k)

    def _candidates(self, posts: Sequence[Post], memory: PostMemory) -> Iterator[Ints]:
        vocabulary = np.arange(self.id_map.vocabulary_size)
        instants = np.array([post.instant_us for post in posts], np.int64)
        # Of so many leading hashtags at least `recent` lie outside of the vocabulary, if so many were used.
        most = self.config.recent + len(vocabulary) if self.config.recent else 0
        half_life, step = timedelta(days=self.config.half_life_days), posts_at_once(most, max(len(posts), 1))
        for start in range(0, len(posts), step):
            for used in memory.questions.trends(instants[start : start + step], half_life, count=most).hashtags:
                yield np.concatenate([vocabulary, used[used >= len(vocabulary)][: self.config.recent]])

    def _texts(self, hashtags: Sequence[str]) -> Floats:
        new = [hashtag for hashtag in hashtags if hashtag not in self._rows]
        if new:
            vectors = self.towers.texts([self.config.prompt.replace("{}", hashtag) for hashtag in new])
            self._rows = {**self._rows, **{name: len(self._vectors) + row for row, name in enumerate(new)}}
            self._vectors = np.concatenate([self._vectors, vectors])
        return self._vectors[[self._rows[hashtag] for hashtag in hashtags]]

    def save_learned(self, folder: Path) -> None:
        """Write both towers."""
        self.towers.save(folder / _FOLDER)

    def load_learned(self, folder: Path) -> None:
        """Restore both towers.

        Raises:
            RunError: they are missing or damaged.
        """
        from multimodal.encoders.towers.siglip import SiglipTowers

        try:
            self._use(SiglipTowers.load(folder / _FOLDER, str(folder / _FOLDER)))
        except ConfigError as error:
            raise RunError(str(error)) from None
