import json
import lzma
import os
import zipfile
from datetime import datetime, timezone

import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers import RawPost, ReaderOptions, open_dump
from data_loaders.readers.summary import REMEDIES, describe_summary, summarise

STEM = "2022-10-28_19-56-50_UTC"
NODE = {
    "shortcode": "Cabc",
    "__typename": "GraphImage",
    "is_video": False,
    "date": 1666987010,
    "caption": "Hi #NYC #nyc",
    "owner": {"id": "42", "username": "ann"},
}


def write(folder, node, *files, stem=STEM, node_type="Post", packed=True, structure=None):
    folder.mkdir(parents=True, exist_ok=True)
    if structure is None:
        structure = {"node": node, "instaloader": {"version": "4.14", "node_type": node_type}}
    content = json.dumps(structure).encode()
    path = folder / f"{stem}.json{'.xz' if packed else ''}"
    path.write_bytes(lzma.compress(content) if packed else content)
    for name in files:
        (folder / name).write_bytes(b"")


def read(folder, **options):
    return list(open_dump(folder, "instaloader", ReaderOptions(**options)).read())


def read_one(folder, **options):
    (record,) = read(folder, **options)
    return record


@pytest.mark.parametrize("packed", [True, False])
def test_a_picture_post(tmp_path, packed):
    write(tmp_path / "ann", NODE, f"{STEM}.jpg", packed=packed)
    record = read_one(tmp_path)
    assert record.post.post_id == "Cabc"
    assert record.post.user_id == "42"
    assert record.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
    assert record.post.caption == "Hi #NYC #nyc"
    assert record.post.image == tmp_path / "ann" / f"{STEM}.jpg"
    assert record.post.hashtags == ("nyc",)
    assert (record.hashtags_surface, record.hashtags_given) == (("NYC",), False)
    assert record.where == f"ann/{STEM}.json" + (".xz" if packed else "")


@pytest.mark.parametrize("packed", [True, False])
def test_names_of_one_letter(tmp_path, packed):
    write(tmp_path, NODE, "7.jpg", stem="7", packed=packed)
    assert read_one(tmp_path).post.image == tmp_path / "7.jpg"


@pytest.mark.parametrize(
    "caption",
    [
        {"edge_media_to_caption": {"edges": [{"node": {"text": "x"}}]}},
        {"edge_media_to_caption": {"edges": [{"node": {"text": "x"}}]}, "caption": "y"},
        {"edge_media_to_caption": {"edges": []}, "caption": "x"},
        {"caption": "x"},
        {"caption": {"text": "x", "pk": 1}},
        {"caption": None, "iphone_struct": {"caption": {"text": "x"}}},
    ],
)
def test_captions_wherever_instagram_put_them(tmp_path, caption):
    write(tmp_path, {**{k: v for k, v in NODE.items() if k != "caption"}, **caption})
    assert read_one(tmp_path).post.caption == "x"


@pytest.mark.parametrize(
    "time",
    [{"date": 1666987010}, {"taken_at_timestamp": 1666987010}, {"iphone_struct": {"taken_at": 1666987010}}],
)
def test_times_wherever_instagram_put_them(tmp_path, time):
    write(tmp_path, {**{k: v for k, v in NODE.items() if k != "date"}, **time})
    assert read_one(tmp_path).post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)


def test_owners(tmp_path):
    for number, owner in enumerate([{"id": 42}, {"username": "ann"}, {}, None]):
        write(tmp_path, {**NODE, "shortcode": f"C{number}", "owner": owner}, stem=f"{number}")
    assert [record.post.user_id for record in read(tmp_path)] == ["42", "ann", None, None]
    assert [record.post.user_id for record in read(tmp_path, user_id="me")] == ["42", "ann", "me", "me"]


