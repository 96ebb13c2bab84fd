"""`Recommendation`: one hashtag of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from multimodal.ranking.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended hashtag.

    Attributes:
        hashtag: canonical form, without the sign.
        score: larger is better; its scale depends on the System, so compare scores within one answer only.
        probability: the chance that the post carries the hashtag, calibrated on the validation split; None for Systems
            whose scores are not chances, for models that were trained on too few validation posts, and for hashtags
            that only the user's rules brought.
        sources: what brought the hashtag, the largest effect first; None where it was not asked for, and for Systems
            that cannot say.
    """

    hashtag: str
    score: float
    probability: float | None = field(default=None, compare=False)
    sources: Explanation | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"#{self.hashtag}"

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation as JSON holds it."""
        sources = None if self.sources is None else [source.to_dict() for source in self.sources]
        return {
            "hashtag": self.hashtag,
            "score": self.score,
            "probability": self.probability,
            "sources": sources,
        }
