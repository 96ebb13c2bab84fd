"""A sample of the campaign, always the same; `make torture` runs all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("campaign.py")
SAMPLE = {"records": 16}


@pytest.mark.parametrize("kind", SAMPLE)
def test_hostile_things_do_no_harm(tmp_path, kind):
    options = ["--only", kind, "--attempts", str(SAMPLE[kind]), "--jobs", "1", "--folder", str(tmp_path)]
    done = subprocess.run([sys.executable, CAMPAIGN, *options], capture_output=True, text=True, check=False)
    faults = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert (done.returncode, faults) == (0, []), done.stderr[-2_000:]
