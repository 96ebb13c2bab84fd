"""A sample of the campaign, always the same; `make torture` runs all of it."""

import subprocess
import sys
from pathlib import Path

CAMPAIGN = Path(__file__).with_name("campaign.py")


def test_hostile_things_do_no_harm(tmp_path):
    command = [sys.executable, CAMPAIGN, "--sample", "--jobs", "2", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert (done.returncode, faults) == (0, []), done.stderr[-2_000:]
