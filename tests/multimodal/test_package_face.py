"""`import multimodal`: what it offers, and what it says where another project's `data_loaders` is in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import multimodal

ROOT = Path(__file__).resolve().parents[2]


def python(code, *path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, *code], env=environment, cwd=path[0], capture_output=True, text=True, check=False
    )


def test_the_names_it_offers():
    from data_loaders.errors import UserError
    from multimodal.recommender import Recommender

    assert (multimodal.UserError, multimodal.Recommender) == (UserError, Recommender)
    assert all(hasattr(multimodal, name) for name in multimodal.__all__)
    with pytest.raises(AttributeError, match="module 'multimodal' has no attribute 'recomend'"):
        _ = multimodal.recomend


@pytest.mark.parametrize("file", ["data_loaders/__init__.py", "data_loaders.py"])
@pytest.mark.parametrize("code", [("-c", "import multimodal"), ("-m", "multimodal.commands", "--version")])
def test_a_data_loaders_of_another_project_is_named(tmp_path, file, code):
    other = tmp_path / file
    other.parent.mkdir(exist_ok=True)
    other.write_text("raise SystemExit('this must not run')")
    done = python(code, tmp_path, ROOT)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: multimodal-hashtags needs its own package 'data_loaders' ({ROOT / 'data_loaders'}), but Python "
        f"finds another one: {other}. Rename that one, or take its folder off the module search path (sys.path, "
        "PYTHONPATH, the working directory)."
    )


def test_one_that_was_imported_before_is_named_too(tmp_path):
    (tmp_path / "data_loaders.py").write_text("")
    done = python(("-c", "import data_loaders, sys; sys.path.pop(0); import multimodal"), tmp_path, ROOT)
    assert f"finds another one: {tmp_path / 'data_loaders.py'}." in done.stderr
