"""What the feedback of users changes: log-odds of candidates, and hashtags that no source proposes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.candidates import CandidateTable
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.sources.base import Questions
from multimodal.ranking.hashtag_offsets import hashtag_offsets
from multimodal.ranking.source_offsets import source_offsets

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Offsets:
    """What one user's feedback says for one post.

    Attributes:
        sources: (S,) θ of each source of the ranker.
        hashtags: δ of hashtags.
    """

    sources: Floats
    hashtags: dict[str, float]


def offsets_of(questions: Questions, row: int, ranker: Ranker) -> Offsets | None:
    """Return the offsets for one of the posts; None where its user has given no feedback before it."""
    memory, before_us = questions.memory, int(questions.instants_us[row])
    feedback = memory.notes.of(questions.posts[row].user_id).feedback
    if not any(one.instant_us < before_us for one in feedback):
        return None
    return Offsets(
        source_offsets(feedback, ranker.source_names, before_us),
        hashtag_offsets(feedback, before_us, memory.__contains__),
    )


def personal_log_odds(table: CandidateTable, ranker: Ranker, questions: Questions) -> tuple[CandidateTable, Floats]:
    """Return the candidates with their log-odds, those of users with feedback moved by it: z + xᵀθ + δ.

    Hashtags that a user wants and no source proposes are candidates too, with the mean log-odds of all candidates
    before δ; their values are missing.

    Args:
        table: candidates of B posts.
        ranker: gives log-odds z and what each source adds to them, x.
        questions: the posts.
    """
    log_odds = ranker.log_odds(table.values)
    bounds = np.searchsorted(table.rows, np.arange(table.posts + 1)).tolist()
    wanted: list[tuple[int, str, float]] = []
    for row in range(table.posts):
        offsets = offsets_of(questions, row, ranker)
        if offsets is None:
            continue
        part = slice(bounds[row], bounds[row + 1])
        texts = [table.texts[number] for number in table.hashtags[part].tolist()]
        log_odds[part] += (ranker.attribution(table.values[part]) * offsets.sources).sum(axis=1)
        log_odds[part] += [offsets.hashtags.get(text, 0.0) for text in texts]
        further = sorted(text for text in set(offsets.hashtags).difference(texts) if offsets.hashtags[text] > 0)
        wanted += [(row, text, ranker.base + offsets.hashtags[text]) for text in further]
    return _with(table, log_odds, wanted) if wanted else (table, log_odds)


def _with(
    table: CandidateTable, log_odds: Floats, wanted: list[tuple[int, str, float]]
) -> tuple[CandidateTable, Floats]:
    """Return the table with further candidates in their places, and the log-odds of all."""
    rows = np.concatenate([table.rows, [row for row, _, _ in wanted]])
    texts = [*table.texts, *(text for _, text, _ in wanted)]
    hashtags = np.concatenate([table.hashtags, np.arange(len(table.texts), len(texts))])
    order = np.array(sorted(range(len(rows)), key=lambda place: (rows[place], texts[hashtags[place]])), np.int64)
    values = np.full((len(wanted), table.values.shape[1]), np.nan, np.float32)
    nowhere = np.zeros((len(wanted), table.proposed.shape[1]), np.bool_)
    longer = replace(
        table,
        rows=rows[order],
        hashtags=hashtags[order],
        texts=texts,
        values=np.concatenate([table.values, values])[order],
        proposed=np.concatenate([table.proposed, nowhere])[order],
    )
    return longer, np.concatenate([log_odds, [value for _, _, value in wanted]])[order]
