"""`PostIndex`: the numbers that `prepare` keeps in memory, about 60 bytes per post with four hashtags."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY
from data_loaders.posts import UNDATED_EPOCH_US, Post, instant_us
from data_loaders.text.unicode_scripts import unicode_script

Ints = NDArray[np.int64]
Numbers = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PostIndex:
    """N posts as columns.

    Attributes:
        instants_us: (N,) see `posts.instant_us`; undated posts come before all dated ones, in order.
        dated: (N,) whether the post has a timestamp.
        users: (N,) user numbers, -1 for none.
        caption_lengths: (N,) characters, -1 without a caption.
        scripts: (N,) indices into `script_names`.
        has_image: (N,) whether the post has a picture.
        tags: (M,) hashtag numbers of all posts, one post after the other.
        tag_ends: (N,) where each post's hashtags end in `tags`.
        hashtags: hashtags by number.
        script_names: scripts by number.
    """

    instants_us: Ints
    dated: Flags
    users: Numbers
    caption_lengths: Numbers
    scripts: NDArray[np.int8]
    has_image: Flags
    tags: Numbers
    tag_ends: Ints
    hashtags: tuple[str, ...]
    script_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.instants_us)

    @property
    def tag_counts(self) -> Ints:
        """(N,) hashtags of each post."""
        return np.diff(self.tag_ends, prepend=0)

    @property
    def tagged(self) -> Flags:
        """(N,) whether the post has hashtags."""
        return np.asarray(self.tag_counts > 0)

    def posts_of_tags(self) -> Numbers:
        """Return (M,) the post of each entry of `tags`."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.tag_counts)

    def carries(self, hashtags: Flags) -> Flags:
        """Return (N,) which posts have at least one of the selected hashtags.

        Args:
            hashtags: (V,) which hashtags are selected, by number.
        """
        carries = np.zeros(len(self), np.bool_)
        carries[self.posts_of_tags()[hashtags[self.tags]]] = True
        return carries

    def with_hashtags(self, kept: Flags) -> PostIndex:
        """Return the same posts with only some hashtags, renumbered in the same order.

        Args:
            kept: (V,) which hashtags to keep, by number.
        """
        stays = kept[self.tags]
        counts = np.bincount(self.posts_of_tags()[stays], minlength=len(self))
        return replace(
            self,
            tags=(np.cumsum(kept, dtype=np.int32) - 1)[self.tags[stays]],
            tag_ends=np.cumsum(counts),
            hashtags=tuple(hashtag for hashtag, stay in zip(self.hashtags, kept.tolist(), strict=True) if stay),
        )

    def take(self, order: Ints) -> PostIndex:
        """Return the posts at the positions `order`, in that order; undated posts are ordered by new position."""
        counts = self.tag_counts[order]
        ends = np.cumsum(counts)
        starts = (self.tag_ends - self.tag_counts)[order]
        positions = np.arange(int(ends[-1]) if len(ends) else 0)
        tags = self.tags[positions - np.repeat(ends - counts, counts) + np.repeat(starts, counts)]
        dated = self.dated[order]
        return PostIndex(
            instants_us=np.where(dated, self.instants_us[order], UNDATED_EPOCH_US + np.arange(len(order))),
            dated=dated,
            users=self.users[order],
            caption_lengths=self.caption_lengths[order],
            scripts=self.scripts[order],
            has_image=self.has_image[order],
            tags=tags,
            tag_ends=ends,
            hashtags=self.hashtags,
            script_names=self.script_names,
        )


@dataclass(frozen=True, kw_only=True)
class Fingerprints:
    """What near-duplicates of N posts are found by.

    Attributes:
        caption_keys: (N,) see `duplicates.caption_key`.
        image_keys: (N,) perceptual hashes.
        image_colours: (N, 12) colour signatures.
    """

    caption_keys: NDArray[np.uint64]
    image_keys: NDArray[np.uint64]
    image_colours: NDArray[np.uint8]


class PostIndexBuilder:
    """Builds a `PostIndex` and its `Fingerprints` post by post."""

    def __init__(self) -> None:
        self._instants, self._users, self._lengths = array("q"), array("i"), array("i")
        self._scripts, self._dated, self._images = array("b"), array("b"), array("b")
        self._caption_keys, self._image_keys = array("Q"), array("Q")
        self._image_colours = bytearray()
        self._tags, self._tag_ends = array("i"), array("q")
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
        self._instants.append(instant_us(post.timestamp, len(self._instants)))
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
        self._tag_ends.append(len(self._tags))

    def build(self) -> PostIndex:
        """Return the columns collected so far; nothing can be added afterwards."""
        return PostIndex(
            instants_us=np.frombuffer(self._instants, np.int64),
            dated=np.frombuffer(self._dated, np.bool_),
            users=np.frombuffer(self._users, np.int32),
            caption_lengths=np.frombuffer(self._lengths, np.int32),
            scripts=np.frombuffer(self._scripts, np.int8),
            has_image=np.frombuffer(self._images, np.bool_),
            tags=np.frombuffer(self._tags, np.int32),
            tag_ends=np.frombuffer(self._tag_ends, np.int64),
            hashtags=tuple(self._tag_numbers),
            script_names=tuple(self._script_numbers),
        )

    def fingerprints(self) -> Fingerprints:
        """Return the fingerprints collected so far; nothing can be added afterwards."""
        image_keys = np.frombuffer(self._image_keys, np.uint64)
        pictured = image_keys != NO_KEY
        width = len(NO_COLOURS)
        colours = np.broadcast_to(np.zeros(width, np.uint8), (len(image_keys), width))
        if pictured.any():
            colours = colours.copy()
            colours[pictured] = np.frombuffer(self._image_colours, np.uint8).reshape(-1, width)
        caption_keys = np.frombuffer(self._caption_keys, np.uint64)
        return Fingerprints(caption_keys=caption_keys, image_keys=image_keys, image_colours=colours)
