"""The training loop, on accelerate: for one process or many, and resumable at any step."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, is_initialized
from accelerate.utils import DistributedDataParallelKwargs
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from data_loaders.bulk.progress import LoggedProgress
from data_loaders.errors import RunError
from multimodal.distributed.processes import (
    all_gather,
    all_reduce_max,
    all_reduce_sum,
    barrier,
    is_main_process,
    process_count,
    process_index,
    shard,
)
from multimodal.distributed.sharding import ShardedEncoders, placed, to_shard, whole
from multimodal.distributed.stop_signals import stop_signals_handled
from multimodal.storage.run_folder import RunFolder
from multimodal.training.base_learner import BaseLearner, Losses
from multimodal.training.checkpoints import load_checkpoint, save_checkpoint
from multimodal.training.config import TrainingConfig
from multimodal.training.precision import resolved_precision
from multimodal.training.schedules import rate_factor

logger = logging.getLogger(__name__)

_GO_ON, _SAVE, _STOP = range(3)


@runtime_checkable
class OwnOptimiser(Protocol):
    """A learner with its own optimiser; its gradients, which may be sparse, are not clipped."""

    def optimiser(self) -> torch.optim.Optimizer:
        """Return the optimiser, instead of AdamW on `parameter_groups`."""


@runtime_checkable
class HasEncoders(Protocol):
    """A learner with encoders that may be divided among processes."""

    def trained_encoders(self) -> dict[str, nn.Module]:
        """Return the encoders that are trained, by the name of the module's attribute."""


@runtime_checkable
class Prefetching(Protocol):
    """A learner that can make batches ready ahead of `loss`."""

    def prefetch(self, batches: list[list[int]], epoch: int) -> AbstractContextManager[None]:
        """Make the batches of this process ready in their order, while a `with` block trains on them."""


