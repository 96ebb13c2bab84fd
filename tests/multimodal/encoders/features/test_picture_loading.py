"""Pictures decoded by workers: the same pixels, the same errors, in any number of processes."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace

import pytest
import torch

from data_loaders.batches import PostDataset
from data_loaders.errors import DataError, RunError
from data_loaders.posts import Post
from multimodal.encoders import ImageEncoderConfig, build_image_encoder
from multimodal.encoders.features import batches_ahead as ahead_module
from multimodal.encoders.features import inputs as module
from multimodal.encoders.features import picture_loading
from multimodal.encoders.features.batches_ahead import batches_ahead
from multimodal.encoders.features.inputs import FeatureImages, NoCaptions, PixelImages, SelectedImages, image_inputs
from multimodal.encoders.features.picture_loading import Pictures, PicturesAhead, worker_count
from multimodal.encoders.features.unusable_pictures import left_out_pictures
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory

BATCHES = [[0, 3], [6], [9, 12, 15], [18, 21]]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(name="small", width=16, size_px=16)).eval()


@pytest.fixture(scope="module")
def posts(textured_data):
    """Every third has a picture."""
    return textured_data.posts[:24]


@pytest.fixture
def pictures(encoder, posts):
    return Pictures(encoder.preprocessing, posts)


@pytest.fixture
def too_many(monkeypatch):
    monkeypatch.setattr(module, "_PIXELS_IN_MEMORY_BYTES", 0)


@pytest.mark.parametrize("workers", [0, 1, 2])
class TestBatches:
    def test_are_the_pictures_in_order(self, pictures, workers):
        found = list(pictures.batches(BATCHES, workers))
        assert len(found) == len(BATCHES)
        for rows, pixels in zip(BATCHES, found, strict=True):
            assert pixels.dtype == torch.uint8
            assert torch.equal(pixels, torch.stack([pictures.read(row) for row in rows]))

    def test_draw_nothing_from_the_generator_that_dropout_draws_from(self, pictures, workers):
        before = torch.get_rng_state()
        list(pictures.batches(BATCHES, workers))
        assert torch.equal(torch.get_rng_state(), before)

    def test_an_unreadable_picture_names_the_post(self, encoder, posts, tmp_path, workers):
        torn = tmp_path / "torn.png"
        torn.write_bytes(b"no picture")
        bad = Pictures(encoder.preprocessing, [*posts[:6], Post(post_id="torn one", image=torn)])
        found = bad.batches([[0, 3], [3, 6]], workers)
        assert next(found).shape == (2, 3, 16, 16)
        with pytest.raises(DataError, match=r"^post 'torn one': image .*torn\.png cannot be used: not a picture"):
            next(found)


class Deadly(Pictures):
    def read(self, row):
        os._exit(3)


def test_a_worker_that_dies_is_told(encoder, posts):
    with pytest.raises(RunError, match=r"a worker that makes batches died \(.*set training\.loader_workers=0"):
        next(Deadly(encoder.preprocessing, posts).batches([[0]], 1))


def test_workers_can_be_started_in_any_way(pictures):
    sent = pickle.dumps((ahead_module._Made(pictures._stacked), ahead_module._ignore_interrupts))
    copy, _ = pickle.loads(sent)
    assert torch.equal(copy[([3],)][0][0][0], pictures.read(3))


def test_the_picture_of_a_single_post_is_named_alone(encoder):
    with pytest.raises(DataError, match=r"^image no/such\.jpg cannot be used"):
        Pictures(encoder.preprocessing, [Post(post_id="query", image="no/such.jpg")]).read(0)


class TestAhead:
    def test_what_is_left_out_is_passed_over(self, pictures):
        ahead = PicturesAhead(pictures, BATCHES, 1)
        assert torch.equal(ahead.take([6]), pictures.read(6)[None])
        assert ahead.take([0, 3]) is None
        assert ahead.take([0, 9]) is None
        assert torch.equal(ahead.take([18, 21]), torch.stack([pictures.read(18), pictures.read(21)]))
        assert ahead.take([18, 21]) is None

    def test_pixels_are_the_same_with_and_without(self, encoder, posts, too_many):
        kept, ahead = PixelImages(encoder, posts), PixelImages(encoder, posts, workers=2)
        selected = SelectedImages(ahead, range(23, -1, -1))
        batches = [[23, 22, 21], [22], [0, 2, 5], [8, 9]]
        with selected.prefetch(batches):
            for rows in (batches[0], batches[1], [1, 2], batches[3]):
                expected = kept.batch([23 - row for row in rows])
                found = selected.batch(rows)
                assert (found is None and expected is None) or torch.equal(found, expected)
        assert torch.equal(selected.batch([23]), kept.batch([0]))

    def test_nothing_is_started_for_pictures_in_memory(self, encoder, posts, monkeypatch):
        monkeypatch.setattr(module, "PicturesAhead", lambda *arguments: pytest.fail("workers were started"))
        with PixelImages(encoder, posts, workers=2).prefetch([[0, 3]]):
            pass


@pytest.mark.parametrize("workers", [0, 2])
def test_cached_features_are_the_same(encoder, posts, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(module, "_ENCODING_CHUNK", 2)
    encoder.requires_grad_(False)
    inputs = image_inputs(encoder, posts, str(tmp_path / str(workers)), workers)
    assert isinstance(inputs, FeatureImages)
    with torch.no_grad():
        expected = encoder(PixelImages(encoder, posts).batch([0, 3, 21])).half()
    torch.testing.assert_close(inputs.batch([0, 3, 21]), expected, atol=2e-3, rtol=1e-3)


def test_the_number_of_workers(monkeypatch):
    assert [worker_count(asked) for asked in (0, 1, 7)] == [0, 1, 7]
    for processors, processes, expected in ((1, 1, 0), (4, 1, 3), (64, 1, 12), (4, 2, 1), (2, 4, 0)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=processors: range(count), raising=False)
        monkeypatch.setattr(picture_loading, "process_count", lambda count=processes: count)
        assert worker_count(None) == expected


class TestUnusablePicturesOfPreparedPosts:
    """They count as missing, whichever way pictures are read; others are refused."""

    @pytest.fixture
    def broken(self, posts, tmp_path):
        torn, empty = tmp_path / "torn.png", tmp_path / "empty.png"
        torn.write_bytes(b"no picture")
        empty.touch()
        bad = {3: torn, 6: tmp_path / "gone.png", 9: empty}
        return [replace(post, image=bad.get(row, post.image), sequence=row) for row, post in enumerate(posts)]

    @pytest.fixture
    def whole(self, posts):
        return [replace(post, image=None if row in (3, 6, 9) else post.image) for row, post in enumerate(posts)]

    def same(self, found, expected, size=24):
        for rows in ([0, 3], [3, 6, 9], list(range(size))):
            one, other = found.batch(rows), expected.batch(rows)
            assert (other is None and (one is None or not one.any())) or torch.equal(one, other)
        assert found.present().tolist() == expected.present().tolist()

    def test_in_memory(self, encoder, broken, whole):
        with left_out_pictures() as left_out:
            self.same(PixelImages(encoder, broken), PixelImages(encoder, whole))
        assert sorted(left_out) == sorted(broken[row].post_id for row in (3, 6, 9))

    @pytest.mark.parametrize("workers", [0, 2])
    def test_batch_by_batch(self, encoder, broken, whole, too_many, workers):
        with left_out_pictures() as left_out:
            inputs = PixelImages(encoder, broken, workers)
            assert list(left_out) == [broken[6].post_id]  # the one that has gone is known at once
            with inputs.prefetch([[0, 3], [9, 12]]):
                assert not inputs.batch([0, 3])[1].any()
            selected = SelectedImages(inputs, range(24))
            self.same(selected, PixelImages(encoder, whole))
        assert len(left_out) == 3

    def test_in_a_batch_of_posts(self, encoder, broken, too_many):
        images = PixelImages(encoder, broken)
        dataset = PostDataset(broken, NoCaptions(24), images, PostMemory(HashtagIdMap()))
        assert dataset.batch([0, 3, 9]).image_present.tolist() == [True, False, False]

    @pytest.mark.parametrize("workers", [0, 2])
    def test_those_found_by_workers_are_counted_and_said_once(self, encoder, broken, too_many, workers, caplog):
        dataset = PostDataset(broken, NoCaptions(24), PixelImages(encoder, broken), PostMemory(HashtagIdMap()))
        caplog.clear()
        with left_out_pictures() as left_out:
            for _ in range(2):  # epochs
                made = list(batches_ahead(dataset.batch, [[0, 3], [3, 6], [9, 12]], workers, pinned=False))
                assert [batch.image_present.tolist() for batch in made] == [
                    [True, False],
                    [False, False],
                    [False, True],
                ]
        assert sorted(left_out) == sorted(broken[row].post_id for row in (3, 9))  # 6 was known before
        assert len(caplog.records) == 1
        assert "the pictures of 2 posts cannot be used, which count as posts without a picture: " in caplog.text

    @pytest.mark.parametrize("workers", [0, 2])
    def test_cached_features(self, encoder, broken, whole, tmp_path, workers, caplog):
        encoder.requires_grad_(False)
        expected = image_inputs(encoder, whole, str(tmp_path / "other"), workers)
        for _ in range(2):  # computed, and from the cache
            caplog.clear()
            with left_out_pictures() as left_out:
                self.same(image_inputs(encoder, broken, str(tmp_path / "cache"), workers), expected)
            assert len(left_out) == 3
            assert "the pictures of 3 posts cannot be used, which count as posts without a picture: " in caplog.text
            assert "give their folder with --images" in caplog.text

    def test_of_other_posts_they_are_refused(self, encoder, broken, tmp_path):
        given = [replace(post, sequence=None) for post in broken]
        encoder.requires_grad_(False)
        for cache in (None, str(tmp_path / "cache")):
            with pytest.raises(DataError, match=r"(torn|gone)\.png"):
                image_inputs(encoder, given, cache)
