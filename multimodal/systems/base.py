"""`System`: the interface of every model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from inspect import get_annotations
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from data_loaders.errors import NotFittedError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.attention import Attention
from multimodal.ranking.calibration import Calibration
from multimodal.ranking.explanation import Explanation
from multimodal.ranking.rankings import Rankings

Precision: TypeAlias = Literal["fp32", "bf16"]
# Per post, hashtags that must not be recommended; None for no such hashtags. A set may contain more than it goes
# through: hashtags that the memory does not know, which a System may make of a caption's words.
Excluded: TypeAlias = Sequence[AbstractSet[str]] | None

if TYPE_CHECKING:
    import torch

    from data_loaders.prepared import PreparedData
    from multimodal.encoders.base import Encoder
    from multimodal.storage.run_folder import RunFolder


class System(ABC):
    """A model that ranks hashtags for a post, given what was posted before.

    Other libraries call it a model or a recommender; here the word also covers baselines that learn no weights. Life
    cycle: `System(config)` → `fit` or `load` → `new_memory` and `add_posts` → `rank`. What `fit` and `load` set is
    missing before: using it raises `NotFittedError`.

    Attributes:
        name: registry name, snake_case; set by `register_system`.
        config_type: the configuration schema of this System.
        scores_are_chances: whether scores claim to be the chance that a hashtag is true; they are then calibrated.
        scores_are_calibrated: whether they keep that claim as they are; then `fit` sets `calibration`.
        calibration_depth: how many hashtags of a post are ranked to calibrate, and to choose the length of its list.
        calibration: from scores to chances, fitted on validation posts; None without.
        id_map: the train vocabulary with its frequencies; set by `fit` and `load`.
    """

    name: ClassVar[str] = ""
    config_type: ClassVar[type[RunConfig]] = RunConfig
    scores_are_chances: ClassVar[bool] = False
    scores_are_calibrated: ClassVar[bool] = False
    calibration_depth: ClassVar[int] = 10
    calibration: Calibration | None
    id_map: HashtagIdMap

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.calibration = None

    if not TYPE_CHECKING:  # so that mypy still reports an attribute that no class declares

        def __getattr__(self, name: str) -> Any:
            # Python calls this for attributes that are not set. Those a class declares are set by `fit` and `load`.
            if any(name in get_annotations(parent) for parent in type(self).__mro__):
                raise NotFittedError(
                    f"the system {self.name!r} is not fitted, so it has no {name!r} yet: call its `fit`, or train a "
                    "run with `multimodal-hashtags train` and load it with `load_model`."
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @abstractmethod
    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from the train split and select on the validation split; never read the test split.

        What is selected may then be learned from both, see `learns_from_validation`.

        Args:
            data: a prepared folder.
            run: where metrics and checkpoints go; an interrupted run in it is resumed.
        """

    @property
    def learns_from_validation(self) -> bool:
        """Whether it has learned from validation posts too in the end, so that figures of these flatter it."""
        return False

    def missing_weights(self) -> list[str]:
        """Return why weights that `fit` starts from cannot be used, a message each; those of a hub are downloaded."""
        return []

    @abstractmethod
    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank hashtags for each post from its content and the posts of `memory` that are strictly earlier.

        The ranking of a post depends on the post and the memory only, not on the other posts of the call. The posts'
        own `hashtags` are not read.

        Args:
            posts: B posts.
            memory: made by `new_memory`, filled by `add_posts`.
            k: length of the lists, at least 1; lists are shorter only if there are fewer hashtags.
            excluded: per post, hashtags that must not be recommended.
        """

    def explain(self, posts: Sequence[Post], rankings: Rankings, memory: PostMemory) -> list[list[Explanation]] | None:
        """Return what brought each ranked hashtag of each post; None, as here, where a System cannot say.

        Args:
            posts: B posts.
            rankings: what `rank` returned for them.
            memory: the one that it was asked with.

        Returns:
            B lists, an explanation for each hashtag of the ranking, in its order.
        """
        return None

    def rank_explained(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None
    ) -> tuple[Rankings, list[list[Explanation]] | None]:
        """Return what `rank` and `explain` return; a System that computes much for both may do it once."""
        rankings = self.rank(posts, memory, k, excluded)
        return rankings, self.explain(posts, rankings, memory)

    def attention(self, post: Post) -> Attention | None:
        """Return where the network looked in a post; None, as here, where a System cannot say.

        Args:
            post: as `rank` takes it.
        """
        return None

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the learned state (safetensors and JSON) to an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> System:
        """Return the System that `save` wrote."""

    def encoders(self) -> Sequence[Encoder]:
        """Return the encoders that `rank` calls; none, as here, for a System without them."""
        return ()

    def picture_size_px(self) -> int | None:
        """Return the size at which all encoders read pictures; None where sizes differ or are not known."""
        from multimodal.encoders.base import ImageEncoder

        sizes = {one.preprocessing.size_px for one in self.encoders() if isinstance(one, ImageEncoder)}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def opens_images(self) -> bool:
        """Whether `rank` and `add_posts` open the pictures of posts, and so refuse bad ones themselves."""
        return False

    def use_precision(self, precision: Precision) -> None:
        """Convert the encoders to this precision for ranking; ignored by a System without encoders."""
        return

    def use_device(self, device: torch.device) -> None:
        """Compute on this device from now on; ignored by a System without tensors."""
        return

    def new_memory(self) -> PostMemory:
        """Return an empty memory whose id map starts with this System's vocabulary."""
        return PostMemory(self.id_map.vocabulary())

    def check_memory(self, memory: PostMemory) -> None:
        """Refuse a memory that was read from a file and that `rank` cannot use, although it has the right sizes.

        Raises:
            RunError: its content vectors mean nothing to this System.
        """
        return

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts to a memory, with the content vectors of this System."""
        memory.append(posts)
