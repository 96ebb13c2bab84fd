"""Time training with and without the feature cache, everything else equal.

    python benchmarks/bench_training.py
    python benchmarks/bench_training.py --size paper --posts 2000

Both encoders are frozen and have random weights, which do not affect the time. The sample dump is written to a
temporary folder, prepared, and trained on for some epochs. An epoch is everything between two validations: the content
vectors of the memory, the steps and the validation. The first also has the content vectors before the first step; with
the cache, it fills the cache. `tiny` is ViT-tiny and a BERT of 4 layers and 256 units; `paper` is ViT-B/16 and BERT
base, meant for a GPU.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.sample import write_sample
from multimodal.config import RunConfig
from multimodal.design.system import DesignSystem
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import validate_config


class TimedRun(RunFolder):
    """A run folder that records when each epoch was validated."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.validated: list[float] = []

    def log(self, record: dict[str, Any]) -> None:
        """Record the time of a validation, and write the line."""
        if record["event"] == "validation":
            self.validated.append(time.perf_counter())
        super().log(record)


def write_small_bert(folder: Path) -> Path:
    """Write a BERT with random weights and a tokenizer, in the layout of the transformers library."""
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from multimodal.encoders.captions.tokenizer import PAD_TOKEN, START_TOKEN, train_tokenizer

    make_tokenizer: Any = PreTrainedTokenizerFast
    tokenizer = make_tokenizer(
        tokenizer_object=train_tokenizer(["some words to begin with"] * 2, 400),
        pad_token=PAD_TOKEN,
        cls_token=START_TOKEN,
    )
    sizes = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1_024}
    BertModel(BertConfig(vocab_size=400, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_config(size: str, folder: Path, cache: bool, epochs: int) -> RunConfig:
    """Return DESIGN with two frozen encoders."""
    caption: dict[str, Any] = {"name": "transformer", "random_init": True, "trainable": False}
    image = {"name": "vit_base_patch16_224", "pretrained": False, "trainable": False}
    if size == "tiny":
        caption |= {"pretrained": str(folder / "bert")}
        image |= {"name": "vit_tiny_patch16_224"}
    return validate_config(
        {
            "system": "design",
            "width": 128 if size == "tiny" else 512,
            "encoder": {"caption": caption, "image": image},
            "feature_cache": str(folder / "features") if cache else None,
            "training": {"epochs": epochs, "patience": epochs, "batch_size": 64},
        }
    )


def epoch_seconds(config: RunConfig, data: PreparedData, folder: Path) -> list[float]:
    """Train, and return the seconds of each epoch."""
    run = TimedRun(folder)
    started = time.perf_counter()
    DesignSystem(config).fit(data, run)
    times = [started, *run.validated]
    return [after - before for before, after in itertools.pairwise(times)]


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=400, help="of the dump (default: 400; at least 320)")
    parser.add_argument("--image-size-px", type=int, default=128, help="side of the pictures (default: 128)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--size", choices=["tiny", "paper"], default="tiny")
    options = parser.parse_args()
    if options.posts < 320:
        parser.error("--posts: fewer than 320 posts are not worth a cache, and none is used")
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder / "dump", posts=options.posts, users=20, image_size_px=options.image_size_px)
        prepare(folder / "dump", folder / "prepared", PrepareSettings(check_images=False))
        data = PreparedData.open(folder / "prepared")
        if options.size == "tiny":
            write_small_bert(folder / "bert")
        results = {}
        for cache in (True, False):
            torch.manual_seed(0)
            config = make_config(options.size, folder, cache, options.epochs)
            results[cache] = epoch_seconds(config, data, folder / f"run-{cache}")
    show(results, len(data.split("train")), options)


def show(results: dict[bool, list[float]], posts: int, options: argparse.Namespace) -> None:
    """Print train posts per second by epoch, and the speed-up by the cache."""
    device = "GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    table = Table("epoch", "with cache", "without", "times as fast", title=f"{options.size}, {posts} posts, {device}")
    for number, (with_cache, without) in enumerate(zip(results[True], results[False], strict=True), start=1):
        name = "1 (fills the cache)" if number == 1 else str(number)
        cells = [f"{posts / seconds:,.0f} posts/s" for seconds in (with_cache, without)]
        table.add_row(name, *cells, f"{without / with_cache:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
