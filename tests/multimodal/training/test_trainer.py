"""The loop, with a learner small enough to see through."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import threading

import pytest
import torch
from torch import nn

from data_loaders.errors import RunError
from multimodal.storage.run_folder import RunFolder
from multimodal.training import checkpoints
from multimodal.training.checkpoints import load_checkpoint
from multimodal.training.config import TrainingConfig
from multimodal.training.trainer import Trainer

POSTS, STEPS = 24, 6
generator = torch.Generator().manual_seed(0)
INPUTS = torch.randn(POSTS, 4, generator=generator)
WANTED = INPUTS @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]]) + 0.1


class LinearLearner:
    """A linear model with dropout and something of its own that an epoch needs.

    Args:
        dropout: 0..1.
        batch_size: posts a batch.
        on_step: called with the number of each call of `loss`, before it.
        scores: of the epochs; by the fit when None.
    """

    def __init__(self, dropout=0.3, batch_size=4, on_step=None, scores=None):
        torch.manual_seed(1)
        self.module = nn.Sequential(nn.Dropout(dropout), nn.Linear(4, 1))
        self.batch_size, self.on_step, self.scores = batch_size, on_step, scores
        self.calls, self.validated = 0, []
        self.offset = torch.zeros(1)

    def parameter_groups(self):
        return [{"params": list(self.module.parameters()), "weight_decay": 0.01}]

    def batches(self, epoch):
        order = torch.randperm(POSTS, generator=torch.Generator().manual_seed(epoch)).tolist()
        return [order[start : start + self.batch_size] for start in range(0, POSTS, self.batch_size)]

    def start_epoch(self, epoch, device):
        self.device = device
        self.offset = (self.module[1].weight.detach().mean() * 0.1).reshape(1)

    def loss(self, module, rows, epoch):
        self.calls += 1
        if self.on_step is not None:
            self.on_step(self.calls)
        found = module(INPUTS[rows].to(self.device)) + self.offset
        loss = (found - WANTED[rows].to(self.device)).square().mean()
        return loss, {"squared_error": float(loss.detach())}

    def validate(self):
        self.validated.append({name: value.clone() for name, value in self.module.state_dict().items()})
        if self.scores is not None:
            return {"score": self.scores[len(self.validated) - 1]}
        with torch.no_grad():
            error = (self.module(INPUTS.to(self.device)) + self.offset - WANTED.to(self.device)).square().mean()
        return {"score": 1 / (1 + float(error)), "error": float(error)}

    def tensors(self):
        return {"offset": self.offset}

    def load_tensors(self, tensors, device):
        self.offset, self.device = tensors["offset"].to(device), device

    def weights(self):
        return self.module.state_dict()

    def load_weights(self, weights):
        self.module.load_state_dict(weights)


def make_config(**changes):
    return TrainingConfig(**{"epochs": 3, "batch_size": 4, "learning_rate": 0.05, "patience": 9, **changes})


def train(folder, learner, **changes):
    return Trainer(learner, make_config(**changes), RunFolder(folder), seed=3).fit()


def records(folder, event=None):
    """Lines of metrics.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("posts_per_second", None)
        line.pop("seconds", None)
    return [line for line in lines if event in (None, line["event"])]


def stop_at(step, number=signal.SIGINT):
    """What Ctrl-C does, in the middle of a step."""

    def on_step(call):
        if call == step:
            os.kill(os.getpid(), number)

    return on_step


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    learner = LinearLearner()
    state = train(folder, learner)
    return folder, learner.weights(), state


def assert_same_as(unbroken, folder, learner, state):
    expected_folder, expected_weights, expected_state = unbroken
    for name, value in learner.weights().items():
        assert torch.equal(value, expected_weights[name])
    assert records(folder) == records(expected_folder)
    assert state.scores == expected_state.scores
    assert (state.step, state.epoch, state.best_epoch) == (
        expected_state.step,
        expected_state.epoch,
        expected_state.best_epoch,
    )


