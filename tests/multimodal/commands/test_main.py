"""The program as a whole: its help, exit statuses, `--json`, and every sub-command's parser."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from data_loaders.errors import UserError
from multimodal import __version__
from multimodal.commands import train
from multimodal.commands.answer import Answer, as_plain
from multimodal.commands.main import COMMANDS, command_parser


@pytest.mark.parametrize("way", [("-m", "multimodal.commands"), ("scripts/train.py",)])
def test_help_in_every_way_it_is_called(way, program):
    done = program(*way, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: multimodal-hashtags")


def test_help_lists_every_command_on_one_line(command):
    done = command("--help")
    assert done.returncode == 0
    for name, summary in COMMANDS.items():
        assert any(line.split(None, 1) == [name, summary] for line in done.stdout.splitlines())


def test_the_version(command):
    assert command("--version").stdout == f"multimodal-hashtags {__version__}\n"


def test_an_unknown_command_names_the_nearest(command):
    done = command("trian")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown command 'trian'. Did you mean 'train'? Commands: make-sample, ")


def test_an_unknown_option_names_the_nearest(capsys):
    parser = command_parser("train")
    for words, hint in (
        (["--data", "d", "--outptu", "x"], "required: --output; --outptu: Did you mean '--output'?"),
        (
            ["--data", "d", "--output", "x", "--sead=3"],
            "--sead=3; --sead: Did you mean '--seed'?",
        ),
        (["--data", "d", "--output", "x", "--zzz"], "unrecognized arguments: --zzz\n"),
    ):
        parser.given = words
        with pytest.raises(SystemExit, match="2"):
            parser.parse_intermixed_args(words)
        assert hint in capsys.readouterr().err


def test_without_a_command_it_says_so(command):
    done = command()
    assert done.returncode == 2
    assert "usage: multimodal-hashtags" in done.stderr
    assert "recommend " in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_says_what_it_does_and_shows_an_example(command, name):
    done = command(name, "--help")
    assert done.returncode == 0
    assert f"  multimodal-hashtags {name} " in done.stdout
    assert "--json" in done.stdout


def answers(monkeypatch, run):
    monkeypatch.setattr(train, "run", run)
    return ("train", "--data", "d", "--output", "o")


def test_only_the_answer_is_on_standard_output(command, monkeypatch):
    def run(options):
        sys.stdout.write("a library talks\n")
        return Answer({"at": Path("x"), "value": float("nan")}, ["for people"])

    arguments = answers(monkeypatch, run)
    done = command(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "for people\n", "a library talks\n")
    done = command(*arguments, "--json")
    assert (json.loads(done.stdout), done.stderr) == ({"at": "x", "value": None}, "a library talks\n")


@pytest.mark.parametrize(
    ("status", "answer"),
    [(0, None), (1, Answer(1, [], status=1)), (2, Answer(1, [], problem="there is nothing"))],
)
def test_exit_statuses_of_answers(command, monkeypatch, status, answer):
    done = command(*answers(monkeypatch, lambda options: answer))
    assert done.returncode == status
    assert done.stderr == ("error: there is nothing\n" if status == 2 else "")


@pytest.mark.parametrize(
    ("error", "status", "text"), [(UserError("no"), 2, "error: no\n"), (KeyboardInterrupt(), 130, "stopped\n")]
)
def test_exit_statuses_of_errors(command, monkeypatch, error, status, text):
    def run(options):
        raise error

    done = command(*answers(monkeypatch, run))
    assert (done.returncode, done.stdout, done.stderr) == (status, "", text)


def test_a_full_disk_is_named_wherever_it_is_noticed(command, monkeypatch, tmp_path):
    def run(options):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))

    done = command(*answers(monkeypatch, run))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'x'} could not be written. The disk mounted at /")
    assert done.stderr.endswith(" is full.\n")


@pytest.mark.parametrize(("path", "shown"), [("x" * 300, "x" * 300), ("a/" * 3_000, "a/" * 150 + "…")])
def test_a_path_that_the_system_does_not_open_is_named(command, monkeypatch, path, shown):
    def run(options):
        raise OSError(errno.ENAMETOOLONG, "File name too long", path)

    done = command(*answers(monkeypatch, run))
    assert (done.returncode, done.stderr) == (2, f"error: {shown} cannot be used: File name too long.\n")


def test_plain_values():
    values = {1: np.float32(0.5), "b": (np.int64(2), float("inf"), True, None), "c": {Path("x")}}
    assert as_plain(values) == {"1": 0.5, "b": [2, None, True, None], "c": ["x"]}


def test_what_help_lists_is_what_the_library_knows():
    from data_loaders.images.loading import IMAGE_POLICIES
    from data_loaders.prepare.settings import PrepareSettings
    from data_loaders.prepare.splits import SPLIT_METHODS
    from data_loaders.readers import list_readers
    from multimodal.audit.run import DEFAULT_POSTS
    from multimodal.commands import prepare
    from multimodal.commands.dump_arguments import FORMATS

    assert list(FORMATS) == list_readers()
    assert (prepare.SPLIT_METHODS, prepare.IMAGE_POLICIES) == (SPLIT_METHODS, IMAGE_POLICIES)
    defaults: Namespace = command_parser("prepare").parse_args(["--source", "s", "--output", "o"])
    for name in PrepareSettings.__slots__:
        assert getattr(defaults, name) == getattr(PrepareSettings(), name)
    assert command_parser("audit").parse_args(["--run", "r", "--data", "d"]).posts == DEFAULT_POSTS


def test_a_reader_that_has_seen_enough_is_no_mistake():
    """As in `multimodal-hashtags validate --template jsonl | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "multimodal.commands", "validate", "--template", "jsonl"]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
