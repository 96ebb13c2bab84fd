"""Posts as tensors, and the batches of an epoch."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.batches import PostBatch, PostDataset, Related, bucketed_batches, pad
from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
H = 3


class Captions:
    """Token numbers: the row, once per token."""

    def __init__(self, lengths):
        self._lengths = np.array(lengths, np.int64)

    def batch(self, rows):
        lengths = self._lengths[list(rows)]
        mask = torch.arange(int(lengths.max())) < torch.from_numpy(lengths)[:, None]
        return mask * torch.tensor(rows)[:, None], mask

    def lengths(self):
        return self._lengths

    def present(self):
        return self._lengths > 1


class Images:
    """One region of width 1 that holds the row; every third post has none."""

    def __init__(self, count):
        self._count = count

    def batch(self, rows):
        return torch.tensor(rows, dtype=torch.float)[:, None, None]

    def present(self):
        return np.arange(self._count) % 3 != 0


def post(number, hour, user="ann", tags=("sea",)):
    timestamp = None if hour is None else START + timedelta(hours=hour)
    return Post(post_id=f"p{number}", user_id=user, timestamp=timestamp, hashtags=tags, sequence=number)


def dataset_of(posts, memory, limit=H, **options):
    instants = np.array([one.instant_us for one in posts], np.int64)
    positions = memory.history([one.user_id for one in posts], instants, limit)
    own = Related(positions, np.linspace(0, 1, positions.size, dtype=np.float32).reshape(positions.shape))
    return PostDataset(posts, Captions([2] * len(posts)), Images(len(posts)), memory, own, **options)


def memory_of(posts):
    memory = PostMemory(HashtagIdMap(["sea", "sky"], [2, 1]))
    memory.append(posts)
    return memory


streams = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 4)), st.sampled_from(["ann", "bob", None])), min_size=1, max_size=14
)


class TestHistory:
    @given(streams, st.randoms(use_true_random=False))
    @settings(max_examples=100, deadline=None)
    def test_holds_the_users_latest_posts_strictly_before_and_nothing_else(self, stream, draw):
        posts = [post(number, hour, user) for number, (hour, user) in enumerate(stream)]
        arrived = draw.sample(posts, len(posts))
        batch = dataset_of(posts, memory_of(arrived)).batch(list(range(len(posts))))
        for row, one in enumerate(posts):
            earlier = [
                (other.instant_us, position)
                for position, other in enumerate(arrived)
                if one.user_id is not None and other.user_id == one.user_id and other.instant_us < one.instant_us
            ]
            expected = [position for _, position in sorted(earlier, reverse=True)[:H]]
            assert batch.history[row].tolist() == expected + [-1] * (H - len(expected))
            assert all(arrived[position].post_id != one.post_id for position in expected)

    def test_ages_in_days(self):
        posts = [post(0, 0), post(1, 6), post(2, 54)]
        batch = dataset_of(posts, memory_of(posts)).batch([0, 1, 2])
        assert batch.history_age_days.tolist() == [[0, 0, 0], [0.25, 0, 0], [2.0, 2.25, 0]]

    def test_an_undated_post_is_very_old_and_never_beyond_a_century(self):
        posts = [post(0, None), post(1, None), post(2, 1)]
        batch = dataset_of(posts, memory_of(posts)).batch([1, 2])
        assert batch.history.tolist() == [[0, -1, -1], [1, 0, -1]]
        assert batch.history_age_days[0, 0] == pytest.approx(0, abs=1e-6)
        assert batch.history_age_days[1].tolist() == [36_500.0, 36_500.0, 0]

    def test_hashtags_and_similarity_belong_to_the_remembered_posts(self):
        posts = [post(0, 0, tags=("sea", "new")), post(1, 1, tags=()), post(2, 2, tags=("sky",)), post(3, 3)]
        dataset = dataset_of(posts, memory_of(posts))
        batch = dataset.batch([3, 0])
        assert batch.history.tolist() == [[2, 1, 0], [-1, -1, -1]]
        assert batch.history_hashtags.tolist() == [[[1, -1], [-1, -1], [0, 2]], [[-1, -1]] * 3]
        assert batch.history_similarity.tolist() == dataset.history.similarity[[3, 0]].tolist()

    def test_neighbours_are_kept_apart(self):
        posts = [post(0, 0), post(1, 24, "bob", ("sky",)), post(2, 48, "cem")]
        near = Related(np.array([[-1], [0], [1]]), np.array([[0], [0.5], [0.25]], np.float32))
        batch = dataset_of(posts, memory_of(posts), neighbours=near).batch([2, 1])
        assert batch.neighbours.tolist() == [[1], [0]]
        assert batch.neighbour_hashtags.tolist() == [[[1]], [[0]]]
        assert batch.neighbour_age_days.tolist() == [[1.0], [1.0]]
        assert batch.neighbour_similarity.tolist() == [[0.25], [0.5]]
        assert batch.history.tolist() == [[-1] * H] * 2

    def test_named_hashtags_are_padded_and_new_ones_among_them_known(self):
        posts = [post(0, 0), post(1, 1), post(2, 2)]
        dataset = PostDataset(posts, Captions([2] * 3), Images(3), memory_of(posts), named=[[], [7, 0], [5]])
        batch = dataset.batch([2, 1])
        assert batch.named.tolist() == [[5, -1], [7, 0]]
        assert batch.new_hashtags.tolist() == [5, 7]
        assert dataset.batch([0]).named.tolist() == [[-1]]

    def test_nothing_is_remembered(self):
        posts = [post(0, 0), post(1, 1)]
        plain = PostDataset(posts, Captions([2, 2]), Images(2), memory_of([])).batch([0, 1])
        assert plain.history.shape == plain.neighbours.shape == plain.history_age_days.shape == (2, 0)
        batch = dataset_of(posts, memory_of([])).batch([0, 1])
        assert batch.history.tolist() == [[-1] * H] * 2
        assert batch.history_age_days.tolist() == [[0] * H] * 2


class TestBatch:
    def test_rows_captions_and_pictures(self):
        dataset = PostDataset([post(n, n) for n in range(4)], Captions([1, 3, 2, 4]), Images(4), memory_of([]))
        batch = dataset.batch([2, 0, 1])
        assert len(dataset) == 4
        assert len(batch) == 3
        assert batch.rows.tolist() == [2, 0, 1]
        assert batch.caption.tolist() == [[2, 2, 0], [0, 0, 0], [1, 1, 1]]
        assert batch.caption_mask.sum(1).tolist() == [2, 1, 3]
        assert batch.caption_present.tolist() == [True, False, True]
        assert batch.image_present.tolist() == [True, False, True]
        assert batch.image.flatten().tolist() == [2, 0, 1]
        assert dataset.batch([0, 3]).image is None

    def test_what_is_dropped_counts_as_missing(self):
        posts = [post(n, n) for n in range(3)]
        dataset = dataset_of(posts, memory_of(posts))
        drop = np.array([False, True, False])
        batch = dataset.batch([1, 2], drop_caption=drop, drop_image=~drop, drop_history=drop)
        assert batch.caption_present.tolist() == [False, True]
        assert batch.image_present.tolist() == [True, False]
        assert batch.history.tolist() == [[-1] * H, [1, 0, -1]]
        assert batch.history_hashtags[0].max() == -1
        assert dataset.batch([1], drop_image=drop).image is None
        assert dataset.history.positions[1, 0] == 0

    def test_targets_are_given_where_there_are_some(self):
        posts = [post(n, n) for n in range(3)]
        targets = [[4], [], [2, 0, 1]]
        assert dataset_of(posts, memory_of([]), targets=targets).batch([0, 1]).targets.tolist() == [[4], [-1]]
        assert dataset_of(posts, memory_of([]), targets=targets).batch([2]).targets.tolist() == [[2, 0, 1]]
        assert dataset_of(posts, memory_of([])).batch([2, 0]).targets.tolist() == [[-1], [-1]]

    def test_moving_keeps_everything(self):
        posts = [post(n, n) for n in range(3)]
        batch = dataset_of(posts, memory_of(posts)).batch([0, 2])
        moved = batch.to(torch.device("cpu"))
        assert isinstance(moved, PostBatch)
        for name in PostBatch.__slots__:
            assert torch.equal(getattr(moved, name), getattr(batch, name))


def test_padding():
    assert pad([[3, 4], [], [5]]).tolist() == [[3, 4], [-1, -1], [5, -1]]
    assert pad([[], []]).tolist() == [[-1], [-1]]
    assert pad([]).shape == (0, 1)


class TestEpoch:
    @given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
    @settings(max_examples=100, deadline=None)
    def test_every_post_comes_once(self, lengths, batch_size, seed, epoch):
        lengths = np.array(lengths, np.int64)
        batches = bucketed_batches(lengths, batch_size, seed, epoch, drop_last=False)
        assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
        assert sum(len(rows) < batch_size for rows in batches) <= 1
        assert batches == bucketed_batches(lengths, batch_size, seed, epoch, drop_last=False)
        whole = bucketed_batches(lengths, batch_size, seed, epoch)
        if len(lengths) <= batch_size:
            assert whole == batches
        else:
            assert len(whole) == len(lengths) // batch_size
            assert all(len(rows) == batch_size for rows in whole)

    def test_every_epoch_and_seed_has_an_order_of_its_own(self):
        lengths = np.arange(40) % 7
        orders = [bucketed_batches(lengths, 4, seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
        assert all(one != other for place, one in enumerate(orders) for other in orders[:place])

    def test_posts_of_a_batch_are_of_similar_length(self):
        lengths = np.random.default_rng(0).integers(1, 200, 2_000)
        batches = bucketed_batches(lengths, 20, 0, 0)
        spread = np.mean([np.ptp(lengths[rows]) for rows in batches])
        assert spread < 10
        # And yet long and short batches alternate.
        means = [lengths[rows].mean() for rows in batches]
        assert np.abs(np.diff(means)).mean() > 40

    def test_in_windows_of_one_batch_lengths_mix(self):
        lengths = np.random.default_rng(0).integers(1, 200, 2_000)
        batches = bucketed_batches(lengths, 20, 0, 0, window_batches=1)
        assert sorted(row for rows in batches for row in rows) == list(range(2_000))
        # Twenty draws from 1..199 span about 19/21 of it.
        assert np.mean([np.ptp(lengths[rows]) for rows in batches]) > 160

    @pytest.mark.parametrize("window", [1, 50])
    def test_long_posts_are_trained_on_too(self, window):
        lengths = np.arange(35)
        trained = [
            {row for rows in bucketed_batches(lengths, 8, 0, epoch, window_batches=window) for row in rows}
            for epoch in range(30)
        ]
        assert all(len(rows) == 32 for rows in trained)
        assert set.union(*trained) == set(range(35))
        # Each post is left out with chance 3/35.
        assert sum(34 in rows for rows in trained) > 20
