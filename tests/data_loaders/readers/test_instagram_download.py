"""Instagram's own download, in all places and packings, and what else lies in it."""

import json
import zipfile
from io import BytesIO

import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.prepared import PreparedData
from data_loaders.readers import RawPost, ReaderOptions, open_dump

OWNER = {"profile_user": [{"string_map_data": {"Username": {"value": "ann"}, "Email": {"value": "a@b.c"}}}]}
OWNERS_FILE = "personal_information/personal_information/personal_information.json"
PICTURE = "media/posts/202303/0.jpg"
PLACES = ["your_instagram_activity/media", "your_instagram_activity/content", "media", "content"]


def garbled(text):
    return text.encode().decode("latin-1")


def post(number, title="Dusk café 😍 #müsli", uri=None, time=1_677_600_000):
    uri = f"media/posts/202303/{number}.jpg" if uri is None else uri
    return {"media": [{"uri": uri, "creation_timestamp": time + number, "title": garbled(title)}]}


def picture():
    file = BytesIO()
    Image.effect_noise((32, 32), 90).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def as_bytes(content):
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    return folder


def write_zip(path, files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, as_bytes(content))
    return path


def read(path, **options):
    reader = open_dump(path, options=ReaderOptions(**options))
    assert reader.name == "instagram_download"
    return reader, list(reader.read())


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("place", PLACES)
def test_every_place(tmp_path, place, packed):
    files = {f"{place}/posts_1.json": [post(0)], OWNERS_FILE: OWNER, "media/posts/202303/0.jpg": picture()}
    path = write_zip(tmp_path / "x.zip", files) if packed else write(tmp_path / "x", files)
    reader, (record,) = read(path)
    assert (record.post.post_id, record.post.user_id) == ("posts/202303/0", "ann")
    assert record.post.caption == "Dusk café 😍 #müsli"
    assert record.post.hashtags == ("müsli",)
    assert record.post.timestamp.timestamp() == 1_677_600_000
    assert record.post.image == path / "media/posts/202303/0.jpg"
    assert record.where == f"{place}/posts_1.json:item 1"
    assert reader.notes() == [
        f"Only files of posts are read, here {place}/posts_1.json; messages, followers and the rest are not.",
        "1 captions were UTF-8 read as Latin-1 (mojibake), as in all downloads of Instagram; that was undone.",
    ]


def test_files_of_posts_are_read_in_order_and_no_others(tmp_path):
    place = "your_instagram_activity/media"
    story = {"uri": "media/stories/1.jpg", "creation_timestamp": 5, "title": ""}
    files = {
        f"{place}/posts_10.json": [post(10)],
        f"{place}/posts_2.json": [post(2)],
        f"{place}/archived_posts.json": {"ig_archived_post_media": [post(3)]},
        f"{place}/reels.json": {"ig_reels_media": [post(4, uri="media/reels/4.mp4")]},
        f"{place}/stories.json": {"ig_stories": [story]},
        f"{place}/profile_photos.json": {"ig_profile_picture": [post(6)]},
        "your_instagram_activity/messages/inbox/bob/message_1.json": {"messages": [{"content": "#secret"}]},
        "connections/followers_and_following/followers_1.json": [{"title": "bob", "media": [], "media_list_data": []}],
        "ads_information/ads_1.json": [post(7)],
    }
    reader, records = read(write(tmp_path / "x", files), user_id="me")
    assert [record.post.post_id for record in records] == [
        *("posts/202303/2", "posts/202303/10", "posts/202303/3", "reels/4", "stories/1")
    ]
    assert {record.post.user_id for record in records} == {"me"}
    assert (records[3].post.image, records[3].post.hashtags) == (None, ("müsli",))
    assert "1 posts have a video and no picture; only their caption is read." in reader.notes()


@pytest.mark.parametrize(
    "copy", ["posts_1 (1).json", "posts_1(2).json", "posts_1-1.json", "posts_1 - Copy.json", "posts_1 copy.json"]
)
def test_copies_are_named_and_not_read(tmp_path, copy):
    place = "your_instagram_activity/media"
    files = {f"{place}/posts_1.json": [post(1)], f"{place}/{copy}": [post(2)], f"{place}/other_content.json": []}
    reader, records = read(write(tmp_path / "x", files))
    assert [record.post.post_id for record in records] == ["posts/202303/1"]
    note = f"Not read, for these are names of copies: {place}/{copy}. To read them, name them posts_2.json, …"
    assert note in reader.notes()
    (tmp_path / "x" / place / "posts_1.json").unlink()
    with pytest.raises(DataError, match=r"contains no posts.*Not read, for these are names of copies: .*posts_1"):
        read(tmp_path / "x")


