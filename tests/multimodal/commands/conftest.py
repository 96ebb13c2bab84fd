"""A tiny dump, prepared, and ways to call commands."""

from __future__ import annotations

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
from multimodal.commands.main import main

ROOT = Path(__file__).resolve().parents[3]
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TAGS = ("sea", "sky", "sun", "tea", "cat", "dog", "run", "art", "car", "bus", "map", "zen", "ice", "fog", "kiwi")


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def as_process(*arguments, cwd=ROOT):
    """Run a Python program as a user does: the path of a script, or `-m` and a module, and its arguments."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def program():
    """Run Python with any arguments in a process of its own."""
    return as_process


@pytest.fixture
def process():
    """Run the command in a process of its own."""

    def call(*arguments, cwd=ROOT):
        return as_process("-m", "multimodal.commands", *arguments, cwd=cwd)

    return call


@pytest.fixture
def script():
    """Run a script of the checkout in a process of its own."""

    def call(name, *arguments, cwd=ROOT):
        return as_process(ROOT / "scripts" / name, *arguments, cwd=cwd)

    return call


@pytest.fixture
def command(capsys, monkeypatch):
    """Run the command in this process: what it prints and its exit status, without the cost of starting Python."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_status:
            status = int(exit_status.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

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
    assert main(["train", "--config", "user_habit", "--data", str(prepared), "--output", str(run)]) == 0
    return run
