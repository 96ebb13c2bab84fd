"""A hybrid's folder that was put together wrongly, or on purpose, is refused with a sentence."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data_loaders.errors import RunError
from multimodal.hybrid.system import HybridSystem
from multimodal.systems.model_folder import load_model


@pytest.fixture(scope="module")
def model(hybrid_run):
    return load_model(hybrid_run.path)


@pytest.fixture
def folder(hybrid_run, tmp_path):
    shutil.copytree(hybrid_run.path / "model", tmp_path / "model")
    return tmp_path / "model"


def _arrays(path, **changes):
    arrays = load_file(path)
    for name, change in changes.items():
        arrays[name] = change(arrays[name].copy())
    save_file(arrays, path)


def _values(path, **changes):
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **changes}), encoding="utf-8")


def _refused(model, folder, *texts):
    with pytest.raises(RunError) as caught:
        HybridSystem.load(folder, model.config, model.system.id_map)
    for text in texts:
        assert text in str(caught.value)


def test_the_copy_itself_is_accepted(model, folder, tiny_data):
    again = HybridSystem.load(folder, model.config, model.system.id_map)
    asked = tiny_data.split("validation")
    assert list(again.rank(asked, model.memory, 5)) == list(model.system.rank(asked, model.memory, 5))


def test_weights_of_the_ranker(model, folder):
    _arrays(folder / "ranker.safetensors", plain=lambda weights: np.full_like(weights, np.nan))
    _refused(model, folder, "ranker.safetensors", "plain has numbers that are not finite")


def test_features_in_another_order(model, folder):
    names = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))["names"]
    _values(folder / "ranker.json", names=names[::-1])
    _refused(model, folder, "the ranker knows other features than the sources give")


def test_features_that_are_missing(model, folder):
    state = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))
    _values(folder / "ranker.json", names=state["names"][:-1], sources=state["sources"][:-1])
    _refused(model, folder, "ranker.safetensors", "does not fit")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"parts": ["design", "other"]}, "names sources"),
        ({"parts": ["../design"]}, "names sources"),
        ({"parts": "design"}, "parts"),
        ({"left_out": ["own"]}, "names sources"),
        ({"bigrams": 2}, "bigrams"),
        ({"train_posts": -1}, "train_posts"),
        ({"caption_encoder": True}, "caption_encoder"),
    ],
)
def test_the_description(model, folder, changes, text):
    _values(folder / "hybrid.json", **changes)
    _refused(model, folder, text)


@pytest.mark.parametrize("name", ["hybrid.json", "caption_terms.safetensors", "ranker.safetensors", "ranker.json"])
def test_a_file_that_is_missing(model, folder, name):
    (folder / name).unlink()
    _refused(model, folder, name, "is missing")


@pytest.mark.parametrize("name", ["caption_terms.safetensors", "ranker.safetensors", "linear.safetensors"])
def test_a_pickle(model, folder, name):
    (folder / name).write_bytes(b"\x80\x04.")
    _refused(model, folder, name, "it is a pickle")


def test_a_part_that_was_changed(model, folder):
    (state,) = (folder / "sources" / "design").glob("design.json")
    _values(state, alpha=0.25)
    _refused(model, folder, "design.json")


def test_a_part_that_is_missing(model, folder):
    shutil.rmtree(folder / "sources" / "design")
    _refused(model, folder, "design", "does not exist")
