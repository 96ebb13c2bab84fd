"""Small files that become large when they are read, and text on which a careless pattern takes hours."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dumps import Dump
from isolation import Outcome, forget_peak

_GIGABYTE = 1 << 30
_BLOCK = 1 << 26
_POST = b'{"post_id":%d,"user_id":"u%d","caption":"a walk #tag%d by the sea"}\n'
# What a pattern for hashtags, addresses, mentions or entities may look at again and again.
UNITS = (
    *("#", "#a", "#a#", "# ", "#1", "@", "@a", "&", "&#", "&amp", "&amp;", "http://", "http://a.", "www.", "a."),
    *("a-", "_", "."),
    *("\u0301", "#a\u0301", "\u200d", "#\u200d", "\ufe0f", "＃", "#・", "#️⃣", "[", "['", "',", "{", "\\", "\\'", '"'),
    *("%23", "%", "\n", " "),
    *("a ", "#a ", "#a,", "a|", "(", "<a", "::", "😀", "🇩", "ー", "ſ", "İ", "\x85", "\u2028", "http://a/#", "#http://"),
    *("a@a.", "$a", "//"),
)  # fmt: skip


def blow_up(draw: random.Random, folder: Path) -> Outcome:
    """Read and prepare one bomb."""
    from reading import read_dump

    bomb = draw.choice(_BOMBS)(draw, folder)
    forget_peak()
    return read_dump(draw, bomb, folder)


def _gzip_of(path: Path, *parts: bytes | tuple[bytes, int]) -> Dump:
    """Write members of gzip: bytes, or a block of one byte that is repeated to a size."""
    with path.open("wb") as file:
        for part in parts:
            if isinstance(part, bytes):
                file.write(gzip.compress(part, 1))
            else:
                file.write(gzip.compress(part[0] * _BLOCK, 9) * (part[1] // _BLOCK))
    return Dump(path, None)


def _posts(count: int = 30) -> bytes:
    return b"".join(_POST % (number, number % 3, number % 4) for number in range(count))


def _long_line(draw: random.Random, folder: Path) -> Dump:
    start = draw.choice((b"", b'{"caption":"', b"[", b'{"hashtags":["', b'{"post_id":'))
    byte = draw.choice((b"x", b"[", b"9", b"\\", b'"', b"\xff"))
    return _gzip_of(folder / "posts.jsonl.gz", _posts(), start, (byte, 2 * _GIGABYTE), b'"}\n', _posts(40))


def _blanks(draw: random.Random, folder: Path) -> Dump:
    name, blank = (
        draw.choice(("posts.jsonl.gz", "posts.json.gz", "posts.csv.gz")),
        draw.choice((b" ", b"\n", b"\0", b"\r", b",")),
    )
    return _gzip_of(folder / name, (blank, 8 * _GIGABYTE), _posts())


def _array(draw: random.Random, folder: Path) -> Dump:
    byte = draw.choice((b"x", b" ", b"[", b"9", b"\\", b","))
    start = draw.choice((b"[", b'[{"post_id":1,"caption":"', b'[{"post_id":1,'))
    return _gzip_of(folder / "posts.json.gz", start, (byte, 2 * _GIGABYTE), b'"}]')


def _table(draw: random.Random, folder: Path) -> Dump:
    start = draw.choice((b"", b"post_id,caption\n", b'post_id,caption\n1,"', b'post_id,caption\n1,a #b\n2,"x\n'))
    return _gzip_of(
        folder / "posts.csv.gz", start, (draw.choice((b"x", b",", b'"', b"\n")), 2 * _GIGABYTE), b"\n3,c #d\n"
    )


def _wide_table(draw: random.Random, folder: Path) -> Dump:
    width = draw.choice((50_000, 500_000))
    rows = [["post_id", "caption", *map(str, range(width))], *([str(row), "a #b", *["x"] * width] for row in range(10))]
    (folder / "posts.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    return Dump(folder / "posts.csv", None)


def _wide_records(draw: random.Random, folder: Path) -> Dump:
    keys = ",".join(f'"k{key}":{key}' for key in range(200_000))
    lines = [f'{{"post_id":{row},"caption":"a #b",{keys}}}' for row in range(20)]
    (folder / "posts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Dump(folder / "posts.jsonl", 20)


def _parquet(draw: random.Random, folder: Path) -> Dump:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"post_id": ["1", "2"], "caption": ["a #b", "c #d"], "user_id": ["u", "v"]}
    field, kind = draw.choice(("caption", "hashtags", "other", "image")), pa.large_string()
    repeated = draw.random() < 0.5
    # Writing a long value takes ten times its memory; one that rows repeat is written once.
    rows, size = (draw.choice((20, 200)), 40) if repeated else (1, 150)
    values = pa.array(["x" * (size << 20), "#a"], kind)
    if repeated:
        values = pa.DictionaryArray.from_arrays(pa.array([0] * rows + [1], pa.int32()), values)
        columns = {name: [texts[0]] * rows + [texts[1]] for name, texts in columns.items()}
        columns["post_id"] = list(map(str, range(rows + 1)))
    with _returned_at_once():
        table = pa.table({**columns, field: values})
        store, path = draw.random() < 0.5, folder / "posts.parquet"
        pq.write_table(table, path, compression="zstd", use_dictionary=repeated, store_schema=store)
    return Dump(path, None)


@contextmanager
def _returned_at_once() -> Iterator[None]:
    """Let Arrow return memory to the system as soon as it is free, within this block."""
    import pyarrow as pa

    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def _instaloader(draw: random.Random, folder: Path) -> Dump:
    start, byte = draw.choice(((b"", b" "), (b'{"node":{"shortcode":"', b"x"), (b"", b"[")))
    packed = lzma.compress(byte * _BLOCK, preset=1)
    target = folder / "insta"
    target.mkdir()
    (target / "a.json.xz").write_bytes(lzma.compress(start) + packed * 64)
    node = {"shortcode": "s1", "owner": {"id": "1"}, "caption": "a walk #tag"}
    (target / "b.json").write_text(json.dumps({"node": node, "instaloader": {"node_type": "Post"}}), encoding="utf-8")
    return Dump(target, None, format="instaloader")


def _twitter(draw: random.Random, folder: Path) -> Dump:
    start = draw.choice((b"", b"window.YTD.tweets.part0 = [", b'window.YTD.tweets.part0 = [{"tweet":{"full_text":"'))
    byte = draw.choice((b" ", b"x", b"[", b","))
    with zipfile.ZipFile(folder / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("data/tweets.js", "w", force_zip64=True) as file:
            file.write(start)
            for _ in range(40):
                file.write(byte * _BLOCK)
        archive.writestr("data/account.js", 'x = [{"account":{"accountId":"7"}}]')
    return Dump(folder / "archive.zip", None)


def _patterns(draw: random.Random, folder: Path) -> Dump:
    """Captions and lists of hashtags of half a megabyte, made of one unit or two."""

    def texts() -> Iterator[str]:
        for _ in range(8):
            unit = draw.choice(UNITS) + draw.choice(("", draw.choice(UNITS)))
            yield draw.choice(("", "#a", "a")) + unit * (500_000 // len(unit)) + draw.choice(("", "x", "#b", "]"))

    field = draw.choice(("caption", "caption", "caption", "hashtags", "timestamp", "user_id", "image"))
    posts = [{"post_id": number, "user_id": "u", "caption": "a #b"} for number in range(30)]
    for post, text in zip(posts, texts(), strict=False):
        post[field] = text
    (folder / "posts.jsonl").write_text("\n".join(map(json.dumps, posts)), encoding="utf-8")
    return Dump(folder / "posts.jsonl", 30)


_BOMBS: tuple[Callable[[random.Random, Path], Dump], ...] = (
    *(_long_line, _blanks, _array, _table, _wide_table, _wide_records, _parquet, _instaloader, _twitter),
    *(_patterns,) * 6,
)