def test_a_copy_that_is_named_itself_is_read(tmp_path):
    write(tmp_path / "x", {"posts_1.json": [post(1)], "posts_1 (1).json": [post(2)]})
    reader, records = read(tmp_path / "x" / "posts_1 (1).json")
    assert [record.post.post_id for record in records] == ["posts/202303/2"]
    assert not any("copies" in note for note in reader.notes())


def test_a_file_that_another_tool_named_like_a_copy_is_not_mentioned(tmp_path):
    files = {"content/posts_1.json": [post(1)], "content/posts (old).json": [{"id": "1"}]}
    reader, _ = read(write(tmp_path / "x", files))
    assert not any("copies" in note for note in reader.notes())


def test_parts_in_one_folder_share_pictures_and_owner(tmp_path):
    write_zip(tmp_path / "instagram-ann-2024-05-01-AbC.zip", {"content/posts_1.json": [post(0)], "start.txt": b"x"})
    write_zip(
        tmp_path / "instagram-ann-2024-05-01-XyZ.zip", {"media/posts/202303/0.jpg": picture(), OWNERS_FILE: OWNER}
    )
    write(tmp_path / "instagram-bob-2024-05-02-QrS", {"content/posts_1.json": [post(1)]})
    (tmp_path / "broken.zip").write_bytes(b"PK")
    reader, records = read(tmp_path)
    assert [record.post.user_id for record in records] == ["ann", None]
    assert records[0].post.image == tmp_path / "instagram-ann-2024-05-01-XyZ.zip/media/posts/202303/0.jpg"
    assert records[0].where == "instagram-ann-2024-05-01-AbC.zip/content/posts_1.json:item 1"
    notes = " ".join(reader.notes())
    assert "No file of the download of bob names its owner" in notes
    assert "1 posts have a picture that is in no part of the download" in notes
    assert "Not a part of a download, and not read: broken.zip." in notes


def test_parts_that_are_named_one_by_one(tmp_path):
    first = write_zip(tmp_path / "a/part_1.zip", {"content/posts_1.json": [post(0)], OWNERS_FILE: OWNER})
    second = write_zip(tmp_path / "b/part_2.zip", {PICTURE: picture()})
    for source in ([first, second], tmp_path / "*/part_*.zip"):
        _, (record,) = read(source)
        assert (record.post.user_id, record.post.image) == ("ann", second / PICTURE)
        assert record.where == "a/part_1.zip/content/posts_1.json:item 1"


def test_parts_without_posts_belong_to_the_only_person_with_posts(tmp_path):
    write_zip(tmp_path / "first.zip", {"content/posts_1.json": post(0)})
    write(tmp_path / "pictures", {PICTURE: picture()})
    write_zip(tmp_path / "rest.zip", {OWNERS_FILE: OWNER})
    _, (record,) = read(tmp_path)
    assert (record.post.user_id, record.post.image) == ("ann", tmp_path / "pictures" / PICTURE)


def test_a_single_file_of_posts_finds_its_pictures(tmp_path):
    files = {"your_instagram_activity/media/posts_1.json": [post(0)], "media/posts/202303/0.jpg": picture()}
    export = write(tmp_path / "export", files)
    path = export / "your_instagram_activity/media/posts_1.json"
    for source in (path, path.parent, path.parent.parent):
        _, (record,) = read(source, user_id="me")
        assert record.post.image == export / "media/posts/202303/0.jpg"
        assert record.post.image.is_file()


def test_captions_of_posts_with_several_pictures(tmp_path):
    media = [{"uri": "media/1.mp4", "creation_timestamp": 7}, {"uri": "media/2.webp", "creation_timestamp": 8}]
    items = [
        {"media": media, "title": "All #of them", "creation_timestamp": 1_600_000_009},
        {"media": [{"uri": "media/3.mp4", "title": " ", "creation_timestamp": 1}]},
        {"media": [{"uri": "../../etc/passwd", "title": "x #a", "creation_timestamp": 1}]},
        {"media": []},
        "text",
        {"media": [{"uri": "media/4.jpg", "title": "already café", "creation_timestamp": 0}]},
    ]
    reader, records = read(write(tmp_path / "x", {"content/posts_1.json": items}), user_id="me")
    assert records[0].post.caption == "All #of them"
    assert records[0].post.timestamp.timestamp() == 1_600_000_009
    assert records[0].post.image == tmp_path / "x/media/2.webp"
    assert [records[1].reason, records[4].reason] == ["video", "wrong_type"]
    assert records[2].post.image is None
    assert records[2].warnings[0].startswith("image_outside_dump")
    assert isinstance(records[3], RawPost)
    assert (records[5].post.caption, records[5].post.timestamp) == ("already café", None)
    assert not any("mojibake" in note for note in reader.notes())


