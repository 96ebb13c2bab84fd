"""Kill a process that observes, seals and compacts, again and again; compare with one that nobody disturbed.

    python tests/torture/memory_kills.py                       100 kills
    python tests/torture/memory_kills.py --kills 10 --seed 3   others
    python tests/torture/memory_kills.py --at sealing          100 kills while files of spans or a snapshot are written

One stream of changes (posts, some of them late, corrections, withdrawals, feedback, forgotten users, compactions)
goes into a memory that is kept in SQLite. A process that works on it tells what was acknowledged, and is killed with
SIGKILL at a random moment or at one of its changes to the file system. After every kill the memory is opened: nothing
acknowledged may be missing, no batch may be there in part, and its answers have to be those of a memory that did the
same changes undisturbed, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from kills import Disturbance, _watch  # noqa: E402
from scipy import sparse  # noqa: E402

from data_loaders.posts import Post  # noqa: E402
from multimodal.memory.hashtag_id_map import HashtagIdMap  # noqa: E402
from multimodal.memory.live.live_memory import LiveMemory, LiveSettings  # noqa: E402
from multimodal.memory.live.opening import open_memory  # noqa: E402
from multimodal.memory.live.snapshot import Origin  # noqa: E402
from multimodal.memory.log.events import FeedbackGiven  # noqa: E402
from multimodal.memory.log.in_process import InProcessStore  # noqa: E402
from multimodal.memory.post_memory import PostMemory  # noqa: E402
from multimodal.memory.search.dense.settings import DenseSettings  # noqa: E402
from multimodal.memory.search.likeness import Likeness  # noqa: E402
from multimodal.memory.search.settings import IndexSettings  # noqa: E402

EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)
ORIGIN = Origin("torture", "nothing")
SLOTS, WIDTH, USERS = 64, 8, 12
LIKENESS = Likeness({"words": 0.5, "content": 0.5}, power=2.0, decay=0.1)
# Small, so that a few hundred posts fill spans of several levels.
SETTINGS = LiveSettings(
    refresh_s=0,
    keep_captions=True,
    snapshot_events=60,
    index=IndexSettings(exact_posts=64, slice_posts=32, candidates=16, dense=DenseSettings(kind="ivf")),
)


@dataclass(frozen=True)
class Change:
    """One change of the stream: what is done, to which numbers, and how many events that appends."""

    what: str
    number: int
    events: int


@dataclass
class Report:
    """What became of the kills."""

    kills: int = 0
    while_sealing: int = 0
    while_opening: int = 0
    changes: int = 0
    posts: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    compactions: int = 0
    spans: int = 0
    faults: list[str] = field(default_factory=list)


def plan(count: int, seed: int) -> list[Change]:
    """Return a stream of changes."""
    draw = random.Random(seed)
    kinds = ("observe",) * 14 + ("correct", "rewrite", "withdraw", "feedback", "compact")
    changes, posts = [Change("observe", 0, 4)], 4
    for _ in range(count - 1):
        what = "forget" if draw.random() < 0.01 else draw.choice(kinds)
        events = draw.choice([1, 1, 2, 5]) if what == "observe" else int(what != "compact")
        changes.append(Change(what, posts if what == "observe" else draw.randrange(10**6), events))
        posts += events if what == "observe" else 0
    return changes


def empty() -> PostMemory:
    """Return a memory without posts."""
    return PostMemory(HashtagIdMap(["sea", "sky"], [2, 1]), width=WIDTH, slots=SLOTS)


def make_post(number: int) -> Post:
    """Return a post that follows from its number; every ninth comes late."""
    draw = random.Random(number)
    minutes = number - (draw.randrange(200) if number % 9 == 0 else 0)
    return Post(
        post_id=f"p{number}",
        user_id=f"user{draw.randrange(USERS)}",
        timestamp=EPOCH + timedelta(minutes=minutes),
        caption=f"caption {number}",
        hashtags=("sea", f"tag{draw.randrange(30)}", f"own{number}")[draw.randrange(2) :],
    )


def encode(memory: PostMemory, posts: list[Post]) -> None:
    """Append posts with vectors and terms that follow from their captions."""
    draws = [np.random.default_rng(sum(map(ord, str(post.caption))) + len(post.post_id)) for post in posts]
    vectors = np.array([draw.normal(size=WIDTH) for draw in draws], np.float32)
    rows = np.array([draw.random(SLOTS) * (draw.random(SLOTS) < 0.2) for draw in draws])
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    memory.append(posts, vectors, sparse.csr_matrix(rows.astype(np.float32)))


def do(live: LiveMemory, change: Change) -> None:
    """Do a change; what it does depends on the change and the memory alone."""
    number = change.number
    if change.what == "observe":
        live.observe([make_post(number + row) for row in range(change.events)], encode)
    elif change.what == "compact":
        live.compact()
    elif change.what == "feedback":
        live.give_feedback(FeedbackGiven(user_id=f"user{number % USERS}", instant_us=number, accepted=("sea",)))
    elif change.what == "forget":
        live.forget(f"user{number % USERS}")
    else:
        living = np.arange(len(live.memory)) if live.memory.alive is None else np.flatnonzero(live.memory.alive)
        post_id = live.memory.post_ids[int(living[number % len(living)])]
        if change.what == "withdraw":
            live.withdraw(post_id)
        else:
            right = Post(post_id=post_id, hashtags=(f"right{number % 20}",), caption=f"right {number}")
            live.correct(right, encode if change.what == "rewrite" else None)


def answers(memory: PostMemory) -> list[object]:
    """Return the neighbours and the histories of questions at several times, with every bit of the numbers."""
    newest = memory.newest_us
    instants = np.array([newest + 1, newest - 3_600_000_000, newest - 30 * 3_600_000_000], np.int64)
    asked = empty()
    encode(asked, [Post(post_id=f"q{row}", caption=f"caption {row * 17}") for row in range(len(instants))])
    rows = np.arange(len(instants))
    found = memory.neighbours(
        asked.terms_at(rows), {"content": asked.vectors_at("content", rows)}, instants, 12, LIKENESS
    )
    users = [f"user{number}" for number in range(USERS)]
    history = memory.history(users, np.full(USERS, newest), 5)
    ids = memory.post_ids
    return [
        [[ids[position] if position >= 0 else None for position in row] for row in found.positions.tolist()],
        found.similarity.tobytes(),
        [[ids[position] for position in row if position >= 0] for row in history.tolist()],
        [
            [memory.id_map[tag] for tag in memory.hashtags_of(position).tolist()]
            for position in history.ravel()
            if position >= 0
        ],
        memory.now_us,
    ]


def open_it(folder: Path) -> LiveMemory:
    """Open the memory that is kept in a folder."""
    return open_memory(folder / "memory.sqlite", empty(), ORIGIN, SETTINGS)


def work(folder: Path, changes: list[Change], first: int, disturbance: Disturbance | None) -> None:
    """Do the changes from `first` on, and tell after each that it was acknowledged; ends the process."""
    try:
        acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _watch(str(folder / "memory.sqlite.files"), disturbance)
        live = open_it(folder)
        os.write(acknowledged, b"opened\n")
        for number in range(first, len(changes)):
            do(live, changes[number])
            os.write(acknowledged, f"{number}\n".encode())
            answers(live.memory)
        live.close()
        os._exit(0)
    except BaseException:  # noqa: BLE001
        import traceback

        (folder / "failed").write_text(traceback.format_exc())
    finally:
        os._exit(1)


def run(kills: int, seed: int, folder: Path, at: str = "any") -> Report:
    """Kill so many times.

    Args:
        kills: how many.
        seed: of the stream and of the moments.
        folder: an empty one.
        at: "moment": after a random time, mostly while it observes; "sealing": at a change to the files of spans or of
            the snapshot; "any": now one, now the other.
    """
    draw = random.Random(seed)
    changes = plan(200 * kills, seed)
    before = np.cumsum([0, *(change.events for change in changes)]).tolist()
    unbroken = LiveMemory(empty(), InProcessStore("torture"), SETTINGS)
    report, done = Report(changes=len(changes)), 0
    while report.kills < kills and done < len(changes):
        sealing = at == "sealing" or (at == "any" and draw.random() < 0.5)
        opened, said, killed = _disturb(draw, folder, changes, done, sealing)
        report.kills += killed
        report.while_sealing += killed and sealing
        report.while_opening += not opened
        if (folder / "failed").exists():
            report.faults.append((folder / "failed").read_text())
            break
        live = open_it(folder)
        last = live.store.last()
        if last not in before:
            report.faults.append(f"kill {report.kills}: {last} events are in the log, part of a batch")
            break
        reached = before.index(last)
        report.unacknowledged += max(reached - said, 0)
        if before[said] > last:
            report.faults.append(f"kill {report.kills}: change {said - 1} was acknowledged and is lost")
        for change in changes[done : max(reached, said)]:
            do(unbroken, change)
            report.compactions += change.what == "compact"
        if reached < said:
            reached = said  # a compaction appends nothing
        done = reached
        if reached < len(changes) and changes[reached].what == "compact" and live.memory.alive is None:
            unbroken.compact()  # it had ended, but was not acknowledged, and is done again
        if answers(live.memory) != answers(unbroken.memory):
            report.faults.append(f"kill {report.kills}: other answers after {done} changes")
        live.close()
    report.posts, report.acknowledged = len(unbroken.memory), done
    report.spans = sum(1 for _ in (folder / "memory.sqlite.files" / "spans").rglob("part.json"))
    return report


def _disturb(
    draw: random.Random, folder: Path, changes: list[Change], done: int, sealing: bool
) -> tuple[bool, int, bool]:
    """Let a process work and kill it.

    Returns:
        Whether it had opened the memory, up to which change it had come, and whether it was killed where it should be.
    """
    path = folder / "acknowledged"
    path.write_text("")
    disturbance = Disturbance(signal.SIGKILL, change=draw.randint(1, 60)) if sealing else None
    pid = os.fork()
    if not pid:
        work(folder, changes, done, disturbance)
    # A few are killed while they open the memory, which may take longer than all they do afterwards.
    opening, wait_s = draw.random() < 0.1, 20.0 if sealing else draw.uniform(0.0, 0.5)
    deadline, late = time.monotonic() + wait_s if sealing or opening else math.inf, False
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if deadline == math.inf and path.stat().st_size:
            deadline = time.monotonic() + wait_s
        if time.monotonic() > deadline and not late:
            os.kill(pid, signal.SIGKILL)
            late = True
        time.sleep(0.001)
    killed = os.WIFSIGNALED(ended[1]) and late != sealing
    lines = path.read_text().split("\n")[:-1]
    numbers = [int(line) for line in lines if line != "opened"]
    return bool(lines), numbers[-1] + 1 if numbers else done, killed


def main() -> int:
    """Kill, and print what came of it; returns 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at", choices=("any", "moment", "sealing"), default="any", help="when to kill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(options.kills, options.seed, Path(folder), options.at)
    sys.stdout.write(json.dumps(report.__dict__) + "\n")
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
