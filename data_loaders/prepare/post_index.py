"""`PostIndex`: the numbers that `prepare` keeps in memory, about 80 bytes per post."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY
from data_loaders.posts import UNDATED_EPOCH_US, Post, instant_us
from data_loaders.text.unicode_scripts import unicode_script

Ints = NDArray[np.int64]
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
        caption_keys: (N,) see `duplicates.caption_key`.
        image_keys: (N,) perceptual hashes.
        image_colours: (N, 12) colour signatures.
        tags: (M,) hashtag numbers of all posts, one post after the other.
        tag_ends: (N,) where each post's hashtags end in `tags`.
        hashtags: hashtags by number.
        script_names: scripts by number.
    """

    instants_us: Ints
    dated: Flags
    users: Ints
    caption_lengths: Ints
    scripts: Ints
    has_image: Flags
    caption_keys: NDArray[np.uint64]
    image_keys: NDArray[np.uint64]
    image_colours: NDArray[np.uint8]
    tags: Ints
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

    def posts_of_tags(self) -> Ints:
        """Return (M,) the post of each entry of `tags`."""
        return np.repeat(np.arange(len(self)), self.tag_counts)

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
            tags=(np.cumsum(kept) - 1)[self.tags[stays]],
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
            caption_keys=self.caption_keys[order],
            image_keys=self.image_keys[order],
            image_colours=self.image_colours[order],
            tags=tags,
            tag_ends=ends,
            hashtags=self.hashtags,
            script_names=self.script_names,
        )


class PostIndexBuilder:
    """Builds a `PostIndex` post by post."""

    def __init__(self) -> None:
        self._instants, self._users, self._lengths = array("q"), array("q"), array("q")
        self._scripts, self._dated, self._images = array("b"), array("b"), array("b")
        self._caption_keys, self._image_keys = array("Q"), array("Q")
        self._image_colours = bytearray()
        self._tags, self._tag_ends = array("q"), array("q")
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
        self._image_colours += image_colours
        self._tags.extend([tags.setdefault(tag, len(tags)) for tag in post.hashtags])
        self._tag_ends.append(len(self._tags))

    def build(self) -> PostIndex:
        """Return the columns collected so far."""
        return PostIndex(
            instants_us=np.array(self._instants, np.int64),
            dated=np.array(self._dated, np.bool_),
            users=np.array(self._users, np.int64),
            caption_lengths=np.array(self._lengths, np.int64),
            scripts=np.array(self._scripts, np.int64),
            has_image=np.array(self._images, np.bool_),
            caption_keys=np.array(self._caption_keys, np.uint64),
            image_keys=np.array(self._image_keys, np.uint64),
            image_colours=np.frombuffer(self._image_colours, np.uint8).reshape(-1, len(NO_COLOURS)),
            tags=np.array(self._tags, np.int64),
            tag_ends=np.array(self._tag_ends, np.int64),
            hashtags=tuple(self._tag_numbers),
            script_names=tuple(self._script_numbers),
        )
