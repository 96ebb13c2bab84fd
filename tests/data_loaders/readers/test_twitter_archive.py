import json
import os
import struct
import zipfile
from datetime import datetime, timezone

import pytest
import twitter_archives as made

from data_loaders.dump_files.opening import read_file
from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.readers import RawPost, ReaderOptions, Rejected, open_dump
from data_loaders.readers.summary import describe_summary, summarise

PICTURE = b"\xff\xd8\xff not looked at by readers"


def open_archive(path, **options):
    reader = open_dump(path, options=ReaderOptions(**options))
    assert reader.name == "twitter_archive"
    return reader, list(reader.read())


def read_one(folder, *tweets, files=None, **options):
    made.write(folder, {"data/tweets.js": made.wrapped(*tweets), "data/account.js": made.account(), **(files or {})})
    reader, (record,) = open_archive(folder, **options)
    return record, reader.notes()


def test_a_tweet(tmp_path):
    record, notes = read_one(tmp_path, made.tweet())
    assert record.post.post_id == "101"
    assert record.post.user_id == "1000"
    assert record.post.timestamp == datetime(2018, 10, 10, 20, 19, 24, tzinfo=timezone.utc)
    assert record.post.caption == "Low tide #beach & dusk"
    assert record.post.image is None
    assert record.post.hashtags == ("beach",)
    assert (record.hashtags_given, record.warnings, record.where) == (False, (), "data/tweets.js:item 1")
    assert notes == []


LAYOUTS = {
    "2022": {"data/tweets.js": made.wrapped(made.tweet()), "data/account.js": made.account()},
    "2020": {"data/tweet.js": made.wrapped(made.tweet(), kind="tweet"), "data/account.js": made.account()},
    "2019": {"tweet.js": made.script([made.tweet()], "window.YTD.tweet.part0"), "account.js": made.account()},
    "data itself": {"tweets.js": made.wrapped(made.tweet()), "account.js": made.account()},
    "by month": {
        "data/js/tweets/2013_01.js": made.month(
            made.month_tweet("101", "Low tide #beach &amp; dusk", "2018-10-10 20:19:24 +0000")
        ),
        "data/js/user_details.js": made.script({"screen_name": "ann", "id": "1000"}, "var user_details"),
    },
    "a semicolon": {"data/tweets.js": made.wrapped(made.tweet()) + ";\n", "data/account.js": made.account() + ";"},
    "a byte order mark": {"data/tweets.js": "\ufeff" + made.wrapped(made.tweet()), "data/account.js": made.account()},
    "plain JSON": {"data/tweets.js": json.dumps([{"tweet": made.tweet()}]), "data/account.js": made.account()},
}


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_post(tmp_path, layout, packed):
    if packed:
        path = made.write_zip(tmp_path / "twitter.zip", LAYOUTS[layout])
    else:
        path = made.write(tmp_path / "archive", LAYOUTS[layout])
    reader, (record,) = open_archive(path)
    assert (record.post.post_id, record.post.user_id, record.post.hashtags) == ("101", "1000", ("beach",))
    assert record.post.caption == "Low tide #beach & dusk"
    assert record.post.timestamp == datetime(2018, 10, 10, 20, 19, 24, tzinfo=timezone.utc)
    assert reader.notes() == []


def test_parts_and_months_are_read_in_order(tmp_path):
    parts = {f"data/tweets-part{part}.js": made.wrapped(made.tweet(f"{part}"), part=part) for part in (10, 2, 1)}
    months = {
        f"data/js/tweets/{name}.js": made.month(made.month_tweet(name.replace("_", "")))
        for name in ("2013_02", "2012_11")
    }
    made.write(tmp_path, {"data/tweets.js": made.wrapped(made.tweet("0")), **parts, **months})
    _, records = open_archive(tmp_path)
    assert [record.post.post_id for record in records] == ["0", "1", "2", "10", "201211", "201302"]
    assert [record.where for record in records[-2:]] == [
        "data/js/tweets/2012_11.js:item 1",
        "data/js/tweets/2013_02.js:item 1",
    ]


def test_other_files_of_the_archive_are_not_read(tmp_path):
    others = ("deleted-tweets", "community-tweet", "tweet-headers", "like", "direct-messages", "twitter-circle-tweet")
    files = {f"data/{name}.js": made.wrapped(made.tweet("7")) for name in others}
    record, _ = read_one(tmp_path, made.tweet(), files={**files, "data/js/tweets/notes.js": "alert('x')"})
    assert record.post.post_id == "101"


