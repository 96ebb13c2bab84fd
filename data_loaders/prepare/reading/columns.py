"""`ColumnsBuilder`: the numbers that describe the posts of a part of a dump, about 90 bytes each with four hashtags."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY
from data_loaders.posts import Post, instant_us
from data_loaders.text.unicode_scripts import unicode_script

Columns: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays by name, see `ColumnsBuilder.columns`."""
ID_BYTES = 16


class ColumnsBuilder:
    """Notes the numbers of one post after the other."""

    def __init__(self) -> None:
        self._instants, self._users, self._lengths = array("q"), array("i"), array("i")
        self._scripts, self._dated, self._images = array("b"), array("b"), array("b")
        self._caption_keys, self._image_keys = array("Q"), array("Q")
        self._image_colours, self._post_ids, self._lost_ids = bytearray(), bytearray(), bytearray()
        self._tags, self._tag_counts = array("i"), array("i")
        self._user_numbers: dict[str, int] = {}
        self._tag_numbers: dict[str, int] = {}
        self._script_numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._instants)

    def add(
        self, post: Post, *, caption_key: int = NO_KEY, image_key: int = NO_KEY, image_colours: bytes = NO_COLOURS
    ) -> None:
        """Append one post."""
        users, tags, scripts = self._user_numbers, self._tag_numbers, self._script_numbers
        self._post_ids += _fingerprint(post.post_id)
        self._instants.append(instant_us(post.timestamp, 0))
        self._dated.append(post.timestamp is not None)
        self._users.append(-1 if post.user_id is None else users.setdefault(post.user_id, len(users)))
        self._lengths.append(-1 if post.caption is None else len(post.caption))
        self._scripts.append(scripts.setdefault(unicode_script(post.caption), len(scripts)))
        self._images.append(post.image is not None)
        self._caption_keys.append(caption_key)
        self._image_keys.append(image_key)
        if image_key != NO_KEY:
            self._image_colours += image_colours
        self._tags.extend([tags.setdefault(tag, len(tags)) for tag in post.hashtags])
        self._tag_counts.append(len(post.hashtags))

    def add_lost(self, post_id: str) -> None:
        """Note the id of a post that was read and refused; a later one with this id is a repeat nevertheless."""
        self._lost_ids += _fingerprint(post_id)

    def columns(self) -> Columns:
        """Return the numbers of N posts; nothing can be added afterwards.

        Returns:
            (N,) columns; `tags`, the hashtags of one post after the other; `image_colours` of the posts that have an
            image key; the 16-byte fingerprints `post_ids`, `lost_ids` and `user_ids`; and names as UTF-8 with their
            ends. Users, hashtags and scripts have numbers of this part alone.
        """
        users = b"".join(map(_fingerprint, self._user_numbers))
        return {
            "post_ids": np.frombuffer(self._post_ids, np.uint8).reshape(-1, ID_BYTES),
            "lost_ids": np.frombuffer(self._lost_ids, np.uint8).reshape(-1, ID_BYTES),
            "user_ids": np.frombuffer(users, np.uint8).reshape(-1, ID_BYTES),
            "instants_us": np.frombuffer(self._instants, np.int64),
            "dated": np.frombuffer(self._dated, np.bool_),
            "users": np.frombuffer(self._users, np.int32),
            "caption_lengths": np.frombuffer(self._lengths, np.int32),
            "scripts": np.frombuffer(self._scripts, np.int8),
            "has_image": np.frombuffer(self._images, np.bool_),
            "caption_keys": np.frombuffer(self._caption_keys, np.uint64),
            "image_keys": np.frombuffer(self._image_keys, np.uint64),
            "image_colours": np.frombuffer(self._image_colours, np.uint8).reshape(-1, len(NO_COLOURS)),
            "tags": np.frombuffer(self._tags, np.int32),
            "tag_counts": np.frombuffer(self._tag_counts, np.int32),
            **_packed("hashtags", self._tag_numbers),
            **_packed("script_names", self._script_numbers),
        }


class StoredColumns(Mapping[str, NDArray[Any]]):
    """Columns in a file, read one by one.

    Args:
        path: the file, see `save_columns`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> NDArray[Any]:
        with np.load(self._path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])

    def __iter__(self) -> Any:
        with np.load(self._path, allow_pickle=False) as arrays:
            return iter(list(arrays))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def save_columns(columns: Columns, path: Path) -> None:
    """Write columns to a file, which `StoredColumns` reads."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict[str, Any](columns))


def names_of(columns: Columns, name: str) -> list[str]:
    """Return the `hashtags` or `script_names` of columns, by number."""
    text = columns[name].tobytes()
    return [text[start:end].decode() for start, end in pairwise([0, *columns[f"{name}_ends"].tolist()])]


def _packed(name: str, texts: Iterable[str]) -> dict[str, NDArray[Any]]:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}_ends": ends}


def _fingerprint(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).digest()