@dataclass(slots=True)
class TrainingState:
    """The progress of a training.

    Attributes:
        epoch, batch: the next ones.
        step: optimiser steps done.
        loss_sum: over the steps of the current epoch.
        best_score, best_epoch: of the best validation so far.
        waiting: epochs since then.
        seconds: of training, over all sessions.
        scores: the validation records.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_score: float = -math.inf
    best_epoch: int = -1
    waiting: int = 0
    seconds: float = 0.0
    scores: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Unlogged:
    step: int
    learning_rate: float
    losses: list[tuple[float, Losses]]


class Trainer:
    """Trains a `BaseLearner` and leaves it with the weights of its best epoch.

    Args:
        learner: the model.
        config: how to train.
        run: where metrics and checkpoints go; training resumes from a checkpoint in it.
        seed: seeds dropout; the learner determines the order of the posts.
    """

    def __init__(self, learner: BaseLearner, config: TrainingConfig, run: RunFolder, seed: int) -> None:
        self.learner, self.config, self.run, self.seed = learner, config, run, seed
        self.accelerator = _new_accelerator(resolved_precision(config.precision))
        torch.manual_seed(seed + process_index())
        encoders = learner.trained_encoders() if isinstance(learner, HasEncoders) else {}
        self.sharded = ShardedEncoders(learner.module, to_shard(encoders, config.shard_encoders))
        self.clips = not isinstance(learner, OwnOptimiser)
        self.optimiser: torch.optim.Optimizer = (
            learner.optimiser()
            if isinstance(learner, OwnOptimiser)
            # Its fused form takes sharded weights or whole ones, not both.
            else torch.optim.AdamW(
                learner.parameter_groups(), lr=config.learning_rate, fused=not self.sharded, foreach=False
            )
        )
        self.batches_per_epoch = len(learner.batches(0))
        updates = math.ceil(self.batches_per_epoch / config.gradient_accumulation) * config.epochs
        factor = rate_factor(config.schedule, config.warmup, updates)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, factor)
        module = self.sharded.averaged(learner.compiled() if config.compile else learner.module)
        self.module, self.prepared_optimiser = self.accelerator.prepare(module, self.optimiser)
        self.state = TrainingState()
        self._interrupted = False
        self._ready_epoch = -1
        self._unlogged: _Unlogged | None = None

    def fit(self) -> TrainingState:
        """Train to the end and return the final state.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM, after a checkpoint was saved.
            RunError: nothing can be written, or no checkpoint can be read.
        """
        self._resume()
        tracker = self._tensorboard()
        with self._signals(), self._progress() as progress:
            bar = progress.add_task(
                "training",
                total=self.config.epochs * self.batches_per_epoch,
                completed=self.state.epoch * self.batches_per_epoch + self.state.batch,
                loss="",
                rate="",
            )
            while self.state.epoch < self.config.epochs and self.state.waiting < self.config.patience:
                self._epoch(progress, bar, tracker)
        if self.state.epoch < self.config.epochs and is_main_process():
            logger.info("stopped early: no better validation score for %d epochs", self.state.waiting)
        self.sharded.restore()
        if self.state.best_epoch >= 0:
            self._load_best()
        # Mixed precision is for training only: the network now computes as it will after saving and loading.
        self.accelerator.unwrap_model(self.module, keep_fp32_wrapper=False)
        if tracker is not None:
            tracker.close()
        return self.state

    def _load_best(self) -> None:
        best = load_checkpoint(self.run.checkpoints, "best", self.state.best_epoch)
        if best is None:
            raise RunError(
                f"{self.run.checkpoints} has no checkpoint of the best epoch, {self.state.best_epoch}; start over with "
                "--overwrite."
            )
        self.learner.load_weights(_strip(best[1], "weights."))

    def _epoch(self, progress: Progress, bar: Any, tracker: Any) -> None:
        state, device = self.state, self.accelerator.device
        if state.batch == 0 and self._ready_epoch != state.epoch:
            self._make_ready(state.epoch)
        self.module.train()
        batches = self.learner.batches(state.epoch)
        groups = _grouped(batches, self.config.gradient_accumulation)
        started, posts = time.perf_counter(), 0
        remaining = groups[state.batch // self.config.gradient_accumulation :]
        with self.prefetched(remaining), self._everything_logged(progress, bar, tracker):
            for group in remaining:
                losses = self.update(group)
                posts += sum(len(rows) for rows in group)
                state.batch += len(group)
                state.step += 1
                # A GPU is still busy with this step: the step before it is logged meanwhile.
                self._log_step(progress, bar, tracker)
                self._unlogged = _Unlogged(state.step, float(self.schedule.get_last_lr()[0]), losses)
                elapsed = time.perf_counter() - started
                progress.update(bar, advance=len(group), rate=f"{posts / elapsed:,.0f} posts/s")
                due = time.perf_counter() - started > 60 * self.config.checkpoint_minutes
                # Clocks and signals differ between processes, but all must do the same next.
                following = all_reduce_max(_STOP if self._interrupted else _SAVE if due else _GO_ON, device)
                if following != _GO_ON:
                    self._log_step(progress, bar, tracker)
                    state.seconds += time.perf_counter() - started
                    started, posts = time.perf_counter(), 0
                    self._save("last")
                if following == _STOP:
                    raise KeyboardInterrupt
        elapsed = time.perf_counter() - started
        state.seconds += elapsed
        train_loss = state.loss_sum / max(len(groups), 1)
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        self._validate(train_loss, posts / max(elapsed, 1e-9), tracker)

    def prefetched(self, groups: list[list[list[int]]]) -> AbstractContextManager[None]:
        """Make the batches of some steps ready in their order, while a `with` block makes these steps."""
        if not isinstance(self.learner, Prefetching):
            return nullcontext()
        return self.learner.prefetch([list(shard(rows)[0]) for group in groups for rows in group], self.state.epoch)

    def update(self, group: list[list[int]]) -> list[tuple[float, Losses]]:
        """Make one optimiser step.

        Args:
            group: rows of each of its batches, over all processes.

        Returns:
            The weight of this process's share of each batch, and its losses.
        """
        losses: list[tuple[float, Losses]] = []
        for i, rows in enumerate(group):
            share, weight = shard(rows)
            synchronise = i == len(group) - 1
            with _synchronised(self.accelerator, self.module, synchronise), self.accelerator.autocast():
                loss, parts = self.learner.loss(self.module, list(share), self.state.epoch)
                # Gradients are averaged over the processes, so shares of different sizes are weighted.
                self.accelerator.backward(loss * (weight * process_count() / len(group)))
            losses.append((weight, {"loss": loss.detach(), **parts}))
        if self.clips:
            self.accelerator.clip_grad_norm_(self.module.parameters(), self.config.clip)
        self.prepared_optimiser.step()
        self.schedule.step()
        self.prepared_optimiser.zero_grad()
        return losses

    @contextmanager
    def _everything_logged(self, progress: Progress, bar: Any, tracker: Any) -> Iterator[None]:
        """Log the last step of a `with` block; with one process also after an error in the step that follows."""
        try:
            yield
        finally:
            if process_count() == 1:
                self._log_step(progress, bar, tracker)
        self._log_step(progress, bar, tracker)

    def _log_step(self, progress: Progress, bar: Any, tracker: Any) -> None:
        """Log the step that is not logged yet; waits until its losses are computed."""
        if self._unlogged is None:
            return
        unlogged, self._unlogged = self._unlogged, None
        means: dict[str, float] = {}
        for weight, losses in unlogged.losses:
            for name, value in losses.items():
                means[name] = means.get(name, 0.0) + float(value) * weight / len(unlogged.losses)
        means = dict(zip(means, all_reduce_sum(list(means.values()), self.accelerator.device), strict=True))
        self.state.loss_sum += means["loss"]
        progress.update(bar, loss=f"loss {means['loss']:.3f}")
        self._log(tracker, {"event": "step", "step": unlogged.step, "epoch": self.state.epoch, **means,
                            "learning_rate": unlogged.learning_rate})  # fmt: skip

    def _validate(self, train_loss: float, posts_per_second: float, tracker: Any) -> None:
        state = self.state
        started = time.perf_counter()
        # The next epoch starts from the content vectors of this validation.
        self._make_ready(state.epoch)
        with self.sharded.gathered():
            scores = self.learner.validate()
        state.seconds += time.perf_counter() - started
        better = scores["score"] > state.best_score
        state.waiting = 0 if better else state.waiting + 1
        # Of equal epochs the later one is kept: it has learned more, even if the score cannot show it.
        if scores["score"] >= state.best_score:
            state.best_score, state.best_epoch = scores["score"], state.epoch
            self._save("best", with_optimiser=False)
        record = {"event": "validation", "epoch": state.epoch, "step": state.step, "train_loss": train_loss, **scores}
        state.scores.append({key: value for key, value in record.items() if isinstance(value, (int, float))})
        self._log(tracker, {**record, "posts_per_second": posts_per_second, "seconds": state.seconds})
        logger.info(
            "epoch %d/%d  loss %.3f  validation F1@%d %.4f%s  %s posts/s",
            state.epoch, self.config.epochs, train_loss, self.config.validation_k, scores["score"],
            " (best)" if better else f" (best {state.best_score:.4f} in epoch {state.best_epoch})",
            f"{posts_per_second:,.0f}",
        )  # fmt: skip
        self._save("last")

    def _make_ready(self, epoch: int) -> None:
        self.learner.module.eval()
        with self.sharded.gathered():
            self.learner.start_epoch(epoch, self.accelerator.device)
        self._ready_epoch = epoch

    def _save(self, name: str, with_optimiser: bool = True) -> None:
        tensors = {f"weights.{key}": whole(value) for key, value in self.learner.weights().items()}
        optimiser = None
        if with_optimiser:
            tensors.update({f"learner.{key}": value for key, value in self.learner.tensors().items()})
            tensors.update({f"rng.{i:04d}": value for i, value in enumerate(self._random_states())})
            optimiser = {"optimiser": whole(self.optimiser.state_dict()), "schedule": self.schedule.state_dict()}
            if self.accelerator.scaler is not None:
                optimiser["scaler"] = self.accelerator.scaler.state_dict()
        if is_main_process():
            save_checkpoint(self.run.checkpoints, name, asdict(self.state), tensors, optimiser)
        barrier()

    def _random_states(self) -> list[Tensor]:
        states = [torch.get_rng_state()]
        if torch.cuda.is_available():
            states.append(torch.cuda.get_rng_state(self.accelerator.device))
        return [value for part in all_gather(states) for value in part]

    def _resume(self) -> None:
        checkpoint = load_checkpoint(self.run.checkpoints, "last")
        if checkpoint is None:
            self._rewind()
            return
        values, tensors, optimiser = checkpoint
        self.state = TrainingState(**values)
        self.learner.load_weights(_strip(tensors, "weights."))
        self.learner.load_tensors(_strip(tensors, "learner."), self.accelerator.device)
        self._ready_epoch = self.state.epoch
        if optimiser is not None:
            self.optimiser.load_state_dict(self._own_share(optimiser["optimiser"]))
            self.schedule.load_state_dict(optimiser["schedule"])
            if self.accelerator.scaler is not None and "scaler" in optimiser:
                self.accelerator.scaler.load_state_dict(optimiser["scaler"])
        states = [value for _, value in sorted(_strip(tensors, "rng.").items())]
        each = 2 if torch.cuda.is_available() else 1
        if len(states) == each * process_count():
            own = states[each * process_index() :][:each]
            torch.set_rng_state(own[0])
            if each == 2:
                torch.cuda.set_rng_state(own[1], self.accelerator.device)
        else:
            logger.warning(
                "resumed with another number of processes: dropout will differ from that of an uninterrupted run"
            )
        self._rewind()
        logger.info("resumed at epoch %d, step %d", self.state.epoch + 1, self.state.step)

    def _own_share(self, optimiser: dict[str, Any]) -> dict[str, Any]:
        """Return the state of an optimiser with this process's share of what is sharded."""
        parameters = [one for group in self.optimiser.param_groups for one in group["params"]]
        state = {
            number: {name: placed(value, parameters[number]) for name, value in values.items()}
            for number, values in optimiser["state"].items()
        }
        own = {name: self.optimiser.defaults[name] for name in ("fused", "foreach") if name in self.optimiser.defaults}
        groups = [{**group, **own} for group in optimiser["param_groups"]]
        return {"state": state, "param_groups": groups}

    def _rewind(self) -> None:
        if is_main_process():
            self.run.rewind(self.state.step, self.state.epoch)

    def _log(self, tracker: Any, record: dict[str, Any]) -> None:
        self.run.log(record)
        if tracker is not None:
            for key, value in record.items():
                if isinstance(value, float):
                    tracker.add_scalar(f"{record['event']}/{key}", value, record["step"])

    def _tensorboard(self) -> Any:
        if not self.config.tensorboard or not is_main_process():
            return None
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.run.path / "tensorboard"))

    def _progress(self) -> Progress:
        return LoggedProgress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(),
            disable=not is_main_process(), transient=True,
        )  # fmt: skip

    def _signals(self) -> AbstractContextManager[None]:
        """Save and stop on Ctrl-C and SIGTERM."""

        def stop(number: int, frame: Any) -> None:
            logger.warning("stopping after this step; saving a checkpoint")
            self._interrupted = True

        return stop_signals_handled(stop)


def _new_accelerator(precision: str) -> Accelerator:
    # accelerate keeps the precision of its first Accelerator and refuses another until the process ends. The state that
    # is reset has settings only; the group of processes is in `PartialState`, which stays.
    if is_initialized() and AcceleratorState().mixed_precision != precision:
        AcceleratorState._reset_state()
    # A batch without pictures leaves the image encoder unused.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(mixed_precision=precision, kwargs_handlers=[unused])


def _grouped(batches: list[list[int]], size: int) -> list[list[list[int]]]:
    return [batches[start : start + size] for start in range(0, len(batches), size)]


@contextmanager
def _synchronised(accelerator: Accelerator, module: nn.Module, synchronise: bool) -> Iterator[None]:
    if synchronise:
        yield
    else:
        with accelerator.no_sync(module):
            yield


def _strip(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
