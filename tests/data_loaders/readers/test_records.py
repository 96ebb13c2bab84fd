import math
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_loaders.readers.base import RawPost, Rejected
from data_loaders.readers.records import build_post, well_formed

ROOT = Path("dump")


def build(**fields):
    return build_post({"post_id": "1", "user_id": "ann", **fields}, "posts.jsonl:3", ROOT)


def test_a_full_record():
    record = build(
        timestamp="2022-10-28T19:56:50Z", caption="Hi #NYC #nyc", image="images/1.jpg", hashtags=["#NYC", "New York"]
    )
    assert record.post.post_id == "1"
    assert record.post.user_id == "ann"
    assert record.post.timestamp == datetime(2022, 10, 28, 19, 56, 50, tzinfo=timezone.utc)
    assert record.post.caption == "Hi #NYC #nyc"
    assert record.post.image == ROOT / "images" / "1.jpg"
    assert record.post.hashtags == ("nyc", "newyork")
    assert record.hashtags_surface == ("NYC", "New York")
    assert record.hashtags_given
    assert record.warnings == ()
    assert record.where == "posts.jsonl:3"


@pytest.mark.parametrize("hashtags", [None, "", float("nan")])
def test_hashtags_come_from_the_caption_where_none_are_listed(hashtags):
    record = build(caption="x #NYC #nyc #Food", hashtags=hashtags)
    assert record.post.hashtags == ("nyc", "food")
    assert record.hashtags_surface == ("NYC", "Food")
    assert not record.hashtags_given


def test_a_hashtag_that_is_cut_off_with_the_text_is_ignored_with_a_warning():
    record = build(caption="RT @ann: low #tide at #sunse…")
    assert record.post.hashtags == ("tide",)
    assert record.post.caption == "RT @ann: low #tide at #sunse…"
    assert record.warnings == ("cut_hashtag: '#sunse…' is ignored; the text was cut off there",)


def test_a_listed_hashtag_counts_although_the_text_was_cut_off_behind_it():
    record = build(caption="RT @ann: low #tide at #sunset…", hashtags=["tide", "sunset"])
    assert (record.post.hashtags, record.warnings) == (("tide", "sunset"), ())


def test_an_empty_list_says_that_there_are_none():
    record = build(caption="x #NYC", hashtags=[])
    assert record.post.hashtags == ()
    assert record.hashtags_given


def test_unusable_hashtags_are_left_out_with_a_warning():
    record = build(hashtags=["2022", "nyc"])
    assert record.post.hashtags == ("nyc",)
    assert record.warnings[0].startswith("unusable_hashtag: '2022' is ignored; accepted: letters")


@pytest.mark.parametrize("caption", ["it&#x27;s #low", "it&amp;#x27;s", "&#x27;&#x27;"])
def test_a_piece_of_an_html_entity_is_no_hashtag(caption):
    record = build(caption=caption, hashtags=["x27", "low"])
    assert record.post.hashtags == ("low",)
    assert record.warnings == ("unusable_hashtag: 'x27' is ignored; it is a piece of an HTML entity of the caption",)
    assert build(caption="it&#x27;s #x27", hashtags=["x27"]).post.hashtags == ("x27",)
    assert build(caption="its", hashtags=["x27"]).post.hashtags == ("x27",)


@pytest.mark.parametrize(
    "value, text", [(7, "7"), (7.0, "7"), (" 7 ", "7"), (2**70, str(2**70)), ("7.00", "7"), (Decimal("7.0"), "7")]
)
def test_numbers_are_ids(value, text):
    record = build(post_id=value, user_id=value)
    assert (record.post.post_id, record.post.user_id) == (text, text)


@pytest.mark.parametrize("value", [None, "", "  ", math.nan])
def test_an_id_is_needed(value):
    record = build(post_id=value)
    assert isinstance(record, Rejected)
    assert (record.reason, record.where) == ("missing_post_id", "posts.jsonl:3")


