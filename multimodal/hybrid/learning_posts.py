"""`LearningPosts`: the posts that a ranker learns from, with their candidates; some of them again, stripped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from data_loaders.posts import Post
from multimodal.hybrid.candidates import CandidateTable
from multimodal.hybrid.ranker.rows import RankerRows
from multimodal.hybrid.ranker.rows import joined as joined_rows


@dataclass(frozen=True, slots=True)
class LearningPosts:
    """Train and validation posts with the tables of those that rankers learn from.

    Attributes:
        posts: the last train posts by time, then all validation posts.
        train: how many of them are train posts.
        table: their candidates.
        stripped: what rankers learn from besides: some of the train posts again, without what posts may lack.
    """

    posts: Sequence[Post]
    train: int
    table: CandidateTable
    stripped: StrippedPosts | None = None

    def rows(self, start: int, stop: int) -> RankerRows:
        """Return the candidates of posts as a ranker takes them, with those of the stripped ones among them."""
        rows = rows_of(self.table.of_posts(start, stop), self.posts[start:stop])
        return rows if self.stripped is None else joined_rows([rows, self.stripped.rows(start, stop)])

    def without(self, sources: Collection[str]) -> LearningPosts:
        """Return the same without some sources."""
        stripped = None if self.stripped is None else self.stripped.without(sources)
        return LearningPosts(self.posts, self.train, self.table.without(tuple(sources)), stripped)


@dataclass(frozen=True, slots=True)
class StrippedPosts:
    """Posts that lack something; see `strip_some`.

    Attributes:
        places: of the posts that they are made of, among those that rankers learn from, ascending.
        posts: what is left of them.
        table: their candidates.
    """

    places: Sequence[int]
    posts: Sequence[Post]
    table: CandidateTable

    def rows(self, start: int, stop: int) -> RankerRows:
        """Return the candidates of those that are made of posts from `start` to before `stop`."""
        first, last = (int(place) for place in np.searchsorted(self.places, [start, stop]))
        return rows_of(self.table.of_posts(first, last), self.posts[first:last])

    def without(self, sources: Collection[str]) -> StrippedPosts:
        """Return the same without some sources."""
        return StrippedPosts(self.places, self.posts, self.table.without(tuple(sources)))


def rows_of(table: CandidateTable, posts: Sequence[Post]) -> RankerRows:
    """Return a table of posts with known hashtags as a ranker takes it; posts without hashtags are left out."""
    labels = table.labels([post.hashtags for post in posts])
    known = np.array([bool(post.hashtags) for post in posts], np.bool_)
    kept = np.flatnonzero(known[table.rows]) if len(posts) else np.empty(0, np.int64)
    return RankerRows(table.values[kept], labels[kept], table.rows[kept])


def by_time(posts: Sequence[Post]) -> list[int]:
    """Return the order of posts by instant."""
    order: list[int] = np.argsort([post.instant_us for post in posts], kind="stable").tolist()
    return order


def instant_cut(posts: Sequence[Post], count: int) -> int:
    """Return about `count`, so that no instant lies on both sides; `posts` are by time."""
    while 0 < count < len(posts) and posts[count].instant_us == posts[count - 1].instant_us:
        count += 1
    return min(count, len(posts))
