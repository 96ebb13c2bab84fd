"""Load tampered models of every System: each is refused, or answers as before, and no code of theirs is run."""

from __future__ import annotations

import math
import random
import shutil
from pathlib import Path
from typing import Any

from isolation import Outcome
from tampered_models import MARK, reseal, tamperings, without_checksums
from trained_models import tampered

_TAMPERINGS = 6
_QUERIES = (
    {"caption": "sunset at the beach", "user_id": "nobody"},
    {"caption": "coffee and a walk by the sea", "user_id": None},
    {"caption": None, "user_id": "8100213830"},
)


def load_tampered_models(draw: random.Random, folder: Path) -> Outcome:
    """Tamper with a model in several ways; whoever knows of the checksums writes them anew or leaves them out."""
    from data_loaders.errors import UserError
    from multimodal import Recommender

    outcome = Outcome()
    good = draw.choice(tampered())
    system = good.parent.name
    expected = _answers(Recommender.from_pretrained(good))
    for _ in range(_TAMPERINGS):
        seal = draw.choice((None, None, reseal, without_checksums))
        copy = folder / "model"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(good, copy)
        if seal is without_checksums:
            seal(copy)
        tampering = draw.choice(tamperings(copy, draw.randrange(2**32)))
        what = f"{system}: {tampering.name}" + (f", {seal.__name__}" if seal else "")
        print(what, flush=True)  # noqa: T201  # says which one it was if this process dies
        tampering.apply(copy)
        if seal is reseal:
            seal(copy)
        outcome.tried += 1
        try:
            answers = _answers(Recommender.from_pretrained(copy))
            outcome.kept += 1
            outcome.check(
                seal is not None or answers == expected, "other answer", f"{what}: {answers} is not {expected}"
            )
        except UserError as error:
            outcome.refused += 1
            outcome.check(bool(str(error)), "unnamed", what)
        except Exception as error:  # noqa: BLE001
            outcome.caught(what, error)
        outcome.check(not (folder / MARK).exists(), "code was run", what)
    return outcome


def _answers(recommender: Any) -> list[list[tuple[str, float]]]:
    """Return the answers to the queries.

    Raises:
        RuntimeError: one is none: NaN as a score, a hashtag twice or that is not text.
    """
    answers = [[(one.hashtag, one.score) for one in recommender.recommend(**query, k=5)] for query in _QUERIES]
    for answer in answers:
        sound = all(isinstance(hashtag, str) and hashtag and math.isfinite(score) for hashtag, score in answer)
        if not sound or len({hashtag for hashtag, _ in answer}) != 5:
            raise RuntimeError(f"an answer that is none: {answer}")
    return answers
