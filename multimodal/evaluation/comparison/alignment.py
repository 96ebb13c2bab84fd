"""Bringing several saved evaluations onto the same posts, and refusing to compare what is not comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.metrics.accuracy import Ints
from multimodal.evaluation.metrics.outcomes import Outcomes, average_over_seeds

# Posts that differ in one of these counts were evaluated against another truth or vocabulary.
_COUNTS = ("true_count", "known_count", "new_count")


@dataclass(frozen=True)
class SamePosts:
    """Several systems on the same posts in the same order, at the same cut-offs.

    Attributes:
        systems: name → outcomes, averaged over the runs of a system where it has several.
        notes: what the reader must know: posts left out, protocols that differ.
    """

    systems: Mapping[str, Outcomes]
    notes: Sequence[str]

    @property
    def post_ids(self) -> Sequence[str]:
        """The ids of the N posts."""
        return next(iter(self.systems.values())).post_ids

    @property
    def user_ids(self) -> Sequence[str | None] | None:
        """Their users, where known."""
        return next(iter(self.systems.values())).user_ids


def on_same_posts(
    systems: Mapping[str, Sequence[SavedRun]], ks: Sequence[int], *, common_posts: bool = False
) -> SamePosts:
    """Align systems by post.

    Args:
        systems: name → the runs (seeds) of the system.
        ks: cut-offs, each at most the largest that every run was evaluated at.
        common_posts: compare on the posts that all runs evaluated against the same truth, and note how many are left
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
        raise DataError("the runs have no post in common with the same truth.")
    outcomes = {run.name: run.outcomes.at(cut_offs).take(row) for run, row in zip(runs, kept, strict=True)}
    user_ids = outcomes[runs[0].name].user_ids
    outcomes = {name: replace(of_run, user_ids=user_ids) for name, of_run in outcomes.items()}
    of_system = {name: [outcomes[run.name] for run in members] for name, members in systems.items()}
    joined = {name: one[0] if len(one) == 1 else average_over_seeds(one) for name, one in of_system.items()}
    return SamePosts(joined, notes=[*_left_out(runs, rows, kept), *_other_protocols(runs)])


def _check_depth(run: SavedRun, k: int) -> None:
    deepest = int(run.outcomes.ks.max())
    if k > deepest:
        raise UserError(
            f"k: {k} is above the largest K that {run.given} was evaluated at, {deepest}; evaluate it further: "
            f"multimodal-hashtags evaluate --run {run.given} --data … --k 1-{k}"
        )


def _common_rows(runs: Sequence[SavedRun], common_posts: bool) -> list[Ints]:
    """Return, for each run, the rows of the posts that all runs hold, in the order of the first run."""
    rows_of = [{post_id: row for row, post_id in enumerate(run.outcomes.post_ids)} for run in runs]
    shared = [post_id for post_id in runs[0].outcomes.post_ids if all(post_id in row_of for row_of in rows_of[1:])]
    if not common_posts and any(len(row_of) != len(shared) for row_of in rows_of):
        counts = ", ".join(f"{run.name} {len(row_of):,}" for run, row_of in zip(runs, rows_of, strict=True))
        raise DataError(
            f"the runs were not evaluated on the same posts: {counts}, of which {len(shared):,} are in all of them. "
            "Evaluate all on one split of one prepared folder, or compare on the shared ones with --common-posts."
        )
    return [np.fromiter((row_of[post_id] for post_id in shared), np.int64, len(shared)) for row_of in rows_of]


def _same_truth(runs: Sequence[SavedRun], rows: Sequence[Ints], common_posts: bool) -> NDArray[np.bool_]:
    agree = np.ones(len(rows[0]), np.bool_)
    for run, row in zip(runs[1:], rows[1:], strict=True):
        differ = _truth_differs(runs[0], rows[0], run, row)
        if differ.any() and not common_posts:
            post_id = runs[0].outcomes.post_ids[rows[0][int(np.argmax(differ))]]
            raise DataError(
                f"{runs[0].name} and {run.name} were evaluated against different truths or vocabularies on "
                f"{np.count_nonzero(differ):,} of {len(differ):,} posts, for instance {post_id!r}. Evaluate both on "
                "one prepared folder, or compare on the other posts with --common-posts."
            )
        agree &= ~differ
    return agree


def _truth_differs(a: SavedRun, rows_a: Ints, b: SavedRun, rows_b: Ints) -> NDArray[np.bool_]:
    differ = np.zeros(len(rows_a), np.bool_)
    for name in _COUNTS:
        of_a, of_b = (getattr(run.outcomes, name) for run in (a, b))
        differ |= of_a[rows_a] != of_b[rows_b]
    if a.fingerprints is not None and b.fingerprints is not None:
        differ |= a.fingerprints[rows_a] != b.fingerprints[rows_b]
    return differ


def _left_out(runs: Sequence[SavedRun], rows: Sequence[Ints], kept: Sequence[Ints]) -> list[str]:
    parts = [
        f"{run.name} {len(run.outcomes.post_ids) - len(row):,}"
        for run, row in zip(runs, rows, strict=True)
        if len(run.outcomes.post_ids) > len(row)
    ]
    notes = [f"posts that not all runs hold are left out: {', '.join(parts)}"] if parts else []
    if len(kept[0]) < len(rows[0]):
        notes.append(f"posts with different truths are left out: {len(rows[0]) - len(kept[0]):,}")
    return notes


def _other_protocols(runs: Sequence[SavedRun]) -> list[str]:
    of_run = {run.name: str(run.settings.get("history", "unknown")) for run in runs}
    if len(set(of_run.values())) == 1:
        return []
    listed = ", ".join(f"{name} {history}" for name, history in of_run.items())
    return [f"the history protocols differ ({listed}): the difference is not of the systems alone"]


def alike(systems: Mapping[str, Sequence[SavedRun]]) -> list[str]:
    """Return which systems have the same hits at the same ranks for every post, a sentence each."""
    seen: dict[bytes, list[str]] = {}
    for name, members in systems.items():
        deepest = min(run.outcomes.hits.shape[1] for run in members)
        hits = b"".join(np.packbits(run.outcomes.hits[:, :deepest]).tobytes() for run in members)
        seen.setdefault(hits, []).append(name)
    return [
        f"{' and '.join(names)} rank alike: every figure of one is that of the other{'s' if len(names) > 2 else ''}"
        for names in seen.values()
        if len(names) > 1
    ]
