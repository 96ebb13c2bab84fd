"""A crash, a hang and whatever else goes wrong in an attempt is a fault of it, and the others go on."""

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ATTEMPTS = """
import os, socket, sys, time
from isolation import Fault, Kind, Outcome, run_all

def attempt(draw, folder):
    outcome = Outcome(tried=2, kept=1, refused=1)
    if what == "lost":
        outcome.check(outcome.kept == 2, "lost", "1 of 2")
    return {"crash": os.abort, "hang": lambda: time.sleep(60), "traceback": lambda: {}["x"], "outside": connect,
            "memory": lambda: bytearray(300 << 20) and None, "slow": spin}.get(what, lambda: outcome)() or outcome

def connect():
    try:
        socket.create_connection(("127.0.0.1", 9))
    except OSError:
        pass

def spin():
    while time.process_time() < 1:
        pass

import isolation
from pathlib import Path
isolation.MEMORY_BYTES = 250 << 20
for what in ("good", "crash", "hang", "traceback", "outside", "memory", "lost", "slow"):
    kind = Kind(what, attempt, 1, wall_s=0.5 if what == "hang" else 60, cpu_s=0.5 if what == "slow" else 60)
    (result,) = run_all([(kind, 7)], Path(sys.argv[1]), jobs=2)
    print(json.dumps([what, result.outcome.faults]))
"""


def test_every_fault_is_told(tmp_path):
    code = f"import json, sys\nsys.path.insert(0, {str(FOLDER)!r})\n{ATTEMPTS}"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    faults = dict(json.loads(line) for line in done.stdout.splitlines())
    assert faults.pop("good") == []
    assert {what: [kind for kind, _ in found] for what, found in faults.items()} == {what: [what] for what in faults}
    details = {what: found[0][1] for what, found in faults.items()}
    assert details["crash"].startswith("SIGABRT; ")
    assert details["hang"].startswith("still running after 0 s; ")
    assert details["traceback"].startswith("attempt: KeyError at ")
    assert details["lost"] == "1 of 2"
    assert (tmp_path / "lost-7").is_dir()
    assert not (tmp_path / "good-7").exists()