class TestStopAndResume:
    @pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
    )
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("steps", [[2], [6], [7], [9, 3, 1], [18]], ids=str)
    def test_equals_training_without_a_stop(self, unbroken, tmp_path, steps, number):
        handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        for step in steps:
            with pytest.raises(KeyboardInterrupt):
                train(tmp_path, LinearLearner(on_step=stop_at(step, number)))
            assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
        assert records(tmp_path)[-1]["step"] == sum(steps)
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))
        assert learner.calls == 3 * STEPS - sum(steps)

    def test_a_stop_while_validating_is_kept_for_the_next_step(self, unbroken, tmp_path):
        learner = LinearLearner()
        validate = learner.validate

        def interrupted():
            trainer._interrupted = True
            return validate()

        learner.validate = interrupted
        trainer = Trainer(learner, make_config(), RunFolder(tmp_path), seed=3)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit()
        assert trainer.state.step == STEPS + 1
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))

    @pytest.mark.parametrize("step", [9, 13])
    def test_equals_training_without_a_crash(self, unbroken, tmp_path, step):
        def crash(call):
            if call == step:
                raise MemoryError("gone")

        with pytest.raises(MemoryError):
            train(tmp_path, LinearLearner(on_step=crash))
        assert records(tmp_path)[-1]["step"] == step - 1
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write('{"event": "step", "st')
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))

    def test_equals_training_with_sound_checkpoints(self, unbroken, tmp_path, caplog):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, LinearLearner(on_step=stop_at(13)))
        (tmp_path / "checkpoints" / "last-000000013" / "state.json").write_text("")
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))
        assert "last-000000013 cannot be read" in caplog.text
        assert learner.calls == STEPS

    def test_a_crash_before_the_first_checkpoint_repeats_no_line(self, unbroken, tmp_path):
        def crash(call):
            if call == 4:
                raise MemoryError("gone")

        with pytest.raises(MemoryError):
            train(tmp_path, LinearLearner(on_step=crash))
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))

    def test_with_gradient_accumulation(self, tmp_path):
        whole, parts = LinearLearner(), LinearLearner(on_step=None)
        train(tmp_path / "whole", whole, gradient_accumulation=4)

        def stop(call):
            if call == 4:
                trainer._interrupted = True

        stopped = LinearLearner(on_step=stop)
        trainer = Trainer(stopped, make_config(gradient_accumulation=4), RunFolder(tmp_path / "parts"), seed=3)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit()
        assert (trainer.state.step, trainer.state.batch) == (1, 4)
        train(tmp_path / "parts", parts, gradient_accumulation=4)
        assert torch.equal(parts.module[1].weight, whole.module[1].weight)

    def test_a_finished_training_is_not_repeated(self, unbroken, tmp_path):
        train(tmp_path, LinearLearner())
        learner = LinearLearner()
        assert_same_as(unbroken, tmp_path, learner, train(tmp_path, learner))
        assert learner.calls == 0

    def test_checkpoints_inside_an_epoch(self, tmp_path):
        learner = LinearLearner(on_step=lambda call: seen.append(load_checkpoint(tmp_path / "checkpoints", "last")))
        seen = []
        train(tmp_path, learner, epochs=1, checkpoint_minutes=1e-9)
        assert [None if found is None else found[0]["batch"] for found in seen] == [None, 1, 2, 3, 4, 5]

    def test_a_full_disk_stops_the_run_and_keeps_the_checkpoint(self, tmp_path, monkeypatch):
        save_file = checkpoints.save_file

        def full(tensors, path):
            if "last-000000012" in str(path):
                raise OSError(errno.ENOSPC, "No space left on device")
            save_file(tensors, path)

        monkeypatch.setattr(checkpoints, "save_file", full)
        with pytest.raises(RunError, match=r"last-000000012 could not be written .*No space left on device"):
            train(tmp_path, LinearLearner())
        assert load_checkpoint(tmp_path / "checkpoints", "last")[0]["step"] == STEPS