@pytest.mark.parametrize(
    "tweet",
    [
        made.tweet(text="RT @bob: so true #beach"),
        made.month_tweet(text="so true", retweeted_status={"id": 7, "text": "so true"}),
    ],
)
def test_retweets_are_refused(tmp_path, tweet):
    record, _ = read_one(tmp_path, tweet)
    assert isinstance(record, Rejected)
    assert (record.reason, record.post_id) == ("retweet", tweet["id_str"])


@pytest.mark.parametrize(
    "tweet",
    [
        made.tweet(text="@bob I agree #beach", in_reply_to_status_id_str="900", in_reply_to_user_id_str="2000"),
        made.tweet(text="ART @noon #beach", retweeted=True),
        made.tweet(text="#beach as I said https://t.co/q", quoted_status_id_str="5"),
    ],
)
def test_replies_and_quotes_are_kept(tmp_path, tweet):
    record, _ = read_one(tmp_path, tweet)
    assert record.post.hashtags == ("beach",)


def test_the_text_is_unescaped_once(tmp_path):
    record, _ = read_one(tmp_path, made.tweet(text="&lt;b&gt; &amp;amp; #a&amp;#b"))
    assert record.post.caption == "<b> &amp; #a&#b"
    assert record.post.hashtags == ("a",)


def test_hashtags_that_twitter_lists_are_taken(tmp_path):
    listed = [{"text": "Beach", "indices": ["9", "15"]}, {"text": "beach", "indices": ["20", "26"]}]
    record, _ = read_one(tmp_path, made.tweet(entities={"hashtags": listed}))
    assert (record.post.hashtags, record.hashtags_surface, record.hashtags_given) == (("beach",), ("Beach",), True)


@pytest.mark.parametrize("entities", [None, [], {"hashtags": None}, {"hashtags": []}, {"hashtags": "x"}])
def test_without_a_list_hashtags_are_found_in_the_text(tmp_path, entities):
    record, _ = read_one(tmp_path, made.tweet(entities=entities, extended_entities=entities))
    assert record.post.hashtags == ("beach",)


@pytest.mark.parametrize("folder", ["tweets_media", "tweet_media"])
def test_the_first_photo_that_is_there(tmp_path, folder):
    media = made.photo("gone.jpg"), made.photo("B_2-x.png"), made.photo("c.jpg")
    files = {f"data/{folder}/101-{name}": PICTURE for name in ("B_2-x.png", "c.jpg", "d.jpg")}
    record, notes = read_one(tmp_path, made.with_media(*media), files=files)
    assert record.post.image == tmp_path / "data" / folder / "101-B_2-x.png"
    assert notes == []


def test_photos_that_are_not_there_and_videos_are_counted(tmp_path):
    tweets = (
        made.with_media(made.photo("gone.jpg")),
        made.with_media(made.photo("thumb.jpg", "video"), tweet_id="102"),
        made.with_media(made.photo("thumb.jpg", "animated_gif"), tweet_id="103"),
        made.with_media(made.photo("../../secret.jpg"), tweet_id="104"),
        made.with_media(made.photo("a.jpg"), tweet_id="../105"),
        made.with_media(5, {"type": "photo"}, {"type": "photo", "media_url": 3}, tweet_id="106"),
    )
    files = {"data/tweets_media/102-thumb.jpg": PICTURE, "data/tweets_media/102-clip.mp4": b""}
    made.write(tmp_path, {"data/tweets.js": made.wrapped(*tweets), "data/account.js": made.account(), **files})
    reader, records = open_archive(tmp_path)
    assert len(records) == 6
    assert all(record.post.image is None for record in records)
    missing, video = reader.notes()
    assert missing.startswith("2 tweets have photos that are not in the archive")
    assert video.startswith("2 tweets have a video or an animated picture")


def test_photos_in_a_zip_file_are_found(tmp_path):
    tweets = made.wrapped(made.with_media(made.photo("a.jpg")))
    files = {"data/tweets.js": tweets, "data/tweets_media/101-a.jpg": PICTURE, "data/account.js": made.account()}
    path = made.write_zip(tmp_path / "x.zip", files, outer="twitter-2022-11-10/")
    reader, (record,) = open_archive(path)
    picture = path / "twitter-2022-11-10/data/tweets_media/101-a.jpg"
    assert (record.post.image, record.post.user_id) == (picture, "1000")
    assert read_file(record.post.image, path, 1 << 20) == PICTURE
    assert reader.notes() == []


