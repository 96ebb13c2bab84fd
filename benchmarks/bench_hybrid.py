"""Time one post through a hybrid against a System that is among its sources, alone.

python benchmarks/bench_hybrid.py --run runs/hybrid --alone runs/sample --data data/prepared --profile

Both remember the same posts: the train split, repeated earlier and earlier by other users until there are enough. Each
test post is ranked by one and then by the other, one post a call; times are those of the processor, and the ratio is
that of the medians over all posts and rounds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.posts import Post
from data_loaders.prepared import PreparedData
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.systems.base import System
from multimodal.systems.model_folder import load_model

K, WARM_UP = 5, 5


def filled(system: System, posts: Sequence[Post], size: int) -> PostMemory:
    """Return a memory of about `size` posts in order of time; each content is encoded once."""
    once, memory = system.new_memory(), system.new_memory()
    system.add_posts(once, posts)
    rounds = max(round(size / len(posts)), 1)
    origins, everything = np.tile(np.arange(len(posts)), rounds), repeated(posts, rounds)
    # Posts that came after later ones would be late, and late posts are compared exactly.
    order = np.argsort([post.instant_us for post in everything], kind="stable")
    for block in np.array_split(order, rounds):
        _append(memory, [everything[number] for number in block], once, origins[block])
    return memory


def _append(memory: PostMemory, posts: Sequence[Post], once: PostMemory, origins: NDArray[np.int64]) -> None:
    spaces = {space: once.vectors_at(space, origins) for space in once.spaces}
    contents = once.vectors_at(CONTENT, origins) if once.width else None
    terms = once.terms_at(origins) if once.slots else None
    memory.append(posts, contents, terms, spaces, once.languages_at(origins))


def repeated(posts: Sequence[Post], rounds: int) -> list[Post]:
    """Return the posts `rounds` times, the last time as they are, each time before three days earlier."""
    return [_repeated(post, number, rounds) for number in range(rounds) for post in posts]


def _repeated(post: Post, number: int, rounds: int) -> Post:
    user_id = None if post.user_id is None else f"{post.user_id}{number % 20 or ''}"
    earlier = None if post.timestamp is None else post.timestamp - timedelta(days=3 * (rounds - 1 - number))
    return replace(post, post_id=f"{number} {post.post_id}", user_id=user_id, timestamp=earlier)


def seconds(system: System, memory: PostMemory, post: Post) -> float:
    """Return the processor time of one ranking."""
    started = time.process_time()
    system.rank([post], memory, K)
    return time.process_time() - started


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="of the hybrid")
    parser.add_argument("--alone", type=Path, required=True, help="of the other System")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--remembered", type=int, default=100_000)
    parser.add_argument("--posts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = PreparedData.open(options.data)
    train, asked = list(data.split("train")), list(data.split("test"))[: options.posts]
    systems = [load_model(run).system for run in (options.run, options.alone)]
    memories = [filled(system, train, options.remembered) for system in systems]
    times: list[list[float]] = [[], []]
    for turn in range(options.rounds):
        for number, post in enumerate(asked):
            for system, memory, taken in zip(systems, memories, times, strict=True):
                one = seconds(system, memory, post)
                if turn or number >= WARM_UP:
                    taken.append(one)
    hybrid, alone = (1_000 * median(taken) for taken in times)
    sys.stdout.write(
        f"{len(memories[0]):,} posts remembered; median of {len(times[0])}: {systems[0].name} {hybrid:.2f} ms, "
        f"{systems[1].name} {alone:.2f} ms; ratio {hybrid / alone:.3f}\n"
    )
    if options.profile:
        with cProfile.Profile() as profile:
            for post in asked:
                systems[0].rank([post], memories[0], K)
        pstats.Stats(profile).sort_stats("cumtime").print_stats(60)


if __name__ == "__main__":
    main()
