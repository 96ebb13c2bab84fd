"""Ctrl-C and SIGTERM end the command without a traceback, whatever it was doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_loaders.locking import locked, uninterrupted
from multimodal.commands.stopping import stoppable

ROOT = Path(__file__).resolve().parents[3]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
# Stops itself in the first statement of a module.
IN_IMPORT = """
import os, sys
class Stopping:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Stopping())
sys.argv = ["x", "validate", "--source", "none"]
from multimodal.commands.entry import main
sys.exit(main())
"""
IN_DELETION = """
import os
from multimodal.commands.stopping import stoppable
class Deleted:
    def __del__(self):
        os.kill(os.getpid(), {number})
        [0] * 1000
with stoppable():
    Deleted()
"""
IN_A_CALLBACK_OF_DELETION = """
import os, weakref
from multimodal.commands.stopping import stoppable
class Kept:
    pass
def last(number):
    os.kill(os.getpid(), number)
    [0] * 1000
with stoppable():
    kept = Kept()
    weakref.finalize(kept, last, {number})
    del kept
"""


def python(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("name", ["multimodal.commands.main", "multimodal.commands.validate", "data_loaders.readers"])
def test_while_a_module_is_imported(name, number):
    assert python(IN_IMPORT.format(name=name, number=int(number))) == (130, "stopped\n")


@pytest.mark.parametrize("code", [IN_DELETION, IN_A_CALLBACK_OF_DELETION])
def test_while_an_object_is_deleted(code):
    assert python(code.format(number=int(signal.SIGINT))) == (130, "stopped\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_block_can_clean_up(number):
    before = [signal.getsignal(one) for one in SIGNALS]
    cleaned = []

    def work():
        try:
            os.kill(os.getpid(), number)
        finally:
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt), stoppable():
        work()
    assert cleaned
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_an_import_is_ended_before_a_folder_that_is_being_written_is_given_up(tmp_path, monkeypatch):
    """Raised inside of an import the exception may be lost, and leaving at once would leave half a folder."""
    (tmp_path / "module_that_is_stopped.py").write_text(f"import os\nos.kill({os.getpid()}, 2)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "module_that_is_stopped", raising=False)

    def work():
        import module_that_is_stopped  # type: ignore[import-not-found]

        assert module_that_is_stopped.done
        signal.pause()

    with pytest.raises(KeyboardInterrupt), stoppable(), locked(tmp_path / "lock", tmp_path, "x"):
        work()
    assert not (tmp_path / "lock").exists()


def test_what_cleans_up_is_ended_first(tmp_path):
    cleaned = []

    @uninterrupted
    def clean_up():
        os.kill(os.getpid(), signal.SIGINT)
        cleaned.append(True)

    def work():
        clean_up()
        signal.pause()

    with pytest.raises(KeyboardInterrupt), stoppable(), locked(tmp_path / "lock", tmp_path, "x"):
        work()
    assert cleaned


def test_a_signal_that_is_ignored_stays_ignored():
    previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, previous)
