"""DESIGN as a System: stopping and resuming, keeping, and folders that lack something."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_loaders.errors import DataError, RunError
from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.picture_loading import PicturesAhead
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
SMALL = ["width=8", "heads.embedding_width=8", "encoder.caption.width=8"]


def make_config(*overrides):
    return load_config(CONFIGS / "debug.yaml", [*SMALL, *overrides])


def fit(data, folder, *overrides):
    system = DesignSystem(make_config(*overrides))
    system.fit(data, RunFolder(folder))
    return system


def records(folder):
    """Lines of metrics.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: one for key, one in line.items() if key not in ("posts_per_second", "seconds")} for line in lines]


def ranked(system, posts, remembered, k=9):
    memory = system.new_memory()
    system.add_posts(memory, remembered)
    return list(system.rank(posts, memory, k))


@pytest.fixture(scope="module")
def unbroken(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, fit(tiny_data, folder)


@pytest.fixture(scope="module")
def saved(unbroken, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    unbroken[1].save(folder)
    return folder


@pytest.mark.parametrize("step", [4, 6, 9], ids=["inside an epoch", "at its end", "inside the last"])
def test_stopped_and_resumed_equals_unbroken(tiny_data, unbroken, tmp_path, monkeypatch, step):
    loss, calls = DesignLearner.loss, []

    def interrupted(self, module, rows, epoch):
        calls.append(rows)
        if len(calls) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, module, rows, epoch)

    monkeypatch.setattr(DesignLearner, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_data, tmp_path)
    assert records(tmp_path)[-1]["step"] == step
    resumed = fit(tiny_data, tmp_path)
    folder, expected = unbroken
    assert len(calls) == 12
    assert records(tmp_path) == records(folder)
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected.network.state_dict()[key]), key
    assert resumed.alpha == expected.alpha


def test_stopped_and_resumed_it_sees_the_same_views(textured_data, tmp_path, monkeypatch):
    augmented = ("encoder.image.augmentation=true",)
    expected = fit(textured_data, tmp_path / "unbroken", *augmented)
    loss, calls = DesignLearner.loss, []

    def interrupted(self, module, rows, epoch):
        calls.append(rows)
        if len(calls) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, module, rows, epoch)

    monkeypatch.setattr(DesignLearner, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(textured_data, tmp_path / "resumed", *augmented)
    resumed = fit(textured_data, tmp_path / "resumed", *augmented)
    assert records(tmp_path / "resumed") == records(tmp_path / "unbroken")
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected.network.state_dict()[key]), key


@pytest.mark.parametrize("workers", [0, 2])
def test_pictures_that_do_not_fit_in_memory_change_nothing(tiny_data, unbroken, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("multimodal.encoders.features.inputs._PIXELS_IN_MEMORY_BYTES", 0)
    take, taken, loss, calls = PicturesAhead.take, [], DesignLearner.loss, []

    def watched(self, rows):
        taken.append(take(self, rows))
        return taken[-1]

    def interrupted(self, module, rows, epoch):
        calls.append(rows)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, module, rows, epoch)

    monkeypatch.setattr(PicturesAhead, "take", watched)
    monkeypatch.setattr(DesignLearner, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_data, tmp_path, f"training.loader_workers={workers}")
    resumed = fit(tiny_data, tmp_path, f"training.loader_workers={workers}")
    folder, expected = unbroken
    assert records(tmp_path) == records(folder)
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected.network.state_dict()[key]), key
    assert bool(taken) == bool(workers)
    assert all(pixels is not None for pixels in taken)


def test_an_unreadable_picture_of_a_train_post_is_told_with_its_post(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("multimodal.encoders.features.inputs._PIXELS_IN_MEMORY_BYTES", 0)
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"no picture")

    class Torn:
        vocabulary, changes = tiny_data.vocabulary, {}

        def split(self, name):
            posts = tiny_data.split(name)
            return [replace(post, **self.changes) if post.post_id == "t030" else post for post in posts]

    data = Torn()
    for workers in (0, 2):
        overrides = f"training.loader_workers={workers}", "training.epochs=1"
        # A post from a prepared folder loses its picture; of any other this is told.
        data.changes = {"image": torn}
        fit(data, tmp_path / f"prepared-{workers}", *overrides)
        data.changes = {"image": torn, "sequence": None}
        with pytest.raises(DataError, match=r"^post 't030': image .*torn\.png cannot be used: not a picture"):
            fit(data, tmp_path / f"other-{workers}", *overrides)


