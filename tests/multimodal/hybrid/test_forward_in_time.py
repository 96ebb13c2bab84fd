"""What the ranker learns from: the rows of a post hold nothing that was learned from it, or from anything later."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest

from multimodal.hybrid.learning_posts import LearningPosts
from multimodal.hybrid.sources.linear import LinearHead
from multimodal.hybrid.system import HybridSystem
from multimodal.training.run import train_run
from tests.multimodal.hybrid.conftest import hybrid_config

SETTINGS = ("sources={design: debug}", "rows={choose: false, start: 0.3, refit: 0.5}")
# Of the 96 train posts. DESIGN is trained early on the first 48, a head is fitted on the first 81: these two see the
# last posts of their own.
CHANGED_FROM = (47, 80)


@pytest.fixture(scope="module")
def learned(tiny_data, tmp_path_factory):
    """What rankers learn from, by the first train post whose hashtags are others; None: all are as they are."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        fit = HybridSystem._fit_ranker
        for start in (None, *CHANGED_FROM):

            def keep(self, learning, *rest, start=start):
                found[start] = learning
                return fit(self, learning, *rest)

            patch.setattr(HybridSystem, "_fit_ranker", keep)
            data = tiny_data if start is None else _with_others_from(tiny_data, start)
            train_run(hybrid_config(*SETTINGS), data, tmp_path_factory.mktemp("forward") / "run")
    return found


def _with_others_from(data, start):
    """The same posts, but the last train posts have each other's hashtags, so that vocabulary and counts stay."""
    train = list(data.split("train"))
    later = train[start:]
    exchanged = [replace(post, hashtags=other.hashtags) for post, other in zip(later, later[::-1], strict=True)]
    assert exchanged[0].hashtags != later[0].hashtags
    changed = type(data)(data.folder, [*train[:start], *exchanged, *data.posts[len(train) :]], f"others from {start}")
    assert changed.vocabulary == data.vocabulary
    return changed


def _rows_of(learning: LearningPosts, post_ids: Collection[str]):
    numbers = [number for number, post in enumerate(learning.posts) if post.post_id in post_ids]
    kept = np.isin(learning.table.rows, numbers)
    texts = [learning.table.texts[number] for number in learning.table.hashtags[kept].tolist()]
    return learning.table.rows[kept].tolist(), texts, learning.table.values[kept]


@pytest.mark.parametrize("start", CHANGED_FROM)
def test_neither_own_nor_later_hashtags_change_a_row(learned, tiny_data, start):
    known = {post.post_id for post in tiny_data.split("train")[: start + 1]}
    one, other = _rows_of(learned[None], known), _rows_of(learned[start], known)
    assert len(one[0]) > 100
    assert one[:2] == other[:2]
    assert np.array_equal(one[2], other[2], equal_nan=True)


@pytest.mark.parametrize("start", CHANGED_FROM)
def test_nor_do_they_change_rows_of_stripped_posts(learned, start):
    one, other = (learned[first].stripped for first in (None, start))
    known = int(np.searchsorted(one.places, start + 1 - 28))
    assert known >= 2
    assert one.places == other.places
    rows, others = (stripped.table.of_posts(0, known) for stripped in (one, other))
    assert [rows.texts[number] for number in rows.hashtags] == [others.texts[number] for number in others.hashtags]
    assert np.array_equal(rows.values, others.values, equal_nan=True)


@pytest.mark.parametrize("start", CHANGED_FROM)
def test_they_change_what_is_known_of_validation_posts(learned, tiny_data, start):
    validation = {post.post_id for post in tiny_data.split("validation")}
    one, other = _rows_of(learned[None], validation), _rows_of(learned[start], validation)
    assert one[:2] != other[:2] or not np.array_equal(one[2], other[2], equal_nan=True)


def test_before_a_system_was_trained_early_it_is_missing(learned):
    table = learned[None].table
    columns = [column for column, source in enumerate(table.sources) if source == "design"]
    values, position = table.values[:, columns], 28 + table.rows
    assert columns
    assert np.isnan(values[position < 48]).all()
    assert not np.isnan(values[(position >= 48) & (position < 96)]).all()
    assert not np.isnan(values[position >= 96]).all()


@pytest.mark.parametrize(("most_posts", "fitted"), [(96, 6), (20, 3), (5, 2)])
def test_heads_that_are_asked_nothing_are_not_fitted(tiny_data, tmp_path, monkeypatch, most_posts, fitted):
    heads, fit = [], LinearHead.fit
    monkeypatch.setattr(LinearHead, "fit", lambda *given: heads.append(fit(*given)) or heads[-1])
    config = hybrid_config(f"rows={{choose: false, start: 0.25, most_posts: {most_posts}}}")
    train_run(config, tiny_data, tmp_path / "run")
    assert len(heads) == fitted
