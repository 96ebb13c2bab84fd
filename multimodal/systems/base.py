"""`System`: the one interface behind which everything that can recommend stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings

Precision: TypeAlias = Literal["fp32", "bf16"]

if TYPE_CHECKING:
    import torch

    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder


class System(ABC):
    """Something that ranks hashtags for a post, given what was posted before.

    Life: `System(config)` → `fit` (or `load`) → `add_posts` posts in a memory → `rank`.

    Attributes:
        name: registry name, snake_case; set by `register_system`.
        config_type: the configuration schema of this System.
        id_map: the train vocabulary with its frequencies; set by `fit` and `load`.
    """

    name: ClassVar[str] = ""
    config_type: ClassVar[type[RunConfig]] = RunConfig
    id_map: HashtagIdMap

    def __init__(self, config: RunConfig) -> None:
        self.config = config

    @abstractmethod
    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from the train split (choices on the validation split); never reads the test split.

        Args:
            data: a prepared folder.
            run: where metrics and checkpoints go; an interrupted run found there is continued.
        """

    @abstractmethod
    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank hashtags for each post from its content and what `memory` holds strictly before it.

        The answer for a post depends on nothing but the post and the memory: not on the other posts of the
        call. The posts' own `hashtags` are not read.

        Args:
            posts: B posts.
            memory: made by `new_memory`, filled by `add_posts`.
            k: length of the lists, at least 1; shorter lists only where fewer hashtags can be named at all.
            excluded: per post, hashtags that must not be named.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the learned state (safetensors and JSON) to an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> System:
        """Read what `save` wrote."""

    @property
    def opens_images(self) -> bool:
        """Whether `rank` and `add_posts` open the pictures of posts, and so refuse a bad one themselves."""
        return False

    def use_precision(self, precision: Precision) -> None:
        """Hold pretrained or trained encoders in this precision when answering; a System without any ignores it."""
        return

    def use_device(self, device: torch.device) -> None:
        """Answer on this device from now on; a System without tensors ignores it."""
        return

    def new_memory(self) -> PostMemory:
        """Return an empty memory whose id map starts with this System's vocabulary."""
        return PostMemory(self.id_map.vocabulary())

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts to a memory, with whatever content vectors this System looks for in it."""
        memory.append(posts)
