"""The files on disk: complete, readable, named as Instaloader names them, the same for the same seed."""

import base64
import hashlib
import json
import lzma
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.sample import plan_sample, write_sample
from data_loaders.sample.instaloader_files import shortcode

POSTS, USERS, SIZE_PX = 240, 12, 48
STEM = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_UTC")
NAME = re.compile(STEM.pattern + r"(_\d)?\.(jpg|webp|mp4|txt|json|json\.xz)")


def read_json(path):
    return json.loads(lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_text("utf-8"))


def fingerprint(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def caption_of(node):
    if "caption" in node:
        return node["caption"]
    edges = node["edge_media_to_caption"]["edges"]
    return edges[0]["node"]["text"] if edges else None


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    output = tmp_path_factory.mktemp("dump") / "sample"
    summary = write_sample(output, posts=POSTS, users=USERS, seed=3, image_size_px=SIZE_PX, workers=1)
    planned = {shortcode(post.number): post for post in plan_sample(posts=POSTS, users=USERS, seed=3)}
    nodes = {}
    for path in sorted(output.rglob("*.json*")):
        if STEM.match(path.name):
            nodes[path] = read_json(path)["node"]
    return output, summary, planned, nodes


def test_summary_counts_what_is_on_disk(dump):
    output, summary, planned, nodes = dump
    files = [path for path in output.rglob("*") if path.is_file()]
    videos = [path for path in files if path.suffix == ".mp4"]
    of_videos = {path.with_suffix(end) for path in videos for end in (".jpg", ".webp")}
    images = [path for path in files if path.suffix in (".jpg", ".webp") and path not in of_videos]
    assert summary.output == output
    assert (summary.posts, summary.users, summary.videos) == (POSTS, USERS, POSTS // 80)
    assert len(nodes) == len(planned) == POSTS + summary.videos
    assert (len(videos), len(images)) == (summary.videos, summary.images)
    assert summary.carousels == sum(node["__typename"] == "GraphSidecar" for node in nodes.values())
    assert summary.posts_without_image == sum(p.picture == "none" and not p.is_video for p in planned.values())
    assert summary.size_bytes == sum(path.stat().st_size for path in files)
    assert sorted(path.name for path in output.iterdir()) == sorted({p.username for p in planned.values()})


def test_every_variant_occurs(dump):
    output, _, _, nodes = dump
    keys = {key for node in nodes.values() for key in node}
    assert {"caption", "edge_media_to_caption", "date", "taken_at_timestamp", "edge_sidecar_to_children"} <= keys
    assert {node["__typename"] for node in nodes.values()} == {"GraphImage", "GraphSidecar", "GraphVideo"}
    assert {"username" in node["owner"] for node in nodes.values()} == {True, False}
    assert {path.suffix for path in nodes} == {".json", ".xz"}
    assert list(output.rglob("*.webp"))
    for node in nodes.values():
        assert ("caption" in node) != ("edge_media_to_caption" in node)
        assert ("date" in node) != ("taken_at_timestamp" in node)


def test_nodes_say_what_was_planned(dump):
    _, _, planned, nodes = dump
    for path, node in nodes.items():
        post = planned[node["shortcode"]]
        assert caption_of(node) == (post.caption or None)
        seconds = node["date"] if "date" in node else node["taken_at_timestamp"]
        assert datetime.fromtimestamp(seconds, tz=timezone.utc) == post.timestamp
        assert node["owner"]["id"] == str(post.account_id)
        assert path.parent.name == post.username
        assert path.name.split(".")[0] == post.timestamp.strftime("%Y-%m-%d_%H-%M-%S_UTC")
        assert node["is_video"] == post.is_video
        text = path.parent / (path.name.split(".")[0] + ".txt")
        assert text.exists() == bool(post.caption)
        if post.caption:
            assert text.read_bytes().decode() == post.caption + "\n"


def test_files_are_named_as_instaloader_names_them(dump):
    output, _, planned, nodes = dump
    for path in output.glob("*/*"):
        account = path.parent.name
        assert NAME.fullmatch(path.name) or path.name == "id" or path.name.startswith(f"{account}_81")
    for path, node in nodes.items():
        stem = path.name.split(".")[0]
        pictures = sorted(p.stem for p in path.parent.glob(stem + "*") if p.suffix in (".jpg", ".webp"))
        if planned[node["shortcode"]].picture == "none":
            assert pictures == []
        elif node["__typename"] == "GraphSidecar":
            count = len(node["edge_sidecar_to_children"]["edges"])
            assert count in (2, 3)
            assert pictures == [f"{stem}_{place}" for place in range(1, count + 1)]
        else:
            assert pictures == [stem]


def test_every_account_has_its_id_and_its_profile(dump):
    output, *_ = dump
    for folder in output.iterdir():
        account_id = int((folder / "id").read_text())
        record = read_json(folder / f"{folder.name}_{account_id}.json.xz")
        assert record["instaloader"]["node_type"] == "Profile"
        assert record["node"]["username"] == folder.name


def test_every_picture_opens_at_the_size_asked_for(dump):
    output, *_ = dump
    for path in [*output.rglob("*.jpg"), *output.rglob("*.webp")]:
        with Image.open(path) as picture:
            picture.load()
            assert (picture.size, picture.mode) == ((SIZE_PX, SIZE_PX), "RGB")
            assert picture.format == ("WEBP" if path.suffix == ".webp" else "JPEG")


def test_instaloader_reads_a_post_back(dump):
    instaloader = pytest.importorskip("instaloader")
    _, _, planned, nodes = dump
    context = instaloader.InstaloaderContext(quiet=True)
    for path in list(nodes)[:40]:
        post = instaloader.load_structure_from_file(context, str(path))
        truth = planned[post.shortcode]
        assert isinstance(post, instaloader.Post)
        assert (post.caption or "", post.is_video) == (truth.caption, truth.is_video)
        assert post.date_utc.replace(tzinfo=timezone.utc) == truth.timestamp


def test_shortcodes_are_those_of_the_media_ids(dump):
    _, _, _, nodes = dump
    assert len({node["shortcode"] for node in nodes.values()}) == len(nodes)
    for node in nodes.values():
        assert len(node["shortcode"]) == 11
        digits = base64.b64decode("A" + node["shortcode"], b"-_")
        assert int.from_bytes(digits, "big") == int(node["id"])


def test_same_seed_same_bytes_whatever_the_number_of_processes(tmp_path):
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    write_sample(one, posts=30, users=5, seed=1, image_size_px=32, workers=1)
    write_sample(two, posts=30, users=5, seed=1, image_size_px=32, workers=2)
    write_sample(other, posts=30, users=5, seed=2, image_size_px=32, workers=1)
    assert fingerprint(one) == fingerprint(two)
    assert set(fingerprint(one).values()).isdisjoint(
        value for path, value in fingerprint(other).items() if path.suffix == ".jpg"
    )


def test_a_sample_is_replaced_and_nothing_else_is(tmp_path):
    output = tmp_path / "sample"
    write_sample(output, posts=12, users=4, seed=1, image_size_px=32)
    write_sample(output, posts=6, users=2, seed=1, image_size_px=32)
    assert len(list(output.iterdir())) == 2
    (output / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"contains holiday\.jpg, so it is not a sample and is not replaced"):
        write_sample(output, posts=6, users=2, image_size_px=32)
    assert (output / "holiday.jpg").read_bytes() == b"mine"


def test_a_real_account_is_not_replaced(tmp_path):
    account = tmp_path / "dump" / "someone"
    account.mkdir(parents=True)
    (account / "id").write_text("25025320\n")
    with pytest.raises(DataError, match="contains someone, so it is not a sample"):
        write_sample(tmp_path / "dump", posts=6, users=2, image_size_px=32)
    assert (account / "id").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"posts": 5, "users": 10}, "posts=5, users=10: every user posts at least once; use at least 10 posts"),
        ({"posts": 5, "users": 0}, "users=0: the sample needs at least 1 user"),
        ({"image_size_px": 8}, "image_size_px=8; accepted: 32 to 1024 pixels"),
        ({"workers": 0}, "workers=0; accepted: at least 1, or None for one per core"),
    ],
)
def test_numbers_that_make_no_sense(tmp_path, options, message):
    with pytest.raises(DataError) as caught:
        write_sample(tmp_path / "sample", **options)
    assert str(caught.value) == message
    assert list(Path(tmp_path).iterdir()) == []


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "sample").write_text("")
    with pytest.raises(DataError, match="is a file; give a folder, for example --output data/sample"):
        write_sample(tmp_path / "sample", posts=2, users=1)
