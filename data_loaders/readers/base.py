"""`Reader` and the records it yields: posts as found in the dump, or the reason why a record was refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from data_loaders.dump_files.archives import is_folder
from data_loaders.errors import ConfigError, nearest
from data_loaders.posts import Post
from data_loaders.readers.encodings import check_encoding
from data_loaders.readers.seen_ids import SeenIds

FIELDS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
"""The columns of the exchange format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPost:
    """A post as found in the dump.

    Attributes:
        post: the post with its raw caption, hashtags included; `post.hashtags` are canonical, without repeats.
        hashtags_surface: surface forms of the hashtags, one for each of `post.hashtags`.
        hashtags_given: whether the dump listed the hashtags; otherwise they were extracted from the caption.
        warnings: what was repaired or left out, each as `"reason: detail"`.
        where: file and line, for messages.
    """

    post: Post
    hashtags_surface: tuple[str, ...] = ()
    hashtags_given: bool = False
    warnings: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that is not a usable post.

    Attributes:
        where: file and line, or the file.
        reason: short name of the reason, such as `"malformed_json"`.
        detail: the value seen and what is accepted.
        post_id: the record's id, if it could be read.
    """

    where: str
    reason: str
    detail: str
    post_id: str | None = None


Record: TypeAlias = RawPost | Rejected
DUPLICATE_ID = "duplicate_post_id"
"""Why a post is refused whose id occurred before."""


def repeated_id(post_id: str) -> str:
    """Return what is said of such a post."""
    return f"The id {post_id!r} occurred before; the first post with this id is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """How to read a dump.

    Attributes:
        columns: maps fields of the exchange format to the columns or keys of this dump; a field that is mapped to an
            empty name is not read.
        owner_comments: whether to add the hashtags of the owner's own first comment (Instaloader).
        user_id: the user of records that do not name one.
        number_rows: whether to give records without an id one made of file name and row number.
        picture_ids: with `number_rows`: whether they get the path of their picture instead, if they have one.
        encoding: of the text of tables and JSON; None for UTF-8.

    Raises:
        ConfigError: `columns` maps a field that the exchange format does not have, or the encoding is unknown.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    owner_comments: bool = False
    user_id: str | None = None
    number_rows: bool = False
    picture_ids: bool = False
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            check_encoding(self.encoding)
        for name in self.columns:
            if name not in FIELDS:
                raise ConfigError(
                    f"The column mapping has an unknown field {name!r}.{nearest(name, FIELDS)} "
                    f"Accepted: {', '.join(FIELDS)}, each with its column, for example caption=text."
                )


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a reader has found out about a dump or a part of it, as values for JSON.

    Attributes:
        mapping_used: see `Reader`.
        columns_unread: see `Reader`.
        notes: remarks, with counts; those of a part are not for users.
        tallies: what the remarks about a whole are made of, if it is read in parts.
    """

    mapping_used: Mapping[str, str]
    columns_unread: Sequence[str]
    notes: Sequence[str]
    tallies: Mapping[str, Any] = field(default_factory=dict)


class Reader(ABC):
    """Reads one dump format, record by record; of the posts, only fingerprints of their ids are kept in memory.

    Attributes:
        name: name of the format in `--format`.
        accepts: one line that describes the format to users.
        root: the folder that the dump's files must be in, and that its image paths are relative to.
        mapping_used: fields found under another name, with that name; complete after reading.
        columns_unread: columns or keys of the dump that no field was read from; complete after reading.
        beside: remarks about what lies beside the files that are read.
    """

    name: ClassVar[str] = ""
    accepts: ClassVar[str]

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        self.path = Path(path)
        self.root = self.path if is_folder(self.path) else self.path.parent
        self.options = options or ReaderOptions()
        self.mapping_used: dict[str, str] = {}
        self.columns_unread: dict[str, None] = {}
        self.beside: list[str] = []

    @classmethod
    @abstractmethod
    def detect(cls, path: Path) -> bool:
        """Return whether an existing path looks like this format."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield every record of the dump in order, with repeats."""

    @classmethod
    def of_parts(cls, path: Path, parts: Sequence[Path], options: ReaderOptions | None = None) -> Reader | None:
        """Return the reader for several paths that are parts of one dump; None for formats that have no parts.

        Args:
            path: the folder or pattern that the parts were found by.
            parts: the paths.
            options: how to read the dump.
        """
        return None

    def parts(self) -> Sequence[Reader]:
        """Return readers that read the dump together, one after the other or at the same time.

        The ids that they give to records are those of the whole; each refuses repeats of its own part.
        """
        return [self]

    def sources(self) -> Sequence[Path]:
        """Return the files or the folder that the dump is in."""
        return [self.path]

    def identity(self) -> list[Any]:
        """Return what tells whether the records are still the same, as values for JSON."""
        return [self.name, str(self.path.resolve()), *_identity_of(self.options)]

    def findings(self) -> Findings:
        """Return what was found out; complete after reading."""
        return Findings(
            mapping_used=self.mapping_used, columns_unread=tuple(self.columns_unread), notes=tuple(self.notes())
        )

    def joined(self, parts: Sequence[Findings]) -> Findings:
        """Return what the readers of all `parts` have found out together."""
        (only,) = parts
        return only

    def count(self) -> int | None:
        """Return a quick estimate of the number of records; None when there is none."""
        return None

    def notes(self) -> list[str]:
        """Return remarks about the dump as a whole, with counts; complete after reading."""
        return self.beside

    def read(self) -> Iterator[Record]:
        """Yield every record of the dump in order; a post whose id was seen before is refused.

        Raises:
            DataError: the file itself is damaged, so that the rest cannot be read.
        """
        seen = SeenIds()
        for record in self.records():
            if isinstance(record, RawPost):
                post_id = record.post.post_id
                if not seen.add(post_id):
                    yield Rejected(
                        where=record.where,
                        reason=DUPLICATE_ID,
                        detail=repeated_id(post_id),
                        post_id=post_id,
                    )
                    continue
            yield record


def _identity_of(options: ReaderOptions) -> list[Any]:
    values = {one.name: getattr(options, one.name) for one in fields(options)}
    return [{**values, "columns": dict(options.columns)}]