class TestChoosingTheModel:
    def test_ends_with_the_best_weights_after_patience_runs_out(self, tmp_path, caplog):
        caplog.set_level("INFO", logger="multimodal")
        learner = LinearLearner(scores=[0.1, 0.3, 0.2, 0.1, 0.9])
        state = train(tmp_path, learner, epochs=5, patience=2)
        assert (state.epoch, state.best_epoch, state.best_score, state.waiting) == (4, 2, 0.3, 2)
        assert caplog.messages[-1] == "stopped early: no better validation score for 2 epochs"
        assert torch.equal(learner.module[1].weight, learner.validated[1]["1.weight"])
        assert not torch.equal(learner.module[1].weight, learner.validated[3]["1.weight"])

    def test_of_equal_epochs_the_later_is_kept_but_waits_no_longer(self, tmp_path):
        learner = LinearLearner(scores=[0.1, 0.3, 0.3, 0.3, 0.9])
        state = train(tmp_path, learner, epochs=5, patience=2)
        assert (state.epoch, state.best_epoch, state.best_score, state.waiting) == (4, 4, 0.3, 2)
        assert torch.equal(learner.module[1].weight, learner.validated[3]["1.weight"])

    def test_patience_starts_again_with_every_better_epoch(self, tmp_path):
        state = train(tmp_path, LinearLearner(scores=[0.2, 0.1, 0.3, 0.1, 0.4]), epochs=5, patience=2)
        assert (state.epoch, state.best_epoch, state.waiting) == (5, 5, 0)

    def test_two_checkpoints_of_a_kind_remain(self, tmp_path):
        train(tmp_path, LinearLearner(scores=[0.5, 0.6, 0.1]))
        assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
            "best-000000006",
            "best-000000012",
            "last-000000012",
            "last-000000018",
        ]

    def test_never_with_the_weights_of_another_epoch(self, tmp_path):
        train(tmp_path, LinearLearner(scores=[0.5, 0.6, 0.1]))
        shutil.rmtree(tmp_path / "checkpoints" / "best-000000012")
        with pytest.raises(RunError, match="has no checkpoint of the best epoch, 2; start over with --overwrite"):
            train(tmp_path, LinearLearner())


def test_what_is_written_down(unbroken):
    steps, validations = records(unbroken[0], "step"), records(unbroken[0], "validation")
    assert [line["step"] for line in steps] == list(range(1, 19))
    assert [line["epoch"] for line in steps] == [0] * 6 + [1] * 6 + [2] * 6
    assert set(steps[0]) == {"event", "step", "epoch", "loss", "squared_error", "learning_rate"}
    assert steps[0]["loss"] == steps[0]["squared_error"]
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert set(validations[0]) == {"event", "epoch", "step", "train_loss", "score", "error"}
    assert [(line["epoch"], line["step"]) for line in validations] == [(1, 6), (2, 12), (3, 18)]
    for line in validations:
        losses = [step["loss"] for step in steps if step["epoch"] == line["epoch"] - 1]
        assert line["train_loss"] == pytest.approx(sum(losses) / 6)
    text = (unbroken[0] / "metrics.jsonl").read_text()
    assert '"posts_per_second"' in text
    assert '"seconds"' in text


