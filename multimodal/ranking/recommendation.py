"""`Recommendation`: one hashtag of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended hashtag.

    Attributes:
        hashtag: canonical form, without the sign.
        score: larger is better; its scale depends on the System, so compare scores within one answer only.
        probability: the chance that the post carries the hashtag, calibrated on the validation split; None for Systems
            whose scores are not chances, for models that were trained on too few validation posts, and for hashtags
            that only the user's rules brought.
    """

    hashtag: str
    score: float
    probability: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"#{self.hashtag}"

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation as JSON holds it."""
        return {"hashtag": self.hashtag, "score": self.score, "probability": self.probability}
