"""Dumps of several files, archives, and folders of other programs, with hostile records."""

from __future__ import annotations

import json
import random
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from dumps import Dump, encoded, json_lines, parquet, table
from hostile_records import good_fields, hostile_records
from hostile_values import cell, json_value


def packed(draw: random.Random, folder: Path) -> Dump:
    """A file of posts in an archive."""
    dump = draw.choice((json_lines, table, parquet))(draw, folder)
    inside = draw.choice(("", "posts/")) + dump.path.name
    kind = draw.choice(("zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"))
    path = folder / f"dump.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            archive.write(dump.path, inside)
    else:
        with tarfile.open(path, "w:" + {"tar": "", "tgz": "gz"}.get(kind, kind.removeprefix("tar."))) as archive:
            archive.add(dump.path, inside)
    dump.path.unlink()
    dump.path = path
    return dump


def damaged_archive(draw: random.Random, folder: Path) -> Dump:
    """An archive with flipped or lost bytes, or with members whose names lead out."""
    dump = packed(draw, folder)
    if dump.path.suffix == ".zip" and draw.random() < 0.5:
        with zipfile.ZipFile(dump.path, "a") as archive:
            for name in (
                "../out.jsonl",
                "/etc/out.jsonl",
                "posts.jsonl/",
                "a\\b.jsonl",
                "\u202e.jsonl",
                "x" * 300 + ".jsonl",
            ):
                archive.writestr(name, '{"post_id":"out","caption":"private #secret"}')
    else:
        data = bytearray(dump.path.read_bytes())
        for _ in range(draw.choice((1, 5, 50))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        dump.path.write_bytes(bytes(data[: draw.choice((len(data), draw.randrange(len(data))))]))
    return Dump(dump.path, None)


def several(draw: random.Random, folder: Path) -> Dump:
    """JSON Lines by day."""
    records = hostile_records(draw, 40)
    target = folder / "days"
    target.mkdir()
    for start in range(0, 40, 15):
        lines = "\n".join(record.json() for record in records[start : start + 15])
        (target / f"2024-01-{start + 1:02d}.jsonl").write_bytes(encoded(lines))
    good = {record.good["post_id"]: record.good for record in records if record.good}
    # The first records of all files must have the same keys.
    return Dump(target, 40, good, may_be_refused=True)


def instagram_download(draw: random.Random, folder: Path) -> Dump:
    """Instagram's own download, with captions in UTF-8 read as Latin-1."""
    dump, posts = Dump(folder / "download", 40, format=draw.choice((None, "instagram_download"))), []
    for number in range(40):
        good = good_fields(number)
        media: dict[str, Any] = {
            "uri": json.dumps(f"media/posts/202401/{number}.jpg"),
            "creation_timestamp": str(int(good["timestamp"].timestamp())),
            "title": f'"{good["caption"]}"',
        }
        if draw.random() < 0.5 and number:
            for _ in range(draw.randrange(1, 3)):
                media[draw.choice(("uri", "creation_timestamp", "title", "media_metadata"))] = json_value(draw)
        inner = "{" + ",".join(f'"{key}":{value}' for key, value in media.items()) + "}"
        odd = draw.choice(
            (f'{{"media":{json_value(draw)}}}', json_value(draw), f'{{"media":[{inner}],"title":{json_value(draw)}}}')
        )
        posts.append(odd if draw.random() < 0.1 and number else f'{{"media":[{inner}]}}')
    text = "[" + ",".join(posts) + "]"
    dump.count, dump.may_be_refused = None, True  # an item may hold any number of posts
    place = dump.path / draw.choice(
        ("your_instagram_activity/media", "your_instagram_activity/content", "media", "content")
    )
    place.mkdir(parents=True)
    (place / "posts_1.json").write_bytes(encoded(text))
    owner = dump.path / "personal_information/personal_information"
    owner.mkdir(parents=True)
    (owner / "personal_information.json").write_bytes(encoded('{"profile_user":' + json_value(draw) + "}"))
    return dump


def image_folder(draw: random.Random, folder: Path) -> Dump:
    """Hugging Face's `imagefolder`, whose pictures are not there."""
    target = folder / "images"
    target.mkdir()
    lines = []
    for number in range(40):
        fields = {"file_name": f'"{number}.jpg"', "text": f'"walk {number} #a #b"'}
        if draw.random() < 0.5 and number:
            fields[draw.choice(("file_name", "text", "user_id", "timestamp", "hashtags"))] = json_value(draw)
        lines.append("{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}")
    (target / "metadata.jsonl").write_bytes(encoded("\n".join(lines)))
    (target / "0.jpg").write_bytes(b"")
    return Dump(target, 40, format=draw.choice((None, "image_folder")))


def recbole(draw: random.Random, folder: Path) -> Dump:
    """RecBole's atomic files."""
    target = folder / "atomic"
    target.mkdir()

    def field(good: str, name: str, hostile: float = 0.2) -> str:
        value = cell(draw, name) if draw.random() < hostile else good
        return value.replace("\t", " ").replace("\n", " ").replace("\r", " ").replace("\0", "")

    inter = [f"{field(f'u{n % 4}', 'user_id')}\t{n}\t{field(str(1_700_000_000 + n), 'timestamp')}" for n in range(40)]
    item = [f"{n}\t{field(f'walk {n}', 'caption')}\t{field('sea sun', 'hashtags')}" for n in range(40)]
    headers = ("user_id:token\titem_id:token\ttimestamp:float", "item_id:token\ttitle:token_seq\ttags:token_seq")
    for kind, header, rows in zip(("inter", "item"), headers, (inter, item), strict=True):
        text = "\n".join([header, *rows])
        (target / f"posts.{kind}").write_bytes(text.encode("utf-8", "replace"))
    return Dump(target, None, format=draw.choice((None, "recbole")))


_WEIBO_KEYS = ("id", "bid", "user_id", "text", "topics", "pics", "created_at", "retweet", "content", "publish_time")


def weibo(draw: random.Random, folder: Path) -> Dump:
    """JSON of a crawler of Weibo."""
    items = []
    for number in range(40):
        fields = {
            "id": str(4_000 + number),
            "user_id": "7",
            "text": f'"早上好 {number} #晨跑# 公园"',
            "created_at": '"2023-03-01"',
        }
        for _ in range(draw.randrange(3) * (number > 0)):
            keys = (
                "id",
                "bid",
                "user_id",
                "text",
                "topics",
                "pics",
                "created_at",
                "retweet",
                "content",
                "publish_time",
            )
            fields[draw.choice(keys)] = json_value(draw)
        body = "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"
        items.append(json_value(draw) if draw.random() < 0.05 and number else body)
    path = folder / "7.json"
    user = draw.choice(('{"id":"7"}', json_value(draw)))
    path.write_bytes(encoded(f'{{"user":{user},"weibo":[{",".join(items)}]}}'))
    return Dump(path, 40, format=draw.choice((None, "weibo")), may_be_refused=True)
