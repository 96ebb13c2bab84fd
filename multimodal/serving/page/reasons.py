"""Why a hashtag was recommended, as the page tells it: what moved its score, and the posts behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.explanation import Source
from multimodal.ranking.recommendation import Recommendation
from multimodal.serving.page.known_posts import KnownPosts, ShownPost

# What sources are to a person; any other is called by its name.
_LABELS = {
    "own": "the user’s earlier posts",
    "neighbours": "earlier posts like this one",
    "similar": "earlier posts like this one",
    "similar_images": "earlier posts with a picture like this",
    "named": "the caption names it",
    "content": "caption and picture",
    "caption": "the caption",
    "picture": "the picture",
    "words": "words of the caption",
    "together": "what is used together",
    "trends": "what is used lately",
    "popularity": "what is used most",
    "post": "what kind of post it is",
    "agreement": "sources that agree",
    "linear": "a linear model of the caption",
    "feedback": "what the user taught",
    "always": "the user’s rule: always",
    "only": "the user’s rule: only",
    "replace": "the user’s rule: replace",
}
# Effects below this share of the largest one of an answer are left out.
_SMALLEST = 0.02


@dataclass(frozen=True, slots=True)
class Reason:
    """What one source did for a hashtag.

    Attributes:
        label: the source, in words.
        effect: how much it moved the score.
        share: that against the largest effect of the answer, -1..1.
        posts: the posts behind it.
    """

    label: str
    effect: float
    share: float
    posts: tuple[ShownPost, ...]


def reasons(answer: Sequence[Recommendation], memory: PostMemory, known: KnownPosts) -> dict[str, list[Reason]]:
    """Return the reasons for each hashtag of an answer; none where the System cannot say.

    Args:
        answer: with sources.
        memory: that the answer was made with.
        known: captions and pictures of posts.
    """
    largest = max((abs(source.effect) for one in answer for source in one.sources or ()), default=0.0) or 1.0
    told: dict[str, list[Reason]] = {}
    for one in answer:
        kept = [s for s in one.sources or () if s.posts or not s.effect or abs(s.effect) >= _SMALLEST * largest]
        told[one.hashtag] = [_reason(source, largest, memory, known) for source in kept]
    return told


def _reason(source: Source, largest: float, memory: PostMemory, known: KnownPosts) -> Reason:
    posts = (known.shown(post_id, memory) for post_id in source.posts)
    label = _LABELS.get(source.name, f"the System “{source.name}”")
    return Reason(label, source.effect, source.effect / largest, tuple(post for post in posts if post is not None))
