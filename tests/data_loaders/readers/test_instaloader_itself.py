"""Folders that the real Instaloader writes, offline: its own structures, its own saving."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from data_loaders.readers import ReaderOptions, Rejected, open_dump

instaloader = pytest.importorskip("instaloader", reason="instaloader is not installed (pip install instaloader)")

TAKEN_AT = 1666987010
URL = "https://instagram.invalid/picture.jpg?x=1"


class Response:
    def __init__(self, url):
        self.headers = {"Content-Type": "image/webp" if "webp" in url else "image/jpeg"}
        self.url = url


class OfflineContext(instaloader.InstaloaderContext):
    """Answers every request for a picture with a few bytes, and counts everything else as a mistake."""

    def get_raw(self, url, _attempt=1):
        return Response(url)

    def write_raw(self, resp, filename):
        Path(filename).write_bytes(b"picture")

    def doc_id_graphql_query(self, *arguments, **keywords):
        raise AssertionError("no network")

    graphql_query = get_json = get_iphone_json = doc_id_graphql_query


@pytest.fixture
def loader(tmp_path):
    def make(**options):
        made = instaloader.Instaloader(
            quiet=True, download_comments=False, dirname_pattern=str(tmp_path / "{target}"), **options
        )
        made.context = OfflineContext(quiet=True)
        return made

    return make


def node(shortcode="Cabc", caption="Low tide #Beach #तट\n#beach", **changes):
    """Return a node as the web site gives it for a single picture."""
    return {
        "shortcode": shortcode,
        "id": "1",
        "__typename": "GraphImage",
        "is_video": False,
        "display_url": URL,
        "taken_at_timestamp": TAKEN_AT,
        "edge_media_to_caption": {"edges": [{"node": {"text": caption}}] if caption else []},
        "owner": {"id": "42", "username": "ann"},
        **changes,
    }


def sidecar(*videos):
    children = [
        {"node": {"is_video": video, "display_url": URL, **({"video_url": URL} if video else {})}} for video in videos
    ]
    return node(
        "Cside",
        taken_at_timestamp=TAKEN_AT + 60,
        __typename="GraphSidecar",
        edge_sidecar_to_children={"edges": children},
    )


def download(loader, *nodes, target="ann"):
    for each in nodes:
        loader.download_post(instaloader.Post(loader.context, each), target=target)


@pytest.mark.parametrize("compress_json", [True, False])
def test_a_downloaded_picture(loader, tmp_path, compress_json):
    download(loader(compress_json=compress_json), node())
    names = {path.name for path in (tmp_path / "ann").iterdir()}
    assert "2022-10-28_19-56-50_UTC.txt" in names
    (record,) = open_dump(tmp_path).read()
    assert record.post.post_id == "Cabc"
    assert record.post.user_id == "42"
    assert record.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
    assert record.post.caption == "Low tide #Beach #तट\n#beach"
    assert record.post.hashtags == ("beach", "तट")
    assert record.post.image.name == "2022-10-28_19-56-50_UTC.jpg"
    assert record.post.image.read_bytes() == b"picture"


def test_any_pattern_of_names(loader, tmp_path):
    download(loader(filename_pattern="{profile}/{date_utc:%Y}/{shortcode}.v1"), node(), node("Cdef"))
    records = list(open_dump(tmp_path).read())
    assert [record.post.post_id for record in records] == ["Cabc", "Cdef"]
    assert [record.post.image.name for record in records] == ["Cabc.v1.jpg", "Cdef.v1.jpg"]


def test_the_suffix_comes_from_the_content_type(loader, tmp_path):
    download(loader(), node(display_url="https://instagram.invalid/picture.webp?x=1"))
    (record,) = open_dump(tmp_path).read()
    assert record.post.image.name == "2022-10-28_19-56-50_UTC.webp"


def test_carousels(loader, tmp_path):
    download(loader(), sidecar(True, False, False))
    assert (tmp_path / "ann" / "2022-10-28_19-57-50_UTC_1.jpg").exists()
    (record,) = open_dump(tmp_path).read()
    assert record.post.image.name == "2022-10-28_19-57-50_UTC_2.jpg"


def test_videos_profiles_and_other_structures(loader, tmp_path):
    made = loader()
    download(made, node("Cvid", __typename="GraphVideo", is_video=True, video_url=URL))
    profile = instaloader.Profile(made.context, {"id": "42", "username": "ann"})
    made.save_metadata_json(str(tmp_path / "ann" / "ann_42"), profile)
    instaloader.save_structure_to_file(
        instaloader.Hashtag(made.context, {"name": "beach"}), str(tmp_path / "ann" / "beach.json")
    )
    records = list(open_dump(tmp_path).read())
    assert all(isinstance(record, Rejected) for record in records)
    assert [record.reason for record in records] == ["video", "not_a_post:Profile", "not_a_post:Hashtag"]


def test_a_post_made_from_the_mobile_answer(loader, tmp_path):
    made = loader()
    media = {
        "code": "Cmob",
        "pk": 1,
        "media_type": 1,
        "taken_at": TAKEN_AT,
        "caption": {"text": "From the app #mobile"},
        "has_liked": False,
        "like_count": 0,
        "image_versions2": {"candidates": [{"url": URL}]},
        "user": {"pk": 42, "username": "ann", "is_private": False, "full_name": "Ann", "profile_pic_url": URL},
    }
    post = instaloader.Post.from_iphone_struct(made.context, media)
    instaloader.save_structure_to_file(post, str(tmp_path / "Cmob.json.xz"))
    (record,) = open_dump(tmp_path).read()
    assert (record.post.post_id, record.post.user_id) == ("Cmob", "42")
    assert record.post.caption == "From the app #mobile"
    assert record.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)


def test_the_caption_file_alone(loader, tmp_path):
    made = loader()
    post = instaloader.Post(made.context, node(caption=None))
    stem = str(tmp_path / "x")
    made.save_metadata_json(stem, post)
    made.save_caption(stem, post.date_local, "edited #later")
    made.save_caption(stem, post.date_local, "edited again #now")
    (record,) = open_dump(tmp_path).read()
    assert record.post.caption == "edited again #now"


def test_comments(loader, tmp_path, monkeypatch):
    made = loader()
    post = instaloader.Post(made.context, node())

    def comment(identifier, created_at, text, owner):
        written = {"id": identifier, "created_at": created_at, "text": text, "owner": {"id": owner, "username": owner}}
        return instaloader.PostComment(made.context, written, iter(()), post)

    written = [comment(1, 1, "#other", "7"), comment(2, 2, "#second", "42"), comment(3, 3, "#third", "42")]
    monkeypatch.setattr(post, "get_comments", lambda: written)
    made.save_metadata_json(str(tmp_path / "x"), post)
    made.update_comments(str(tmp_path / "x"), post)
    (record,) = open_dump(tmp_path, options=ReaderOptions(owner_comments=True)).read()
    assert record.post.hashtags == ("beach", "तट", "second")
    (record,) = open_dump(tmp_path).read()
    assert record.post.hashtags == ("beach", "तट")


def test_what_is_read_is_what_instaloader_loads(loader, tmp_path):
    made = loader()
    download(made, node(), sidecar(False, False))
    records = {record.post.post_id: record.post for record in open_dump(tmp_path).read()}
    assert sorted(records) == ["Cabc", "Cside"]
    for path in (tmp_path / "ann").glob("*.json.xz"):
        loaded = instaloader.load_structure_from_file(made.context, str(path))
        post = records[loaded.shortcode]
        assert post.caption == loaded.caption
        assert post.timestamp == loaded.date_utc.replace(tzinfo=timezone.utc)
        assert post.user_id == str(loaded.owner_id)
