"""Several models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_loaders.text.hashtags import extract
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.recommendation import Recommendation
from multimodal.serving.page.relevance import Verdict, verdicts
from multimodal.systems.queries import read_post


@dataclass(frozen=True, slots=True)
class Cell:
    """One hashtag of one model.

    Attributes:
        hashtag: without the sign.
        probability: its chance, where the model gives any.
        verdict: None where the truth is not known.
    """

    hashtag: str
    probability: float | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Column:
    """The answer of one model.

    Attributes:
        model: its name.
        cells: its hashtags, best first.
        problem: why there is no answer.
    """

    model: str
    cells: Sequence[Cell] = ()
    problem: str = ""

    def count(self, verdict: Verdict) -> int:
        """Return how many of the hashtags are of a verdict."""
        return sum(cell.verdict == verdict for cell in self.cells)


def column(model: str, answer: Sequence[Recommendation], truth: Sequence[str], memory: PostMemory) -> Column:
    """Return the answer of a model, judged if the truth is known.

    Args:
        model: its name.
        answer: its hashtags.
        truth: hashtags that the post carries; empty where that is not known.
        memory: what was posted so far.
    """
    names = [one.hashtag for one in answer]
    judged: Sequence[Verdict | None] = verdicts(names, truth, memory) if truth else [None] * len(names)
    return Column(model, [Cell(one.hashtag, one.probability, each) for one, each in zip(answer, judged, strict=True)])


def true_hashtags(given: str, caption: str) -> tuple[str, ...]:
    """Return the hashtags of a field, with or without signs and commas; if it is empty, those of the caption."""
    return read_post({"hashtags": given.replace(",", " ").split() or extract(caption)}, "").hashtags
