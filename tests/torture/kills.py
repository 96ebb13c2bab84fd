"""Kill a command at a random moment or fill its disk, run it again, and compare with one that nobody disturbed.

`disturbed` runs any command line of the project so; `kill_and_repeat` makes an attempt of the campaign from it: it
prepares, trains or evaluates, over nothing or over an older result.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from isolation import Outcome

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "debug.yaml"
FULL = "full disk"
_CHANGES = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"})
_TAKE_ROOM = frozenset({"open", "os.rename", "os.mkdir"})
_HANGS_S = 120.0
_PRELOADED = (
    "matplotlib.figure",
    "sklearn.feature_extraction.text",
    "data_loaders.prepare.plots",
    "multimodal.design.system",
    "multimodal.evaluation.report.write",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit status, negative for a signal; what it said; what it took, in seconds and changes."""

    status: int
    said: str
    seconds: float
    changes: int


@dataclass(frozen=True)
class Disturbance:
    """What happens to a command.

    Attributes:
        what: a signal, or `FULL`: from then on nothing can be written.
        change: when: at which of its changes to the file system; None for a time.
        after_s: the time.
    """

    what: signal.Signals | str
    change: int | None = None
    after_s: float = 0.0


def disturbed(words: list[Any], root: Path, disturbance: Disturbance | None = None) -> Ended:
    """Run a command of the project in a forked process.

    Args:
        words: the sub-command and its arguments.
        root: changes to the file system below it are counted.
        disturbance: None for none.
    """
    output, counted = root / "said.txt", root / "changes.txt"
    for path in (output, counted):
        path.unlink(missing_ok=True)
    started = time.monotonic()
    own = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # until the command handles them
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, own)
    else:
        _command([str(word) for word in words], root, output, counted, disturbance)
    timed = disturbance if disturbance is not None and disturbance.change is None else None
    status = _wait(pid, started, timed)
    said = output.read_text(encoding="utf-8", errors="replace") if output.is_file() else ""
    changes = int(counted.read_text(encoding="ascii") or 0) if counted.is_file() else 0
    return Ended(status, said, time.monotonic() - started, changes)


def _wait(pid: int, started: float, timed: Disturbance | None) -> int:
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        passed = time.monotonic() - started
        if timed is not None and passed >= timed.after_s:
            os.kill(pid, timed.what)
            timed = None
        if passed > _HANGS_S:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _command(words: list[str], root: Path, output: Path, counted: Path, disturbance: Disturbance | None) -> None:
    status = 99
    try:
        from multimodal.commands.main import main
        from multimodal.commands.stopping import INTERRUPTED, leave_at_once

        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)  # pytest has others
        leave_at_once(INTERRUPTED)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        changes = _watch(str(root.resolve()), disturbance)
        try:
            status = main(words)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        number = changes()
        with suppress(OSError):
            counted.write_text(str(number), encoding="ascii")
    finally:
        os._exit(status)


def _watch(root: str, disturbance: Disturbance | None) -> Callable[[], int]:
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if not _is_change(event, arguments, root):
            return
        seen += 1
        if disturbance is None or disturbance.change is None:
            return
        if disturbance.what == FULL:
            if seen >= disturbance.change and event in _TAKE_ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        elif seen == disturbance.change:
            os.kill(os.getpid(), disturbance.what)

    sys.addaudithook(watch)
    return lambda: seen


def _is_change(event: str, arguments: tuple[Any, ...], root: str) -> bool:
    if event == "ctypes.dlsym":
        return arguments[1] == "renameat2"  # two folders are about to be exchanged
    if event not in _CHANGES or not isinstance(arguments[0], (str, bytes, os.PathLike)):
        return False
    if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return False
    path = Path(os.fsdecode(arguments[0]))
    deleting = event in ("os.remove", "os.rmdir") and not path.is_absolute()  # relative to a folder that is deleted
    return deleting or path.absolute().is_relative_to(root)


