"""Read hostile dumps: every record is kept or refused, what is kept is as it was written, and nothing else happens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import damaged_dumps
import dump_folders
import dump_packages as packages
import dumps
from dumps import Dump
from isolation import Outcome

from data_loaders.errors import UserError
from data_loaders.posts import Post
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.readers import RawPost, ReaderOptions, Rejected, open_dump
from data_loaders.readers.summary import describe_summary, summarise
from data_loaders.text.hashtags import canonical_list, extract

MAKERS: tuple[Callable[[random.Random, Path], Dump], ...] = (
    *(dumps.json_lines, dumps.json_array, dumps.table, dumps.table, dumps.parquet),
    *(dump_folders.instaloader, dump_folders.twitter_archive, damaged_dumps.damaged, damaged_dumps.odd_text),
    *(packages.packed, packages.several, packages.instagram_download, packages.image_folder, packages.recbole),
    *(packages.weibo, packages.damaged_archive),
)
OPTIONS = (
    *(ReaderOptions(), ReaderOptions(), ReaderOptions(number_rows=True), ReaderOptions(user_id="me")),
    ReaderOptions(owner_comments=True),
)
SPLITS = ("auto", "random", "time", "user")


def read_and_prepare(draw: random.Random, folder: Path) -> Outcome:
    """Make a dump, read it, summarise it and prepare it."""
    return read_dump(draw, draw.choice(MAKERS)(draw, folder), folder)


def read_dump(draw: random.Random, dump: Dump, folder: Path) -> Outcome:
    """Read a dump, summarise it and prepare it."""
    options, outcome = draw.choice(OPTIONS), Outcome()
    kept, refused = _read(dump, options, outcome)
    outcome.kept, outcome.refused = len(kept), len(refused)
    outcome.tried = dump.count if dump.count is not None else max(len(kept) + len(refused), 1)
    for record in kept:
        _check_post(record, dump, options, outcome)
    missing = dump.whole - {record.post.post_id for record in kept} if kept or refused else set()
    outcome.check(
        not missing, "good refused", f"{sorted(missing)[:3]}: {[r for r in refused if r.post_id in missing][:2]}"
    )
    _summarise(dump, options, outcome)
    settings = PrepareSettings(split=draw.choice(SPLITS), minimum_frequency=1, near_duplicates=draw.random() < 0.5)
    _prepare(dump, options, settings, folder / "prepared", len(kept) + len(refused), outcome)
    return outcome


def _read(dump: Dump, options: ReaderOptions, outcome: Outcome) -> tuple[list[RawPost], list[Rejected]]:
    kept: list[RawPost] = []
    refused: list[Rejected] = []
    try:
        reader = open_dump(dump.path, dump.format, options)
        reader.count()
        for record in reader.read():
            (kept if isinstance(record, RawPost) else refused).append(record)  # type: ignore[arg-type]
        reader.notes()
    except UserError as error:
        outcome.check(dump.count is None or dump.may_be_refused, "dump refused", f"{dump.path.name}: {error}")
        return [], []
    except Exception as error:  # noqa: BLE001
        outcome.caught(f"read {dump.path.name}", error)
        return [], []
    read = len(kept) + len(refused)
    outcome.check(dump.count in (None, read), "lost", f"{dump.path.name}: {len(kept)} + {len(refused)} of {dump.count}")
    return kept, refused


def _check_post(record: RawPost, dump: Dump, options: ReaderOptions, outcome: Outcome) -> None:
    post = record.post
    expected = dump.good.get(post.post_id, {})
    for name, value in expected.items():
        seen = getattr(post, name)
        value = options.user_id if name == "user_id" and value is None else value
        outcome.check(seen == value, "misread", f"{name} of {record.where}: {seen!r}, not {value!r}")
    try:
        "".join([post.post_id, post.user_id or "", post.caption or "", *post.hashtags]).encode("utf-8")
    except UnicodeEncodeError as error:
        outcome.caught(f"text of {record.where}", error)
    outcome.check(bool(post.post_id.strip()), "misread", f"blank id of {record.where}")
    outcome.check(
        post.timestamp is None or post.timestamp.tzinfo is not None, "misread", f"naive time of {record.where}"
    )
    outcome.check(
        canonical_list(post.hashtags)[0] == post.hashtags, "misread", f"hashtags of {record.where}: {post.hashtags}"
    )
    outcome.check(
        not isinstance(post.image, str) or ".." not in Path(post.image).parts,
        "outside",
        f"picture of {record.where}: {post.image}",
    )


def _summarise(dump: Dump, options: ReaderOptions, outcome: Outcome) -> None:
    try:
        describe_summary(summarise(open_dump(dump.path, dump.format, options))).encode("utf-8", "backslashreplace")
    except UserError:
        pass
    except Exception as error:  # noqa: BLE001
        outcome.caught(f"validate {dump.path.name}", error)


def _prepare(
    dump: Dump, options: ReaderOptions, settings: PrepareSettings, output: Path, read: int, outcome: Outcome
) -> None:
    try:
        done = prepare(dump.path, output, settings, format=dump.format, options=options).statistics
    except UserError:
        outcome.check(not output.exists(), "half written", f"{output} after a refusal")
        return
    except Exception as error:  # noqa: BLE001
        outcome.caught(f"prepare {dump.path.name}", error)
        return
    refused = sum(done["rejected"]["refused"].values())
    outcome.check(
        dump.count in (None, done["posts"] + refused), "lost", f"prepare: {done['posts']} + {refused} of {dump.count}"
    )
    outcome.check(done["posts"] + refused == read, "lost", f"prepare: {done['posts']} + {refused}, the reader {read}")
    with (output / "rejected.jsonl").open(encoding="utf-8") as file:
        listed = [json.loads(line) for line in file]
    count = sum(not line["kept"] for line in listed)
    outcome.check(count == refused, "lost", f"{count} of {refused} refused records are listed")
    posts = PreparedData.open(output).posts()
    outcome.check(len(posts) == done["posts"], "lost", f"{len(posts)} of {done['posts']} posts are in the folder")
    missing = dump.whole - {post.post_id for post in posts}
    outcome.check(not missing, "good refused", f"prepare left out {sorted(missing)[:3]}")
    for post in posts:
        _check_prepared(post, outcome)


def _check_prepared(post: Post, outcome: Outcome) -> None:
    found = canonical_list(extract(post.caption or ""))[0]
    outcome.check(
        not found, "leak", f"caption of {post.post_id!r} still holds {found[:3]}: {(post.caption or '')[:200]!r}"
    )
