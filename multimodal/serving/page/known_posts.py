"""`KnownPosts`: posts as the page shows them, from the prepared folder where there is one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

from data_loaders.images.inline import inline_picture
from data_loaders.posts import Post
from data_loaders.prepared import PreparedData
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.queries import moment

_LAST_POSTS, _MOST_USERS = 100_000, 200
_THUMBNAIL_PX = 160
_KEPT = 512


@dataclass(frozen=True, slots=True)
class ShownPost:
    """A remembered post.

    Attributes:
        post_id: its id.
        user_id: its author, if known.
        day: when it was posted, as `2024-05-01`; empty if that is not known.
        hashtags: its own.
        caption: its text; empty where the page was started without the prepared folder.
        picture: a small one as a data URL, likewise.
    """

    post_id: str
    user_id: str | None
    day: str
    hashtags: tuple[str, ...]
    caption: str = ""
    picture: str | None = None


class KnownPosts:
    """Posts by id, and examples to try.

    Args:
        data: captions and pictures; None for neither.
    """

    def __init__(self, data: PreparedData | None = None) -> None:
        self._data = data
        self._picture = lru_cache(_KEPT)(self._small_picture)

    @cached_property
    def _rows(self) -> dict[str, int]:
        ids = [] if self._data is None else self._data.posts().column("post_id").to_pylist()
        return {post_id: row for row, post_id in enumerate(ids)}

    @cached_property
    def examples(self) -> list[Post]:
        """The test posts; those with a picture and a caption come first."""
        posts = [] if self._data is None else list(self._data.split("test"))
        return sorted(posts, key=lambda post: post.image is None or not post.caption)

    def shown(self, post_id: str, memory: PostMemory) -> ShownPost | None:
        """Return a post of a memory; None if it is no longer there."""
        position = memory.position_of(post_id)
        if position is None:
            return None
        written = moment(int(memory.instants_us[position])) if memory.instants_us[position] > 0 else None
        given = self._given(post_id)
        user = int(memory.users[position])
        return ShownPost(
            post_id,
            memory.user_ids[user] if user >= 0 else None,
            "" if written is None else f"{written:%Y-%m-%d}",
            tuple(memory.id_map[number] for number in memory.hashtags_of(position).tolist()),
            "" if given is None else given.caption or "",
            self._picture(post_id),
        )

    def _given(self, post_id: str) -> Post | None:
        row = self._rows.get(post_id)
        return None if row is None or self._data is None else self._data.posts()[row]

    def _small_picture(self, post_id: str) -> str | None:
        post = self._given(post_id)
        return None if post is None or post.image is None else inline_picture(post.image, _THUMBNAIL_PX)


def frequent_users(memory: PostMemory) -> list[str]:
    """Return the users with the most of the last 100,000 posts, at most 200."""
    extent = memory.extent
    users = memory.users[: extent.length]
    users = users if extent.alive is None else users[extent.alive]
    counts = Counter(users[-_LAST_POSTS:].tolist())
    return [memory.user_ids[user] for user, _ in counts.most_common(_MOST_USERS + 1) if user >= 0][:_MOST_USERS]