def test_an_export_in_html_is_refused(tmp_path):
    folder = write(tmp_path / "x", {"your_instagram_activity/media/posts_1.html": b"<html>", "start_here.html": b"x"})
    packed = write_zip(tmp_path / "x.zip", {"content/posts_1.html": b"<html>"})
    for path in (folder, packed, folder / "your_instagram_activity/media/posts_1.html"):
        with pytest.raises(DataError, match=r"in HTML, which is for people to read. Ask .* again and choose JSON"):
            read(path)


@pytest.mark.parametrize(
    "name", ["your_instagram_activity/messages/inbox/bob/message_1.json", "messages/inbox/bob/message_1.json",
             "followers_and_following/followers_1.json", "ads_information/ads_1.json"],
)  # fmt: skip
def test_an_export_without_posts_is_not_read_as_something_else(tmp_path, name):
    private = [{"id": "1", "text": "private #secret"}]
    with pytest.raises(DataError, match=r"contains no posts of a download from Instagram.*Ask Instagram for it again"):
        read(write(tmp_path / "x", {name: private}))


def test_other_dumps_with_these_names_are_left_to_their_readers(tmp_path):
    write(tmp_path / "x", {"content/posts_1.json": [{"post_id": "1", "caption": "x #a"}], "media/1.jpg": picture()})
    assert open_dump(tmp_path / "x").name == "json_lines"
    assert open_dump(tmp_path / "x/content/posts_1.json").name == "json_lines"


def test_a_damaged_file_of_posts_is_named(tmp_path):
    folder = write(tmp_path / "x", {"your_instagram_activity/media/posts_1.json": b'[{"media": [], "title": "x"}, {"a'})
    with pytest.raises(DataError, match=r"posts_1.json is malformed at item 2"):
        read(folder)
    write(tmp_path / "y", {"your_instagram_activity/media/reels.json": {"x": 1}})
    with pytest.raises(
        DataError, match=r"reels.json holds no list of posts. Accepted: an array, or an object with ig_"
    ):
        read(tmp_path / "y")


def test_pictures_in_a_zip_are_trained_on(tmp_path):
    files = {f"media/posts/202303/{number}.jpg": picture() for number in range(20)}
    files["content/posts_1.json"] = [post(number, f"day {number} #sea", time=1_600_000_000) for number in range(20)]
    path = write_zip(tmp_path / "x.zip", files)
    summary = prepare(path, tmp_path / "prepared", options=ReaderOptions(user_id="me"))
    path.unlink()
    posts = PreparedData.open(tmp_path / "prepared").posts()
    assert all(post.image.is_file() for post in posts)
    assert {post.image.read_bytes() for post in posts} == {files[name] for name in files if name.endswith("jpg")}
    (note,) = [note for note in summary.statistics["notes"] if "copied" in note]
    assert note.startswith("20 pictures from inside of archives or tables were copied to copied_pictures/ (0.0 MB)")
    assert summary.statistics["rejected"] == {"refused": {}, "kept": {}}


def test_items_that_are_no_posts_are_refused_by_name(tmp_path):
    odd = [{"media": "x.jpg"}, {"media": [None]}, {"title": garbled("only words #müsli")}, 5]
    items = [post(0), *odd, {"media": None, "title": "also words"}]
    _, records = read(write(tmp_path / "x", {"content/posts_1.json": items, OWNERS_FILE: OWNER, PICTURE: picture()}))
    kept = [record.post.caption for record in records if isinstance(record, RawPost)]
    assert kept == ["Dusk café 😍 #müsli", "only words #müsli", "also words"]
    assert [
        (record.where[-6:], record.reason, record.detail) for record in records if not isinstance(record, RawPost)
    ] == [
        ("item 2", "wrong_type", "media is text, 'x.jpg'. Accepted: a list of objects with uri."),
        ("item 3", "wrong_type", "media is a list, [None]. Accepted: a list of objects with uri."),
        ("item 5", "wrong_type", "The item is a number, 5. Accepted: an object with media."),
    ]