def test_the_text_file_is_the_last_resort(tmp_path):
    write(tmp_path, {**NODE, "caption": None})
    (tmp_path / f"{STEM}.txt").write_text("from the file #tag\n", encoding="utf-8")
    assert read_one(tmp_path).post.caption == "from the file #tag"
    write(tmp_path, NODE)
    assert read_one(tmp_path).post.caption == "Hi #NYC #nyc"


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png", ".JPG", ".JPEG", ".PNG", ".WEBP", ".Jpg"])
def test_pictures_of_any_suffix(tmp_path, suffix):
    write(tmp_path, NODE, STEM + suffix)
    assert read_one(tmp_path).post.image == tmp_path / (STEM + suffix)


def test_a_picture_without_a_file_is_missing(tmp_path):
    write(tmp_path, NODE, "2022-10-28_19-56-50_UTC_profile_pic.jpg", "other.jpg")
    write(tmp_path, {**carousel(True, False), "shortcode": "Cdef"}, "b_1.jpg", "b_1.mp4", stem="b")
    first, second = read(tmp_path)
    assert (first.post.image, second.post.image) == (tmp_path / f"{STEM}.jpg", tmp_path / "b_2.jpg")
    text = describe_summary(summarise(open_dump(tmp_path)))
    assert "with an image     2 (2 of the picture files are missing)" in text
    assert f"kept without a picture:\n  image_missing: 2 ({REMEDIES['image_missing']})\n" in text


def test_a_missing_picture_is_listed_and_its_post_kept(tmp_path):
    for number in range(20):
        node = {**NODE, "shortcode": f"C{number}", "caption": f"Hi {number} #NYC"}
        write(tmp_path / "dump", node, stem=f"{number:02}")
    prepare(tmp_path / "dump", tmp_path / "prepared", PrepareSettings(split="random"))
    listed = [json.loads(line) for line in (tmp_path / "prepared/rejected.jsonl").read_text().splitlines()]
    assert {(entry["reason"], entry["kept"]) for entry in listed} == {("image_missing", True)}
    assert len(listed) == 20


def test_a_post_that_does_not_say_what_it_is_misses_no_picture(tmp_path):
    write(tmp_path, {"shortcode": "C", "caption": "x"})
    assert read_one(tmp_path).post.image is None


def carousel(*videos, typename="GraphSidecar"):
    edges = [{"node": {"is_video": video}} for video in videos]
    return {**NODE, "__typename": typename, "edge_sidecar_to_children": {"edges": edges}}


@pytest.mark.parametrize(
    "node, files, picture",
    [
        (carousel(False, False), ["_1.jpg", "_2.jpg"], "_1.jpg"),
        (carousel(*[False] * 11), ["_10.jpg", "_11.jpg", "_2.webp"], "_2.webp"),
        (carousel(True, False), ["_1.jpg", "_1.mp4", "_2.jpg"], "_2.jpg"),
        (carousel(True, False, typename="XDTGraphSidecar"), ["_1.jpg", "_2.jpg"], "_2.jpg"),
        ({**NODE, "__typename": "GraphSidecar"}, ["_1.jpg", "_1.mp4", "_2.jpg"], "_2.jpg"),
        ({**NODE, "__typename": "GraphSidecar"}, [".jpg"], ".jpg"),
        ({"shortcode": "Cabc", "owner": {"id": 1}}, ["_1.jpg"], "_1.jpg"),
        ({**NODE, "__typename": None, "is_video": None, "media_type": 8}, ["_1.jpg"], "_1.jpg"),
    ],
)
def test_the_first_picture_of_a_carousel(tmp_path, node, files, picture):
    write(tmp_path, node, *(STEM + suffix for suffix in files))
    assert read_one(tmp_path).post.image == tmp_path / (STEM + picture)


@pytest.mark.parametrize(
    "node",
    [
        {**NODE, "__typename": "GraphVideo"},
        {**NODE, "__typename": "XDTGraphVideo"},
        {"shortcode": "Cabc", "is_video": True},
        {"shortcode": "Cabc", "media_type": 2},
        {"shortcode": "Cabc"},
        carousel(True, True),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".MP4"])
