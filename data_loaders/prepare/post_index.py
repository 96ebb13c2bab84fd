"""`PostIndex`: the numbers that `prepare` keeps in memory, about 60 bytes per post with four hashtags."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import UNDATED_EPOCH_US

Ints = NDArray[np.int64]
Numbers = NDArray[np.int32]
Flags = NDArray[np.bool_]
_POSTS_AT_ONCE = 1 << 20


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
        dated = self.dated[order]
        return PostIndex(
            instants_us=np.where(dated, self.instants_us[order], UNDATED_EPOCH_US + np.arange(len(order))),
            dated=dated,
            users=self.users[order],
            caption_lengths=self.caption_lengths[order],
            scripts=self.scripts[order],
            has_image=self.has_image[order],
            tags=self._tags_in(order, counts),
            tag_ends=ends,
            hashtags=self.hashtags,
            script_names=self.script_names,
        )

    def _tags_in(self, order: Ints, counts: Ints) -> Numbers:
        starts = (self.tag_ends - self.tag_counts)[order]
        pieces = [self.tags[:0]]
        for first in range(0, len(order), _POSTS_AT_ONCE):
            block = slice(first, first + _POSTS_AT_ONCE)
            of_block = counts[block]
            positions = np.arange(int(of_block.sum())) + np.repeat(
                starts[block] - np.cumsum(of_block) + of_block, of_block
            )
            pieces.append(self.tags[positions])
        return np.concatenate(pieces)


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
