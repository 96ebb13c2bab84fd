"""What only a GPU can show: the same answers as on the CPU, and the same batches however they reach the GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.feature_cache import FeatureCache
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.recommender import Recommender
from multimodal.storage.configurations import find_config
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run
from multimodal.training.trainer import Trainer

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
SETTINGS = ["width=32", "encoder.caption.width=32", "encoder.image.width=32", "encoder.image.size_px=32"]


def config(*overrides):
    return load_config(find_config("sample"), [*SETTINGS, "training.epochs=2", "training.patience=2", *overrides])


def learner_of(data, settings):
    system = DesignSystem(settings)
    system.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    torch.manual_seed(0)
    train, validation = list(data.split("train")), list(data.split("validation"))
    system.build([post.caption for post in train], pictured=True)
    system.use_device("cuda")
    return DesignLearner(settings, system.scorer, system.id_map, train, validation)


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A model trained on the GPU."""
    return train_run(config(), tiny_data, tmp_path_factory.mktemp("cuda") / "run").run


def test_the_gpu_answers_as_the_cpu(run, tiny_data):
    posts = list(tiny_data.split("test"))
    rows = []
    for device in ("cpu", "cuda"):
        recommender = Recommender.from_pretrained(run.model, device=device)
        rows.append(list(recommender.system.rank(posts, recommender.memory, 5)))
    for left, right in zip(*rows, strict=True):
        np.testing.assert_allclose([score for _, score in left], [score for _, score in right], atol=1e-4)
    equal = [[name for name, _ in left] == [name for name, _ in right] for left, right in zip(*rows, strict=True)]
    assert np.mean(equal) >= 0.95


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_made_ahead_is_the_batch(tiny_data, workers):
    learner = learner_of(tiny_data, config(f"training.loader_workers={workers}"))
    learner.start_epoch(0, torch.device("cuda"))
    batches = learner.batches(0)
    with learner.prefetch(batches, 0):
        for rows in batches:
            ahead, expected = next(learner._ahead), learner._make(rows, 0)
            assert ahead.previous.is_pinned()
            for field in ("caption", "image", "history_hashtags", "targets", "new_hashtags"):
                left, right = getattr(ahead.posts, field), getattr(expected.posts, field)
                assert (left is None and right is None) or torch.equal(left, right)


@pytest.mark.parametrize("precision, tolerance", [("no", 1e-3), ("bf16", 0.05)])
def test_a_step_has_the_loss_of_a_step_on_the_cpu(tiny_data, tmp_path, precision, tolerance):
    losses = []
    for device in ("cpu", "cuda"):
        learner = learner_of(tiny_data, config("training.loader_workers=0", "interaction.dropout=0", "heads.dropout=0"))
        learner.module.to(device)
        learner.start_epoch(0, torch.device(device))
        learner.module.eval()
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            loss, _ = learner.loss(learner.module, learner.batches(0)[0], 0)
        losses.append(float(loss))
    assert losses[1] == pytest.approx(losses[0], rel=tolerance)


def test_compiled_code_computes_the_same(tiny_data, tmp_path):
    losses = []
    for compiled in (False, True):
        learner = learner_of(tiny_data, config(f"training.compile={str(compiled).lower()}", "training.epochs=1"))
        trainer = Trainer(learner, learner.training, RunFolder(tmp_path / str(compiled)), seed=0)
        learner.start_epoch(0, torch.device("cuda"))
        trainer.module.eval()
        with torch.no_grad():
            losses.append(float(learner.loss(trainer.module, learner.batches(0)[0], 0)[0]))
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_features_in_the_memory_of_the_gpu_are_the_features(tmp_path):
    generator = np.random.default_rng(0)
    rows = [generator.random((length, 5)).astype(np.float16) for length in (3, 0, 7, 1)]
    view = FeatureCache(tmp_path, "x").get_or_compute(list("abcd"), lambda wanted: [rows[i] for i in wanted], "rows")
    expected = view.batch([2, 0, 1])
    assert not view.on_gpu
    view.move_to(torch.device("cuda"))
    assert view.on_gpu
    for left, right in zip(view.batch([2, 0, 1]), expected, strict=True):
        assert left.is_cuda
        assert torch.equal(left.cpu(), right)