def left_overs(folder: Path) -> list[str]:
    """Return the hidden names in a folder: what a command should have removed."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*"))


def digests(folder: Path, *names: str) -> dict[str, str]:
    """Return name → hash of the files of a folder that match a pattern."""
    paths = sorted(path for name in names for path in folder.rglob(name) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


# -- the attempts of the campaign ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A command to disturb, in a folder of its own.

    Attributes:
        words: the command, given that folder.
        result: what it writes, relative to the folder.
        content: of a result, to be the same as that of the undisturbed one.
        before: commands that have run in the folder before.
        refused: what the repeated command may say: that nothing is left to be done.
    """

    words: Callable[[Path], list[Any]]
    result: str
    content: Callable[[Path], Any]
    before: tuple[str, ...] = ()
    refused: str = ""


def _prepare(source: str) -> Callable[[Path], list[Any]]:
    return lambda folder: ["prepare", "--source", folder / source, "--output", folder / "data"]


def _train(*more: str) -> Callable[[Path], list[Any]]:
    sizes = ("training.epochs=2", "training.checkpoint_minutes=0.001")
    return lambda folder: [
        "train",
        "--config",
        CONFIG,
        "--data",
        folder / "data",
        "--output",
        folder / "run",
        *sizes,
        *more,
    ]


def _evaluate(*more: str) -> Callable[[Path], list[Any]]:
    return lambda folder: ["evaluate", "--run", folder / "run", "--data", folder / "data", *more]


def _prepared(folder: Path) -> Any:
    return digests(folder, "posts.parquet", "vocabulary.json", "rejected.jsonl")


def _trained(folder: Path) -> Any:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    timeless = [{k: v for k, v in line.items() if k not in ("seconds", "posts_per_second")} for line in lines]
    model = {name: value for name, value in digests(folder / "model", "*").items() if name != "model.json"}
    return timeless, model


def _evaluated(folder: Path) -> Any:
    return digests(folder, "*.csv", "*.parquet", "report.md", "slices.md"), sorted(p.name for p in folder.iterdir())


CASES = {
    "prepare": Case(_prepare("posts.jsonl"), "data", _prepared),
    "prepare again": Case(_prepare("posts.jsonl"), "data", _prepared, before=("prepare fewer",)),
    "train": Case(_train(), "run", _trained, before=("prepare",), refused="contains a finished run"),
    "train over": Case(_train("--overwrite", "seed=1"), "run", _trained, before=("prepare", "train")),
    "evaluate": Case(_evaluate(), "run/evaluation/test", _evaluated, before=("prepare", "train")),
    "evaluate again": Case(
        _evaluate("--k", "1-4"), "run/evaluation/test", _evaluated, before=("prepare", "train", "evaluate with report")
    ),
}
_EARLIER = {
    "prepare fewer": _prepare("fewer.jsonl"),
    "evaluate with report": _evaluate("--k", "1-12", "--report"),
    **{name: CASES[name].words for name in ("prepare", "train")},
}


