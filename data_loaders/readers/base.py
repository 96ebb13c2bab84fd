"""What every reader gives: posts as the dump holds them, or the reason why a record was refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from data_loaders.errors import ConfigError, nearest
from data_loaders.posts import Post

FIELDS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
"""The columns of the exchange format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPost:
    """A post as the dump holds it.

    Attributes:
        post: the caption is the raw one, hashtags included; `post.hashtags` are canonical, without repeats.
        hashtags_surface: the hashtags as they were written, one for each of `post.hashtags`.
        hashtags_given: whether the dump listed the hashtags; otherwise they were found in the caption.
        warnings: what was mended or left out, each as `"reason: detail"`.
        where: file and line, for messages.
    """

    post: Post
    hashtags_surface: tuple[str, ...] = ()
    hashtags_given: bool = False
    warnings: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that is no usable post.

    Attributes:
        where: file and line, or the file.
        reason: a short name, the same for all records refused for that reason, such as `"malformed_json"`.
        detail: the value seen and what is accepted.
        post_id: the record's id where it could be read.
    """

    where: str
    reason: str
    detail: str
    post_id: str | None = None


Record: TypeAlias = RawPost | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """How to read a dump.

    Attributes:
        columns: for a field of the exchange format, the name of the column or key that holds it in this dump.
        owner_comments: whether hashtags of the owner's own first comment count as the post's (Instaloader).
        user_id: whose posts these are, for records that do not say.
        number_rows: whether a record of a file that has no id gets one of the file's name and its number.

    Raises:
        ConfigError: if `columns` maps a field that the exchange format does not have.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    owner_comments: bool = False
    user_id: str | None = None
    number_rows: bool = False

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in FIELDS:
                raise ConfigError(
                    f"The column mapping names an unknown field {name!r}.{nearest(name, FIELDS)} "
                    f"Accepted: {', '.join(FIELDS)}, each with the column that holds it, such as caption=text."
                )


class Reader(ABC):
    """Reads one kind of dump, record by record; memory holds the ids seen and nothing else that grows.

    Attributes:
        name: what the format is called in `--format`.
        accepts: one line that tells a user what this format looks like.
        mapping_used: for each field that was found under another name, that name; complete once all is read.
    """

    name: ClassVar[str] = ""
    accepts: ClassVar[str]

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        self.path = Path(path)
        self.options = options or ReaderOptions()
        self.mapping_used: dict[str, str] = {}

    @classmethod
    @abstractmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path, which exists, looks like this format."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield every record of the dump in its order, repeats included."""

    def count(self) -> int | None:
        """Return about how many records there are, found quickly; None when that cannot be told."""
        return None

    def notes(self) -> list[str]:
        """Return what there is to say of the dump as a whole, with counts; complete once all is read."""
        return []

    def read(self) -> Iterator[Record]:
        """Yield every record of the dump in its order; a post whose id came before is refused.

        Raises:
            DataError: if the file itself is broken, so that what follows cannot be read.
        """
        seen: set[str] = set()
        for record in self.records():
            if isinstance(record, RawPost):
                post_id = record.post.post_id
                if post_id in seen:
                    yield Rejected(
                        where=record.where,
                        reason="duplicate_post_id",
                        detail=f"The id {post_id!r} came before; the first post of that id is kept.",
                        post_id=post_id,
                    )
                    continue
                seen.add(post_id)
            yield record
