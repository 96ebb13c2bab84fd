"""Call commands with hostile arguments: they answer, or say what was wrong and exit with 2."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from hostile_values import cell
from isolation import Outcome
from trained_models import models

_CALLS = 12
_NUMBERS = ("0", "-1", "1", "3", "10", "1e3", "nan", "9" * 30, "9" * 5_000, "", "x", "٣", "1_0", "-0", "2.0")
_RANGES = ("1-3", "3-1", "0-3", "1-9999999999", "1,2,", ",", "-1", "1-", "5,5,5", "1–3", "a-b")
_ENUMERATED = (
    "test",
    "validation",
    "train",
    "rolling",
    "frozen",
    "posts",
    "users",
    "cpu",
    "cuda:99",
    "cuda",
    "",
    "x",
    "../x",
    "meta",
)


def call_commands(draw: random.Random, folder: Path) -> Outcome:
    """Call several commands with arguments of which some are hostile."""
    from multimodal.commands.main import main

    outcome = Outcome()
    for number in range(_CALLS):
        words = draw.choice(_COMMANDS)(draw, folder / str(number))
        words = [str(word).replace("\0", "") for word in words]  # the system passes no NUL
        shown = " ".join(words)[:300]
        outcome.tried += 1
        try:
            status: object = main(words)
        except SystemExit as error:
            status = error.code
        except Exception as error:  # noqa: BLE001
            outcome.caught(shown, error)
            continue
        outcome.kept += status == 0
        outcome.refused += status == 2
        outcome.check(status in (0, 2), "other answer", f"exit status {status}: {shown}")
    return outcome


def _flags(draw: random.Random, choices: dict[str, Callable[[], object]], share: float = 0.5) -> list[object]:
    words: list[object] = []
    for flag, value in choices.items():
        if draw.random() < share:
            words += [flag, value()]
    return words


def _path(draw: random.Random, *good: Path) -> object:
    """Return one of the good paths, mostly, or a path that nobody wants to read or to write."""
    if draw.random() < 0.75:
        return draw.choice(good)
    nowhere = (
        "",
        ".",
        "/dev/null",
        "/dev/null/x",
        "/etc/passwd",
        "\udcff",
        "x" * 300,
        "a/" * 3_000,
        "~",
        "-",
        "/proc/self",
    )
    return draw.choice((*nowhere, *good, *(path / "none" for path in good)))


def _recommend(draw: random.Random, _: Path) -> list[object]:
    run = _path(draw, models() / "debug", models() / "debug" / "model", models() / "popularity", models() / "data")
    pictures = sorted((models() / "sample").rglob("*.jpg"))[:3]
    flags = {
        "--caption": lambda: cell(draw, "caption")[:50_000],
        "--user-id": lambda: cell(draw, "user_id")[:50_000],
        "--timestamp": lambda: cell(draw, "timestamp")[:50_000],
        "--image": lambda: _path(draw, *pictures),
        "--k": lambda: draw.choice(_NUMBERS),
        "--device": lambda: draw.choice(_ENUMERATED),
    }
    words = ["recommend", "--run", run, *_flags(draw, flags)]
    return (
        words
        + ["--observe", _path(draw, models() / "data")] * (draw.random() < 0.2)
        + ["--json"] * (draw.random() < 0.3)
    )


def _evaluate(draw: random.Random, _: Path) -> list[object]:
    flags = {
        "--split": lambda: draw.choice(_ENUMERATED),
        "--history": lambda: draw.choice(_ENUMERATED),
        "--unit": lambda: draw.choice(_ENUMERATED),
        "--k": lambda: draw.choice((*_RANGES, *_NUMBERS)),
        "--batch-size": lambda: draw.choice(_NUMBERS),
    }
    run, data = _path(draw, _own_run()), _path(draw, models() / "data", models() / "sample")
    return ["evaluate", "--run", run, "--data", data, "--no-slices", *_flags(draw, flags, 0.3)]


def _own_run() -> Path:
    """Return a copy of a run for this attempt alone."""
    import shutil

    copy = Path.cwd() / "run"
    if not copy.exists():
        shutil.copytree(models() / "popularity", copy)
    return copy


def _audit(draw: random.Random, _: Path) -> list[object]:
    flags = {name: lambda: draw.choice(_NUMBERS) for name in ("--posts", "--k", "--seed")}
    run, data = _path(draw, _own_run()), _path(draw, models() / "data", models() / "sample")
    return ["audit", "--run", run, "--data", data, *_flags(draw, flags, 0.3)]


def _compare(draw: random.Random, folder: Path) -> list[object]:
    flags = {
        "--k": lambda: draw.choice((*_RANGES, *_NUMBERS)),
        "--column": lambda: draw.choice(("f1", "", "x", "f1,f1", "f1,", cell(draw)[:1_000])),
        "--group": lambda: cell(draw)[:1_000],
        "--against": lambda: _path(draw, _own_run()),
        "--slices": lambda: draw.choice(("all", "", "x", "history")),
        "--resamples": lambda: draw.choice(_NUMBERS[:-1]) if draw.random() < 0.5 else "10",
        "--output": lambda: folder / "comparison",
    }
    return ["compare", _path(draw, _own_run()), _path(draw, _own_run()), *_flags(draw, flags, 0.3)]


def _dump(draw: random.Random) -> list[object]:
    flags = {
        "--format": lambda: draw.choice(
            ("csv", "json_lines", "instaloader", "twitter_archive", "", "x", "parquet", "tsv")
        ),
        "--columns": lambda: draw.choice(
            ("caption=text", "caption", "=", "caption=", "x=y", "post_id=post_id", "user_id=a.b.c")
        ),
        "--user-id": lambda: cell(draw, "user_id")[:50_000],
    }
    source = _path(draw, models() / "sample", models() / "sample", models() / "data", models() / "debug")
    return ["--source", source, *_flags(draw, flags, 0.2), *["--number-rows"] * (draw.random() < 0.2)]


def _validate(draw: random.Random, _: Path) -> list[object]:
    return ["validate", *_dump(draw), *_flags(draw, {"--examples": lambda: draw.choice(_NUMBERS)}, 0.3)]


def _prepare(draw: random.Random, folder: Path) -> list[object]:
    flags = {
        "--split": lambda: draw.choice(("time", "random", "user", "auto", "", "x")),
        "--minimum-frequency": lambda: draw.choice(_NUMBERS),
        "--top-hashtags": lambda: draw.choice(_NUMBERS),
        "--image-policy": lambda: draw.choice(("skip", "blank", "raise", "", "x")),
        "--seed": lambda: draw.choice(_NUMBERS),
    }
    words = [
        "prepare",
        *_dump(draw),
        "--output",
        _path(draw, folder / "out", models() / "sample"),
        *_flags(draw, flags, 0.2),
    ]
    if draw.random() < 0.2:
        words += ["--fractions", *(draw.choice(("0.5", "0.25", "nan", "-1", "0", "inf", "1")) for _ in range(3))]
    return words


def _other(draw: random.Random, folder: Path) -> list[object]:
    path, output, number = _path(draw, folder, models() / "data"), folder / "run", draw.choice(_NUMBERS[:7])
    config = draw.choice(("debug", "popularity", "x", "", str(path)))
    return draw.choice(
        (
            *([], [""], ["recomend"], ["--version"], ["--help"], ["recommend"], ["prepare", "--help"], ["\udcff"]),
            [cell(draw)[:100]],
            ["make-sample", "--output", folder / "sample", "--posts", number, "--users", draw.choice(_NUMBERS[:7])],
            ["gate", "--run", draw.choice((path, models() / "debug", models() / "popularity")), "--data", path],
            ["train", "--config", config, "--data", path, "--output", output],
            ["train", "--config", "popularity", "--data", models() / "data", "--output", output, _override(draw)],
        )
    )  # fmt: skip


def _override(draw: random.Random) -> str:
    keys = (
        "seed",
        "system",
        "x",
        "",
        "training.epochs",
        "__class__",
        "caption_profile",
        "fill",
        "a.b.c",
        "feature_cache",
    )
    yaml = ("null", "[]", "{}", "{", "!!python/object:os.system", "&a *a", "[" * 10_000)
    return f"{draw.choice(keys)}={draw.choice((*_NUMBERS, *_ENUMERATED, *yaml))}"


_COMMANDS = (_recommend, _recommend, _recommend, _evaluate, _audit, _compare, _validate, _prepare, _prepare, _other)
