"""Lets the tests of this folder import `evaluation_reference`, whatever pytest's import mode; ranx, interpreted."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def ranx():
    """ranx, imported once."""
    # Without numba's compiler ranx runs the same Python code, minus half a minute of compilation.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_DISABLE_JIT", "1")
        yield pytest.importorskip("ranx")
