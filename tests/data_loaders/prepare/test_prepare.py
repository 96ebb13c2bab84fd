"""From a dump to a prepared folder."""

import json
import os
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.prepare import writer as prepared_writer
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.readers.base import ReaderOptions

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
WORDS = (
    "low",
    "tide",
    "dusk",
    "gulls",
    "home",
    "market",
    "bread",
    "coffee",
    "river",
    "bridge",
    "snow",
    "city",
    "night",
)


@pytest.fixture(autouse=True)
def _no_plots(request, monkeypatch):
    """Drawing takes longer than all the rest."""
    if request.function is not test_the_folder_holds_what_is_promised:
        monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])


def record(number, **changed):
    draw = random.Random(number)
    tags = draw.sample(("sea", "sky", "tea", "art"), 2)
    fields = {
        "post_id": f"p{number}",
        "user_id": f"user{number % 4}",
        "timestamp": (START + timedelta(hours=number)).isoformat(),
        "caption": " ".join(draw.choices(WORDS, k=9)) + "".join(f" #{tag}" for tag in tags),
    }
    return {name: value for name, value in {**fields, **changed}.items() if value is not ...}


def dump(folder, records):
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "posts.jsonl"
    path.write_text("".join(json.dumps(fields) + "\n" for fields in records), encoding="utf-8")
    return path


def made(tmp_path, records, options=None, **settings):
    prepare(dump(tmp_path / "dump", records), tmp_path / "prepared", PrepareSettings(**settings), options=options)
    return PreparedData.open(tmp_path / "prepared")


def picture(path, seed):
    noise = random.Random(seed).randbytes(8 * 6 * 3)
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.frombytes("RGB", (8, 6), noise).resize((64, 48), Image.Resampling.BICUBIC).save(path, quality=90)


def rejected(data):
    return [json.loads(line) for line in (data.folder / "rejected.jsonl").read_text("utf-8").splitlines()]


def test_the_folder_holds_what_is_promised(tmp_path):
    data = made(tmp_path, [record(number) for number in range(40)])
    names = {str(path.relative_to(data.folder)) for path in data.folder.rglob("*") if path.is_file()}
    plots = {"posts_per_month", "tags_per_post", "tags_per_post_by_year", "tag_frequency", "caption_length"}
    assert names == {"posts.parquet", "vocabulary.json", "statistics.json", "rejected.jsonl", "README.md"} | {
        f"plots/{name}.png" for name in plots
    }
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert pq.read_schema(data.folder / "posts.parquet").names == [
        "post_id", "user_id", "timestamp", "sequence", "caption", "caption_original", "image", "hashtags",
        "hashtags_surface", "duplicate_group", "split",
    ]  # fmt: skip


def test_captions_lose_their_hashtags_and_keep_the_original(tmp_path):
    records = [record(number) for number in range(40)]
    records[0].update(caption="At the Sea #SEA and ＃空 then #a#b", hashtags=...)
    data = made(tmp_path, [{k: v for k, v in fields.items() if v is not ...} for fields in records])
    post = data.posts()[0]
    assert (post.post_id, post.caption, post.hashtags) == ("p0", "At the Sea and then", ("sea", "空", "a", "b"))
    assert data.posts().column("caption_original")[0].as_py() == "At the Sea #SEA and ＃空 then #a#b"
    assert data.posts().column("hashtags_surface")[0].as_py() == ["SEA", "空", "a", "b"]
    assert not any("#" in (post.caption or "") for post in data.posts())


def test_listed_hashtags_leave_the_caption_inside_of_words_too(tmp_path):
    records = [record(number) for number in range(40)]
    records[0].update(caption="vibes#sunset, sunset by @bob#Sea", hashtags=["Sunset", "sea"])
    assert made(tmp_path, records).posts()[0].caption == "vibes , sunset by @bob"


def test_posts_lie_in_order_whatever_the_order_of_the_dump(tmp_path):
    records = [record(number) for number in range(60)]
    random.Random(5).shuffle(records)
    data = made(tmp_path, records)
    posts = list(data.posts())
    assert [post.post_id for post in posts] == [f"p{number}" for number in range(60)]
    assert [post.sequence for post in posts] == list(range(60))
    assert [len(data.split(name)) for name in ("train", "validation", "test")] == [48, 6, 6]
    assert data.statistics["split"]["validation_and_test_begin"] == [
        "2024-01-03T00:00:00+00:00",
        "2024-01-03T06:00:00+00:00",
    ]