MANIFEST = {"userInfo": {"accountId": "1000", "userName": "ann"}, "dataTypes": {"tweets": {"files": []}}}


@pytest.mark.parametrize(
    "files, owner",
    [
        ({"data/account.js": made.account()}, "1000"),
        ({"data/manifest.js": made.script(MANIFEST, "window.__THAR_CONFIG")}, "1000"),
        ({"data/account.js": "oops", "data/manifest.js": made.script(MANIFEST, "window.__THAR_CONFIG")}, "1000"),
        ({"data/account.js": made.account({"account": {"username": "ann"}})}, "ann"),
        ({"data/account.js": made.account({"account": {"accountId": " "}})}, "zoe"),
        ({}, "zoe"),
    ],
)
def test_whose_tweets_they_are(tmp_path, files, owner):
    made.write(tmp_path, {"data/tweets.js": made.wrapped(made.tweet()), **files})
    _, (record,) = open_archive(tmp_path, user_id="zoe")
    assert record.post.user_id == owner


def test_an_archive_of_nobody_is_told(tmp_path):
    made.write(tmp_path / "ann", {"data/tweets.js": made.wrapped(made.tweet()), "data/account.js": "oops"})
    reader, (record,) = open_archive(tmp_path / "ann")
    assert record.post.user_id is None
    (note,) = reader.notes()
    assert note.startswith("The owner of the archive ann is unknown.")
    assert "account.js is not a file of a Twitter archive. It begins with 'oops'" in note
    assert "--user-id" in note


def test_tweets_by_month_name_their_author(tmp_path):
    made.write(tmp_path, {"data/js/tweets/2013_01.js": made.month(made.month_tweet())})
    _, (record,) = open_archive(tmp_path, user_id="zoe")
    assert record.post.user_id == "1000"


def test_coarse_times_are_counted(tmp_path):
    tweets = (
        made.month_tweet(1, created_at="2009-05-02 00:00:00 +0000"),
        made.month_tweet(2, created_at="2009-05-02 00:00:00 +0000"),
        made.month_tweet(3, created_at="2013-05-02 00:00:00 +0000"),
        made.month_tweet(4, created_at="2009-05-02 07:01:00 +0000"),
    )
    made.write(tmp_path, {"data/js/tweets/2009_05.js": made.month(*tweets), "data/account.js": made.account()})
    reader, records = open_archive(tmp_path)
    assert records[0].post.timestamp == datetime(2009, 5, 2, tzinfo=timezone.utc)
    (note,) = reader.notes()
    assert note.startswith("2 tweets from before November 2010 have a date but no time")


def long_posts(text, created_at="2018-10-10T20:19:24.000Z"):
    return made.script(
        [{"noteTweet": {"noteTweetId": "5", "createdAt": created_at, "core": {"text": text, "hashtags": []}}}],
        "window.YTD.note_tweet.part0",
    )


def test_long_posts_are_completed(tmp_path):
    cut = made.tweet(text="A long\nstory &amp; more… https://t.co/abc", entities={"hashtags": [{"text": "x"}]})
    files = {"data/note-tweet.js": long_posts("A long story & more of it, to the #end")}
    record, notes = read_one(tmp_path, cut, files=files)
    assert record.post.caption == "A long story & more of it, to the #end"
    assert record.post.hashtags == ("end",)
    assert notes == ["1 posts that are truncated in the file of tweets were completed from note-tweet.js."]


@pytest.mark.parametrize(
    "file",
    [
        long_posts("Another story"),
        long_posts("A long story at last", created_at="2018-10-10T20:19:25.000Z"),
        long_posts("A long story"),
        long_posts("A long story at last", created_at="once"),
        long_posts(None),
        made.script([5, {}, {"noteTweet": []}, {"noteTweet": {"core": 3}}], "window.YTD.note_tweet.part0"),
    ],
)
def test_long_posts_that_belong_to_another_tweet_are_left(tmp_path, file):
    record, notes = read_one(
        tmp_path, made.tweet(text="A long story… https://t.co/abc"), files={"data/note-tweet.js": file}
    )
    assert record.post.caption == "A long story… https://t.co/abc"
    assert notes == []