def _write_posts(folder: Path) -> None:
    draw = random.Random(0)
    lines = []
    for number in range(90):
        habits = [f"tag{(number % 5 + offset) % 7}" for offset in range(3)]
        tags = " ".join(f"#{tag}" for tag in draw.sample(habits, 2))
        record = {
            "post_id": f"p{number}",
            "user_id": f"user{number % 5}",
            "timestamp": 1_700_000_000 + 3_600 * number,
            "caption": f"a walk number {number} by the {draw.choice(['sea', 'lake', 'river'])} {tags}",
        }
        lines.append(json.dumps(record) + "\n")
    (folder / "posts.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "fewer.jsonl").write_text("".join(lines[:70]), encoding="utf-8")


@cache
def _template(earlier: tuple[str, ...]) -> Path:
    """Return a folder in which the earlier commands have run; made once, before attempts fork."""
    folder = Path(os.environ["TORTURE_FOLDER"]) / "kills" / "-".join(("posts", *earlier)).replace(" ", "_")
    if not folder.is_dir():
        part = folder.with_suffix(".making")
        if earlier:
            shutil.copytree(_template(earlier[:-1]), part)
            ended = disturbed(_EARLIER[earlier[-1]](part), part)
            if ended.status:
                raise RuntimeError(ended.said)
        else:
            part.mkdir(parents=True)
            _write_posts(part)
        part.rename(folder)
    return folder


@cache
def _undisturbed(name: str) -> tuple[Any, Ended]:
    case = CASES[name]
    folder = Path(os.environ["TORTURE_FOLDER"]) / "kills" / f"undisturbed-{name.replace(' ', '_')}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_template(case.before), folder)
    ended = disturbed(case.words(folder), folder)
    return case.content(folder / case.result), ended


def prepare_kills() -> None:
    """Import what the commands need, and run each once undisturbed."""
    for module in _PRELOADED:
        import_module(module)
    for name in CASES:
        _undisturbed(name)


def kill_and_repeat(draw: random.Random, folder: Path, name: str | None = None) -> Outcome:
    """Disturb a command up to three times, then let it end, and compare."""
    name = name or draw.choice(list(CASES))
    case = CASES[name]
    expected, whole = _undisturbed(name)
    place = folder / "place"
    shutil.copytree(_template(case.before), place)
    result = place / case.result
    before = case.content(result) if result.is_dir() and name != "train over" else None
    outcome = Outcome()
    for _ in range(draw.choice([1, 1, 2, 3])):
        disturbance = _draw_disturbance(draw, whole)
        left = left_overs(place)
        ended = disturbed(case.words(place), place, disturbance)
        outcome.tried += 1
        if case.refused and case.refused in ended.said:
            break
        _check_end(outcome, f"{name}, {disturbance}", ended, disturbance, {*left_overs(place)} - {*left})
        if not name.startswith("train"):
            there = case.content(result) if result.is_dir() else None
            outcome.check(
                there in (before, expected), "half done", f"{name}, {disturbance}: neither the old nor the new"
            )
    words = case.words(place) if name != "train over" else [*_train("seed=1")(place)]
    ended = disturbed(words, place)
    if name == "train over" and "contains" in ended.said and "run" in ended.said:
        ended = disturbed(case.words(place), place)  # it was killed before it deleted the old run, or after the end
    fine = ended.status == 0 or (bool(case.refused) and case.refused in ended.said)
    outcome.check(fine, "not repeatable", f"{name}: status {ended.status}: {ended.said[-500:]}")
    if fine:
        outcome.check(case.content(result) == expected, "other result", f"{name}: {case.content(result)} {expected}")
        outcome.check(not left_overs(place), "left over", f"{name}: {left_overs(place)}")
    outcome.kept = 1
    return outcome


def _draw_disturbance(draw: random.Random, whole: Ended) -> Disturbance:
    what = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, FULL])
    if what == FULL or draw.random() < 0.5:
        return Disturbance(what, change=draw.randint(1, whole.changes))
    return Disturbance(what, after_s=draw.uniform(0, whole.seconds))


def _check_end(outcome: Outcome, where: str, ended: Ended, disturbance: Disturbance, left: set[str]) -> None:
    before, found, after = ended.said.partition("Traceback")
    outcome.check(not found, "traceback", f"{where}: {before[-300:]}{found}{after[:1_500]}")
    if disturbance.what == signal.SIGKILL:
        return
    accepted = (0, 2) if disturbance.what == FULL else (0, 2, 130)
    outcome.check(ended.status in accepted, "exit status", f"{where}: {ended.status}: {ended.said[-500:]}")
    if disturbance.what != FULL:
        left = {name for name in left if "run/.config.yaml." not in name}  # of a half deleted run
        outcome.check(not left, "left over", f"{where}: {left}")
    elif ended.status:
        outcome.check("error: " in ended.said and "is full" in ended.said, "unnamed", f"{where}: {ended.said[-500:]}")


def repeated(number: int, seed: int = 0) -> Iterator[tuple[int, Outcome]]:
    """Make attempts one after the other, each with its seed, without a campaign."""
    root = Path(os.environ["TORTURE_FOLDER"])
    prepare_kills()
    for one in range(seed, seed + number):
        folder = root / f"attempt-{one}"
        folder.mkdir()
        yield one, kill_and_repeat(random.Random(one), folder)
        shutil.rmtree(folder)
