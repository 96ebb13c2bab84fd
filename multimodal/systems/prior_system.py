"""`PriorSystem`: the base of Systems that fall back on the popularity of hashtags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import create_model

from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.storage.model_files import Count, Form, Number, read_json_as
from multimodal.storage.run_folder import write_json
from multimodal.systems.base import System

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

PriorSystemType = TypeVar("PriorSystemType", bound="PriorSystem")


class PriorSystem(System):
    """A System with a `PopularityPrior`, saved as the number of train posts in a small JSON file.

    Attributes:
        file: name of that file in the model folder.
        chosen: names of attributes, numbers chosen by `fit`, that are saved in it too.
        prior: set by `start`.
    """

    file: ClassVar[str]
    chosen: ClassVar[tuple[str, ...]] = ()
    prior: PopularityPrior

    def start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        """Set the vocabulary and the prior, before anything is learned or loaded."""
        self.id_map = id_map
        self.prior = PopularityPrior(id_map, train_posts)

    def start_from(self, data: PreparedData) -> None:
        """`start` from the train split of a prepared folder."""
        self.start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(data.split("train")))

    def save(self, folder: Path) -> None:
        """Write the JSON file, and what `save_learned` writes."""
        values = {name: getattr(self, name) for name in self.chosen}
        write_json(folder / self.file, {"train_posts": self.prior.train_posts, **values})
        self.save_learned(folder)

    @classmethod
    def load(cls: type[PriorSystemType], folder: Path, config: RunConfig, id_map: HashtagIdMap) -> PriorSystemType:
        """Restore what `save` wrote.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
        system = cls(config)
        fields: dict[str, Any] = {"train_posts": Count, **dict.fromkeys(cls.chosen, Number)}
        form: Any = create_model("State", __base__=Form, **fields)
        values = read_json_as(folder / cls.file, f"state of {cls.name}", form)
        system.start(id_map, values.train_posts)
        for name in cls.chosen:
            setattr(system, name, float(getattr(values, name)))
        system.load_learned(folder)
        return system

    def save_learned(self, folder: Path) -> None:
        """Write what else was learned to an existing folder, as safetensors and JSON; here, nothing."""

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote; `id_map` and `prior` are set already.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
