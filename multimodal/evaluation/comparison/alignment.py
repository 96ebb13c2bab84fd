"""Bringing several saved evaluations onto the same posts, and refusing to compare what is not comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.metrics.accuracy import Ints
from multimodal.evaluation.metrics.outcomes import PerPost, PostResults
from multimodal.evaluation.uncertainty.seed_average import SeedAverage

# Posts whose counts of true hashtags of a kind differ were judged against another truth or vocabulary.
_COUNTS = ("true_count", "known_count", "new_count")


@dataclass(frozen=True)
class SamePosts:
    """Several systems on the same posts in the same order, at the same cut-offs.

    Attributes:
        post_ids: of the N posts.
        user_ids: whose they are, where that is known.
        systems: name → per-post values; a `SeedAverage` where a system has several runs.
        notes: what the reader must know: posts left out, protocols that differ.
    """

    post_ids: Sequence[str]
    user_ids: Sequence[str | None] | None
    systems: Mapping[str, PerPost]
    notes: Sequence[str]

    def results(self, name: str) -> PostResults:
        """Return one system's posts, for intervals and tests."""
        return PostResults(self.post_ids, self.user_ids, self.systems[name])


def on_same_posts(
    systems: Mapping[str, Sequence[SavedRun]], ks: Sequence[int], *, common_posts: bool = False
) -> SamePosts:
    """Align systems by post.

    Args:
        systems: name → the runs (seeds) of the system.
        ks: cut-offs, each at most the largest that every run was evaluated at.
        common_posts: compare on the posts that all runs judged against the same truth, and note how many are left
            out; otherwise any difference is refused.

    Raises:
        DataError: the runs did not judge the same posts against the same truth, or have no post in common.
        UserError: a K that a run was not evaluated at.
    """
    runs = [run for members in systems.values() for run in members]
    cut_offs = np.unique(np.asarray(ks, np.int64))
    for run in runs:
        _check_depth(run, int(cut_offs[-1]))
    rows = _common_rows(runs, common_posts)
    agree = _same_truth(runs, rows, common_posts)
    kept = [row[agree] for row in rows]
    if not len(kept[0]):
        raise DataError("the runs have no post in common that they judged against the same truth.")
    per_post = {
        run.name: at_cut_offs(run.results.per_post, cut_offs).take(row, cut_offs)
        for run, row in zip(runs, kept, strict=True)
    }
    first = runs[0].results
    return SamePosts(
        post_ids=[first.post_ids[row] for row in kept[0]],
        user_ids=None if first.user_ids is None else [first.user_ids[row] for row in kept[0]],
        systems={name: _joined([per_post[run.name] for run in members]) for name, members in systems.items()},
        notes=[*_left_out(runs, rows, kept), *_other_protocols(runs)],
    )


def at_cut_offs(per_post: PerPost, ks: Ints) -> PerPost:
    """Return the same posts at other cut-offs; metrics that are stored by K are kept where all Ks are there."""
    places = np.searchsorted(per_post.ks, ks)
    there = bool(np.isin(ks, per_post.ks).all())
    stored = {name: values[:, places] for name, values in per_post.stored.items()} if there else {}
    return PerPost(per_post.outcomes, ks, per_post.ap_norm, stored)


def _joined(members: Sequence[PerPost]) -> PerPost:
    return members[0] if len(members) == 1 else SeedAverage(members)


def _check_depth(run: SavedRun, k: int) -> None:
    deepest = int(run.results.per_post.ks.max())
    if k > deepest:
        raise UserError(
            f"k: {k} is above the largest K that {run.given} was evaluated at, {deepest}; evaluate it further: "
            f"python scripts/evaluate.py --run {run.given} --data … --k 1-{k}"
        )


def _common_rows(runs: Sequence[SavedRun], common_posts: bool) -> list[Ints]:
    """Return, for each run, the rows of the posts that all runs hold, in the order of the first run."""
    places = [{post_id: row for row, post_id in enumerate(run.results.post_ids)} for run in runs]
    shared = [post_id for post_id in runs[0].results.post_ids if all(post_id in place for place in places[1:])]
    if not common_posts and any(len(place) != len(shared) for place in places):
        counts = ", ".join(f"{run.name} {len(place):,}" for run, place in zip(runs, places, strict=True))
        raise DataError(
            f"the runs were not evaluated on the same posts: {counts}, of which {len(shared):,} are in all of them. "
            "Evaluate all on one split of one prepared folder, or compare on the shared ones with --common-posts."
        )
    return [np.fromiter((place[post_id] for post_id in shared), np.int64, len(shared)) for place in places]


def _same_truth(runs: Sequence[SavedRun], rows: Sequence[Ints], common_posts: bool) -> NDArray[np.bool_]:
    agree = np.ones(len(rows[0]), np.bool_)
    for run, row in zip(runs[1:], rows[1:], strict=True):
        differ = _truth_differs(runs[0], rows[0], run, row)
        if differ.any() and not common_posts:
            post_id = runs[0].results.post_ids[rows[0][int(np.argmax(differ))]]
            raise DataError(
                f"{runs[0].name} and {run.name} were judged against different truths or vocabularies on "
                f"{np.count_nonzero(differ):,} of {len(differ):,} posts, for instance {post_id!r}. Evaluate both on "
                "one prepared folder, or compare on the other posts with --common-posts."
            )
        agree &= ~differ
    return agree


def _truth_differs(a: SavedRun, rows_a: Ints, b: SavedRun, rows_b: Ints) -> NDArray[np.bool_]:
    differ = np.zeros(len(rows_a), np.bool_)
    for name in _COUNTS:
        of_a, of_b = (getattr(run.results.per_post.outcomes, name) for run in (a, b))
        differ |= of_a[rows_a] != of_b[rows_b]
    if a.fingerprints is not None and b.fingerprints is not None:
        differ |= a.fingerprints[rows_a] != b.fingerprints[rows_b]
    return differ


def _left_out(runs: Sequence[SavedRun], rows: Sequence[Ints], kept: Sequence[Ints]) -> list[str]:
    parts = [
        f"{run.name} {len(run.results.post_ids) - len(row):,}"
        for run, row in zip(runs, rows, strict=True)
        if len(run.results.post_ids) > len(row)
    ]
    notes = [f"posts that not all runs hold are left out: {', '.join(parts)}"] if parts else []
    if len(kept[0]) < len(rows[0]):
        notes.append(f"posts judged against different truths are left out: {len(rows[0]) - len(kept[0]):,}")
    return notes


def _other_protocols(runs: Sequence[SavedRun]) -> list[str]:
    of_run = {run.name: str(run.settings.get("history", "unknown")) for run in runs}
    if len(set(of_run.values())) == 1:
        return []
    listed = ", ".join(f"{name} {history}" for name, history in of_run.items())
    return [f"the history protocols differ ({listed}): the difference is not of the systems alone"]
