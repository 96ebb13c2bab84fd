"""Time what a small DESIGN pays for a large memory: an answer, and changes of the memory.

    python benchmarks/bench_remembering.py
    python benchmarks/bench_remembering.py --posts 2000,1000000 --questions 200 --json remembering.jsonl

Posts are those of `bench_memory.py`, in memory; the network is that of `configs/sample.yaml`, not trained, with 30 own
posts, 20 neighbours by words, or by words and vectors with `--likeness mixed`, and 1,000 hashtags. Times are CPU time
of one thread, means for changes and medians for answers. The memories are asked in turn, so that a busy machine slows
all of them alike.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from memory_stream import SPACE, WIDTH, Generator, memory_of, vocabulary, write_stream
from rich.console import Console
from rich.table import Table

from data_loaders.posts import Post
from multimodal.design.system import DesignSystem
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.recommender import Recommender
from multimodal.systems.config_loading import load_config

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "sample.yaml"
WORDS = [f"word{number}" for number in range(2_000)]
CHANGES, HASHTAGS = 1_000, 1_000


def make_system(likeness: str) -> DesignSystem:
    """Return a network that is not trained."""
    encoder = [f"history.encoder.width={WIDTH}", "history.encoder.name=small", "history.encoder.trainable=false"]
    mixed = ["history.likeness=mixed", "history.power=4", *encoder]
    config = load_config(CONFIG, ["feature_cache=null", *(mixed if likeness == "mixed" else [])])
    torch.manual_seed(0)
    system = DesignSystem(config)
    system.id_map, system.alpha = HashtagIdMap(vocabulary().names[:HASHTAGS], [5] * HASHTAGS), 0.5
    system.build([" ".join(WORDS[start : start + 10]) for start in range(0, len(WORDS), 10)], False)
    return system


def fill(system: DesignSystem, count: int, folder: Path) -> Recommender:
    """Return a recommender that remembers `count` posts."""
    posts = write_stream(folder / str(count), count, Generator(), count)
    arrays, values = memory_of(posts).state()
    like: PostMemory = system.new_memory()
    like.id_map.add(vocabulary().names)
    arrays[f"vectors.{SPACE}"] = posts.vectors
    arrays["vectors"] = np.random.default_rng(0).normal(size=(count, like.width)).astype(np.float32)
    memory = PostMemory.from_state(arrays, {**values, "width": like.width, "spaces": like.spaces}, like.id_map)
    likeness = system.scorer.datasets.likeness
    memory.index.seal(likeness.spaces if likeness is not None else ())
    return Recommender(system, memory)


def cpu_ms(work: Callable[[], Any]) -> float:
    """Return the CPU time of a call."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e3


def answers(recommenders: dict[int, Recommender], questions: int) -> dict[int, float]:
    """Return the median time of an answer for each memory."""
    draw = np.random.default_rng(1)
    times: dict[int, list[float]] = {count: [] for count in recommenders}
    for number in range(questions + 20):
        caption, user = " ".join(draw.choice(WORDS, 12)), draw.random()
        for count, recommender in recommenders.items():
            user_id = f"u{int(user * max(count // 30, 1))}"
            taken = cpu_ms(lambda: recommender.recommend(caption=caption, user_id=user_id))  # noqa: B023, called here
            if number >= 20:
                times[count].append(taken)
    return {count: float(np.median(taken)) for count, taken in times.items()}


def changes(recommender: Recommender) -> dict[str, float]:
    """Return the mean times of changes of a memory, in milliseconds each."""
    memory = recommender.memory
    rows = {
        space: np.zeros((1, width), np.float32) for space, width in {**memory.spaces, CONTENT: memory.width}.items()
    }
    content, terms = rows.pop(CONTENT), memory.terms_at(np.array([0]))
    new = [Post(post_id=f"new{number}", user_id=f"u{number % 9}", hashtags=("tag1",)) for number in range(CHANGES)]

    def append() -> None:
        for post in new:
            memory.append([post], content, terms, rows)

    def fork() -> None:
        for _ in range(CHANGES):
            with memory.fork() as lent:
                lent.now_us  # noqa: B018, nothing is measured but the fork

    def withdraw() -> None:
        for post in new[:100]:
            memory.withdraw([post.post_id])

    figures = {"append": cpu_ms(append) / CHANGES, "fork": cpu_ms(fork) / CHANGES, "withdraw": cpu_ms(withdraw) / 100}
    return {**figures, "forget": cpu_ms(lambda: memory.forget("u1"))}


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", default="2000,1000000", help="sizes of memories, with commas between them")
    parser.add_argument("--questions", type=int, default=200, help="questions asked of each")
    parser.add_argument("--likeness", choices=("words", "mixed"), default="words")
    parser.add_argument("--json", type=Path, help="file that the figures are added to, as JSON lines")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        system = make_system(options.likeness)
        recommenders = {int(size): fill(system, int(size), Path(folder)) for size in options.posts.split(",")}
        medians = answers(recommenders, options.questions)
        for count, recommender in recommenders.items():
            rows.append({"name": f"recommend, {options.likeness}", "posts": count, "ms": medians[count]})
            rows += [{"name": name, "posts": count, "ms": value} for name, value in changes(recommender).items()]
    smallest = min(medians)
    table = Table("figure", "posts", "ms", f"over that of {smallest:,} posts")
    for row in rows:
        base = next(other["ms"] for other in rows if (other["name"], other["posts"]) == (row["name"], smallest))
        row["ratio"] = row["ms"] / base if base else None
        table.add_row(row["name"], f"{row['posts']:,}", f"{row['ms']:.3f}", f"{row['ratio'] or 0:.2f}")
    if options.json is not None:
        with options.json.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    Console().print(table)


if __name__ == "__main__":
    main()
