"""Open hostile pictures, prepare a dump of them, and recommend for them: each is decoded, or refused by name."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from hostile_pictures import BOMBS, hostile_pictures
from isolation import Outcome, forget_peak
from trained_models import models

_PICTURES = 12
_MOST_CPU_S = 10.0


def open_pictures(draw: random.Random, folder: Path) -> Outcome:
    """Make a dump with hostile pictures, one of them a bomb in every other attempt, and use all of them."""
    outcome, dump = Outcome(), folder / "dump"
    dump.mkdir()
    pictures = list(hostile_pictures(draw.randrange(2**32), _PICTURES, bombs=False))
    if draw.random() < 0.5:
        name = draw.choice(list(BOMBS))
        pictures.append((name, BOMBS[name]()))
    for number, (name, content) in enumerate(pictures):
        (dump / f"{number:02d}-{name}").write_bytes(content)
    del pictures
    forget_peak()
    names = sorted(path.name for path in dump.iterdir())
    outcome.tried = len(names)
    for name in names:
        _open(dump / name, outcome)
    _prepare(dump, names, folder / "prepared", outcome)
    _recommend([dump / name for name in names], outcome)
    return outcome


def _open(path: Path, outcome: Outcome) -> None:
    from data_loaders.images.loading import ImageError, load_image

    print(path.name, flush=True)  # noqa: T201  # says which one it was if this process dies
    started = time.process_time()
    try:
        image = load_image(path)
        outcome.kept += 1
        outcome.check(image.mode == "RGB" and min(image.size) > 0, "misread", f"{path.name}: {image.mode} {image.size}")
    except ImageError as error:
        outcome.refused += 1
        outcome.check(path.name in str(error), "unnamed", f"{path.name}: {error}")
    except Exception as error:  # noqa: BLE001
        outcome.caught(f"load_image {path.name}", error)
    used = time.process_time() - started
    outcome.check(used <= _MOST_CPU_S, "slow", f"load_image {path.name}: {used:.0f} s")


def _prepare(dump: Path, names: list[str], output: Path, outcome: Outcome) -> None:
    from data_loaders.prepare.prepare import prepare
    from data_loaders.prepare.settings import PrepareSettings

    count = max(30, len(names))
    images = dict(enumerate(names))
    lines = [
        {"post_id": number, "user_id": number % 4, "caption": f"walk {number} #a #b", "image": images.get(number)}
        for number in range(count)
    ]
    (dump / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    try:
        statistics = prepare(
            dump / "posts.jsonl", output, PrepareSettings(split="random", minimum_frequency=1)
        ).statistics
    except Exception as error:  # noqa: BLE001
        outcome.caught("prepare", error)
        return
    outcome.check(
        statistics["posts"] == count, "lost", f"{statistics['posts']} of {count} posts with pictures are kept"
    )


def _recommend(paths: list[Path], outcome: Outcome) -> None:
    from data_loaders.errors import UserError
    from multimodal import Recommender

    recommender = Recommender.from_pretrained(models() / "debug")
    for path in paths:
        print("recommend", path.name, flush=True)  # noqa: T201
        for source in (path, path.read_bytes()):
            try:
                answer = recommender.recommend(image=source, caption="a walk", k=3)
                outcome.check(len(answer) == 3, "other answer", f"{path.name}: {answer}")
            except UserError:
                pass
            except Exception as error:  # noqa: BLE001
                outcome.caught(f"recommend {path.name}", error)
