"""Shard tasks for tests: they write a text, and note beside their results that they ran."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from data_loaders.bulk.tasks import ShardTask, name_of
from data_loaders.errors import DataError


@dataclass(frozen=True)
class Writing(ShardTask):
    """Writes a text; what goes wrong on the way, `trouble`, does so until a file `healed` is in `log`.

    Trouble that is `deadly` kills the process each time.
    """

    text: str
    log: Path
    trouble: str = ""

    @property
    def name(self):
        return name_of("writing", self.text)

    def write(self, folder, advance):
        (self.log / f"{self.text}-{len(list(self.log.iterdir()))}-{os.getpid()}").touch()
        advance(len(self.text) - 1)
        (folder / "text.txt").write_text(self.text)
        if self.trouble == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trouble and not (self.log / "healed").exists():
            (self.log / "healed").touch()
            if self.trouble == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise {"refused": DataError("no such day"), "full": OSError(28, "No space left on device")}[self.trouble]
        advance(1)

    def steps(self, folder):
        return len((folder / "text.txt").read_text())


def begun(log):
    """Note which process has begun."""
    (log / f"begun-{os.getpid()}").touch()


def processes_of(log, text):
    """Return which processes have begun the tasks whose texts begin with a text, or `begun` themselves."""
    return {int(path.name.rpartition("-")[2]) for path in log.iterdir() if path.name.startswith(text)}


def runs(log, text):
    """Return how often the task of a text was begun."""
    return sum(path.name.startswith(f"{text}-") for path in log.iterdir())


def contents(store):
    """Return what each task has written, by name."""
    return {path.name: (path / "text.txt").read_text() for path in store.iterdir()}