@pytest.mark.parametrize(
    "field, value, text",
    [
        ("caption", ["a"], "caption is a list, ['a']. Accepted: text or null."),
        ("caption", 5, "caption is a number, 5. Accepted: text or null."),
        ("user_id", {"id": 1}, "user_id is an object, {'id': 1}. Accepted: text, a whole number or null."),
        ("user_id", True, "user_id is a boolean, True."),
        ("user_id", 1.5, "user_id is a number, 1.5."),
        ("timestamp", [2022], "timestamp is a list, [2022]. Accepted: text, a number or null."),
        ("timestamp", True, "timestamp is a boolean, True."),
        ("hashtags", 3, "hashtags is a number, 3. Accepted: a list such as"),
        ("hashtags", [[]], "hashtags contains a list, []. Accepted: a list such as"),
    ],
)
def test_wrong_types_name_field_value_and_what_is_accepted(field, value, text):
    record = build(**{field: value})
    assert isinstance(record, Rejected)
    assert record.reason == "wrong_type"
    assert text in record.detail
    assert record.post_id == "1"


@pytest.mark.parametrize("value", ["1.05012E+18", "1,05012E+18", "1.05012e+18", "1E+18", 1.05012e18])
def test_ids_that_a_spreadsheet_rounded(value):
    record = build(post_id=value)
    assert record.reason == "rounded_id"
    assert record.detail == (
        f"post_id is {value!r}, a number whose last digits are lost, as in a spreadsheet: different ids become one. "
        "Accepted: the whole id."
    )
    record = build(user_id=value, caption="x")
    assert record.post.user_id is None
    assert record.warnings[0].startswith(f"rounded_id: user_id is {value!r}")
    assert record.warnings[0].endswith("The post counts as without a user.")


def test_a_user_that_was_printed_as_an_object():
    record = build(user_id="{'id': 7, 'followers': 3}")
    assert record.reason == "wrong_type"
    assert "an object that was printed as text" in record.detail
    assert "--columns user_id=NAME" in record.detail
    assert build(user_id="[deleted]").post.user_id == "[deleted]"


def test_a_number_of_hashtags_says_how_to_read_those_of_the_captions():
    record = build(hashtags=3)
    assert record.detail.endswith("counts, --columns hashtags= reads the hashtags of the captions.")


@pytest.mark.parametrize(
    "fields",
    [
        {"caption": "Un #caf\ufffd"},
        {"caption": "caf\ufffd#fog"},
        {"hashtags": ["caf\ufffd"]},
        {"hashtags": "a|\ufffdt"},
    ],
)
def test_bytes_that_could_not_be_read_leave_no_cut_hashtag(fields):
    fields = {"post_id": "1", "user_id": "ann", **fields}
    damaged = build_post(fields, "x:1", ROOT, warnings=("invalid_utf8: bytes such as b'\\xe9'",))
    assert (damaged.reason, damaged.post_id) == ("invalid_utf8", "1")
    assert damaged.detail == "A hashtag may be cut off: bytes such as b'\\xe9'"
    assert isinstance(build_post(fields, "x:1", ROOT), RawPost)


def test_bytes_that_could_not_be_read_beside_hashtags_cost_nothing():
    record = build_post({"post_id": "1", "caption": "caf\ufffd #fog"}, "x:1", ROOT, warnings=("invalid_utf8: x",))
    assert record.post.hashtags == ("fog",)


def test_a_wrong_type_of_the_id_itself():
    record = build(post_id=["x"])
    assert (record.reason, record.post_id) == ("wrong_type", None)


@pytest.mark.parametrize("value", ["3021-01-01", "yesterday", 0, -5, 1e300, "1e400", "inf"])
def test_absurd_timestamps_leave_the_post_undated(value):
    record = build(timestamp=value, caption="x")
    assert record.post.timestamp is None
    assert record.warnings[0].startswith(f"absurd_timestamp: '{value}'")
    assert "accepted: ISO 8601" in record.warnings[0]


@pytest.mark.parametrize("value", [None, "", " ", math.nan])
def test_missing_timestamps_are_no_warning(value):
    record = build(timestamp=value)
    assert record.post.timestamp is None
    assert record.warnings == ()


@pytest.mark.parametrize(
    "value",
    ["../secret.jpg", "a/../../b.jpg", "/etc/passwd", "C:\\pictures\\a.jpg", "..\\a.jpg", "https://x.y/a.jpg", ".."],
)
def test_images_stay_inside_the_dump(value):
    record = build(image=value)
    assert record.post.image is None
    assert record.warnings[0].startswith(f"image_outside_dump: {value!r} is ignored")


