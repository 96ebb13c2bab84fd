"""The pictures: the same for the same seed, varied, and telling the scene."""

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from data_loaders.sample import SCENES, render

NAMES = [scene.name for scene in SCENES]


def thumbnail(scene, seed):
    picture = render(scene, size_px=32, seed=seed)
    return np.asarray(picture.resize((8, 8), Image.Resampling.BOX), dtype=np.float32).ravel() / 255


@pytest.mark.parametrize("scene", [*NAMES, None])
def test_a_picture_follows_its_seed_and_size(scene):
    first = render(scene, size_px=40, seed="one")
    assert (first.size, first.mode) == ((40, 40), "RGB")
    assert first.tobytes() == render(scene, size_px=40, seed="one").tobytes()
    assert first.tobytes() != render(scene, size_px=40, seed="two").tobytes()
    assert np.asarray(first).std() > 3


def test_scene_names_and_families():
    assert len(set(NAMES)) == len(NAMES) == 18
    families = [scene.family for scene in SCENES]
    assert {families.count(family) for family in families} == {3}


def test_a_thumbnail_tells_the_scene():
    count, train = 45, 35
    pixels = np.stack([thumbnail(name, f"{name}/{seed}") for name in NAMES for seed in range(count)])
    labels = np.repeat(np.arange(len(NAMES)), count)
    for_training = np.tile(np.arange(count) < train, len(NAMES))
    model = LogisticRegression(max_iter=300).fit(pixels[for_training], labels[for_training])
    assert model.score(pixels[~for_training], labels[~for_training]) >= 0.85


def test_mean_colour_alone_does_not():
    count, train = 30, 20
    colours = np.stack(
        [thumbnail(name, f"{name}/{seed}").reshape(-1, 3).mean(0) for name in NAMES for seed in range(count)]
    )
    labels = np.repeat(np.arange(len(NAMES)), count)
    for_training = np.tile(np.arange(count) < train, len(NAMES))
    model = LogisticRegression(C=100, max_iter=300).fit(colours[for_training], labels[for_training])
    assert model.score(colours[~for_training], labels[~for_training]) < 0.6
