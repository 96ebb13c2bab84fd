"""Write the files that Instaloader creates for an account and each of its posts.

Names and structure follow Instaloader 4.14: `{date}_UTC` with `.jpg`, `_1.jpg` … (carousels), `.mp4`, `.txt` (the
caption) and `.json.xz` or `.json`, in one folder per account that also contains `id` and the profile's own JSON.
"""

from __future__ import annotations

import base64
import json
import lzma
import random
from pathlib import Path
from typing import Any

from data_loaders.sample.pictures import render
from data_loaders.sample.plan import PlannedPost

INSTALOADER_VERSION = "4.14"

_FIRST_MEDIA_ID = 3_090_000_000_000_000_000
_CAROUSEL_SHARE, _WEBP_SHARE, _PLAIN_JSON_SHARE, _USERNAME_SHARE = 0.08, 0.06, 0.05, 0.5
_JPEG_QUALITY, _WEBP_QUALITY = 84, 82
# The first box of an MP4 file: enough to be recognised as a video, with nothing to play.
_VIDEO = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def shortcode(number: int) -> str:
    """Return the 11 characters that identify post `number` in Instagram's URLs."""
    digits = base64.b64encode(_media_id(number).to_bytes(9, "big"), b"-_").decode()
    return digits.lstrip("A")


def write_profile(folder: Path, username: str, account_id: int, posts: int) -> None:
    """Create the folder of an account with its `id` file and profile."""
    folder.mkdir(parents=True)
    (folder / "id").write_text(f"{account_id}\n", encoding="utf-8")
    node = {
        "id": str(account_id),
        "username": username,
        "full_name": username.replace("_", " ").replace(".", " ").title(),
        "biography": "",
        "is_private": False,
        "edge_owner_to_timeline_media": {"count": posts},
    }
    _write_json(folder / f"{username}_{account_id}.json.xz", node, "Profile")


def write_post(folder: Path, post: PlannedPost, *, image_size_px: int, seed: int) -> tuple[int, bool]:
    """Write the files of one post.

    Args:
        folder: folder of its account.
        post: the post.
        image_size_px: side length of its square pictures.
        seed: seed of the sample.

    Returns:
        The number of pictures written, and whether the post is a carousel.
    """
    rng = random.Random(f"{seed}/files/{post.number}")
    stem = post.timestamp.strftime("%Y-%m-%d_%H-%M-%S_UTC")
    carousel = not post.is_video and rng.random() < _CAROUSEL_SHARE
    count = rng.randint(2, 3) if carousel else 1
    written = 0
    if post.picture != "none":
        format_ = "webp" if rng.random() < _WEBP_SHARE else "jpg"
        for index in range(count):
            picture = render(post.scene, size_px=image_size_px, seed=f"{seed}/picture/{post.number}/{index}")
            name = f"{stem}_{index + 1}" if carousel else stem
            picture.save(folder / f"{name}.{format_}", quality=_WEBP_QUALITY if format_ == "webp" else _JPEG_QUALITY)
            written += 1
    if post.is_video:
        (folder / f"{stem}.mp4").write_bytes(_VIDEO)
    if post.caption:
        (folder / f"{stem}.txt").write_bytes((post.caption + "\n").encode())
    suffix = "json" if rng.random() < _PLAIN_JSON_SHARE else "json.xz"
    _write_json(folder / f"{stem}.{suffix}", _node(post, count, image_size_px, rng), "Post")
    return written, carousel


def _media_id(number: int) -> int:
    return _FIRST_MEDIA_ID + number * 1_234_567_891


def _node(post: PlannedPost, count: int, image_size_px: int, rng: random.Random) -> dict[str, Any]:
    """Return a post's node in one of the variants that Instagram has returned over the years."""
    kind = "GraphVideo" if post.is_video else "GraphImage" if count == 1 else "GraphSidecar"
    owner = {"id": str(post.account_id)}
    if rng.random() < _USERNAME_SHARE:
        owner["username"] = post.username
    code = shortcode(post.number)
    node: dict[str, Any] = {
        "__typename": kind,
        "id": str(_media_id(post.number)),
        "shortcode": code,
        "dimensions": {"height": image_size_px, "width": image_size_px},
        "display_url": f"https://example.org/{code}.jpg",
        "is_video": post.is_video,
        "accessibility_caption": None,
        "edge_media_to_comment": {"count": rng.randint(0, 30)},
        "edge_media_preview_like": {"count": int(rng.lognormvariate(4, 1))},
        "location": None,
        "owner": owner,
    }
    edges = [{"node": {"text": post.caption}}] if post.caption else []
    node.update(
        {"edge_media_to_caption": {"edges": edges}} if rng.random() < 0.6 else {"caption": post.caption or None}
    )
    node["taken_at_timestamp" if rng.random() < 0.6 else "date"] = int(post.timestamp.timestamp())
    if kind == "GraphSidecar":
        child = {"__typename": "GraphImage", "is_video": False, "display_url": node["display_url"]}
        node["edge_sidecar_to_children"] = {"edges": [{"node": child}] * count}
    return node


def _write_json(path: Path, node: dict[str, Any], node_type: str) -> None:
    record = {"node": node, "instaloader": {"version": INSTALOADER_VERSION, "node_type": node_type}}
    if path.suffix == ".xz":
        text = json.dumps(record, separators=(",", ":"))
        # The lowest preset: the others allocate a dictionary of megabytes for a kilobyte of text.
        path.write_bytes(lzma.compress(text.encode(), check=lzma.CHECK_NONE, preset=0))
    else:
        path.write_text(json.dumps(record, indent=4, sort_keys=True), encoding="utf-8")
