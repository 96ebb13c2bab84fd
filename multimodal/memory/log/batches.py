"""What every log refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from multimodal.memory.log.errors import PostExistsError, StoreError


def refuse_repeated(observed: Sequence[str], known: set[str], location: str) -> None:
    """Refuse posts that are in the log, or twice in a batch.

    Raises:
        PostExistsError: names the first.
    """
    repeated = [post_id for post_id, times in Counter(observed).items() if times > 1]
    if repeated or known:
        post_id = min(known) if known else repeated[0]
        where = f"is in the log {location} already" if known else "is in the batch twice"
        raise PostExistsError(
            f"post {post_id!r} {where}; none of the {len(observed):,} posts was appended. Leave it out, or "
            "correct it (`Recommender.correct`) if it has changed."
        )


def not_forgotten(user_id: str, location: str) -> StoreError:
    """Return the error of erasing a user that was not forgotten."""
    return StoreError(f"user {user_id!r} was not forgotten in the log {location}; append UserForgotten before erasing.")
