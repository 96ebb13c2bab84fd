"""`KeptAnswers`: the last answers, so that feedback can name them."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from multimodal.recommender import Recommendation
from multimodal.serving.errors import ServiceError


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer.

    Attributes:
        model: that gave it.
        user_id: who asked.
        shown: what was answered.
    """

    model: str
    user_id: str | None
    shown: Sequence[Recommendation]


class KeptAnswers:
    """The last answers by id, in this process only.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, answer: KeptAnswer) -> str:
        """Keep an answer and return its id."""
        answer_id = uuid.uuid4().hex
        self._answers[answer_id] = answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
        return answer_id

    def forget(self, user_id: str) -> None:
        """Drop the answers to a user."""
        for answer_id in [key for key, answer in self._answers.items() if answer.user_id == user_id]:
            del self._answers[answer_id]

    def get(self, answer_id: str) -> KeptAnswer:
        """Return an answer.

        Raises:
            ServiceError: it is not kept, or no longer.
        """
        if answer_id not in self._answers:
            raise ServiceError(
                404, f"answer {answer_id[:64]!r} is not known here; give post_id and user_id instead of answer_id."
            )
        return self._answers[answer_id]