def test_order_does_not_depend_on_how_rows_were_staged(tmp_path, monkeypatch):
    records = [record(number) for number in range(50)]
    random.Random(1).shuffle(records)
    whole = made(tmp_path / "a", records)
    monkeypatch.setattr("data_loaders.prepare.reading.staging._ROWS", 7)
    monkeypatch.setattr("data_loaders.readers.record_batches._MOST_RECORDS", 3)
    pieces = made(tmp_path / "b", records)
    assert list(whole.posts()) == list(pieces.posts())
    assert whole.posts().column("caption_original") == pieces.posts().column("caption_original")


def test_undated_posts_keep_the_order_of_the_dump_before_the_dated(tmp_path):
    records = [record(number, timestamp=... if number in (7, 3) else (START + timedelta(hours=number)).isoformat())
               for number in range(40)]  # fmt: skip
    data = made(tmp_path, records)
    assert [post.post_id for post in data.posts()][:3] == ["p3", "p7", "p0"]
    assert data.split("train")[1].timestamp is None
    assert "2 posts have no timestamp; they are in train" in data.statistics["notes"][0]


def test_without_timestamps_the_split_is_random_and_warns(tmp_path):
    data = made(tmp_path, [record(number, timestamp=...) for number in range(40)], seed=3)
    assert data.statistics["split"]["method"] == "random"
    assert data.statistics["split"]["reason"] == "chosen because only 0 % of the posts have timestamps"
    assert "history leaks the future" in data.statistics["notes"][0]
    numbers = [int(post.post_id[1:]) for post in data.split("train")]
    assert numbers == sorted(numbers)


