"""One process at a time writes; a lock goes with its process, and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_loaders.locking import FolderInUseError, holds_locks, locked

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from pathlib import Path
from data_loaders.locking import locked
with locked(Path(sys.argv[1]), Path("data"), "preparing it"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".data.lock"


@pytest.fixture
def holder(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def refused(path):
    with pytest.raises(FolderInUseError) as error, locked(path, Path("data"), "x"):
        pass
    return str(error.value)


def test_the_other_process_is_named(path, holder):
    text = refused(path)
    assert text.startswith(f"data is in use: process {holder.pid} on ")
    assert " has been preparing it since 20" in text
    assert text.endswith(". Wait until it has ended, or stop it, or choose another folder.")


def test_a_killed_process_holds_nothing(path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert path.exists()
    with locked(path, Path("data"), "x") as held:
        assert held
    assert not path.exists()


def test_a_worker_that_outlives_its_parent_holds_nothing(path):
    reading, writing = os.pipe()
    with locked(path, Path("data"), "x"):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        assert holds_locks()
    with locked(path, Path("data"), "x") as held:
        assert held
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)
    assert not holds_locks()


def test_a_lock_whose_holder_cannot_be_read_still_holds(path):
    with locked(path, Path("data"), "x"):
        path.write_text("{")
        assert "data is in use: another process writes into it." in refused(path)


def test_shared_locks_exclude_the_others(path):
    with locked(path, Path("data"), "reading it", shared=True):
        with locked(path, Path("data"), "reading it", shared=True):
            assert "has been reading it" in refused(path)
        assert "has been reading it" in refused(path)
        assert path.exists()
    assert not path.exists()


def test_a_file_system_without_locks_is_said(path, monkeypatch, caplog):
    def none(descriptor, kind):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(path, Path("data"), "x") as held:
        assert not held
    assert "data cannot be locked: its file system knows no locks. Make sure that no other process" in caplog.text
    assert not path.exists()
