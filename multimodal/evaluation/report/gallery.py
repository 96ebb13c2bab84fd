"""Posts to look at: the best, the worst and some at random, with what was recommended and what was known before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from multimodal.evaluation.metrics.similarity import cooccurrence_similarity
from multimodal.evaluation.report.history import Earlier, earlier_posts
from multimodal.ranking.rankings import Rankings
from multimodal.systems.model_folder import LoadedModel

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

Colour: TypeAlias = Literal["right", "near", "wrong"]
NEAR_FROM = 0.2
SHOWN_EACH = 6
_FEWEST_TRUE = 2


@dataclass(frozen=True)
class Shown:
    """One post of the gallery.

    Attributes:
        post: as prepared.
        score: its NDCG@K.
        recommended: hashtag and colour, best first: `right` it is true, `near` it is not, but goes together with a
            true one in train, `wrong`.
        missed: true hashtags that were not recommended.
        image_weight: what the fusion's gate gives the picture, 0..1; None without a gate.
        earlier: of the user, nearest first.
    """

    post: Post
    score: float
    recommended: Sequence[tuple[str, Colour]]
    missed: Sequence[str]
    image_weight: float | None
    earlier: Sequence[Earlier]


def choose(scores: NDArray[np.float64], true_counts: NDArray[np.int64], seed: int = 0) -> dict[str, list[int]]:
    """Choose rows for the gallery; equal scores are drawn from by seed.

    Args:
        scores: (N,) NDCG@K.
        true_counts: (N,); best and worst are chosen among posts with at least two true hashtags, if there are any.
        seed: of the draw.

    Returns:
        Rows under `best`, `worst` and `random`, at most six each, none twice.
    """
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(scores))
    fit = order[true_counts[order] >= _FEWEST_TRUE]
    fit = fit if len(fit) >= 2 * SHOWN_EACH else order
    rising = fit[np.argsort(scores[fit], kind="stable")]
    half = min(SHOWN_EACH, len(rising) // 2)
    worst, best = rising[:half].tolist(), rising[::-1][: min(SHOWN_EACH, len(rising) - half)].tolist()
    others = [row for row in order.tolist() if row not in {*worst, *best}][:SHOWN_EACH]
    return {"best": best, "worst": worst, "random": others}


def gallery(
    model: LoadedModel,
    data: PreparedData,
    posts: Mapping[str, Sequence[int]],
    questions: Sequence[Post],
    rankings: Rankings,
    scores: NDArray[np.float64],
    k: int,
    frozen: bool,
) -> dict[str, list[Shown]]:
    """Gather what the gallery shows.

    Args:
        model: gives the gate and the content vectors.
        data: the prepared folder.
        posts: rows by heading, from `choose`.
        questions: the posts of those rows' numbering.
        rankings: of the same posts in the same order.
        scores: NDCG@K of the same posts.
        k: how many recommendations to show.
        frozen: history protocol `frozen`: only train posts count as earlier.
    """
    rows = [row for chosen in posts.values() for row in chosen]
    picked = [questions[row] for row in rows]
    weights = _image_weights(model, picked)
    known = [post for split in (SPLITS[:1] if frozen else SPLITS) for post in data.split(split)]
    before = earlier_posts(model.system, picked, known)
    near = _nearness(data)
    shown: dict[int, Shown] = {}
    for place, row in enumerate(rows):
        post = questions[row]
        named = [hashtag for hashtag, _ in rankings.of(row)[:k]]
        shown[row] = Shown(
            post=post,
            score=float(scores[row]),
            recommended=[(tag, near(tag, post.hashtags)) for tag in named],
            missed=[tag for tag in post.hashtags if tag not in named],
            image_weight=None if weights is None else float(weights[place]),
            earlier=before[place],
        )
    return {heading: [shown[row] for row in chosen] for heading, chosen in posts.items()}


def _image_weights(model: LoadedModel, posts: Sequence[Post]) -> NDArray[np.float32] | None:
    from multimodal.design.gate import has_gate, image_weights
    from multimodal.design.system import DesignSystem

    if not posts or not isinstance(model.system, DesignSystem) or not has_gate(model.config):
        return None
    return image_weights(model.system, posts)


def _nearness(data: PreparedData) -> Any:
    vocabulary = data.vocabulary.hashtags
    number = {hashtag: place for place, hashtag in enumerate(vocabulary)}
    alike = cooccurrence_similarity([post.hashtags for post in data.split("train")], vocabulary)

    def colour(hashtag: str, true: Sequence[str]) -> Colour:
        if hashtag in true:
            return "right"
        row, columns = number.get(hashtag), [number[tag] for tag in true if tag in number]
        if row is None or not columns:
            return "wrong"
        return "near" if max(float(alike[row, column]) for column in columns) >= NEAR_FROM else "wrong"

    return colour