def test_the_same_dump_gives_the_same_files(tmp_path):
    path = dump(tmp_path / "dump", [record(number, timestamp=...) for number in range(40)])
    for output in ("one", "two"):
        prepare(path, tmp_path / output, PrepareSettings(seed=4))
    for name in ("posts.parquet", "vocabulary.json", "statistics.json", "README.md", "rejected.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_vocabulary_sees_train_posts_only(tmp_path):
    late = [record(number, caption=f"{WORDS[number % 9]} only later {number} #late #sea") for number in range(32, 40)]
    data = made(tmp_path, [*(record(number) for number in range(32)), *late], minimum_frequency=1)
    assert data.vocabulary.index_of("late") is None
    in_train = [tag for post in data.split("train") for tag in post.hashtags]
    assert dict(zip(data.vocabulary.hashtags, data.vocabulary.frequencies, strict=True)) == {
        tag: in_train.count(tag) for tag in set(in_train)
    }
    truth = data.statistics["splits"]["test"]["truth"]
    assert truth["vocabulary"] == 0.5
    assert data.statistics["vocabulary"] == {"hashtags": 4, "minimum_frequency": 1, "rule": "asked for"}


def test_the_minimum_frequency_is_chosen_and_said(tmp_path):
    data = made(tmp_path, [record(number) for number in range(40)])
    assert data.statistics["vocabulary"]["minimum_frequency"] == 2
    assert data.statistics["vocabulary"]["rule"] == "chosen for 32 train posts with hashtags"


def drifting(number):
    """Return a post whose hashtags change over time: #early at first, #late at the end, #sea always."""
    tags = ["sea"] * (number % 2 == 0) + ["early"] * (number < 30) + ["late"] * (number >= 24) + [f"once{number}"]
    return record(
        number, caption=f"{WORDS[number % 13]} {WORDS[number % 7]} {number} " + " ".join(f"#{t}" for t in tags)
    )


def test_the_top_hashtags_are_those_of_train(tmp_path):
    data = made(tmp_path, map(drifting, range(40)), top_hashtags=2, fractions=(0.5, 0.3, 0.2))
    assert (data.vocabulary.hashtags, data.vocabulary.frequencies) == (("early", "sea"), (20, 10))
    assert data.vocabulary.minimum_frequency == 1
    assert len(data.posts()) == 40
    assert data.statistics["selection"] == {
        "top_hashtags": 2, "only_top_hashtags": False, "plain_hashtags": False, "posts_left_out": 0,
        "hashtags_left_out": 0,
    }  # fmt: skip
    assert data.statistics["notes"] == []
    frequent = made(tmp_path, map(drifting, range(40)), top_hashtags=9, minimum_frequency=11, fractions=(0.5, 0.3, 0.2))
    assert frequent.vocabulary.hashtags == ("early",)


def test_only_posts_with_top_hashtags_are_kept_and_all_is_accounted_for(tmp_path):
    records = [drifting(number) for number in range(40)]
    data = made(tmp_path, records, top_hashtags=2, only_top_hashtags=True, fractions=(0.5, 0.3, 0.2))
    kept = [number for number in range(40) if number < 30 or number % 2 == 0]
    posts = {post.post_id: post for post in data.posts()}
    assert list(posts) == [f"p{number}" for number in kept]
    assert [post.sequence for post in posts.values()] == list(range(len(kept)))
    assert {len(data.split(name)) for name in ("train", "validation", "test")} == {20, 11, 4}
    # Cut before posts were left out: by time, 20, 12 and 8 of all.
    assert posts["p28"].hashtags == ("sea", "early")
    assert posts["p29"].hashtags == ("early",)
    assert posts["p38"].hashtags == ("sea",)
    assert data.posts().column("hashtags_surface").to_pylist()[28] == ["sea", "early"]
    assert data.vocabulary.frequencies == (20, 10)
    refused = rejected(data)
    assert [line["post_id"] for line in refused] == [f"p{n}" for n in range(40) if n not in kept]
    assert {(line["reason"], line["kept"]) for line in refused} == {("no_top_hashtag", False)}
    assert refused[0]["where"] == "post p31"
    assert (
        refused[0]["detail"]
        == "Its hashtags are late, once31; accepted: posts with one of the 2 most frequent train hashtags."
    )
    statistics = data.statistics
    assert statistics["posts"] == 35
    assert statistics["distinct_hashtags"] == 2
    assert statistics["rejected"]["refused"] == {"no_top_hashtag": 5}
    lost = sum(len(records[number]["caption"].split("#")) - 1 - len(posts[f"p{number}"].hashtags) for number in kept)
    assert statistics["selection"]["posts_left_out"] == 5
    assert statistics["selection"]["hashtags_left_out"] == lost
    card = (data.folder / "README.md").read_text("utf-8")
    assert "> A closed, easier task: of 40 posts, only the 35 with one of the 2 most frequent" in card
    assert f"these lost {lost:,} other hashtags" in card
    assert "| no_top_hashtag | 5 | refused |" in card
    assert "has 2 hashtags: the 2 most frequent of train (asked for)." in card


def test_later_posts_do_not_decide_on_the_top_hashtags(tmp_path):
    train = [drifting(number) for number in range(20)]
    later = [
        record(n, caption=f"{WORDS[n % 13]} {n} #late #later{n % 2}" + " #sea" * (n % 5 == 0)) for n in range(20, 40)
    ]
    options = {"top_hashtags": 2, "only_top_hashtags": True, "fractions": (0.5, 0.3, 0.2)}
    assert made(tmp_path, train + later, **options).vocabulary.hashtags == ("early", "sea")
    many = [record(n, caption=f"{n} #sea" + "".join(f" #late{k}" for k in range(9))) for n in range(20, 40)]
    assert made(tmp_path, train + many, **options).vocabulary.hashtags == ("early", "sea")


def test_near_duplicates_of_kept_posts_alone_are_counted(tmp_path):
    same = "All gulls went home at dusk, again"
    records = [drifting(number) for number in range(40)]
    records[2]["caption"], records[38]["caption"] = f"{same} #early", f"{same} #early"
    records[3]["caption"], records[39]["caption"] = f"{same}, they say #none", f"{same}, they say #none"
    data = made(tmp_path, records, top_hashtags=2, only_top_hashtags=True, fractions=(0.5, 0.3, 0.2))
    assert data.statistics["near_duplicates"] == {"groups": 1, "posts": 2, "largest_group": 2}
    assert data.statistics["split"]["moved_with_near_duplicates"] == 1


def test_a_split_without_top_hashtags_leaves_no_folder(tmp_path):
    with pytest.raises(DataError, match="the validation split has no post with one of the 1 most frequent train"):
        made(tmp_path, [drifting(number) for number in range(40)], top_hashtags=1, only_top_hashtags=True)
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_hashtags_can_be_reduced_to_plain_words(tmp_path):
    records = [
        record(n, caption=f"walk {n} #sea #covid19 #The #low_tide" if n % 2 else f"walk {n} #sea") for n in range(40)
    ]
    data = made(tmp_path, records, plain_hashtags=True)
    assert {post.hashtags for post in data.posts()} == {("sea",)}
    assert data.posts().column("hashtags_surface").to_pylist()[1] == ["sea"]
    assert data.posts()[1].caption == "walk 1"
    assert data.statistics["rejected"]["kept"] == {"hashtag_not_plain": 20}
    assert rejected(data)[0]["detail"].startswith(
        "covid19, the, low_tide; accepted with --plain-hashtags: letters only"
    )
    (note,) = data.statistics["notes"]
    assert note.startswith("Hashtags with digits or underscores and English stop words were removed")
    assert note.endswith("20 posts lost some.")


def test_what_the_reader_notes_is_on_the_card(tmp_path):
    records = [{name: value for name, value in record(n).items() if name != "post_id"} for n in range(40)]
    data = made(tmp_path, records, options=ReaderOptions(number_rows=True))
    assert data.statistics["notes"][0].startswith("40 records have no id")
    assert "> 40 records have no id" in (data.folder / "README.md").read_text("utf-8")
    assert data.posts()[0].post_id == "posts.jsonl:1"


def test_near_duplicate_captions_stay_on_the_side_of_the_first(tmp_path):
    same = "All gulls went home at dusk, again"
    records = [record(number) for number in range(40)]
    records[2]["caption"], records[38]["caption"] = f"{same} #sea", f"{same.upper()} #sky https://t.co/x"
    data = made(tmp_path, records)
    assert {"p2", "p38"} <= {post.post_id for post in data.split("train")}
    groups = dict(zip([post.post_id for post in data.posts()], data.posts().column("duplicate_group").to_pylist(),
                      strict=True))  # fmt: skip
    assert groups["p2"] == groups["p38"] == 2
    assert data.statistics["split"]["moved_with_near_duplicates"] == 1
    assert data.statistics["near_duplicates"] == {"groups": 1, "posts": 2, "largest_group": 2}
    apart = made(tmp_path, records, near_duplicates=False)
    assert "p38" in {post.post_id for post in apart.split("test")}


def test_the_same_picture_stays_on_one_side_but_flat_ones_do_not_join(tmp_path):
    records = [record(number, image=f"images/{number}.jpg") for number in range(40)]
    for number in range(40):
        picture(tmp_path / "dump" / "images" / f"{number}.jpg", seed=1 if number in (4, 39) else 100 + number)
    for number in (5, 6):
        Image.new("RGB", (40, 40), (200, 10, 10)).save(tmp_path / "dump" / "images" / f"{number}.jpg")
    data = made(tmp_path, records)
    assert "p39" in {post.post_id for post in data.split("train")}
    assert data.statistics["near_duplicates"] == {"groups": 1, "posts": 2, "largest_group": 2}


def test_image_paths_are_relative_to_the_folder_and_open(tmp_path):
    picture(tmp_path / "dump" / "images" / "a.jpg", seed=1)
    data = made(tmp_path, [record(0, image="images/a.jpg"), *(record(number) for number in range(1, 40))])
    assert data.posts().column("image")[0].as_py() == "../dump/images/a.jpg"
    assert data.posts()[0].image == (tmp_path / "dump" / "images" / "a.jpg").resolve()
    link = tmp_path / "elsewhere" / "deeper"
    link.parent.mkdir()
    link.symlink_to(data.folder)
    assert PreparedData.open(link).posts()[0].image.is_file()


@pytest.mark.parametrize("policy, kept", [("skip", False), ("blank", True)])
def test_pictures_that_cannot_be_used_cost_the_picture_not_the_post(tmp_path, policy, kept):
    records = [record(number) for number in range(40)]
    for number, name in enumerate(("whole.jpg", "half.jpg", "empty.jpg", "gone.jpg")):
        records[number]["image"] = name
    picture(tmp_path / "dump" / "whole.jpg", seed=2)
    whole = (tmp_path / "dump" / "whole.jpg").read_bytes()
    (tmp_path / "dump" / "half.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "dump" / "empty.jpg").write_bytes(b"")
    data = made(tmp_path, records, image_policy=policy)
    assert len(data.posts()) == 40
    assert [post.image is not None for post in data.posts()[:4]] == [True, kept, kept, kept]
    noted = rejected(data)
    assert [(line["post_id"], line["reason"], line["kept"]) for line in noted] == [
        ("p1", "image_damaged", True),
        ("p2", "image_empty", True),
        ("p3", "image_missing", True),
    ]
    assert "half.jpg cannot be used: truncated or damaged" in noted[0]["detail"]
    assert data.statistics["rejected"]["kept"] == {"image_damaged": 1, "image_empty": 1, "image_missing": 1}
    if policy == "skip":
        assert "3 pictures could not be used, more than the 1 that could" in data.statistics["notes"][0]


def test_the_policy_raise_stops_and_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jpg cannot be used: there is no such file"):
        made(tmp_path, [record(0, image="gone.jpg"), *(record(n) for n in range(1, 40))], image_policy="raise")
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_pictures_can_be_left_unopened(tmp_path):
    data = made(tmp_path, [record(n, image="gone.jpg") for n in range(40)], check_images=False)
    assert data.posts()[0].image.name == "gone.jpg"
    assert rejected(data) == []


def test_refused_records_are_listed_and_counted(tmp_path):
    records = [
        *(record(number) for number in range(40)),
        record(1),
        record(50, caption=3),
        record(51, timestamp="the day before"),
        record(52, image="../../secret.jpg"),
        {"post_id": "hollow", "caption": "#sea #sky"},
        {"caption": "no id #sea"},
    ]
    path = dump(tmp_path / "dump", records)
    path.write_text(path.read_text() + '{"post_id": "broken', encoding="utf-8")
    prepare(path, tmp_path / "prepared")
    data = PreparedData.open(tmp_path / "prepared")
    assert data.statistics["rejected"] == {
        "refused": {"duplicate_post_id": 1, "wrong_type": 1, "empty_post": 1, "missing_post_id": 1,
                    "malformed_json": 1},
        "kept": {"absurd_timestamp": 1, "image_outside_dump": 1},
    }  # fmt: skip
    noted = {line["reason"]: line for line in rejected(data)}
    assert set(noted["wrong_type"]) == {"where", "reason", "detail", "post_id", "kept"}
    assert noted["wrong_type"]["post_id"] == "p50"
    assert "posts.jsonl" in noted["malformed_json"]["where"]
    assert "Nothing is left except hashtags" in noted["empty_post"]["detail"]
    assert len(data.posts()) == 42
    assert "| duplicate_post_id | 1 | refused |" in (data.folder / "README.md").read_text("utf-8")


def test_names_that_are_not_utf8_are_written_escaped(tmp_path):
    folder = tmp_path / os.fsdecode(b"dump\xff")
    folder.mkdir()
    picture(folder / "a.jpg", 1)
    path = dump(folder, [record(number, image="a.jpg" if number == 3 else ...) for number in range(40)])
    prepared = prepare(path, tmp_path / "prepared").folder
    (kept,) = [json.loads(line) for line in (prepared / "rejected.jsonl").read_text("utf-8").splitlines()]
    assert (kept["reason"], kept["post_id"]) == ("image_path_unusable", "p3")
    assert kept["detail"] == "'../dump\\udcff/a.jpg' is not UTF-8; rename the folder or file"
    statistics = json.loads((prepared / "statistics.json").read_text("utf-8"))
    assert statistics["source"]["path"] == str(path)
    assert "dump\\udcff" in (prepared / "README.md").read_text("utf-8")


def test_strange_captions_pass(tmp_path):
    strange = ["x" * 100_000 + " #sea", "lone \ud83d half #sea", "bell \x07 and nul \x00 #sea", "#sea", "", None]
    records = [*(record(n) for n in range(40)), *(record(60 + n, caption=text) for n, text in enumerate(strange))]
    data = made(tmp_path, records)
    captions = {post.post_id: post.caption for post in data.posts()}
    assert len(captions["p60"]) == 100_000
    assert captions["p61"] == "lone \ufffd half"
    assert (captions["p63"], captions["p64"], captions["p65"]) == (None, None, None)


def test_a_dump_without_hashtags_says_where_they_are_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"none of the 3 posts of .* has a hashtag") as error:
        made(tmp_path, [{"post_id": str(n), "caption": "no tags"} for n in range(3)])
    assert "--columns hashtags=NAME caption=NAME" in str(error.value)
    assert not (tmp_path / "prepared").exists()


def test_a_picture_that_all_posts_share_keeps_them_together_no_longer(tmp_path):
    (tmp_path / "dump").mkdir()
    picture(tmp_path / "dump" / "logo.jpg", 0)
    data = made(tmp_path, [{**record(n), "image": ["logo.jpg", "gone.jpg"]} for n in range(20)])
    assert [len(data.split(name)) for name in ("train", "validation", "test")] == [16, 2, 2]
    assert all(post.image is not None for post in data.posts())
    assert any("So many posts have the same picture, as with a logo" in note for note in data.statistics["notes"])


def test_a_dump_of_unusable_records_says_why(tmp_path):
    with pytest.raises(DataError, match=r"contains no usable post\. Refused: 2 missing_post_id") as error:
        made(tmp_path, [{"caption": "a #b"}, {"caption": "c #d"}])
    assert "multimodal-hashtags validate --source" in str(error.value)


def test_a_split_left_empty_leaves_no_folder(tmp_path):
    with pytest.raises(DataError, match="the validation split has no posts: 2 posts"):
        made(tmp_path, [record(0), record(1)])
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_settings_are_checked_before_anything_is_read(tmp_path):
    for settings, text in (
        ({"split": "tme"}, "split 'tme' is unknown"),
        ({"fractions": (0.5, 0.5, 0.5)}, "three shares above 0"),
        ({"image_policy": "drop"}, "image policy 'drop' is unknown"),
        ({"minimum_frequency": 0}, "minimum frequency 0; it must be at least 1"),
        ({"seed": -1}, "seed -1; it must be at least 0"),
        ({"top_hashtags": 0}, "top hashtags 0; it must be at least 1"),
        (
            {"only_top_hashtags": True},
            "--only-top-hashtags needs the number of hashtags; add --top-hashtags, for example 50",
        ),
    ):
        with pytest.raises(DataError, match=text):
            prepare(tmp_path / "missing", tmp_path / "prepared", PrepareSettings(**settings))


def test_an_earlier_prepared_folder_is_replaced_and_survives_a_failure(tmp_path):
    first = made(tmp_path, [record(number) for number in range(40)])
    with pytest.raises(DataError):
        made(tmp_path, [record(0)])
    assert len(PreparedData.open(first.folder).posts()) == 40
    assert len(made(tmp_path, [record(number) for number in range(50)]).posts()) == 50
    assert {path.name for path in tmp_path.iterdir()} == {"dump", "prepared"}


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "thesis.tex").write_text("years of work")
    with pytest.raises(
        DataError, match=r"contains thesis\.tex but no statistics\.json, so it is not a prepared folder"
    ):
        made(tmp_path, [record(number) for number in range(40)])
    assert (tmp_path / "prepared" / "thesis.tex").exists()