class TestSteps:
    def test_accumulated_batches_equal_a_larger_batch(self, tmp_path):
        small, large = LinearLearner(dropout=0.0, batch_size=4), LinearLearner(dropout=0.0, batch_size=12)
        train(tmp_path / "small", small, gradient_accumulation=3)
        train(tmp_path / "large", large)
        torch.testing.assert_close(small.module[1].weight, large.module[1].weight)
        for one, other in zip(records(tmp_path / "small"), records(tmp_path / "large"), strict=True):
            assert one.pop("event") == other.pop("event")
            assert one == pytest.approx(other, rel=1e-4, abs=1e-8)

    def test_a_last_group_of_fewer_batches_still_counts(self, tmp_path):
        state = train(tmp_path, LinearLearner(), gradient_accumulation=4, epochs=1)
        assert (state.step, state.epoch) == (2, 1)

    @pytest.mark.parametrize("clip, clipped", [(0.01, True), (1e6, False)])
    def test_gradients_are_clipped(self, tmp_path, clip, clipped):
        learner = LinearLearner(dropout=0.0)
        trainer = Trainer(learner, make_config(clip=clip, epochs=1), RunFolder(tmp_path), seed=3)
        norms = []

        def measure(optimiser, arguments, options):
            gradients = [parameter.grad.flatten() for parameter in learner.module.parameters()]
            norms.append(float(torch.cat(gradients).norm()))

        trainer.optimiser.register_step_pre_hook(measure)
        trainer.fit()
        assert len(norms) == STEPS
        assert (max(norms) <= clip * 1.001) is clipped or not clipped
        assert min(norms) > 0
        assert clipped or min(norms) > 0.1

    def test_the_seed_decides_about_dropout(self, tmp_path):
        weights = []
        for place, seed in enumerate((3, 3, 4)):
            learner = LinearLearner()
            Trainer(learner, make_config(epochs=1), RunFolder(tmp_path / str(place)), seed).fit()
            weights.append(learner.module[1].weight.detach())
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])

    def test_learning_rates_rise_and_fall(self, unbroken):
        rates = [line["learning_rate"] for line in records(unbroken[0], "step")]
        assert rates[0] == pytest.approx(0.05, rel=0.01)
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] == pytest.approx(0, abs=1e-9)


class TestPrecision:
    def seen(self, learner):
        """The types that the linear layer gives, as they come."""
        types = []
        learner.module[1].register_forward_hook(lambda module, arguments, output: types.append(output.dtype))
        return types

    def test_one_process_trains_in_one_precision_after_the_other(self, tmp_path):
        weights = []
        for place, precision in enumerate(["no", "bf16", "no", "bf16"]):
            learner = LinearLearner()
            types = self.seen(learner)
            train(tmp_path / str(place), learner, precision=precision)
            assert set(types[:STEPS]) == {torch.bfloat16 if precision == "bf16" else torch.float32}
            weights.append(learner.module[1].weight.detach())
        assert torch.equal(weights[0], weights[2])
        assert torch.equal(weights[1], weights[3])
        assert not torch.equal(weights[0], weights[1])
        torch.testing.assert_close(weights[0], weights[1], atol=0.05, rtol=0)

    def test_what_was_learned_answers_in_full_precision(self, tmp_path):
        learner = LinearLearner()
        train(tmp_path, learner, precision="bf16")
        types = self.seen(learner)
        answer = learner.module.eval()(INPUTS)
        assert types == [torch.float32]
        linear = learner.module[1]
        assert torch.equal(answer, INPUTS @ linear.weight.T + linear.bias)


def test_the_configuration_chooses_the_schedule(tmp_path):
    train(tmp_path, LinearLearner(), schedule="linear", warmup=0.0, epochs=1)
    rates = [line["learning_rate"] for line in records(tmp_path, "step")]
    # Logged after each step, so that the last one is 0.
    assert rates == pytest.approx([0.05, 0.04, 0.03, 0.02, 0.01, 0.0])


def test_tensorboard_by_switch(tmp_path):
    pytest.importorskip("tensorboard")
    train(tmp_path, LinearLearner(), epochs=1, tensorboard=True)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))


class OwnSgdLearner(LinearLearner):
    """Brings plain SGD; `calls` of the loop's own optimiser would change other weights."""

    def optimiser(self):
        return torch.optim.SGD(self.module.parameters(), lr=0.05)


def test_a_learner_may_bring_its_optimiser_whose_gradients_are_not_clipped(tmp_path):
    learner = OwnSgdLearner(dropout=0.0)
    expected = nn.Sequential(nn.Dropout(0.0), nn.Linear(4, 1))
    expected.load_state_dict(learner.module.state_dict())
    offset = expected[1].weight.detach().mean() * 0.1
    for rows in learner.batches(0):
        loss = (expected(INPUTS[rows]) + offset - WANTED[rows]).square().mean()
        for parameter, slope in zip(
            expected.parameters(), torch.autograd.grad(loss, list(expected.parameters())), strict=True
        ):
            parameter.data -= 0.05 * slope
    train(tmp_path, learner, epochs=1, clip=1e-6, schedule="constant", warmup=0.0)
    for one, other in zip(learner.module.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other)