def test_videos_are_refused(tmp_path, node, suffix):
    write(tmp_path, node, f"{STEM}.jpg", STEM + suffix)
    record = read_one(tmp_path)
    assert (record.reason, record.post_id) == ("video", "Cabc")


@pytest.mark.parametrize("node_type", ["Profile", "StoryItem", "Hashtag", "FrozenNodeIterator"])
def test_other_structures_are_refused_by_type(tmp_path, node_type):
    write(tmp_path, NODE, stem="a", node_type=node_type)
    write(tmp_path, NODE, stem="b")
    other, post = read(tmp_path)
    assert other.reason == f"not_a_post:{node_type}"
    assert other.detail == f"The file holds a {node_type}; accepted: the metadata of a Post."
    assert isinstance(post, RawPost)


@pytest.mark.parametrize("node_type, shown", [("\ud800x", "\ufffdx"), ("z" * 100_000, "z" * 40)])
def test_a_type_of_any_text_can_be_printed_and_saved(tmp_path, node_type, shown):
    write(tmp_path, {"shortcode": "A"}, node_type=node_type)
    (record,) = read(tmp_path)
    assert record.reason == f"not_a_post:{shown}"


def test_files_beside_the_posts_are_no_posts(tmp_path):
    write(tmp_path, NODE, "id", f"{STEM}_location.txt")
    (tmp_path / f"{STEM}_comments.json").write_text("[]")
    (tmp_path / "notes.json").write_text("[1]")
    assert [getattr(record, "reason", "post") for record in read(tmp_path)] == ["post", "not_a_post:unknown"]


def test_structures_of_version_3(tmp_path):
    write(tmp_path, {}, f"{STEM}.jpg", structure={"shortcode": "Cold"})
    (tmp_path / f"{STEM}.txt").write_text("old #times\n")
    record = read_one(tmp_path)
    assert (record.post.post_id, record.post.hashtags, record.post.timestamp) == ("Cold", ("times",), None)
    assert record.post.image == tmp_path / f"{STEM}.jpg"


def test_damaged_files_are_refused_one_by_one(tmp_path):
    write(tmp_path, NODE, stem="good")
    (tmp_path / "bad1.json.xz").write_bytes(b"no xz")
    (tmp_path / "bad2.json").write_text("{")
    (tmp_path / "bad3.json.xz").write_bytes(lzma.compress(b"{}" * 100)[:-20])
    records = read(tmp_path)
    assert [getattr(record, "reason", "post") for record in records] == ["malformed_json"] * 3 + ["post"]
    assert records[0].detail.startswith("bad1.json.xz cannot be read: ")
    assert records[1].detail.startswith("bad2.json is not JSON: ")


@pytest.mark.parametrize("node", [{"shortcode": ["x"]}, {}, {"owner": [1], "date": "never", "caption": 5, "id": "1"}])
def test_odd_nodes_do_not_stop_the_reader(tmp_path, node):
    write(tmp_path, node)
    record = read_one(tmp_path)
    assert getattr(record, "reason", None) in {"missing_post_id", "empty_post"}


def test_one_post_downloaded_twice(tmp_path):
    write(tmp_path / "#beach", NODE)
    write(tmp_path / "ann", NODE)
    first, second = read(tmp_path)
    assert first.where == f"#beach/{STEM}.json.xz"
    assert (second.reason, second.where) == ("duplicate_post_id", f"ann/{STEM}.json.xz")


def comment(identifier, created_at, text, owner):
    return {"id": identifier, "created_at": created_at, "text": text, "owner": owner, "likes_count": 0, "answers": []}