def test_the_source_may_not_lie_in_the_output(tmp_path):
    made(tmp_path, [record(number) for number in range(40)])
    with pytest.raises(DataError, match="is inside the output folder"):
        prepare(tmp_path / "prepared" / "posts.parquet", tmp_path / "prepared")


def test_a_full_disk_leaves_no_half_made_folder(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepared_writer.pq.ParquetWriter, "write_table", full)
    with pytest.raises(DataError, match=r"nothing was written to .*No space left on device") as error:
        made(tmp_path, [record(number) for number in range(40)])
    assert str(error.value).endswith(" is full.")
    assert ". The disk mounted at /" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_columns_can_be_mapped(tmp_path):
    records = [{"key": fields["post_id"], "body": fields["caption"], "who": fields["user_id"],
                "at": fields["timestamp"]} for fields in map(record, range(40))]  # fmt: skip
    names = {"post_id": "key", "caption": "body", "user_id": "who", "timestamp": "at"}
    data = made(tmp_path, records, options=ReaderOptions(columns=names))
    assert data.statistics["users"] == 4


def test_relative_paths_work(tmp_path, monkeypatch):
    dump(tmp_path / "dump", [record(number) for number in range(40)])
    monkeypatch.chdir(tmp_path)
    assert prepare("dump/posts.jsonl", "deep/er/prepared").folder == Path("deep/er/prepared")
    assert len(PreparedData.open("deep/er/prepared").posts()) == 40
