"""Adding a whole split to a memory."""

from __future__ import annotations

from collections.abc import Sequence

from data_loaders.posts import Post
from multimodal.distributed.progress import shared_progress
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.base import System


def add_in_batches(system: System, memory: PostMemory, posts: Sequence[Post], batch_size: int = 8_192) -> None:
    """Append many posts to a memory, with a progress bar.

    Args:
        system: fitted.
        memory: made by the System's `new_memory`.
        posts: none of them in the memory yet.
        batch_size: posts encoded together; does not change any result.
    """
    if not posts:
        return
    with shared_progress("adding posts", len(posts)) as advance:
        for start in range(0, len(posts), batch_size):
            part = posts[start : start + batch_size]
            system.add_posts(memory, part)
            advance(len(part))
