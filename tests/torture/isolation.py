"""Run an attempt in a process of its own, so that a crash, a hang or a gigabyte is a fault of it and not the end."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MEMORY_BYTES = 2 << 30
# What torch reserves without using it, and some more, so that a bomb ends as MemoryError and not as a dead machine.
_ADDRESS_SPACE_BYTES = 10 << 30
_POLL_S = 0.01


def forget_peak() -> None:
    """Measure the largest memory of this process from now on: making an attempt may take more than the attempt."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


class Fault(Exception):
    """What must not happen, and its kind: `lost`, `misread`, `other answer` and the like."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind, self.detail = kind, detail


@dataclass
class Outcome:
    """What became of the hostile things of one attempt; `faults` are pairs of kind and detail."""

    tried: int = 0
    kept: int = 0
    refused: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)

    def check(self, right: bool, kind: str, detail: str) -> None:
        """Note a fault unless something is right."""
        if not right:
            self.faults.append((kind, detail[:2_000]))

    def caught(self, where: str, error: BaseException) -> None:
        """Note an exception that is not for users."""
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent != Path(__file__).parent
        ]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self.faults.append(("traceback", f"{where}: {type(error).__name__} at {place}: {str(error)[:300]}"))


@dataclass(frozen=True)
class Kind:
    """A kind of attack.

    Attributes:
        attempt: makes the attempt of a seed in an empty folder.
        attempts: how many belong to a whole campaign.
        sample: how many of them the tests make.
        cpu_s: most seconds of processor time of an attempt.
        wall_s: after so many seconds an attempt counts as hanging.
        preload: imports what attempts need, once, before they are forked.
        bounded: whether the memory of the process is held to `MEMORY_BYTES`.
    """

    name: str
    attempt: Callable[[random.Random, Path], Outcome]
    attempts: int
    sample: int = 0
    cpu_s: float = 60.0
    wall_s: float = 300.0
    preload: Callable[[], None] = lambda: None
    bounded: bool = True


@dataclass(frozen=True)
class Result:
    """An outcome and what it cost."""

    kind: Kind
    seed: int
    outcome: Outcome
    cpu_s: float
    peak_bytes: int


def run_all(tasks: Iterable[tuple[Kind, int]], folder: Path, jobs: int) -> Iterator[Result]:
    """Run attempts, so many at a time; yield their results as they end."""
    waiting, running = iter(tasks), {}
    while True:
        while len(running) < jobs and (task := next(waiting, None)) is not None:
            run = _Run(*task, folder)
            running[run.pid] = run
        if not running:
            return
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid:
            yield running.pop(pid).result(status, used)
        else:
            for run in running.values():
                run.stop_if_late()
            time.sleep(_POLL_S)


class _Run:
    """An attempt that is running."""

    def __init__(self, kind: Kind, seed: int, folder: Path) -> None:
        self.kind, self.seed, self.late = kind, seed, False
        self.folder = folder / f"{kind.name}-{seed}"
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "work").mkdir(parents=True)
        self.deadline = time.monotonic() + kind.wall_s
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            _attempt(kind, seed, self.folder)

    def stop_if_late(self) -> None:
        if not self.late and time.monotonic() > self.deadline:
            self.late = True
            _kill_group(self.pid)

    def result(self, status: int, used: resource.struct_rusage) -> Result:
        _kill_group(self.pid)  # what the attempt may have left running
        outcome = self._outcome(os.waitstatus_to_exitcode(status))
        cpu_s, peak = used.ru_utime + used.ru_stime, used.ru_maxrss << 10
        outcome.check(cpu_s <= self.kind.cpu_s, "slow", f"{cpu_s:.0f} s of processor time")
        if self.kind.bounded:
            outcome.check(peak <= MEMORY_BYTES, "memory", f"{peak >> 20} MiB")
        if not outcome.faults:
            shutil.rmtree(self.folder, ignore_errors=True)
        return Result(self.kind, self.seed, outcome, cpu_s, peak)

    def _outcome(self, code: int) -> Outcome:
        written = self.folder / "outcome.json"
        if written.is_file():
            return Outcome(**json.loads(written.read_text(encoding="utf-8")))
        said = (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-500:]
        if self.late:
            return Outcome(tried=1, faults=[("hang", f"still running after {self.kind.wall_s:.0f} s; {said}")])
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Outcome(tried=1, faults=[("crash", f"{name}; {said}")])


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone already
        os.killpg(pid, signal.SIGKILL)


def _attempt(kind: Kind, seed: int, folder: Path) -> None:
    """Make the attempt in this forked process, write its outcome, and end the process."""
    code = 1
    try:
        os.setpgid(0, 0)
        output = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # After that the kernel ends it: an attempt may be caught in code that never returns to Python.
        resource.setrlimit(resource.RLIMIT_CPU, (int(4 * kind.cpu_s) + 1,) * 2)
        os.chdir(folder / "work")
        outcome = _guarded(kind, seed, folder / "work")
        (folder / "outcome.part").write_text(json.dumps(outcome.__dict__), encoding="utf-8")
        (folder / "outcome.part").rename(folder / "outcome.json")
        code = 0
    finally:
        os._exit(code)


def _guarded(kind: Kind, seed: int, folder: Path) -> Outcome:
    _forbid_network_and_programs(folder)
    try:
        outcome = kind.attempt(random.Random(f"{kind.name}:{seed}"), folder)
    except Fault as fault:
        outcome = Outcome(tried=1, faults=[(fault.kind, fault.detail)])
    except BaseException as error:  # noqa: BLE001
        outcome = Outcome(tried=1)
        outcome.caught("attempt", error)
        traceback.print_exc()
    outcome.faults += [("outside", event) for event in _EVENTS]
    return outcome


_EVENTS: list[str] = []
_FORBIDDEN = frozenset({"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect"})
_ASKED = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


def _forbid_network_and_programs(folder: Path) -> None:
    """Refuse and note every attempt to start a program or to reach the network."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and arguments[0] == "uname":
            return  # Python asks it for the name of the processor
        if event in _FORBIDDEN or event in _ASKED:
            _EVENTS.append(f"{event} {arguments!r}"[:300])
            raise OSError(f"{event} is forbidden here")

    sys.addaudithook(watch)
