"""Prepare generated dumps of growing size, without pictures, and measure time and memory.

    python benchmarks/bench_prepare.py --posts 200000 1000000
    python benchmarks/bench_prepare.py --posts 10000000 --format parquet --shuffled

Each row: posts, seconds, processor seconds of all processes, posts per processor second, and the most memory that all
processes held together (proportional set size, so that shared pages count once), in GB and bytes per post. A post has
a caption of about twelve words, four of 300,000 hashtags inside of it, a user (ten posts each) and a time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

SHARD, HASHTAGS, WORDS, PHRASES = 250_000, 300_000, 30_000, 20_000
FIRST_SECOND, SECONDS = 1_500_000_000, 150_000_000
SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "sha", "vel", "or", "ani", "dus", "pe", "zi")


def name(number: int) -> str:
    """Return a word that is that of no other number."""
    text = ""
    while True:
        number, digit = divmod(number, len(SYLLABLES))
        text += SYLLABLES[digit]
        if not number:
            return text


def skewed(random: np.random.Generator, most: int, count: int) -> NDArray[np.int64]:
    """Return numbers below `most`, small ones far more often (Zipf)."""
    return np.minimum(most ** random.random(count), most - 1).astype(np.int64)


def posts_of(shard: int, count: int, total: int, shuffled: bool) -> dict[str, list[Any]]:
    """Return the columns of one shard."""
    random, shared = np.random.default_rng([1, shard]), np.random.default_rng(0)
    phrases = [" ".join(map(name, row)) for row in skewed(shared, WORDS, 6 * PHRASES).reshape(-1, 6).tolist()]
    first, second = random.integers(PHRASES, size=(2, count)).tolist()
    tags = skewed(random, HASHTAGS, 4 * count).reshape(-1, 4).tolist()
    users = random.integers(max(total // 10, 1), size=count).tolist()
    begins = 0 if shuffled else SECONDS * shard * SHARD // total
    seconds = begins + random.integers(SECONDS if shuffled else max(SECONDS * count // total, 1), size=count)
    return {
        "post_id": [str(10**17 + shard * SHARD + row) for row in range(count)],
        "user_id": [f"user{user}" for user in users],
        "timestamp": (FIRST_SECOND + (seconds if shuffled else np.sort(seconds))).tolist(),
        "caption": [
            f"{phrases[a]} {phrases[b]} #{' #'.join(map(name, four))}"
            for a, b, four in zip(first, second, tags, strict=True)
        ],
    }


def write_shard(folder: Path, shard: int, count: int, total: int, shuffled: bool, format: str) -> None:
    """Write one file of the dump."""
    columns = posts_of(shard, count, total, shuffled)
    if format == "parquet":
        pq.write_table(pa.table(columns), folder / f"posts-{shard:05}.parquet", compression="zstd")
        return
    with (folder / f"posts-{shard:05}.jsonl").open("w", encoding="utf-8") as file:
        for row in zip(*columns.values(), strict=True):
            file.write(json.dumps(dict(zip(columns, row, strict=True))) + "\n")


def write_dump(folder: Path, total: int, shuffled: bool, format: str) -> None:
    """Write a dump of `total` posts."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for shard, begin in enumerate(range(0, total, SHARD)):
            pool.submit(write_shard, folder, shard, min(SHARD, total - begin), total, shuffled, format)


def processes(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from processes(int(child))


def held_bytes(pid: int) -> int:
    """Return the memory of a process and all below it; pages that they share count once."""
    total = 0
    try:
        for one in processes(pid):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += 1_024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        pass  # one has just ended
    return total


def measure(source: Path, output: Path, processes: int) -> dict[str, float]:
    """Prepare a dump in a process of its own."""
    command = [sys.executable, "-m", "multimodal.commands", "prepare", "--source", str(source), "--output", str(output)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    running = subprocess.Popen([*command, "--processes", str(processes)], stdout=subprocess.DEVNULL)
    most = 0
    while running.poll() is None:
        most = max(most, held_bytes(running.pid))
        time.sleep(0.2)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if running.returncode:
        raise SystemExit("prepare failed")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_seconds": cpu, "most_bytes": most}


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl")
    parser.add_argument("--shuffled", action="store_true", help="posts in no order of time")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where dumps are written (default: a temporary folder)")
    options = parser.parse_args()
    table = Table("posts", "seconds", "CPU seconds", "posts per CPU second", "most memory, GB", "bytes per post")
    for posts in options.posts:
        folder = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            (folder / "dump").mkdir()
            write_dump(folder / "dump", posts, options.shuffled, options.format)
            found = measure(folder / "dump", folder / "prepared", options.processes)
        finally:
            shutil.rmtree(folder)
        rate, each = posts / found["cpu_seconds"], found["most_bytes"] / posts
        table.add_row(
            f"{posts:,}", f"{found['seconds']:.1f}", f"{found['cpu_seconds']:.1f}", f"{rate:,.0f}",
            f"{found['most_bytes'] / 1e9:.2f}", f"{each:,.0f}",
        )  # fmt: skip
        Console(stderr=True).print(json.dumps({"posts": posts, **found}))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
