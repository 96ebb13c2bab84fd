"""The package as pip installs it: what wheel and sdist hold, and the quick start in a folder of another project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = (
    "multimodal",
    "data_loaders",
    "configs",
    "scripts",
    "benchmarks",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
)
MODULE_OF = {"scikit-learn": "sklearn", "pillow": "PIL", "pyyaml": "yaml", "faiss-gpu": "faiss", "faiss-cpu": "faiss"}
# Runs the command where some packages cannot be imported.
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from multimodal.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def run(*words, cwd, path=()):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, path))}
    words = list(map(str, words))
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build from a copy, so that nothing is left in the checkout; the wheel is built from the sdist."""
    copy, output = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built")
    for name in (*PACKAGED, *(path.name for path in ROOT.glob("*.md")), "LICENSE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", output, copy, cwd=output)
    return output


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The wheel, installed alone."""
    target = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    run(sys.executable, *pip, cwd=built)
    return target


def test_wheel_and_sdist_can_be_uploaded(built):
    out = run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), cwd=built)
    assert out.count("PASSED") == 2


def test_both_hold_every_file_of_the_packages(built):
    files = {
        path.relative_to(ROOT).as_posix()
        for package in ("multimodal", "data_loaders", "configs")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {re.sub("^configs/", "multimodal/configs/", file) for file in files} - held == set()
    assert {name.partition("/")[0] for name in held if ".dist-info/" not in name} == {"multimodal", "data_loaders"}
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {*files, "setup.py", "scripts/train.py", "README.md"} - held == set()


def test_the_quick_start_in_a_folder_of_another_project(installed, tmp_path):
    program = (sys.executable, installed / "bin" / "multimodal-hashtags")

    def command(*words):
        return run(*program, *words, cwd=tmp_path, path=[installed])

    where = run(sys.executable, "-c", "import multimodal; print(multimodal.__file__)", cwd=tmp_path, path=[installed])
    assert Path(where.strip()).is_relative_to(installed)
    command("make-sample", "--output", "sample", "--posts", 60, "--users", 6, "--image-size-px", 32)
    command("prepare", "--source", "sample", "--output", "prepared")
    command("train", "--config", "debug", "--data", "prepared", "--output", "run", "training.epochs=1")
    evaluated = json.loads(command("evaluate", "--run", "run", "--data", "prepared", "--k", "1-3", "--json"))
    assert [row["k"] for row in evaluated["table"]] == [1, 2, 3]
    picture = next((tmp_path / "sample").rglob("*.jpg"))
    words = ("recommend", "--run", "run", "--image", picture, "--caption", "Low tide", "--k", "4", "--json")
    whole = command(*words)
    assert len(json.loads(whole)["recommendations"]) == 4

    light = run(sys.executable, "-c", WITHOUT.format(names=left_out()), *words, cwd=tmp_path, path=[installed])
    assert light == whole
    assert json.loads(run(sys.executable, "-c", FACE, cwd=tmp_path, path=[installed])) == [["abc", "abc"], 3, 1, 3]


# The Python face, as a program in a folder of its own uses it.
FACE = """
import asyncio, json
from multimodal import Recommender

recommender = Recommender.from_pretrained("run")
recommender.observe([{"user_id": "new", "caption": f"walk {i}", "hashtags": ["abc"]} for i in range(3)])
(answer,) = recommender.recommend_many([{"user_id": "new"}], k=3, only="mine", on_short="fewer")
recommender.feedback(answer, user_id="new", accepted=["abc"])
again = asyncio.run(recommender.arecommend(user_id="new", k=1, only="mine"))
held = recommender.export("new")
told = [one.to_dict()["hashtag"] for one in (*answer, *again)]
print(json.dumps([told, len(held["model_posts"]), len(held["events"]), recommender.forget("new")]))
"""


def requirements(lines):
    return {re.split(r"[>=<;\s]", line)[0] for line in lines if not line.startswith("#")}


def left_out():
    """Return the modules that `requirements-recommend.txt` does without."""
    light = requirements((ROOT / "requirements-recommend.txt").read_text(encoding="utf-8").splitlines())
    every = requirements(re.findall(r'^    "([\w-]+>=[^"]+)",$', dependencies(), re.M))
    assert light < every
    return {MODULE_OF.get(name, name) for name in every - light}


def dependencies():
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\ndependencies = [")[2].partition("\n]")[0]


def test_the_light_requirements_are_those_of_the_package():
    lines = (ROOT / "requirements-recommend.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and f'"{line}"' not in dependencies()] == []
    assert left_out() >= {"faiss", "transformers", "pandas", "pyarrow", "matplotlib"}
