"""Observe posts and save the model, killed at random: afterwards the old model or the new one is there, whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from hostile_records import good_fields
from isolation import Outcome
from kills import left_overs
from trained_models import models

_KILLS = 4
_NEW_POSTS = 5


def kill_while_saving(draw: random.Random, folder: Path) -> Outcome:
    """Kill a process that observes and saves again and again; load what it left, and let another one go on."""
    from multimodal import Recommender

    outcome, model = Outcome(), folder / "model"
    shutil.copytree(models() / draw.choice(("debug", "popularity", "user_habit")) / "model", model)
    length = len(Recommender.from_pretrained(model).memory)
    for _ in range(_KILLS):
        outcome.tried += 1
        pid = os.fork()
        if not pid:
            _observe_and_save(model)
        time.sleep(draw.uniform(0.01, 0.4))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        try:
            recommender = Recommender.from_pretrained(model)
        except Exception as error:  # noqa: BLE001
            outcome.caught("a model that was being saved", error)
            return outcome
        added, rest = divmod(len(recommender.memory) - length, _NEW_POSTS)
        outcome.check(added >= 0 and not rest, "half done", f"{len(recommender.memory)} posts after {length}")
        outcome.check(len(recommender.recommend(caption="a walk", k=5)) == 5, "other answer", "after a kill")
        length = len(recommender.memory)
    recommender.save_pretrained(model)
    outcome.check(not left_overs(folder), "left over", f"{left_overs(folder)}")
    outcome.kept = 1
    return outcome


def _observe_and_save(model: Path) -> None:
    """Observe and save until this process is killed."""
    from multimodal import Recommender

    try:
        recommender = Recommender.from_pretrained(model)
        while True:
            start = len(recommender.memory)
            posts = [{**good_fields(number), "post_id": f"new{number}"} for number in range(start, start + _NEW_POSTS)]
            recommender.observe(posts)
            recommender.save_pretrained(model)
    finally:
        os._exit(1)
