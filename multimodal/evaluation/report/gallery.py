"""Posts to look at: the best, the worst and some at random, with what was recommended and what was known before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepared import PreparedData
from multimodal.evaluation.metrics.beyond_accuracy import cooccurrence_similarity
from multimodal.evaluation.report.history import EarlierPost, earlier_posts
from multimodal.evaluation.report.inputs import ReportInputs
from multimodal.systems.model_folder import LoadedModel

Mark: TypeAlias = Literal["right", "near", "wrong"]
NEAR_FROM = 0.2
SHOWN_EACH = 6
_FEWEST_TRUE = 2


@dataclass(frozen=True)
class GalleryPost:
    """One post of the gallery.

    Attributes:
        post: as prepared.
        score: its NDCG@K.
        recommended: hashtags with their marks, best first: `right` if true, `near` if not true but often used together
            with a true one in train, otherwise `wrong`.
        missed: true hashtags that were not recommended.
        image_weight: weight that the fusion's gate gives the picture, 0..1; None without a gate.
        earlier: earlier posts of the user, nearest first.
    """

    post: Post
    score: float
    recommended: Sequence[tuple[str, Mark]]
    missed: Sequence[str]
    image_weight: float | None
    earlier: Sequence[EarlierPost]


def choose(
    scores: NDArray[np.float64], true_counts: NDArray[np.int64], seed: int = 0, repeats: Collection[int] = ()
) -> dict[str, list[int]]:
    """Choose rows for the gallery; the seed decides between equal scores.

    Args:
        scores: (N,) NDCG@K.
        true_counts: (N,); best and worst are chosen among posts with at least two true hashtags, if there are enough.
        seed: of the draw.
        repeats: rows that are not shown, for another one is the same post once more.

    Returns:
        Rows under `best`, `worst` and `random`, at most six each, no row twice.
    """
    order = np.random.default_rng(seed).permutation(len(scores))
    order = order[~np.isin(order, list(repeats))]
    suitable = order[true_counts[order] >= _FEWEST_TRUE]
    suitable = suitable if len(suitable) >= 2 * SHOWN_EACH else order
    rising = suitable[np.argsort(scores[suitable], kind="stable")]
    half = min(SHOWN_EACH, len(rising) // 2)
    worst, best = rising[:half].tolist(), rising[::-1][: min(SHOWN_EACH, len(rising) - half)].tolist()
    others = [row for row in order.tolist() if row not in {*worst, *best}][:SHOWN_EACH]
    return {"best": best, "worst": worst, "random": others}


def repeated(posts: Sequence[Post]) -> list[int]:
    """Return the rows of posts that say what an earlier one says: the same caption and the same hashtags."""
    seen: set[tuple[str, frozenset[str]]] = set()
    rows = []
    for row, post in enumerate(posts):
        if not post.caption:
            continue
        key = (" ".join(post.caption.casefold().split()), frozenset(post.hashtags))
        if key in seen:
            rows.append(row)
        seen.add(key)
    return rows


def gallery(
    model: LoadedModel | None, data: PreparedData, inputs: ReportInputs, seed: int
) -> dict[str, list[GalleryPost]]:
    """Return the posts of the gallery under `best`, `worst` and `random`; the seed is that of `choose`.

    Args:
        model: None for predictions of another program, which have neither a gate nor content vectors.
    """
    labelled = np.array([row for row, post in enumerate(inputs.posts) if post.hashtags], np.int64)
    counts = np.array([len(inputs.posts[row].hashtags) for row in labelled.tolist()])
    chosen = choose(inputs.errors.ndcg, counts, seed, repeated([inputs.posts[row] for row in labelled.tolist()]))
    numbers = [i for part in chosen.values() for i in part]
    posts = [inputs.posts[labelled[i]] for i in numbers]
    weights = _image_weights(model, posts)
    known = [post for split in (SPLITS[:1] if inputs.frozen else SPLITS) for post in data.split(split)]
    earlier = earlier_posts(None if model is None else model.system, posts, known)
    mark = _marker(data)
    shown: dict[int, GalleryPost] = {}
    for j, (i, post) in enumerate(zip(numbers, posts, strict=True)):
        recommended = [hashtag for hashtag, _ in inputs.rankings.of(int(labelled[i]))[: inputs.error_k]]
        shown[i] = GalleryPost(
            post=post,
            score=float(inputs.errors.ndcg[i]),
            recommended=[(tag, mark(tag, post.hashtags)) for tag in recommended],
            missed=[tag for tag in post.hashtags if tag not in recommended],
            image_weight=None if weights is None else float(weights[j]),
            earlier=earlier[j],
        )
    return {heading: [shown[i] for i in part] for heading, part in chosen.items()}


def _image_weights(model: LoadedModel | None, posts: Sequence[Post]) -> NDArray[np.float32] | None:
    from multimodal.design.gate import has_gate, image_weights
    from multimodal.design.system import DesignSystem

    if model is None or not posts or not isinstance(model.system, DesignSystem) or not has_gate(model.config):
        return None
    return image_weights(model.system, posts)


def _marker(data: PreparedData) -> Callable[[str, Sequence[str]], Mark]:
    vocabulary = data.vocabulary.hashtags
    index = {hashtag: i for i, hashtag in enumerate(vocabulary)}
    similarity = cooccurrence_similarity([post.hashtags for post in data.split("train")], vocabulary)

    def mark(hashtag: str, true: Sequence[str]) -> Mark:
        if hashtag in true:
            return "right"
        row, columns = index.get(hashtag), [index[tag] for tag in true if tag in index]
        if row is None or not columns:
            return "wrong"
        return "near" if max(float(similarity[row, column]) for column in columns) >= NEAR_FROM else "wrong"

    return mark