def test_several_archives_in_a_folder(tmp_path):
    for name, owner in (("bob", "2000"), ("ann", "1000")):
        account = made.account({"account": {"accountId": owner}})
        made.write(tmp_path / name, {
            "data/tweets.js": made.wrapped(made.with_media(made.photo("a.jpg"), tweet_id=owner)),
            "data/account.js": account, f"data/tweets_media/{owner}-a.jpg": PICTURE,
        })  # fmt: skip
    made.write_zip(tmp_path / "zoe.zip", LAYOUTS["by month"])
    # A directory of one file is announced, and is not there.
    (tmp_path / "broken.zip").write_bytes(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    reader, records = open_archive(tmp_path)
    assert [(record.post.user_id, record.where) for record in records] == [
        ("1000", "ann/data/tweets.js:item 1"),
        ("2000", "bob/data/tweets.js:item 1"),
        ("1000", "zoe.zip/data/js/tweets/2013_01.js:item 1"),
    ]
    assert records[1].post.image == tmp_path / "bob" / "data" / "tweets_media" / "2000-a.jpg"
    assert reader.notes() == ["Not an archive, and not read: 'broken.zip', 'notes.txt'."]


@pytest.mark.parametrize("item", [5, None, "x", {"tweet": 5}])
def test_items_that_are_no_tweets_are_refused(tmp_path, item):
    made.write(tmp_path, {"data/tweets.js": made.script([item, made.tweet()])})
    _, (bad, good) = open_archive(tmp_path)
    assert (bad.reason, bad.where) == ("wrong_type", "data/tweets.js:item 1")
    assert "Accepted: an object with id_str and full_text." in bad.detail
    assert good.post.post_id == "101"


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"id_str": None, "id": None}, "missing_post_id"),
        ({"id_str": ["x"]}, "wrong_type"),
        ({"full_text": 5}, "wrong_type"),
        ({"created_at": [1]}, "wrong_type"),
    ],
)
def test_fields_of_wrong_kinds_are_refused(tmp_path, change, reason):
    record, _ = read_one(tmp_path, {**made.tweet(), **change})
    assert record.reason == reason


def test_tweets_that_are_there_twice_and_bytes_that_are_no_text(tmp_path):
    content = made.wrapped(made.tweet(), made.tweet()).encode().replace(b"Low", b"L\xf6w")
    made.write(tmp_path, {"data/tweets.js": content})
    _, (first, second) = open_archive(tmp_path)
    assert first.post.caption.startswith("L\ufffdw tide")
    assert first.warnings[0].startswith("invalid_utf8")
    assert second.reason == "duplicate_post_id"