def test_odd_image_paths():
    assert build(image="a\0.jpg").warnings[0].startswith("image_path_unusable")
    assert build(image=".").warnings[0].startswith("image_path_unusable")
    assert build(image="images\\1.jpg").post.image == ROOT / "images" / "1.jpg"
    assert build(image="./a/../b.jpg").post.image == ROOT / "b.jpg"


def test_a_post_needs_a_caption_an_image_or_a_user():
    nothing = {"user_id": None, "caption": " ", "image": ""}
    assert build(**nothing).reason == "empty_post"
    assert isinstance(build(**{**nothing, "user_id": "ann"}), RawPost)
    assert isinstance(build(**{**nothing, "caption": "x"}), RawPost)
    assert isinstance(build(**{**nothing, "image": "a.jpg"}), RawPost)
    assert isinstance(build_post({"post_id": "1"}, "x:1", ROOT, user_id="ann"), RawPost)


def test_the_user_of_the_record_wins_over_the_option():
    assert build_post({"post_id": "1", "user_id": "ann"}, "x:1", ROOT, user_id="bob").post.user_id == "ann"
    assert build_post({"post_id": "1"}, "x:1", ROOT, user_id="bob").post.user_id == "bob"


def test_long_captions_and_control_characters_are_kept():
    caption = "\x00\x07 #tag " + "a" * 100_000
    assert build(caption=caption).post.caption == caption
    assert build(caption=caption).post.hashtags == ("tag",)


@given(st.text(alphabet=st.characters()).map(lambda text: text + "\ud83d" + text))
def test_lone_surrogates_are_replaced(text):
    well_formed(text).encode("utf-8")


def test_surrogate_pairs_are_joined():
    assert well_formed("a\ud83d\ude00b\ud83d") == "a😀b\ufffd"
    assert build(caption="\ud83d#tag", hashtags=["a\udc00b"]).post.caption == "\ufffd#tag"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
VALUES = (
    SCALARS | st.lists(SCALARS | st.just([1]), max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=1)
)


# A busy machine is slow to make records; that says nothing about them.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("post_id", "user_id", "timestamp", "caption", "image", "hashtags"), VALUES),
    )
)
def test_any_record_is_a_post_or_refused(fields):
    record = build_post(fields, "x:1", ROOT)
    if isinstance(record, RawPost):
        assert len(record.post.hashtags) == len(record.hashtags_surface)
        for text in (record.post.post_id, record.post.caption or "", *record.hashtags_surface):
            text.encode("utf-8")
    else:
        assert record.reason in {"missing_post_id", "wrong_type", "empty_post", "rounded_id"}


def test_absolute_paths_and_links_count_by_where_they_lead(tmp_path):
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "out.jpg").symlink_to("../secret.jpg")
    (tmp_path / "dump" / "in.jpg").symlink_to("1.jpg")
    dump = tmp_path / "dump"
    for inside in (str(dump / "1.jpg"), "../dump/1.jpg", "in.jpg"):
        assert build_post({"post_id": 1, "image": inside}, "x", dump).post.image == dump / inside
    for outside in (str(tmp_path / "secret.jpg"), "out.jpg", str(tmp_path / "dump2" / "1.jpg")):
        record = build_post({"post_id": 1, "user_id": 1, "image": outside}, "x", dump)
        assert record.post.image is None
        assert record.warnings[0].startswith("image_outside_dump: ")


def test_utf8_read_as_latin1_is_undone_with_a_word():
    caption, tag = ("dusk café #müsli".encode().decode("latin-1"), "müsli".encode().decode("latin-1"))
    record = build(caption=caption, hashtags=[tag, "sea"])
    assert (record.post.caption, record.post.hashtags) == ("dusk café #müsli", ("müsli", "sea"))
    (warning,) = record.warnings
    assert warning.startswith("mojibake: 'dusk caf")
    assert warning.endswith("is UTF-8 read as Latin-1 (mojibake) and becomes 'dusk café #müsli'")
    assert build(caption="CAFÉ® été").post.caption == "CAFÉ® été"
