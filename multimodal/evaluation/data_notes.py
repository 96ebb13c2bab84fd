"""What a reader of figures must know of the data they are of: no users, no times, periods that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from data_loaders.posts import Post
from multimodal.evaluation.files.text_table import percent

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

_FEW = 0.5


def data_notes(data: PreparedData, posts: Sequence[Post], split: str, history: str) -> list[str]:
    """Return what could mislead, a sentence each.

    Args:
        posts: those that are evaluated.
        split: theirs.
        history: the protocol.
    """
    return [*_users(posts), *_times(posts, history), *_overlap(data, posts, split)]


def _users(posts: Sequence[Post]) -> list[str]:
    with_user = sum(post.user_id is not None for post in posts)
    if not with_user:
        return ["no post has a user: nothing is known of a user's earlier posts, so history is off"]
    if with_user < _FEW * len(posts):
        return [f"{percent(1 - with_user / len(posts))} of the posts have no user, and so no history of a user"]
    return []


def _times(posts: Sequence[Post], history: str) -> list[str]:
    dated = sum(post.timestamp is not None for post in posts)
    if dated and dated >= _FEW * len(posts):
        return []
    which = "no post has" if not dated else f"{percent(1 - dated / len(posts))} of the posts do not have"
    then = "what was known before a post is only the train split"
    if history != "frozen":
        then = "what came before a post is told by the order of the file"
    return [f"{which} a time: {then}"]


def _overlap(data: PreparedData, posts: Sequence[Post], split: str) -> list[str]:
    train = [post.timestamp for post in data.split("train") if post.timestamp is not None]
    own = [post.timestamp for post in posts if post.timestamp is not None]
    if split == "train" or not train or not own or min(own) > max(train):
        return []
    made = getattr(data, "statistics", {}).get("split", {})
    moved = int(made.get("moved_with_near_duplicates") or 0)
    why = f"the data are split by {made.get('method', 'another rule')}, not by time alone"
    if made.get("method") == "time" and moved:
        why = f"{moved:,} posts were moved so that near-duplicates stay in one split"
    return [f"the train split reaches until {max(train):%Y-%m-%d}, the {split} split begins {min(own):%Y-%m-%d}: {why}"]