@pytest.mark.parametrize(
    "content, problem",
    [
        ("it", "tweets.js is not a file of a Twitter archive. It begins with 'it'; accepted: an assignment such as"),
        (
            "<html>",
            "tweets.js is not text, but a web page; if it was downloaded, its address may need a login",
        ),
        (made.script({"tweet": {}}), "is not a file of a Twitter archive"),
        ("", "is not a file of a Twitter archive"),
        (made.wrapped(made.tweet(), made.tweet("102"))[:-60], "malformed at item 2: .* Unpack the archive again"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_damaged_files_are_told(tmp_path, content, problem, packed):
    files = {"data/tweets.js": content, "data/account.js": made.account()}
    path = made.write_zip(tmp_path / "a.zip", files) if packed else made.write(tmp_path / "a", files)
    with pytest.raises(DataError, match=problem):
        open_archive(path)


def test_a_damaged_zip_file_is_told(tmp_path):
    path = made.write_zip(tmp_path / "a.zip", {"data/tweets.js": made.wrapped(*map(made.tweet, map(str, range(200))))})
    content = bytearray(path.read_bytes())
    content[400:420] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a.zip/data/tweets.js (cannot be read: it cannot be unpacked|is malformed)"):
        open_archive(path)
    path.write_bytes(b"PK\x05\x06 cut off")
    with pytest.raises(DataError, match=r"The format of .*a.zip is unknown"):
        open_dump(path)


def test_a_zip_file_with_a_password_is_told(tmp_path):
    path = made.write_zip(tmp_path / "a.zip", LAYOUTS["2022"])
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags, in the file's own header and in the directory.
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(sign)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(sign, place + 1)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be unpacked .*password.*; unpack .*a.zip and give the folder"):
        open_archive(path)


def test_what_is_no_archive_is_not_taken_for_one(tmp_path):
    made.write(tmp_path / "x", {"data/like.js": made.wrapped(made.tweet()), "tweets.txt": "x"})
    with pytest.raises(DataError, match="twitter_archive: an archive downloaded from Twitter or X"):
        open_dump(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("a.txt", "x")
    with pytest.raises(DataError, match="is unknown"):
        open_dump(tmp_path / "x.zip")
    with pytest.raises(DataError, match=r"contains no tweets of a Twitter archive. Accepted: an archive downloaded"):
        list(open_dump(tmp_path / "x.zip", "twitter_archive").read())


def test_reading_twice_counts_once(tmp_path):
    made.write(tmp_path, {"data/tweets.js": made.wrapped(made.with_media(made.photo("gone.jpg")))})
    reader, records = open_archive(tmp_path)
    notes = reader.notes()
    assert list(reader.read()) == records
    assert reader.notes() == notes
    assert len(notes) == 2


def test_a_whole_archive_is_prepared(tmp_path, monkeypatch):
    """From an archive with everything in it to a prepared folder that accounts for every tweet."""
    # Drawing takes longer than all the rest.
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])
    words = ["tide", "dusk", "gulls", "market", "bread", "coffee", "river", "bridge", "snow", "city"]
    tweets = [
        made.tweet(str(number), f"{words[number % 10]} {words[number % 7]} #sea{number % 3} &amp; more",
                   f"Wed Oct 10 20:{number:02d}:24 +0000 2018")
        for number in range(40)
    ]  # fmt: skip
    tweets.append(made.tweet("90", "RT @bob: look"))
    older = [made.month_tweet(500 + number, created_at="2009-05-02 00:00:00 +0000") for number in range(3)]
    made.write(tmp_path / "archive", {
        "Your archive.html": "<html>", "data/tweets.js": made.wrapped(*tweets[:30]),
        "data/tweets-part1.js": made.wrapped(*tweets[30:], part=1), "data/js/tweets/2009_05.js": made.month(*older),
        "data/account.js": made.account(),
    })  # fmt: skip
    summary = summarise(open_dump(tmp_path / "archive"))
    assert "43 posts by 1 users, 1 records refused" in describe_summary(summary)
    assert "note: 3 tweets from before November 2010" in describe_summary(summary)
    statistics = prepare(tmp_path / "archive", tmp_path / "prepared", PrepareSettings(check_images=False)).statistics
    assert statistics["source"]["format"] == "twitter_archive"
    assert statistics["rejected"]["refused"] == {"retweet": 1}
    assert statistics["notes"][0].startswith("3 tweets from before November 2010")
    posts = list(PreparedData.open(tmp_path / "prepared").posts())
    assert len(posts) == 43
    assert [post.post_id for post in posts[:4]] == ["500", "501", "502", "0"]
    assert posts[3].caption == "tide tide & more"
    assert {post.user_id for post in posts} == {"1000"}
    assert all(isinstance(record, (RawPost, Rejected)) for record in open_dump(tmp_path / "archive").read())


def test_files_that_are_none_or_lead_out_of_the_dump(tmp_path):
    made.write(tmp_path / "elsewhere", {"tweets.js": made.wrapped(made.tweet()), "account.js": made.account()})
    dump = tmp_path / "dump"
    made.write(dump / "a", {"data/tweets.js": made.wrapped(made.tweet()), "data/account.js": made.account()})
    (dump / "b").symlink_to("../elsewhere")
    os.mkfifo(dump / "c.zip")
    reader, records = open_archive(dump)
    assert (len(records), reader.notes()) == (1, ["Not an archive, and not read: 'b', 'c.zip'."])
    (dump / "a" / "data" / "tweets.js").unlink()
    (dump / "a" / "data" / "tweets.js").symlink_to(tmp_path / "elsewhere" / "tweets.js")
    with pytest.raises(DataError, match=r"tweets.js cannot be read: it leads to .*elsewhere/tweets.js, outside of"):
        open_archive(dump / "a")


def test_a_zip_that_unpacks_without_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("data/tweets.js", "window.YTD.tweets.part0 = [" + " " * (66 << 20))
    with pytest.raises(DataError, match=r"tweets.js cannot be read: it unpacks to more than 66 MiB, over 200 times"):
        open_archive(tmp_path / "a.zip")
