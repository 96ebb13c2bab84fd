"""Slices of the evaluated posts: what kind of post each is, and how frequent each of its true hashtags was in train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from data_loaders.prepare.statistics import SHORT_CAPTION
from data_loaders.text.unicode_scripts import unicode_script
from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.metrics.truth import KnownHashtags
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings

BANDS = ("unseen in train", "outside the vocabulary", "rare", "middle", "frequent")
_UNSEEN, _OUTSIDE, _RARE, _MIDDLE, _FREQUENT = range(len(BANDS))
HASHTAG_FREQUENCY = "hashtag_frequency"
# What the slices are of. `script` has the scripts that occur, most frequent first; the rarest are one slice.
TITLES = {
    "caption_length": f"Caption (short: at most {SHORT_CAPTION} characters)",
    "image": "Image",
    "history": "Earlier posts of the user",
    "user": "User",
    "true_hashtags": "True hashtags of the post",
    "truth": "True hashtags in train",
    "script": "Script of the caption",
    HASHTAG_FREQUENCY: "Frequency of the true hashtag in train",
}
_CAPTIONS = ("none", "short", "long")
_IMAGES = ("without", "with")
_HISTORIES = ("0", "1–2", "3–9", "10+")
_HISTORY_STARTS = (1, 3, 10)
_USERS = ("unknown", "new", "seen in train")
_COUNTS = ("1", "2", "3–5", "6–10", "11+")
_COUNT_STARTS = (2, 3, 6, 11)
_TRUTHS = ("all unseen", "some seen")
_MOST_SCRIPTS = 7
OTHER_SCRIPTS = "other scripts"


@dataclass(frozen=True, slots=True)
class HashtagBands:
    """From a hashtag to its band.

    Attributes:
        band_of: index in `BANDS`.
        middle_from: train posts from which on a hashtag of the vocabulary is in the middle band.
        frequent_from: train posts from which on it is frequent.
    """

    band_of: Callable[[str], int]
    middle_from: int
    frequent_from: int


def hashtag_bands(vocabulary: KnownHashtags, train_hashtags: Collection[str]) -> HashtagBands:
    """Divide the vocabulary at thirds of its uses in train: the few hashtags of the first third are the frequent ones.

    Hashtags of equal frequency are in the same band. Nothing but train decides.
    """
    frequencies = -np.sort(-np.asarray(vocabulary.frequencies, np.int64))
    before = np.cumsum(frequencies) - frequencies
    total = int(frequencies.sum())

    def least(share: float) -> int:
        first = frequencies[before < share * total]
        return int(first[-1]) if len(first) else 1

    frequent_from, middle_from = least(1 / 3), least(2 / 3)
    known = dict(zip(vocabulary.hashtags, vocabulary.frequencies, strict=True))
    seen = frozenset(train_hashtags)

    def band_of(hashtag: str) -> int:
        frequency = known.get(hashtag)
        if frequency is None:
            return _OUTSIDE if hashtag in seen else _UNSEEN
        return _FREQUENT if frequency >= frequent_from else _MIDDLE if frequency >= middle_from else _RARE

    return HashtagBands(band_of, middle_from, frequent_from)


@dataclass(frozen=True, slots=True)
class BandedHits:
    """True hashtags of N posts by band, and the hits among them with their ranks.

    Attributes:
        true_count: (N, bands) true hashtags.
        rows: (H,) post of each hit, rising.
        ranks: (H,) its rank, from 1.
        bands: (H,) its band.
        middle_from: see `HashtagBands`.
        frequent_from: see `HashtagBands`.
    """

    true_count: Ints
    rows: Ints
    ranks: Ints
    bands: Ints
    middle_from: int
    frequent_from: int

    def found(self, k: int) -> Floats:
        """Return the hits among the first K by post and band, (N, bands)."""
        shape = self.true_count.shape
        inside = self.ranks <= k
        cells = self.rows[inside] * shape[1] + self.bands[inside]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def take(self, rows: Ints) -> BandedHits:
        """Return some of the posts, each at most once, in the order of `rows`."""
        new_row = np.full(len(self.true_count), -1, np.int64)
        new_row[rows] = np.arange(len(rows))
        kept = np.flatnonzero(new_row[self.rows] >= 0)
        kept = kept[np.argsort(new_row[self.rows[kept]], kind="stable")]
        return BandedHits(self.true_count[rows], new_row[self.rows[kept]], self.ranks[kept], self.bands[kept],
                          self.middle_from, self.frequent_from)  # fmt: skip


def banded_hits(
    bands: HashtagBands,
    truth: Sequence[Sequence[str]],
    hits: NDArray[np.bool_],
    indices: NDArray[np.int64],
    names: Sequence[str],
) -> BandedHits:
    """Sort true hashtags and hits by band.

    Args:
        truth: the true hashtags of N posts, without repeats.
        hits: (N, K) whether the hashtag at a rank is true.
        indices: (N, K) index of that hashtag in `names`.
    """
    count = len(BANDS)
    owners = np.repeat(np.arange(len(truth)), [len(set(tags)) for tags in truth])
    of_truth = np.fromiter((bands.band_of(tag) for tags in truth for tag in set(tags)), np.int64, len(owners))
    true_count = np.bincount(owners * count + of_truth, minlength=len(truth) * count).reshape(-1, count)
    rows, ranks = np.nonzero(hits)
    named, which = np.unique(indices[rows, ranks], return_inverse=True)
    of_named = np.array([bands.band_of(names[index]) for index in named], np.int64)
    of_hits = of_named[which] if len(named) else np.zeros(0, np.int64)
    return BandedHits(true_count, rows, ranks + 1, of_hits, bands.middle_from, bands.frequent_from)


@dataclass(frozen=True, slots=True)
class Slicing:
    """One way to divide posts: each post is in exactly one slice.

    Attributes:
        labels: of the slices, in the order to show.
        codes: (N,) index in `labels`.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int64]

    def members(self) -> NDArray[np.bool_]:
        """Return (N, slices): whether a post is in a slice."""
        return np.asarray(self.codes[:, None] == np.arange(len(self.labels)))

    def take(self, rows: Ints) -> Slicing:
        """Return some of the posts, in the order of `rows`."""
        return Slicing(self.labels, self.codes[rows])