def test_hashtags_of_the_owners_first_comment(tmp_path):
    write(tmp_path, NODE)
    comments = [
        comment(4, 400, "#later", {"id": "42"}),
        comment(3, 300, "#Beach #nyc", {"id": "42", "username": "ann"}),
        comment(2, 200, "#spam", {"id": "7"}),
        {"id": 1, "text": None},
    ]
    (tmp_path / f"{STEM}_comments.json").write_text(json.dumps(comments))
    assert read_one(tmp_path).post.hashtags == ("nyc",)
    record = read_one(tmp_path, owner_comments=True)
    assert record.post.hashtags == ("nyc", "beach")
    assert record.hashtags_surface == ("NYC", "Beach")
    assert record.post.caption == "Hi #NYC #nyc"


def test_comments_that_cannot_be_read(tmp_path):
    write(tmp_path, NODE)
    (tmp_path / f"{STEM}_comments.json").write_text("{")
    record = read_one(tmp_path, owner_comments=True)
    assert record.post.hashtags == ("nyc",)
    assert record.warnings[0].startswith(f"comments_unreadable: {STEM}_comments.json is not JSON")


def test_files_are_counted(tmp_path):
    write(tmp_path / "a", NODE)
    write(tmp_path / "b" / "c", NODE, stem="x", node_type="Profile")
    assert open_dump(tmp_path).count() == 2


def test_one_json_file_is_no_dump_of_other_folders(tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    assert open_dump(tmp_path).name == "json_lines"


def test_files_that_are_none_or_lead_out_of_the_dump(tmp_path):
    dump, silent = tmp_path / "dump", {key: value for key, value in NODE.items() if key != "caption"}
    for stem in "abcd":
        write(dump, {**silent, "shortcode": stem}, stem=stem, packed=False)
    (tmp_path / "secret").write_text("private #secret")
    (dump / "a.txt").symlink_to("../secret")
    os.mkfifo(dump / "b.txt")
    (dump / "c.json").unlink()
    (dump / "c.json").symlink_to(tmp_path / "secret")
    os.mkfifo(dump / "d.jpg")
    os.mkfifo(dump / "e.json")
    records = read(dump)
    assert [record.post.caption for record in records if isinstance(record, RawPost)] == [None] * 3
    assert records[0].warnings == (
        f"caption_file_unreadable: {dump}/a.txt cannot be read: it leads to {tmp_path}/secret, outside of {dump}; copy "
        "the file into the dump. The post has no caption",
    )
    assert (
        records[1]
        .warnings[0]
        .endswith("b.txt cannot be read: it is a named pipe; accepted: a file. The post has no caption")
    )
    assert [(record.where, record.reason) for record in (records[2], records[4])] == [
        ("c.json", "outside_dump"), ("e.json", "not_a_file"),
    ]  # fmt: skip


def test_packed_metadata_that_is_cut_off_or_needs_too_much_memory(tmp_path):
    write(tmp_path, NODE, stem="a")
    path = tmp_path / "a.json.xz"
    path.write_bytes(path.read_bytes()[:-20])
    greedy = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    (tmp_path / "b.json.xz").write_bytes(lzma.compress(b"{}", filters=greedy))
    write(tmp_path, NODE, stem="c")
    first, second, _ = read(tmp_path)
    assert (first.reason, first.detail) == ("malformed_json", "a.json.xz cannot be read: the file is truncated.")
    assert (second.reason, second.detail) == (
        "malformed_json",
        "b.json.xz cannot be read: Memory usage limit exceeded.",
    )


def test_a_packed_folder_is_read_in_place(tmp_path):
    structure = {"node": {"shortcode": "a", "caption": "x #sea"}, "instaloader": {"node_type": "Post"}}
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("ann/2022/a.json", json.dumps(structure))
        packed.writestr("ann/2022/a.jpg", b"picture")
        packed.writestr("ann/2022/b.json.xz", lzma.compress(json.dumps(structure).encode()))
    reader = open_dump(path)
    first, second = reader.read()
    assert (reader.name, reader.count()) == ("instaloader", 2)
    assert (first.where, first.post.image) == ("ann/2022/a.json", path / "ann/2022/a.jpg")
    assert (second.where, second.reason) == ("ann/2022/b.json.xz", "duplicate_post_id")
