"""What each source added to the score of a recommended hashtag, and the posts behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.assembly import OWN
from multimodal.hybrid.building import TableBuilder
from multimodal.hybrid.candidates import CandidateTable
from multimodal.hybrid.personal import offsets_of
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.sources.base import Questions
from multimodal.hybrid.sources.neighbours import Neighbours
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.explanation import Explanation, Source, largest_first, own_posts_with

_MOST_POSTS = 5
_POPULARITY, _FEEDBACK = "popularity", "feedback"
Hashtags = Sequence[tuple[str, float]]
Asked = tuple[Questions, CandidateTable]


def explained(
    builder: TableBuilder, ranker: Ranker, asked: Asked, lists: Sequence[Hashtags], own_posts: int
) -> list[list[Explanation]]:
    """Return what brought each hashtag of each post; the effects of a hashtag are in log-odds.

    Those of a user who has given feedback are as it changed them, with `feedback` for what it says of the hashtag.

    Args:
        builder: asked the sources.
        ranker: gave the scores.
        asked: the posts and what the sources said.
        lists: their hashtags with scores.
        own_posts: how many posts of a user are looked at.
    """
    questions, table = asked
    effects = ranker.attribution(table.values)
    texts = [table.texts[number] for number in table.hashtags.tolist()]
    bounds = np.searchsorted(table.rows, np.arange(len(questions) + 1)).tolist()
    related = {one.name: one.nearest(questions).positions for one in builder.sources if isinstance(one, Neighbours)}
    answers = []
    for row, ranking in enumerate(lists):
        offsets, told = offsets_of(questions, row, ranker), dict[str, float]()
        if offsets is not None:
            effects[bounds[row] : bounds[row + 1]] *= 1.0 + offsets.sources
            told = offsets.hashtags
        places = {texts[place]: place for place in range(bounds[row], bounds[row + 1])}
        hashtags = [hashtag for hashtag, _ in ranking]
        behind = {OWN: own_posts_with(questions.memory, questions.posts[row], hashtags, own_posts)}
        for name, positions in related.items():
            behind[name] = [_carriers(questions.memory, positions[row], hashtag) for hashtag in hashtags]
        explanations = []
        for number, (hashtag, score) in enumerate(ranking):
            sources = [Source(_FEEDBACK, told[hashtag])] if told.get(hashtag) else []
            if hashtag in places:
                ids = {name: posts[number] for name, posts in behind.items()}
                sources += _sources(ranker, effects[places[hashtag]], ids)
            explanations.append(largest_first(sources or [Source(_POPULARITY, score)]))
        answers.append(explanations)
    return answers


def _sources(ranker: Ranker, effects: NDArray[np.float64], behind: dict[str, tuple[str, ...]]) -> list[Source]:
    named = zip(ranker.source_names, effects.tolist(), strict=True)
    return [Source(name, effect, behind.get(name, ())) for name, effect in named if effect]


def _carriers(memory: PostMemory, positions: NDArray[np.int64], hashtag: str) -> tuple[str, ...]:
    places, used = memory.hashtag_pairs(positions)
    carriers = positions[places[used == memory.id_map.find(hashtag)]][:_MOST_POSTS]
    return tuple(memory.post_ids[position] for position in carriers.tolist())