class TestKeeping:
    def test_loaded_it_ranks_the_same(self, unbroken, saved, tiny_data):
        _, system = unbroken
        loaded = DesignSystem.load(saved, system.config, system.id_map)
        posts, earlier = tiny_data.split("test"), tiny_data.posts[:108]
        assert ranked(loaded, posts, earlier) == ranked(system, posts, earlier)

    def test_no_pickle(self, saved):
        kinds = {path.suffix for path in saved.rglob("*") if path.is_file()}
        assert kinds <= {".json", ".safetensors"}

    def damaged(self, saved, tmp_path):
        return Path(shutil.copytree(saved, tmp_path / "model"))

    def load(self, folder, unbroken, *overrides):
        return DesignSystem.load(folder, make_config(*overrides), unbroken[1].id_map)

    @pytest.mark.parametrize("file", ["design.json", "network.safetensors", "caption_terms.safetensors"])
    @pytest.mark.parametrize("content", [None, b"", b"{half"], ids=["missing", "empty", "damaged"])
    def test_a_bad_file_is_named(self, unbroken, saved, tmp_path, file, content):
        folder = self.damaged(saved, tmp_path)
        (folder / file).unlink()
        if content is not None:
            (folder / file).write_bytes(content)
        with pytest.raises(RunError) as error:
            self.load(folder, unbroken)
        assert str(folder / file) in str(error.value)

    @pytest.mark.parametrize("change", ["missing", "additional", "of another shape"])
    def test_weights_that_do_not_fit_are_named(self, unbroken, saved, tmp_path, change):
        folder = self.damaged(saved, tmp_path)
        tensors = load_file(folder / "network.safetensors")
        if change == "missing":
            del tensors["missing_image"]
        elif change == "additional":
            tensors["more"] = torch.ones(1)
        else:
            tensors["missing_image"] = torch.ones(3)
        save_file(tensors, folder / "network.safetensors")
        with pytest.raises(RunError, match=r"network\.safetensors does not fit its configuration") as error:
            self.load(folder, unbroken)
        assert ("more" if change == "additional" else "missing_image") in str(error.value)

    def test_settings_without_a_key(self, unbroken, saved, tmp_path):
        folder = self.damaged(saved, tmp_path)
        (folder / "design.json").write_text('{"alpha": 0.5}')
        with pytest.raises(RunError, match=r"design\.json .*caption_encoder is missing"):
            self.load(folder, unbroken)

    def test_another_configuration(self, unbroken, saved):
        with pytest.raises(RunError, match=r"network\.safetensors does not fit its configuration"):
            self.load(saved, unbroken, "width=16")
        with pytest.raises(RunError, match="the configuration is of system 'popularity', expected 'design'"):
            DesignSystem.load(saved, load_config(CONFIGS / "popularity.yaml"), unbroken[1].id_map)


class TestRanking:
    def test_later_posts_change_nothing(self, unbroken, tiny_data):
        _, system = unbroken
        posts = tiny_data.split("test")
        everything = ranked(system, posts, tiny_data.posts)
        for post, ranking in zip(posts, everything, strict=True):
            known = [one for one in tiny_data.posts if one.instant_us < post.instant_us]
            (alone,) = ranked(system, [post], known)
            assert [name for name, _ in alone] == [name for name, _ in ranking]
            assert [score for _, score in alone] == pytest.approx([score for _, score in ranking], abs=2e-6)

    def test_a_list_ends_where_nothing_more_can_be_named(self, unbroken, tiny_data):
        _, system = unbroken
        size = system.id_map.vocabulary_size
        posts = tiny_data.split("test")
        nobody = [replace(post, user_id=None, caption=None) for post in posts]
        for ranking in ranked(system, nobody, tiny_data.posts[:96], size + 9):
            assert {name for name, _ in ranking} == set(system.id_map.names)
        stranger = Path(tiny_data.folder) / "0.png"
        (named,) = ranked(system, [replace(nobody[0], image=stranger)], [], 3)
        assert len(named) == 3

    def test_nobody_asks(self, unbroken):
        assert ranked(unbroken[1], [], []) == []


@pytest.mark.parametrize(
    "lacking", [("caption",), ("image",), ("user_id",), ("caption", "image"), ("caption", "user_id")]
)
def test_a_dump_may_lack_anything(tiny_data, tmp_path, lacking):
    class Lacking:
        vocabulary = tiny_data.vocabulary

        def split(self, name):
            return [replace(post, **dict.fromkeys(lacking)) for post in tiny_data.split(name)]

    data = Lacking()
    system = fit(data, tmp_path / "run", "training.epochs=1")
    posts = data.split("test")
    expected = ranked(system, posts, data.split("train"), 3)
    assert all(len(ranking) == 3 for ranking in expected)
    (tmp_path / "model").mkdir()
    system.save(tmp_path / "model")
    loaded = DesignSystem.load(tmp_path / "model", system.config, system.id_map)
    assert ranked(loaded, posts, data.split("train"), 3) == expected


def test_posts_without_times_keep_the_order_of_the_folder(tiny_data, tmp_path):
    class Undated:
        vocabulary = tiny_data.vocabulary

        def split(self, name):
            return [replace(post, timestamp=None) for post in tiny_data.split(name)]

    data = Undated()
    system = fit(data, tmp_path, "training.epochs=1")
    posts = data.split("test")
    everything = [*data.split("train"), *data.split("validation"), *posts]
    (first,) = ranked(system, posts[:1], everything[:109])
    again = ranked(system, posts, everything)[0]
    assert [hashtag for hashtag, _ in again] == [hashtag for hashtag, _ in first]
    # Alone and among others the sums are not of the same order.
    assert [score for _, score in again] == pytest.approx([score for _, score in first], abs=2e-6)
