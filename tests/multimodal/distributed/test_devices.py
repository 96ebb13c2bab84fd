"""Where a model answers: names of devices, and Systems that hold tensors move them all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.design import system as design_system
from multimodal.design.system import DesignSystem
from multimodal.distributed.devices import choose_device
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.systems.post_networks import system as post_network_system
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[3]
# Holds shapes and no values: whatever stayed behind on the CPU shows.
META = torch.device("meta")


@pytest.fixture
def cuda_devices(monkeypatch):
    """Pretend that the machine has so many CUDA devices."""

    def pretend(count, built=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.version, "cuda", "13.0" if built else None)

    return pretend


@pytest.fixture(scope="module", params=["debug", "popularity"])
def run(request, tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / request.param
    overrides = ["training.epochs=1"] if request.param == "debug" else []
    train_run(load_config(ROOT / "configs" / f"{request.param}.yaml", overrides), tiny_data, folder)
    return folder


class TestNames:
    def test_nothing_means_cuda_where_there_is_any(self, cuda_devices):
        cuda_devices(0)
        assert choose_device() == torch.device("cpu")
        cuda_devices(2)
        assert choose_device() == torch.device("cuda")

    def test_those_that_are_there(self, cuda_devices):
        cuda_devices(2)
        for name in ("cpu", "cuda", "cuda:0", "cuda:1"):
            assert choose_device(name) == choose_device(torch.device(name)) == torch.device(name)

    @pytest.mark.parametrize("name", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:one", "meta", "cpu:1", "0", ""])
    def test_unknown_ones(self, name):
        with pytest.raises(UserError) as error:
            choose_device(name)
        assert str(error.value) == (
            f"device: {name!r} is not known; accepted: cpu, cuda, or one of several as in cuda:1."
        )

    def test_those_that_are_not_there(self, cuda_devices):
        cuda_devices(0)
        for name in ("cuda", "cuda:0"):
            with pytest.raises(UserError) as error:
                choose_device(name)
            assert str(error.value) == f"device: {name!r} cannot be used, torch finds no CUDA device here; give cpu."
        cuda_devices(0, built=False)
        with pytest.raises(UserError, match="cannot be used, this torch was built without CUDA; give cpu"):
            choose_device("cuda")
        cuda_devices(2)
        with pytest.raises(UserError, match="'cuda:2' cannot be used, this machine has cuda:0, cuda:1; give one of"):
            choose_device("cuda:2")


class TestAnswering:
    def test_the_cpu_answers_as_before(self, run, tiny_data):
        posts, model = tiny_data.split("test"), load_model(run)
        expected = model.system.rank(posts, model.memory, 5)
        model.system.use_device(torch.device("cpu"))
        again = model.system.rank(posts, model.memory, 5)
        assert list(again) == list(expected)
        answers = Recommender.from_pretrained(run, device="cpu").recommend_many(posts, 5, include_caption_hashtags=True)
        assert [[one.hashtag for one in answer] for answer in answers] == [[name for name, _ in r] for r in expected]

    def test_a_device_that_is_not_there_is_refused_before_the_model_is_read(self, cuda_devices, tmp_path, tiny_data):
        cuda_devices(0)
        for name in ("cuda", "tpu"):
            with pytest.raises(UserError, match=f"device: '{name}' "):
                Recommender.from_pretrained(tmp_path / "nothing", device=name)
            with pytest.raises(UserError, match=f"device: '{name}' "):
                evaluate_run(tmp_path / "nothing", tiny_data, device=name)

    @pytest.mark.parametrize("choose", ["recommend", "evaluate"])
    def test_the_chosen_device_reaches_the_system(self, run, tiny_data, choose, monkeypatch, cuda_devices):
        seen = []
        system = type(load_model(run).system)
        monkeypatch.setattr(system, "use_device", lambda self, device: seen.append(device))
        cuda_devices(2)
        for name in (None, "cuda:1", "cpu"):
            if choose == "recommend":
                Recommender.from_pretrained(run, device=name)
            else:
                evaluate_run(run, tiny_data, ks=[1], slices=False, device=name)
        assert seen == [torch.device("cuda"), torch.device("cuda:1"), torch.device("cpu")]


@pytest.mark.parametrize("config", ["debug", "lstm"])
def test_a_network_moves_as_a_whole(config, tiny_data, tmp_path):
    overrides = ["training.epochs=1", "training.batch_size=16"]
    train_run(load_config(ROOT / "configs" / f"{config}.yaml", overrides), tiny_data, tmp_path / "run")
    system = load_model(tmp_path / "run").system
    tensors = [*system.network.parameters(), *system.network.buffers()]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    system.use_device(META)
    # The buffers that are kept beside the weights, such as the mean of pixels, as well.
    tensors = [*system.network.parameters(), *system.network.buffers()]
    assert {tensor.device for tensor in tensors} == {system.device} == {META}


def test_frozen_encoders_run_where_the_training_will(tiny_data, tmp_path, monkeypatch):
    found = []

    def learner(config, scorer, id_map, train, validation):
        found.append({parameter.device for parameter in scorer.network.parameters()})
        raise KeyboardInterrupt

    monkeypatch.setattr(post_network_system, "own_device", lambda: META)
    monkeypatch.setattr(design_system, "DesignLearner", learner)
    with pytest.raises(KeyboardInterrupt):
        DesignSystem(load_config(ROOT / "configs" / "debug.yaml")).fit(tiny_data, RunFolder(tmp_path))
    assert found == [{META}]
