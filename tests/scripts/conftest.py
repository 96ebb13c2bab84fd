"""A tiny dump, prepared, and ways to call commands."""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from data_loaders.prepare.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TAGS = ("sea", "sky", "sun", "tea", "cat", "dog", "run", "art", "car", "bus", "map", "zen", "ice", "fog", "kiwi")


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def as_process(script, *arguments, cwd=ROOT):
    """Run a command as a user does."""
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def process():
    return as_process


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command in this process: what it prints and its exit status, without the cost of starting Python."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(script, *arguments):
        cli, module = importlib.import_module("_cli"), importlib.import_module(Path(script).stem)
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_status:
            cli.run_main(module.main, [str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Done(int(exit_status.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """120 posts by 12 users with habits, prepared."""
    folder = tmp_path_factory.mktemp("dump")
    draw = random.Random(0)
    habits = [draw.sample(TAGS, 3) for _ in range(12)]
    with (folder / "posts.jsonl").open("w", encoding="utf-8") as file:
        for number in range(120):
            user = draw.randrange(12)
            hashtags = " ".join(f"#{tag}" for tag in draw.sample(habits[user], 2))
            record = {
                "post_id": f"p{number}",
                "user_id": f"user{user}",
                "timestamp": (START + timedelta(hours=number)).isoformat(),
                "caption": f"number {number} of a long walk {hashtags}",
            }
            file.write(json.dumps(record) + "\n")
    output = folder / "prepared"
    prepare(folder / "posts.jsonl", output)
    return output


@pytest.fixture(scope="session")
def trained(prepared, tmp_path_factory):
    """A run of user_habit."""
    run = tmp_path_factory.mktemp("runs") / "user_habit"
    done = as_process("train.py", "--config", "configs/user_habit.yaml", "--data", prepared, "--output", run)
    assert done.returncode == 0, done.stderr
    return run
