"""Attack the project with hostile records, calls, pictures, models and kills; exit with 1 if anything went wrong.

    make torture                                                       all of it, about an hour
    python tests/torture/campaign.py --share 0.01 --only records       a hundredth of the attempts on readers
    python tests/torture/campaign.py --repeat records:17               one attempt again; its files are kept

Every attempt runs in a process of its own and can be repeated from its kind and seed. A fault is printed as a line of
JSON as soon as it is seen; the files of the attempt stay in the folder of the campaign.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from attacks import KINDS  # noqa: E402
from isolation import Kind, Result, run_all  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

_PROGRESS_S = 10.0


@dataclass
class Row:
    """What became of the attempts of a kind."""

    attempts: int = 0
    tried: int = 0
    refused: int = 0
    kept: int = 0
    cpu_s: float = 0.0
    slowest_s: float = 0.0
    peak_bytes: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Count one result."""
        outcome = result.outcome
        self.attempts += 1
        self.tried += outcome.tried
        self.refused += outcome.refused
        self.kept += outcome.kept
        self.cpu_s += result.cpu_s
        self.slowest_s = max(self.slowest_s, result.cpu_s)
        self.peak_bytes = max(self.peak_bytes, result.peak_bytes)
        self.faults.update(kind for kind, _ in outcome.faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and return its exit status: 1 after a fault."""
    options = _parser().parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="torture-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TORTURE_FOLDER"] = str(folder.resolve())
    os.environ["TORTURE_SYSTEMS"] = "few" if options.sample else "all"
    tasks = _tasks(options)
    chosen = {kind.name: kind for kind, _ in tasks}
    sys.stderr.write(f"{len(tasks):,} attempts, {options.jobs} at a time, in {folder}\n")
    for kind in chosen.values():
        kind.preload()
    rows = {name: Row() for name in chosen}
    for result in _with_progress(run_all(tasks, folder, options.jobs), len(tasks)):
        rows[result.kind.name].add(result)
        _report(result)
    Console(width=150).print(_table(rows))
    return int(any(row.faults for row in rows.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", metavar="KIND", choices=list(KINDS), default=list(KINDS), help=", ".join(KINDS)
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the attempts of each kind (default: 1)")
    parser.add_argument("--attempts", type=int, help="so many of each kind, instead of a share")
    parser.add_argument("--sample", action="store_true", help="the attempts of the tests, on three Systems")
    parser.add_argument(
        "--seed", type=int, default=0, help="the first seed; another one makes other attempts (default: 0)"
    )
    parser.add_argument("--repeat", nargs="+", metavar="KIND:SEED", help="these attempts alone")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="attempts at a time (default: 2)")
    parser.add_argument("--folder", type=Path, help="where to work (default: a new temporary folder)")
    return parser


def _tasks(options: argparse.Namespace) -> list[tuple[Kind, int]]:
    if options.repeat:
        pairs = [text.rpartition(":") for text in options.repeat]
        return [(KINDS[name], int(seed)) for name, _, seed in pairs]
    tasks = [
        (KINDS[name], options.seed + number) for name in options.only for number in range(_number(KINDS[name], options))
    ]
    random.Random(options.seed).shuffle(tasks)  # so that the time that is left can be told
    return tasks


def _number(kind: Kind, options: argparse.Namespace) -> int:
    if options.sample:
        return kind.sample
    return options.attempts or math.ceil(kind.attempts * options.share)


def _with_progress(results: Iterable[Result], total: int) -> Iterable[Result]:
    started = said = time.monotonic()
    faulty = 0
    for number, result in enumerate(results, start=1):
        yield result
        faulty += bool(result.outcome.faults)
        now = time.monotonic()
        if now - said >= _PROGRESS_S or number == total:
            said, rate = now, number / (now - started)
            left = (total - number) / rate
            sys.stderr.write(f"{number:,}/{total:,} attempts, {rate:.1f}/s, {left:.0f} s left, {faulty} with faults\n")


def _report(result: Result) -> None:
    command = f"python tests/torture/campaign.py --repeat {result.kind.name}:{result.seed}"
    for kind, detail in result.outcome.faults:
        line = {"attempt": result.kind.name, "seed": result.seed, "fault": kind, "detail": detail, "repeat": command}
        sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _table(rows: dict[str, Row]) -> Table:
    columns = ("kind", "attempts", "tried", "refused", "kept", "faults", "CPU s", "slowest s", "peak MiB")
    table = Table(*columns, title="Campaign")
    for name, row in rows.items():
        faults = ", ".join(f"{count} {kind}" for kind, count in row.faults.most_common()) or "0"
        numbers = (row.attempts, row.tried, row.refused, row.kept)
        costs = (f"{row.cpu_s:.0f}", f"{row.slowest_s:.1f}", f"{row.peak_bytes >> 20}")
        table.add_row(name, *(f"{number:,}" for number in numbers), faults, *costs)
    return table


if __name__ == "__main__":
    sys.exit(main())
