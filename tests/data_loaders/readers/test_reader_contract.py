"""What every registered reader must do, on a dump of its own format with the same three posts."""

import csv
import json
import tarfile
import zipfile
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import twitter_archives

from data_loaders.prepare.prepare import prepare
from data_loaders.prepared import PreparedData
from data_loaders.readers import RawPost, ReaderOptions, Rejected, list_readers, open_dump
from data_loaders.readers.registry import reader_class
from data_loaders.readers.summary import REMEDIES, describe_summary, summarise

POSTS = [
    ("1", "2018-10-10T20:19:24Z", "Low tide at dusk #beach #Sea"),
    ("2", "2018-10-11T08:00:00Z", "今日は #空"),
    ("3", "2018-10-12T08:00:00Z", "no hashtag 🎉"),
]
TAGS = [("beach", "sea"), ("空",), ()]


def json_lines(folder, posts):
    lines = [json.dumps({"post_id": i, "timestamp": time, "caption": text}) for i, time, text in posts]
    path = folder / "posts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def table(folder, posts, name, delimiter):
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([("post_id", "timestamp", "caption"), *posts])
    return path


def parquet(folder, posts):
    columns = dict(zip(("post_id", "timestamp", "caption"), map(list, zip(*posts, strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "posts.parquet")
    return folder / "posts.parquet"


def instaloader(folder, posts):
    for number, (post_id, time, text) in enumerate(posts):
        seconds = datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
        node = {"shortcode": post_id, "date": seconds, "caption": text, "__typename": "GraphImage"}
        structure = {"node": node, "instaloader": {"version": "4.14", "node_type": "Post"}}
        (folder / f"{number}.json").write_text(json.dumps(structure))
    return folder


def image_folder(folder, posts):
    rows = [("file_name", "post_id", "timestamp", "text"), *((f"{post[0]}.jpg", *post) for post in posts)]
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def instagram_download(folder, posts):
    items = []
    for post_id, time, text in posts:
        seconds = int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())
        title = text.encode().decode("latin-1")
        items.append({"media": [{"uri": f"media/{post_id}.jpg", "creation_timestamp": seconds, "title": title}]})
    path = folder / "your_instagram_activity" / "media" / "posts_1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(items))
    return folder


def recbole(folder, posts):
    lines = ["post_id:token\ttimestamp:token\tcaption:token_seq", *("\t".join(post) for post in posts)]
    path = folder / "posts.inter"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def twitter_archive(folder, posts):
    tweets = []
    for post_id, time, text in posts:
        created = datetime.fromisoformat(time.replace("Z", "+00:00")).strftime("%a %b %d %H:%M:%S +0000 %Y")
        tweets.append(twitter_archives.tweet(post_id, text, created))
    return twitter_archives.write(folder, {"data/tweets.js": twitter_archives.wrapped(*tweets)})


def weibo(folder, posts):
    items = [{"id": post_id, "created_at": time, "text": text} for post_id, time, text in posts]
    (folder / "1.json").write_text(json.dumps({"user": {}, "weibo": items}))
    return folder


DUMPS = {
    "csv": lambda folder, posts: table(folder, posts, "posts.csv", ","),
    "image_folder": image_folder,
    "instagram_download": instagram_download,
    "instaloader": instaloader,
    "json_lines": json_lines,
    "parquet": parquet,
    "recbole": recbole,
    "tsv": lambda folder, posts: table(folder, posts, "posts.tsv", "\t"),
    "twitter_archive": twitter_archive,
    "weibo": weibo,
}


def test_every_reader_is_asked():
    assert sorted(DUMPS) == list_readers()


@pytest.fixture(params=sorted(DUMPS))
def format(request):
    return request.param


@pytest.fixture
def dump(format, tmp_path):
    def make(posts=POSTS):
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        return DUMPS[format](folder, posts)

    return make


def test_its_format_is_found_out(format, dump):
    path = dump()
    assert open_dump(path).name == format
    assert type(open_dump(path, format)) is type(open_dump(path))


def test_no_other_reader_takes_it_for_its_own(format, dump):
    path = dump()
    assert [name for name in list_readers() if reader_class(name).detect(path)] == [format]


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_it_is_read_in_an_archive_as_it_is_outside(format, dump, tmp_path, suffix):
    path = dump()
    expected = list(open_dump(path).read())
    archive = tmp_path / f"packed{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for file in sorted(tmp_path.glob("dump/**/*")):
                packed.write(file, file.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(tmp_path / "dump", "dump")
    reader = open_dump(archive)
    records = list(reader.read())
    assert reader.name == format
    assert [(r.post.post_id, r.post.caption, r.post.hashtags) for r in records] == [
        (r.post.post_id, r.post.caption, r.post.hashtags) for r in expected
    ]


def test_the_same_posts_come_from_every_format(format, dump):
    records = list(open_dump(dump()).read())
    assert all(isinstance(record, RawPost) for record in records)
    assert [record.post.post_id for record in records] == ["1", "2", "3"]
    assert [record.post.caption for record in records] == [text for _, _, text in POSTS]
    assert [record.post.hashtags for record in records] == TAGS
    assert records[0].post.timestamp == datetime(2018, 10, 10, 20, 19, 24, tzinfo=timezone.utc)
    assert all(record.where and not record.warnings for record in records)
    assert len({record.where for record in records}) == 3


def test_reading_again_gives_the_same(format, dump):
    reader = open_dump(dump())
    first, notes = list(reader.read()), reader.notes()
    assert list(reader.read()) == first
    assert reader.notes() == notes
    assert all(isinstance(note, str) for note in notes)


def test_a_user_is_whose_posts_they_are(format, dump):
    records = list(open_dump(dump(), options=ReaderOptions(user_id="ann")).read())
    assert {record.post.user_id for record in records} == {"ann"}


def test_a_repeated_id_is_refused_with_a_remedy(format, dump):
    records = list(open_dump(dump([*POSTS, POSTS[0]])).read())
    (refused,) = [record for record in records if isinstance(record, Rejected)]
    assert (refused.reason, refused.post_id) == ("duplicate_post_id", "1")
    assert refused.reason in REMEDIES


def test_the_count_is_about_right(format, dump):
    count = open_dump(dump()).count()
    assert count is None or 2 <= count <= 4


def test_it_says_what_it_accepts(format, dump):
    reader = open_dump(dump())
    assert reader.accepts
    assert "\n" not in reader.accepts
    assert "3 posts by 0 users, 0 records refused" in describe_summary(summarise(reader))


def test_it_can_be_prepared(format, dump, tmp_path, monkeypatch):
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])
    posts = [(str(n), f"2018-10-{n + 1:02d}T08:00:00Z", f"day {n} #sea") for n in range(20)]
    summary = prepare(dump(posts), tmp_path / "prepared", options=ReaderOptions(user_id="ann"))
    assert summary.statistics["source"]["format"] == format
    assert [post.post_id for post in PreparedData.open(tmp_path / "prepared").posts()] == [str(n) for n in range(20)]
