"""Dumps in which a file is a pipe, a device, a socket or a link that leads out: nothing waits and nothing leaks."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from isolation import Outcome
from PIL import Image

_SECRET = "private words #secret"
_POSTS = 30


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # the path of a socket must be short
        server.bind(path.name)


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _out(path: Path) -> None:
    path.symlink_to(_outside() / f"secret{path.suffix}")


def _folder_out(path: Path) -> None:
    path.symlink_to(_outside(), target_is_directory=True)


def _outside() -> Path:
    return Path(os.environ["OUTSIDE"])


KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "socket": _bind,
    "folder": Path.mkdir,
    "zeros": _link("/dev/zero"),
    "random": _link("/dev/urandom"),
    "terminal": _link("/dev/tty"),
    "memory": _link("/proc/self/mem"),
    "dangling": _link("/nowhere/x.jpg"),
    "loop": lambda path: path.symlink_to(path),
    "out": _out,
    "folder out": _folder_out,
    "password": _link("/etc/passwd"),
    "unreadable": lambda path: path.touch(0),
    "empty": Path.touch,
}


def read_special_files(draw: random.Random, folder: Path) -> Outcome:
    """Put something special in the place of a file of a dump, and prepare it."""
    outside = folder / "outside"
    outside.mkdir()
    os.environ["OUTSIDE"] = str(outside)
    _write_secrets(outside)
    kind, make = draw.choice(list(KINDS)), draw.choice((_instaloader, _json_lines))
    outcome = Outcome(tried=1)
    dump, place = make(draw, folder / "dump")
    place.unlink(missing_ok=True)
    KINDS[kind](place)
    print(kind, place, flush=True)  # noqa: T201  # says what it was if this process hangs
    _prepare(dump, folder / "prepared", f"{kind} as {place.name}", outcome)
    return outcome


def _picture() -> bytes:
    buffer = BytesIO()
    Image.effect_noise((40, 40), 70).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def _node(number: int, caption: str | None) -> str:
    node = {
        "shortcode": f"s{number}",
        "owner": {"id": str(number % 3)},
        "taken_at_timestamp": 1_700_000_000 + number * 999,
    }
    if caption is not None:
        node["edge_media_to_caption"] = {"edges": [{"node": {"text": caption}}]}
    return json.dumps({"node": node, "instaloader": {"node_type": "Post"}})


def _write_secrets(outside: Path) -> None:
    (outside / "secret.jpg").write_bytes(_picture())
    for suffix in (".txt", ""):
        (outside / f"secret{suffix}").write_text(_SECRET, encoding="utf-8")
    (outside / "secret.json").write_text(_node(999, _SECRET), encoding="utf-8")
    (outside / "secret.jsonl").write_text(json.dumps({"post_id": 999, "caption": _SECRET}), encoding="utf-8")


def _instaloader(draw: random.Random, dump: Path) -> tuple[Path, Path]:
    dump.mkdir()
    special = draw.randrange(_POSTS)
    suffix = draw.choice((".jpg", ".json", ".txt", "_comments.json", ".json.xz"))
    for number in range(_POSTS):
        caption = None if number == special and suffix == ".txt" else f"walk {number} #a{number % 2} #b"
        (dump / f"{number:03d}.json").write_text(_node(number, caption), encoding="utf-8")
        (dump / f"{number:03d}.jpg").write_bytes(_picture())
    return dump, dump / f"{special:03d}{suffix}"


def _json_lines(draw: random.Random, dump: Path) -> tuple[Path, Path]:
    dump.mkdir()
    place = draw.choice(("3.jpg", "pictures/3.jpg", "posts2.jsonl"))
    (dump / "pictures").mkdir()
    lines = [
        {"post_id": number, "user_id": number % 4, "caption": f"walk {number} #a #b", "image": f"{number % 5}.jpg"}
        for number in range(_POSTS)
    ]
    lines[3]["image"] = place if place.endswith(".jpg") else "3.jpg"
    (dump / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    for number in range(5):
        (dump / f"{number}.jpg").write_bytes(_picture())
    return draw.choice((dump, dump / "posts.jsonl")), dump / place


def _prepare(dump: Path, output: Path, what: str, outcome: Outcome) -> None:
    from data_loaders.errors import UserError
    from data_loaders.prepare.prepare import prepare
    from data_loaders.prepare.settings import PrepareSettings
    from data_loaders.prepared import PreparedData

    try:
        prepare(dump, output, PrepareSettings(split="random", minimum_frequency=1, near_duplicates=False))
    except UserError:
        outcome.refused += 1
        return
    except Exception as error:  # noqa: BLE001
        outcome.caught(what, error)
        return
    outcome.kept += 1
    posts = list(PreparedData.open(output).posts())
    outcome.check(len(posts) >= _POSTS - 1, "lost", f"{what}: {len(posts)} of {_POSTS} posts are kept")
    leaked = [post.post_id for post in posts if "private" in f"{post.caption} {post.hashtags}"]
    outcome.check(not leaked, "outside", f"{what}: words of a file outside of the dump in {leaked}")
    outside = _outside().resolve()
    for post in posts:
        if post.image is not None:
            inside = not Path(post.image).resolve().is_relative_to(outside)
            outcome.check(inside, "outside", f"{what}: the picture of {post.post_id} is {post.image}")