@dataclass(frozen=True)
class PostSlices:
    """How the evaluated posts are divided.

    Attributes:
        post_ids: of the N posts.
        slicings: name → slicing.
        bands: the true hashtags of the posts by their frequency in train.
    """

    post_ids: Sequence[str]
    slicings: Mapping[str, Slicing]
    bands: BandedHits

    def take(self, rows: Ints) -> PostSlices:
        """Return some of the posts, in the order of `rows`."""
        slicings = {name: slicing.take(rows) for name, slicing in self.slicings.items()}
        return PostSlices([self.post_ids[row] for row in rows], slicings, self.bands.take(rows))


def slice_posts(
    posts: Sequence[Post],
    outcomes: Outcomes,
    rankings: Rankings,
    memory: PostMemory,
    vocabulary: KnownHashtags,
    train_hashtags: Collection[str],
    train_users: Collection[str],
) -> PostSlices:
    """Divide the evaluated posts of a split.

    Args:
        posts: all posts that were ranked.
        rankings: of `posts`, in the same order.
        memory: what the evaluation knew; a post's history are the posts of its user strictly before it.
    """
    rows = [row for row, post in enumerate(posts) if post.hashtags]
    evaluated = [posts[row] for row in rows]
    depth = _HISTORY_STARTS[-1]
    instants = np.array([post.instant_us for post in evaluated], np.int64)
    earlier = (memory.history([post.user_id for post in evaluated], instants, depth) >= 0).sum(axis=1)
    seen = [1 if post.user_id not in train_users else 2 for post in evaluated]
    users = [0 if post.user_id is None else code for post, code in zip(evaluated, seen, strict=True)]
    slicings = {
        "caption_length": Slicing(_CAPTIONS, np.array([_caption_length(post.caption) for post in evaluated], np.int64)),
        "image": Slicing(_IMAGES, np.array([post.image is not None for post in evaluated], np.int64)),
        "history": Slicing(_HISTORIES, np.searchsorted(_HISTORY_STARTS, earlier, side="right")),
        "user": Slicing(_USERS, np.array(users, np.int64)),
        "true_hashtags": Slicing(_COUNTS, np.searchsorted(_COUNT_STARTS, outcomes.true_count, side="right")),
        "truth": Slicing(_TRUTHS, (outcomes.new_count < outcomes.true_count).astype(np.int64)),
        "script": _scripts([post.caption for post in evaluated]),
    }
    bands = hashtag_bands(vocabulary, train_hashtags)
    indices = rankings.indices[rows, : outcomes.hits.shape[1]]
    hits = banded_hits(bands, [post.hashtags for post in evaluated], outcomes.hits, indices, rankings.names)
    return PostSlices(outcomes.post_ids, slicings, hits)


def _caption_length(caption: str | None) -> int:
    # As `statistics.json` counts them.
    return 0 if caption is None else 1 + (len(caption) > SHORT_CAPTION)


def _scripts(captions: Sequence[str | None]) -> Slicing:
    scripts = [unicode_script(caption) for caption in captions]
    common = [name for name, _ in sorted(Counter(scripts).items(), key=lambda item: (-item[1], item[0]))]
    labels = common if len(common) <= _MOST_SCRIPTS + 1 else [*common[:_MOST_SCRIPTS], OTHER_SCRIPTS]
    code_of = {name: min(number, len(labels) - 1) for number, name in enumerate(common)}
    return Slicing(tuple(labels), np.array([code_of[name] for name in scripts], np.int64))
