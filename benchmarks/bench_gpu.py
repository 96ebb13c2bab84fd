"""Measure training and answering on a GPU, in one run that needs neither weights nor data nor network.

    python benchmarks/bench_gpu.py
    python benchmarks/bench_gpu.py --size tiny --only agreement,frozen

`paper` is multilingual BERT base (captions of 128 tokens) with ViT-B/16 or VGG-16, with random weights, which do not
affect the time; `tiny` runs the same code with tiny encoders, on a CPU too. A stage is left out when the minutes are
used up; the stages:

  machine     the device, and its rate at a large product of bf16 matrices
  finetuning  design_vit_weighted with both encoders trained, bf16, pictures decoded on demand: posts/s, MFU (share of
              the device's published bf16 rate that the model's products and convolutions use), share of a step that
              waits for data (against steps on one batch that is on the device already), peak memory; with and without
              training.compile. FLOPs are counted by torch.utils.flop_counter
  agreement   a model trained on the device: first five hashtags there and on the CPU, both in fp32
  frozen      both encoders frozen, without and with the feature cache: posts/s of the steps, and of whole epochs
  vgg         design_vgg_weighted, both encoders trained
  precision   validation F1 of the `sample` configuration in fp32 and in bf16, three seeds each
  serving     one `recommend` at a time, and many at once
  tests       the tests that need a GPU

Prints a line per figure; --json also writes them as JSON lines.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from bench_training import TimedRun, write_small_bert
from rich.console import Console

from data_loaders.posts import Post
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.sample import write_sample
from multimodal.config import RunConfig
from multimodal.design.learner import DesignLearner
from multimodal.design.system import DesignSystem
from multimodal.distributed.devices import choose_device
from multimodal.encoders.features import inputs
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.recommender import Recommender
from multimodal.storage.configurations import find_config
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.training.run import train_run
from multimodal.training.trainer import Trainer

# Published rates of dense bf16 products, in TFLOP/s: NVIDIA's data sheets.
PUBLISHED_TFLOPS = {"H100": 989.4, "H200": 989.4, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
# Kernels by their names, in the order in which they are tried; the rest are norms, activations, dropout and sums.
KERNELS = {
    "attention": r"sdpa|flash|fmha|attention",
    "copies": r"memcpy|memset",
    "optimiser and clipping": r"multi_tensor|adam|lpnorm",
    "convolutions": r"conv|wgrad|dgrad|fprop|implicit",
    "products": r"nvjet|gemm|cublas|cutlass",
}
K = 5
say = Console(highlight=False, markup=False, soft_wrap=True).print


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

    stage: str
    name: str
    value: float
    unit: str


@dataclass(slots=True)
class Bench:
    """What the stages share: the sizes, the data, and where figures go."""

    size: str
    folder: Path
    data: PreparedData
    device: torch.device
    warm_up_steps: int
    steps: int
    batch_size: int
    json_file: Path | None
    peak_tflops: float = 0.0
    stage: str = ""

    def report(self, name: str, value: float, unit: str) -> None:
        """Print a figure, and add it to the file."""
        say(f"{self.stage:<11} {name:<58} {value:>12,.4g} {unit}")
        if self.json_file is not None:
            with self.json_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(Figure(self.stage, name, value, unit))) + "\n")

    def config(self, image: str, *, trained: bool, cache: bool = False, **training: Any) -> RunConfig:
        """Return DESIGN as in design_vit_weighted or design_vgg_weighted, or with tiny encoders."""
        paper = self.size == "paper"
        caption: dict[str, Any] = {"name": "transformer", "random_init": True, "trainable": trained}
        if not paper:
            caption["pretrained"] = str(self.folder / "bert")
        names = {"vit": ("vit_base_patch16_224", "vit_tiny_patch16_224"), "vgg": ("vgg16", "resnet18")}
        return validate_config(
            {
                "system": "design",
                "width": 512 if paper else 32,
                "encoder": {
                    "caption": {**caption, "maximum_tokens": 128 if paper else 16},
                    "image": {
                        "name": names[image][not paper],
                        "pretrained": False,
                        "trainable": trained,
                        "size_px": 224 if paper else 64,
                    },
                },
                "history": {"posts": 20, "neighbours": 0, "pointer": False},
                "feature_cache": str(self.folder / "features") if cache else None,
                "training": {
                    "batch_size": self.batch_size,
                    "precision": "bf16",
                    "validation_k": K,
                    "checkpoint_minutes": 60.0,
                    "loader_workers": None if self.device.type == "cuda" else 2,
                    **training,
                },
            }
        )


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Return how long some work takes, until a GPU has done it."""
    synchronise(device)
    started = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - started


