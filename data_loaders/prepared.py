"""`PreparedData`: read a prepared folder."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_loaders.command_line import command_line
from data_loaders.errors import DataError, nearest
from data_loaders.images.moved import find_moved
from data_loaders.output_folder import restore
from data_loaders.post_table import PostTable
from data_loaders.prepare.folder_checks import posts_problem, schema_problem
from data_loaders.prepare.folder_format import FILES, FORMAT_VERSION, POSTS, STATISTICS, VOCABULARY
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.text.inline_hashtags import keep_inline_words

_CHUNK_BYTES = 2**20


class PreparedData:
    """The posts, vocabulary and statistics of a prepared folder; create it with `open`.

    Attributes:
        folder: path of the folder.
        vocabulary: vocabulary of the train split.
        statistics: content of `statistics.json`.
    """

    def __init__(
        self, folder: Path, vocabulary: Vocabulary, statistics: dict[str, Any], posts: PostTable | None = None
    ) -> None:
        self.folder = folder
        self.vocabulary = vocabulary
        self.statistics = statistics
        self._given = posts

    @classmethod
    def open(cls, folder: str | Path, images: str | Path | None = None) -> PreparedData:
        """Open a prepared folder; posts are read, and checked, on first access.

        Args:
            folder: path of the folder.
            images: where the pictures are now, if they were moved since the dump was prepared.

        Raises:
            DataError: the folder is missing, incomplete, damaged, edited or of another version; the message says how
                to create it.
        """
        folder = Path(folder)
        restore(folder)
        remedy = f"create it with: {_prepare(folder)}"
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "does not exist"
            raise DataError(f"prepared folder {folder} {what}; {remedy}")
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise DataError(f"{folder} is not a complete prepared folder: {', '.join(missing)} is missing; {remedy}")
        statistics = _read_statistics(folder / STATISTICS, remedy)
        _check_columns(folder, remedy)
        data = cls(folder, Vocabulary.load(folder / VOCABULARY), statistics)
        return data if images is None else data._with_images(Path(images))

    def _with_images(self, folder: Path) -> PreparedData:
        images = find_moved([None if post.image is None else Path(str(post.image)) for post in self._all], folder)
        return PreparedData(self.folder, self.vocabulary, self.statistics, self._all.with_images(images))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the posts and the vocabulary, 32 hexadecimal digits: the same wherever the folder lies.

        Raises:
            DataError: a file cannot be read.
        """
        digest = blake2b(digest_size=16)
        for name in (POSTS, VOCABULARY):
            try:
                with (self.folder / name).open("rb") as file:
                    while chunk := file.read(_CHUNK_BYTES):
                        digest.update(chunk)
            except OSError as error:
                raise DataError(f"{self.folder / name} cannot be read ({error})") from error
        return digest.hexdigest()

    @cached_property
    def _all(self) -> PostTable:
        if self._given is not None:
            return self._given
        posts = PostTable.read(self.folder / POSTS, self.folder)
        _refuse(self.folder, posts_problem(posts))
        return posts

    @cached_property
    def _splits(self) -> dict[str, PostTable]:
        names = self._all.column("split").to_numpy(zero_copy_only=False)
        return {name: self._all.take((names == name).nonzero()[0]) for name in SPLITS}

    def with_inline_words(self) -> PreparedData:
        """Return the same data with LEAKING captions: hashtags in the middle of a caption stay in it as words.

        Only for caption profiles that leak (`captions.leaks`); the folder itself does not change.
        """
        originals = self._all.column("caption_original").to_pylist()
        captions = [None if text is None else keep_inline_words(text) for text in originals]
        return PreparedData(self.folder, self.vocabulary, self.statistics, self._all.with_captions(captions))

    def posts(self) -> PostTable:
        """Return all posts in the folder's order: train, validation, test, each by time."""
        return self._all

    def split(self, name: str) -> PostTable:
        """Return the posts of `train`, `validation` or `test`.

        Raises:
            DataError: there is no split of that name.
        """
        if name not in SPLITS:
            raise DataError(f"split {name!r} is unknown; accepted: {', '.join(SPLITS)}.{nearest(name, SPLITS)}")
        return self._splits[name]


def _read_statistics(path: Path, remedy: str) -> dict[str, Any]:
    try:
        statistics: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); {remedy}") from error
    version = statistics.get("format_version") if isinstance(statistics, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(f"{path} has format version {version!r}; accepted: {FORMAT_VERSION}; {remedy}")
    return dict(statistics)


def _check_columns(folder: Path, remedy: str) -> None:
    try:
        schema = pq.read_schema(folder / POSTS)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{folder / POSTS} cannot be read ({error}); {remedy}") from error
    _refuse(folder, schema_problem(schema))


def _refuse(folder: Path, problem: str | None) -> None:
    if problem:
        raise DataError(f"{folder / POSTS} {problem}; do not edit it, prepare the dump again: {_prepare(folder)}")


def _prepare(folder: Path) -> str:
    return command_line("prepare", "--source", "DUMP", "--output", folder)
