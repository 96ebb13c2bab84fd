"""Time the search for neighbours, the other questions, observing and opening, in memories of up to 10,000,000 posts.

    python benchmarks/bench_memory.py
    python benchmarks/bench_memory.py --posts 100000,1000000,10000000 --rolling 100000 --json memory.jsonl
    python benchmarks/bench_memory.py --posts 20000 --rolling 500 --questions 20
    python benchmarks/bench_memory.py --posts 0 --observe 2000

Posts are generated block by block into files: captions of about 13 Zipf words, 40 % of them from the words of the
post's cluster, and vectors of 256 numbers from a mixture of 20,000 clusters in 500 topics, as sentence encoders give
them (cosine of about .56 within a cluster). `--vectors isotropic` draws noise instead, in which all posts are about
equally far apart: it defeats every approximate index, and no encoder gives it. Posts are spread over two years.
Neighbours are the 20 posts of the largest (½ words + ½ vectors)^4 · (hours + 1)^-.3.

Times are CPU time of one thread: medians of questions asked one at a time, after 1,000 others. `scan` is the exact
scan of caption words alone in the same run, which the index replaced. Recall compares with every post. `rolling` gives
the last posts of the stream their neighbours, in two processes. `opening` opens a kept memory from its snapshot,
checked whole, in a fresh process and answers a question. Mapped pages are the page cache of the system, which it takes
back where others need it. Questions about hashtags (`PostMemory.questions`) are asked of the same posts, with hashtags,
users and three languages drawn for them; `first answers` builds what they are answered from. 10,000,000 posts take
about 12 GB of disk; from 2,000,000 posts on, vectors are written in half precision and nothing is opened.

`observe` appends posts to a log until each call is acknowledged; real time, as it waits for the disk, whose confirmed
writes are counted beside it. PostgreSQL is started by the benchmark where Debian's package is installed. `--posts 0`
measures this alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from caption_scan import find_neighbours
from memory_asking import Asking
from memory_log import ORIGIN, confirmed_writes, empty_memory, observe_rates
from memory_stream import SPACE, Generator, StreamPosts, blocks, memory_of, write_stream
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import sparse

from multimodal.memory.live import opening
from multimodal.memory.live.files_beside import FilesBeside
from multimodal.memory.live.snapshot import LogPlace, mark, write_snapshot
from multimodal.memory.log.events import FeedbackGiven
from multimodal.memory.log.opening import open_store
from multimodal.memory.search.caption_vectors import SLOTS
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness

COUNT, SCANNED_QUESTIONS = 20, 5
LIKENESS = Likeness({WORDS: 0.5, SPACE: 0.5}, power=4, decay=0.3)
_HALF_PRECISION_FROM = 2_000_000
_SEED_OF_QUESTIONS = 10**9
_LOG, _FILES, _SPANS = "memory.sqlite", "memory.sqlite.files", "spans"
_FINGERPRINTS = {SPACE: ORIGIN.fingerprint}


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    posts: int
    value: float
    unit: str
    bar: str = ""


@dataclass(frozen=True)
class Questions:
    """Posts that ask for their neighbours."""

    terms: sparse.csr_matrix
    vectors: NDArray[np.float32]
    instants_us: NDArray[np.int64]

    def one(self, row: int) -> Questions:
        """Return one of them."""
        return Questions(self.terms[row], self.vectors[row : row + 1], self.instants_us[row : row + 1])

    def ask(self, index: NeighbourIndex) -> NDArray[np.int64]:
        """Return the positions of their neighbours."""
        return index.find(self.terms, {SPACE: self.vectors}, self.instants_us, COUNT, LIKENESS).positions


def cpu_ms(start: float) -> float:
    """Return the CPU time of this process since `start`."""
    return (time.process_time() - start) * 1e3


def exact_neighbours(posts: StreamPosts, asked: Questions) -> NDArray[np.int64]:
    """Compare every question with every post, block by block; all questions are asked after the last post."""
    words = np.asarray(asked.terms.T.toarray(), np.float32)
    best = np.zeros((len(asked.vectors), 0))
    positions = np.zeros((len(asked.vectors), 0), np.int64)
    for start, size in blocks(len(posts)):
        block = np.arange(start, start + size)
        similarity = 0.5 * np.maximum(posts.vectors_at(SPACE, block) @ asked.vectors.T, 0)
        similarity = (similarity + 0.5 * (posts.terms_at(block) @ words)).astype(np.float64).T
        values = LIKENESS.values(similarity, posts.instants_us[block], int(asked.instants_us[0]))
        best = np.concatenate([best, values], 1)
        positions = np.concatenate([positions, np.broadcast_to(block, values.shape)], 1)
        kept = np.argpartition(-best, COUNT, 1)[:, :COUNT]
        best, positions = np.take_along_axis(best, kept, 1), np.take_along_axis(positions, kept, 1)
    return positions


class Bench:
    """Measures one memory after the other.

    Args:
        options: of the command line.
        folder: for posts and indices.
    """

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.generator = Generator(options.vectors)
        self.rows: list[Row] = []

    def add(self, name: str, posts: int, value: float, unit: str, bar: str = "") -> None:
        """Keep a figure, and write it to the file of figures."""
        row = Row(name, posts, round(float(value), 4), unit, bar)
        self.rows.append(row)
        if self.options.json is not None:
            with self.options.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    def run(self, count: int) -> None:
        """Measure a memory of `count` posts."""
        half = count >= _HALF_PRECISION_FROM
        posts = write_stream(self.folder / "posts", count, self.generator, count, half)
        index = NeighbourIndex(posts, folder=self.folder / _SPANS, fingerprints=_FINGERPRINTS)
        start = time.process_time()
        index.seal((WORDS, SPACE))
        self.add("building the index", count, cpu_ms(start) / 1e3, "s of CPU time")
        self.single(posts, index)
        if self.options.rolling and count == self.options.rolling_over:
            self.rolling(posts.first(count), count)
        if not half:
            for name, value, unit in Asking(memory_of(posts), self.generator, self.options.split).figures():
                self.add(name, count, value, unit)
            self.opening(posts)

    def single(self, posts: StreamPosts, index: NeighbourIndex) -> None:
        """Ask one question at a time."""
        count, questions = len(posts), self.options.questions
        vectors, terms, _ = self.generator.block(_SEED_OF_QUESTIONS, questions)
        asked = Questions(terms, vectors, np.full(questions, int(posts.instants_us[-1]) + 1))
        self.warm_up(posts, index)
        times, found = [], []
        for row in range(questions):
            one = asked.one(row)
            start = time.process_time()
            found.append(one.ask(index)[0])
            times.append(cpu_ms(start))
        bars = {100_000: "≤ 1.5", 1_000_000: "≤ 3", 10_000_000: "≤ 6"}
        self.add("neighbours of one post, p50", count, np.median(times), "ms", bars.get(count, ""))
        self.add("neighbours of one post, p95", count, np.percentile(times, 95), "ms")
        truth = exact_neighbours(posts, asked)
        recall = np.mean([np.isin(row, best).mean() for row, best in zip(found, truth, strict=True)])
        self.add(f"recall@{COUNT} against exact", count, recall, "", "≥ .95")
        today = self.scan(posts, asked)
        self.add("scan of words alone, as before", count, today, "ms")
        self.add("scan over neighbours of one post", count, today / np.median(times), "times")

    def warm_up(self, posts: StreamPosts, index: NeighbourIndex) -> None:
        """Ask other questions, which bring pages of the files into memory, as in a service that runs."""
        vectors, terms, _ = self.generator.block(_SEED_OF_QUESTIONS + 1, self.options.warm_up)
        others = Questions(terms, vectors, np.full(self.options.warm_up, int(posts.instants_us[-1]) + 1))
        for row in range(self.options.warm_up):
            others.one(row).ask(index)

    def scan(self, posts: StreamPosts, asked: Questions) -> float:
        """Return the time of the exact scan of caption words for one question."""
        remembered = sparse.csr_matrix(
            (posts.weights, posts.slots, np.concatenate([[0], posts.ends])), shape=(len(posts), SLOTS)
        )
        times = []
        for row in range(min(SCANNED_QUESTIONS, self.options.questions)):
            start = time.process_time()
            find_neighbours(asked.terms[row], asked.instants_us[:1], remembered, posts.instants_us, COUNT, 0.3)
            times.append(cpu_ms(start))
        return float(np.median(times))

    def rolling(self, posts: StreamPosts, count: int) -> None:
        """Give the last posts their neighbours in two processes, which share the files of the index."""
        rows = np.array_split(np.arange(count - self.options.rolling, count), 2)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            work = [(self.folder, posts, part) for part in rows]
            seconds = max(pool.starmap(roll, work, chunksize=1))
        what = f"rolling neighbours of the last {self.options.rolling:,}, two processes, the slower"
        self.add(what, count, seconds / 60, "min of CPU time", "≤ 4" if count == 1_000_000 else "")

    def opening(self, posts: StreamPosts) -> None:
        """Write the snapshot of a kept memory, then open it in a fresh process."""
        files = FilesBeside(self.folder / _FILES, ORIGIN)
        event = FeedbackGiven(user_id="u1", instant_us=1)
        with open_store(self.folder / _LOG, ORIGIN.fingerprint) as store:
            place = LogPlace(store.append([event]), mark(event))
        write_snapshot(files.snapshot, memory_of(posts), ORIGIN, place)
        files.spans(0).parent.mkdir()
        (self.folder / _SPANS).rename(files.spans(0))
        command = [sys.executable, __file__, "--open", str(self.folder)]
        answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        bars = ("≤ 2", "≤ 1.2") if len(posts) == 1_000_000 else ("", "")
        self.add("opening a kept memory", len(posts), answer["opening"], "s of CPU time", bars[0])
        self.add("opening and the first answer", len(posts), answer["seconds"], "s of CPU time", bars[0])
        self.add("resident memory, at most while it opens", len(posts), answer["peak"], "GB", bars[1])
        for when, name in (("before", "packages alone"), ("opened", "opened"), ("answered", "after 200 more answers")):
            private = bars[1] if when == "opened" else ""
            self.add(f"private memory, {name}", len(posts), answer[when]["private"], "GB", private)
            self.add(f"mapped pages of files, {name}", len(posts), answer[when]["mapped"], "GB")

    def observing(self) -> None:
        """Observe posts one by one and in batches, in SQLite and in PostgreSQL."""
        count = self.options.observe
        self.add("writes of 4 KiB that the disk confirms", count, confirmed_writes(self.folder, count), "a second")
        bars = {"observe, SQLite, one by one": "≥ 300", "observe, SQLite, 100 at once": "≥ 5,000"}
        for name, rate, cpu in observe_rates(self.folder, self.generator, count):
            self.add(name, count, rate, "posts a second", bars.get(name, ""))
            self.add(f"{name}, of it in this process", count, cpu, "ms of CPU time a post")


def roll(folder: Path, posts: StreamPosts, rows: NDArray[np.int64]) -> float:
    """Return the CPU time in which posts of the stream find their neighbours, in seconds."""
    start = time.process_time()
    index = NeighbourIndex(posts, folder=folder / _SPANS, fingerprints=_FINGERPRINTS)
    Questions(posts.terms_at(rows), posts.vectors_at(SPACE, rows), posts.instants_us[rows]).ask(index)
    return cpu_ms(start) / 1e3


def open_memory(folder: Path) -> None:
    """Open the memory of a folder and print what it took."""
    before, start = resident_gb(), time.process_time()
    live = opening.open_memory(folder / _LOG, empty_memory(), ORIGIN)
    opened_s, peak = cpu_ms(start) / 1e3, resident_gb()["peak"]
    memory = live.memory
    asked = Questions(memory.terms_at(np.arange(200)), memory.vectors_at(SPACE, np.arange(200)), np.full(200, 2**62))
    asked.one(0).ask(memory.index)
    seconds, opened = cpu_ms(start) / 1e3, resident_gb()
    asked.ask(memory.index)
    figures = {"opening": opened_s, "seconds": seconds, "peak": peak, "before": before, "opened": opened}
    Console(width=1_000).print_json(json.dumps({**figures, "answered": resident_gb()}))
    live.close()


def resident_gb() -> dict[str, float]:
    """Return the resident memory of this process as Linux tells it: private pages, pages of files, the most so far."""
    lines = [line.split() for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()]
    sizes = {words[0]: int(words[1]) / 2**20 for words in lines if words[0] in ("RssAnon:", "RssFile:", "VmHWM:")}
    return {"private": sizes["RssAnon:"], "mapped": sizes["RssFile:"], "peak": sizes["VmHWM:"]}


def print_table(rows: list[Row], console: Console) -> None:
    """Print figures for people."""
    table = Table("figure", "posts", "value", "unit", "bar")
    for row in rows:
        table.add_row(row.name, f"{row.posts:,}", f"{row.value:,.3f}", row.unit, row.bar)
    console.print(table)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", default="100000,1000000", help="sizes of memories, with commas; 0: observing alone")
    parser.add_argument("--questions", type=int, default=200, help="questions asked of each")
    parser.add_argument("--warm-up", type=int, default=1_000, help="other questions asked before them")
    parser.add_argument("--rolling", type=int, default=10_000, help="how many posts find their neighbours; 0: none")
    parser.add_argument("--rolling-over", type=int, help="the size at which they do; the largest up to 1,000,000")
    parser.add_argument("--split", type=int, default=10_000, help="how many posts ask about hashtags at once")
    parser.add_argument("--observe", type=int, default=1_000, help="how many posts are observed one by one; 0: none")
    parser.add_argument("--vectors", choices=("clusters", "isotropic"), default="clusters")
    parser.add_argument("--folder", type=Path, help="where posts and indices are written; a temporary one if left out")
    parser.add_argument("--json", type=Path, help="file that the figures are added to, as JSON lines")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open is not None:
        open_memory(options.open)
        return
    sizes = [size for size in map(int, options.posts.split(",")) if size]
    options.rolling_over = options.rolling_over or max((size for size in sizes if size <= 1_000_000), default=0)
    rows: list[Row] = []
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(options, Path(folder))
            bench.run(size)
            rows += bench.rows
    if options.observe:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(options, Path(folder))
            bench.observing()
            rows += bench.rows
    print_table(rows, Console())


if __name__ == "__main__":
    main()