def write_data(folder: Path, posts: int, image_size_px: int, words: int) -> PreparedData:
    """Prepare a sample, and lengthen its captions by random words of its own."""
    write_sample(folder / "dump", posts=posts, users=max(20, posts // 40), image_size_px=image_size_px)
    prepare(folder / "dump", folder / "prepared", PrepareSettings(check_images=False))
    file = folder / "prepared" / "posts.parquet"
    table = pd.read_parquet(file)
    captions = table["caption"].fillna("")
    known = sorted({word for caption in captions for word in caption.split()})
    generator = np.random.default_rng(0)
    table["caption"] = [f"{caption} {' '.join(generator.choice(known, words))}" for caption in captions]
    table.to_parquet(file, index=False)
    return PreparedData.open(folder / "prepared")


# -- machine ---------------------------------------------------------------------------------------------------


def machine(bench: Bench) -> None:
    """Report the device and its measured rate."""
    name = torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else "CPU"
    say(f"{name}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    size = 8_192 if bench.device.type == "cuda" else 256
    left, right = (torch.randn(size, size, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    times = [seconds(bench.device, lambda: left @ right) for _ in range(10)][3:]
    measured = 2 * size**3 / statistics.median(times) / 1e12
    bench.report(f"product of {size} x {size} bf16 matrices", measured, "TFLOP/s")
    published = next((rate for key, rate in PUBLISHED_TFLOPS.items() if key in name), None)
    bench.peak_tflops = published or measured
    bench.report("rate that MFU refers to" + ("" if published else " (measured)"), bench.peak_tflops, "TFLOP/s")


# -- training --------------------------------------------------------------------------------------------------


def make_trainer(bench: Bench, config: RunConfig, name: str) -> tuple[DesignLearner, Trainer]:
    """Return what `DesignSystem.fit` trains with."""
    train, validation = list(bench.data.split("train")), list(bench.data.split("validation"))
    system = DesignSystem(config)
    system.id_map = HashtagIdMap(bench.data.vocabulary.hashtags, bench.data.vocabulary.frequencies)
    torch.manual_seed(0)
    system.build(cleaned_captions(train, system.config.caption_profile), pictured=True)
    system.use_device(bench.device)
    learner = DesignLearner(system.config, system.scorer, system.id_map, train, validation)
    trainer = Trainer(learner, system.config.training, RunFolder(bench.folder / name), seed=0)
    learner.start_epoch(0, bench.device)
    trainer.module.train()
    return learner, trainer


def step_seconds(bench: Bench, learner: DesignLearner, trainer: Trainer, fixed: bool) -> float:
    """Return the seconds of a step, of new batches or all of one batch that is on the device already."""
    groups = list(islice(cycle([[batch] for batch in learner.batches(0)]), bench.warm_up_steps + bench.steps))
    first = learner._make(groups[0][0], epoch=0).to(bench.device)
    with trainer.prefetched(groups):
        if fixed:
            learner._ahead = repeat(first)
        for group in groups[: bench.warm_up_steps]:
            trainer.update(group)

        def steps() -> None:
            for group in groups[bench.warm_up_steps :]:
                trainer.update(group)

        return seconds(bench.device, steps) / bench.steps


def step_flops(learner: DesignLearner, device: torch.device) -> float:
    """Return the floating-point operations of one step, without optimiser."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    rows = learner.batches(0)[0]
    with counter, torch.autocast(device.type, torch.bfloat16):
        loss, _ = learner.loss(learner.module, rows, 0)
        torch.autograd.backward(loss)
    learner.module.zero_grad()
    return float(counter.get_total_flops())


def kernel_shares(bench: Bench, learner: DesignLearner, trainer: Trainer) -> dict[str, float]:
    """Return the share of each kind of kernel in the GPU's time of a step; nothing on a CPU."""
    if bench.device.type != "cuda":
        return {}
    from torch.profiler import ProfilerActivity, profile

    group = [learner.batches(0)[0]]
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        trainer.update(group)
        synchronise(bench.device)
    times: dict[str, float] = {}
    for event in profiled.key_averages():
        kind = next((kind for kind, pattern in KERNELS.items() if re.search(pattern, event.key, re.IGNORECASE)), "rest")
        times[kind] = times.get(kind, 0.0) + event.self_device_time_total
    return {kind: spent / sum(times.values()) for kind, spent in sorted(times.items(), key=lambda item: -item[1])}


@contextmanager
def decoding_on_demand() -> Iterator[None]:
    """Decode pictures for every batch, as in a dump whose pictures do not fit in memory."""
    kept = inputs._PIXELS_IN_MEMORY_BYTES
    inputs._PIXELS_IN_MEMORY_BYTES = 0
    try:
        yield
    finally:
        inputs._PIXELS_IN_MEMORY_BYTES = kept


def train_end_to_end(bench: Bench, image: str, compiled: bool) -> None:
    """Report the rate of training with both encoders trained."""
    config = bench.config(image, trained=True, compile=compiled)
    with decoding_on_demand():
        learner, trainer = make_trainer(bench, config, f"{bench.stage}-{image}-{compiled}")
    name = f"design_{image}_weighted, end to end, {'compiled' if compiled else 'eager'}"
    flops = step_flops(learner, bench.device)
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bench.device)
    warm_up = seconds(bench.device, lambda: step_seconds(bench, learner, trainer, fixed=True)) if compiled else 0.0
    fixed = step_seconds(bench, learner, trainer, fixed=True)
    real = step_seconds(bench, learner, trainer, fixed=False)
    bench.report(f"{name}: training", bench.batch_size / real, "posts/s")
    bench.report(f"{name}: step", 1000 * real, "ms")
    bench.report(f"{name}: MFU", 100 * flops / real / (bench.peak_tflops * 1e12), "%")
    bench.report(f"{name}: waits for data", 100 * max(0.0, 1 - fixed / real), "%")
    for kind, share in kernel_shares(bench, learner, trainer).items():
        bench.report(f"{name}: {kind}", 100 * share, "% of GPU time")
    if compiled:
        bench.report(f"{name}: compilation and {bench.steps} steps", warm_up, "s")
    if bench.device.type == "cuda":
        bench.report(f"{name}: peak memory", torch.cuda.max_memory_allocated(bench.device) / 2**30, "GiB")


def finetuning(bench: Bench) -> None:
    """Report training of design_vit_weighted end to end, eager and compiled."""
    for compiled in (False, True):
        train_end_to_end(bench, "vit", compiled)


def vgg(bench: Bench) -> None:
    """Report training of design_vgg_weighted end to end."""
    train_end_to_end(bench, "vgg", compiled=False)


def frozen(bench: Bench) -> None:
    """Report training with frozen encoders, without and with the feature cache."""
    rates: dict[str, list[float]] = {"steps": [], "epochs": []}
    for cache in (False, True):
        name = "with the feature cache" if cache else "without the feature cache"
        config = bench.config("vit", trained=False, cache=cache, epochs=2, patience=2)
        with decoding_on_demand():
            learner, trainer = make_trainer(bench, config, f"frozen-steps-{cache}")
            rates["steps"].append(bench.batch_size / step_seconds(bench, learner, trainer, fixed=False))
            bench.report(f"frozen, {name}: steps", rates["steps"][-1], "posts/s")
            run = TimedRun(bench.folder / f"frozen-{cache}")
            DesignSystem(config).fit(bench.data, run)
        posts = len(bench.data.split("train"))
        rates["epochs"].append(posts / (run.validated[-1] - run.validated[-2]))
        bench.report(f"frozen, {name}: whole epochs", rates["epochs"][-1], "posts/s")
    for what, (without, with_cache) in rates.items():
        bench.report(f"frozen, with the feature cache: {what}", with_cache / without, "times as fast")


# -- results ---------------------------------------------------------------------------------------------------


def sample_config(bench: Bench, seed: int, precision: str) -> RunConfig:
    """Return the `sample` configuration; shortened for a tiny run."""
    short = [] if bench.size == "paper" else ["training.epochs=2", "width=32"]
    overrides = [f"seed={seed}", f"training.precision={precision}", *short]
    return load_config(find_config("sample"), overrides)


def trained_run(bench: Bench, seed: int, name: str) -> RunFolder:
    """Return a run of the `sample` configuration, trained on the device once."""
    run = RunFolder(bench.folder / f"sample-{name}-{seed}")
    if not (run.model / "model.json").is_file():
        train_run(sample_config(bench, seed, name), bench.data, run.path)
    return run


def precision(bench: Bench) -> None:
    """Report validation F1 in fp32 and in bf16."""
    for name in ("no", "bf16"):
        scores = []
        for seed in range(3 if bench.size == "paper" else 1):
            metrics = trained_run(bench, seed, name).metrics.read_text(encoding="utf-8")
            lines = [json.loads(line) for line in metrics.splitlines()]
            scores.append(max(line["score"] for line in lines if line["event"] == "validation"))
        bench.report(f"validation F1@{K}, precision {name}: mean", statistics.mean(scores), "")
        bench.report(f"validation F1@{K}, precision {name}: largest - smallest", max(scores) - min(scores), "")


def answers(folder: Path, device: torch.device, posts: list[Post]) -> list[list[str]]:
    """Return the first K hashtags of each post."""
    system = Recommender.from_pretrained(folder, device=device)
    return [[name for name, _ in row] for row in system.system.rank(posts, system.memory, K)]


def agreement(bench: Bench) -> None:
    """Report how many posts get the same answer on the device and on the CPU."""
    posts = [*bench.data.split("validation"), *bench.data.split("test")]
    here, there = (
        answers(trained_run(bench, 0, "no").model, torch.device(name), posts) for name in ("cpu", bench.device)
    )
    equal = [left == right for left, right in zip(here, there, strict=True)]
    same_set = [set(left) == set(right) for left, right in zip(here, there, strict=True)]
    bench.report("posts compared", len(posts), "")
    bench.report(f"same {K} hashtags in the same order as on the CPU", 100 * np.mean(equal), "%")
    bench.report(f"same {K} hashtags in any order", 100 * np.mean(same_set), "%")


def serving(bench: Bench) -> None:
    """Report answers one at a time, and many at once."""
    recommender = Recommender.from_pretrained(trained_run(bench, 0, "no").model, device=bench.device)
    posts = list(islice(chain.from_iterable(repeat(bench.data.split("test"))), 20 if bench.size == "tiny" else 400))
    queries = [{"image": post.image, "caption": post.caption, "user_id": post.user_id} for post in posts]
    times = [seconds(bench.device, lambda query=query: recommender.recommend(**query, k=K)) for query in queries]
    for share, value in zip((50, 95), np.percentile(times, (50, 95)), strict=True):
        bench.report(f"one recommend at a time, sample model: p{share}", 1000 * float(value), "ms")
    many = seconds(bench.device, lambda: recommender.recommend_many(queries, k=K))
    bench.report(f"recommend_many of {len(queries)}, sample model", len(queries) / many, "posts/s")


def tests(bench: Bench) -> None:
    """Report the tests that need a GPU; without one they are skipped."""
    root = Path(__file__).parent.parent
    files = [str(file) for file in sorted((root / "tests").rglob("test_*.py")) if "mark.cuda" in file.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    say(done.stdout[-4000:])
    bench.report("tests that need a GPU: exit status (0: passed)", done.returncode, "")


STAGES: dict[str, Callable[[Bench], None]] = {
    stage.__name__: stage for stage in (machine, finetuning, agreement, frozen, vgg, precision, serving, tests)
}


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["paper", "tiny"], default="paper")
    parser.add_argument("--only", default=",".join(STAGES), help="stages, by comma (default: all)")
    parser.add_argument("--minutes", type=float, default=8.0, help="no stage starts after this time (default: 8)")
    parser.add_argument("--posts", type=int, default=2_400, help="of the sample (default: 2,400; at least 320)")
    parser.add_argument("--batch-size", type=int, default=256, help="posts a step (default: 256)")
    parser.add_argument("--warm-up-steps", type=int, default=24, help="steps before (default: 24, two by each worker)")
    parser.add_argument("--steps", type=int, default=40, help="timed steps (default: 40)")
    parser.add_argument("--device", default=None, help="cpu, cuda, cuda:1 (default: CUDA if available)")
    parser.add_argument("--json", type=Path, help="file that the figures are added to, as JSON lines")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := sorted(set(chosen) - set(STAGES)):
        parser.error(f"--only: {', '.join(unknown)} is not a stage; accepted: {', '.join(STAGES)}")
    logging.getLogger().setLevel(logging.ERROR)
    started, failed = time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny = options.size == "tiny"
        data = write_data(folder, options.posts, 64 if tiny else 256, 8 if tiny else 120)
        if tiny:
            write_small_bert(folder / "bert")
        device = choose_device(options.device)
        bench = Bench(
            options.size, folder, data, device, options.warm_up_steps, options.steps, options.batch_size, options.json
        )
        for stage in ("machine", *(stage for stage in chosen if stage != "machine")):
            if time.monotonic() - started > 60 * options.minutes:
                say(f"{stage}: left out, the {options.minutes:g} minutes are used up")
                continue
            bench.stage = stage
            try:
                STAGES[stage](bench)
            except Exception:  # noqa: BLE001  (time on a GPU is precious: the other stages still run)
                failed.append(stage)
                say(traceback.format_exc())
            say(f"{stage}: done at {time.monotonic() - started:,.0f} s")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
