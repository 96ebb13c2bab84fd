"""Run the tests under every condition that they must hold in: threads, instruction sets, orders, Pythons, versions.

    make check-matrix                                          all rows: minutes each, and 8 GB for each environment
    python .ci/check_matrix.py --only avx2 threads-2
    python .ci/check_matrix.py -- tests/multimodal/encoders     all rows, these tests alone

Environments are kept in `.cache/matrix`. A Python that is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".cache" / "matrix"
# What oneDNN, MKL and PyTorch compute with on a processor without AVX-512 and AMX.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "default"}
PYTEST = ("-n", "2", "--dist", "worksteal", "-q")
# `addopts` turns the random order off.
RANDOM_ORDER = ("-o", "addopts=-ra --strict-markers -p no:cacheprovider")


@dataclass(frozen=True)
class Row:
    """One condition: the variables and options the tests run with, and the environment they run in.

    Attributes:
        name: what `--only` calls it.
        variables: environment variables.
        options: further options of pytest.
        python: `3.10`; empty for the Python that runs this script, with what is installed there.
        resolution: which versions of the dependencies, as `uv pip compile` calls it.
    """

    name: str
    variables: dict[str, str] = field(default_factory=lambda: {"OMP_NUM_THREADS": "1"})
    options: tuple[str, ...] = ()
    python: str = ""
    resolution: str = "highest"


ROWS = (
    Row("threads-1"),
    Row("threads-2", {"OMP_NUM_THREADS": "2"}),
    Row("avx2", {"OMP_NUM_THREADS": "1", **AVX2}),
    Row("avx2-threads-2", {"OMP_NUM_THREADS": "2", **AVX2}),
    Row("random-order-1", options=(*RANDOM_ORDER, "-p", "randomly", "--randomly-seed=1")),
    Row("random-order-2", options=(*RANDOM_ORDER, "-p", "randomly", "--randomly-seed=2")),
    Row("oldest", python="3.10", resolution="lowest-direct"),
    Row("python-3.12", python="3.12"),
    Row("newest", python="3.13"),
)


def main() -> int:
    """Run the chosen rows, print a table and return the number of rows that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[row.name for row in ROWS], help="these rows alone")
    parser.add_argument("tests", nargs="*", help="tests to run (default: all)")
    options = parser.parse_args()
    results = {}
    for row in ROWS:
        if options.only is None or row.name in options.only:
            print(f"== {row.name} ==", flush=True)
            results[row.name] = run(row, options.tests)
    print("\n" + "\n".join(f"{name:16} {result}" for name, result in results.items()))
    return sum(result.startswith("FAILED") for result in results.values())


def run(row: Row, tests: list[str]) -> str:
    """Return how the tests of one row ended, and after how many seconds."""
    python = sys.executable if not row.python else environment(row)
    if python is None:
        return f"not run: Python {row.python} is not installed here"
    started = time.monotonic()
    variables = {**os.environ, **row.variables, "PYTHONPATH": str(ROOT)}
    command = [python, "-m", "pytest", *PYTEST, *row.options, *tests]
    code = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
    return f"{'passed' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - started:.0f} s"


def environment(row: Row) -> str | None:
    """Return the interpreter of a row's environment, made where it is missing or older than `pyproject.toml`."""
    found = interpreter(row.python)
    if found is None:
        return None
    folder = ENVIRONMENTS / row.name
    pins, python = folder / "pins.txt", folder / "bin" / "python"
    if pins.is_file() and pins.stat().st_mtime > (ROOT / "pyproject.toml").stat().st_mtime:
        return str(python)
    uv = (sys.executable, "-m", "uv")
    subprocess.run([found, "-m", "venv", "--clear", str(folder)], check=True)
    compiled = ("pip", "compile", "--quiet", "--resolution", row.resolution, "--extra", "dev", "--python-version")
    subprocess.run([*uv, *compiled, row.python, "-o", str(pins), "pyproject.toml"], cwd=ROOT, check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(pins)], cwd=ROOT, check=True)
    return str(python)


def interpreter(version: str) -> str | None:
    """Return a Python of a version: on the path, or where pyenv keeps them."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python"))
    # pyenv's shims are on the path for every version, also for those that are not chosen.
    on_path = [found for found in [shutil.which(f"python{version}")] if found and "shims" not in found]
    return next(iter([*on_path, *map(str, kept)]), None)


if __name__ == "__main__":
    sys.exit(main())
