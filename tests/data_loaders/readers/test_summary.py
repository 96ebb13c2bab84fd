import json

import pytest

from data_loaders.readers import open_dump
from data_loaders.readers.summary import describe_summary, summarise, template


def write(folder, *records):
    path = folder / "posts.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records))
    return path


def test_counts_reasons_and_examples(tmp_path):
    path = write(
        tmp_path,
        {"post_id": 1, "user": "ann", "caption": "x #a #b", "timestamp": "2020-01-01"},
        {"post_id": 2, "user": "bob", "image": "2.jpg", "timestamp": "2022-02-03"},
        {"post_id": 3, "user": "bob", "timestamp": "3021-01-01"},
        *[{"post_id": 1}] * 5,
        {"post_id": 9, "caption": 5},
    )
    summary = summarise(open_dump(path), most_examples=2)
    assert summary.kept == {"posts": 3, "image": 1, "caption": 1, "timestamp": 2, "user": 3, "hashtags": 1}
    assert summary.reasons == {"empty_post": 5, "wrong_type": 1}
    assert summary.warnings == {"absurd_timestamp": 1}
    assert len(summary.examples["empty_post"]) == 2
    text = describe_summary(summary)
    assert "3 posts by 2 users, 6 records refused" in text
    assert "with a timestamp  2 (2020-01-01 to 2022-02-03)" in text
    assert "columns with another name: user_id=user" in text
    assert "  wrong_type: 1 (write the value as the message says)\n    posts.jsonl:9: caption is a number, 5." in text
    assert "  absurd_timestamp: 1 (write ISO 8601 or Unix time; such posts count as undated)" in text


def test_a_dump_without_hashtags_is_told(tmp_path):
    summary = summarise(open_dump(write(tmp_path, {"post_id": 1, "caption": "x"})))
    assert "No post has a hashtag: there is nothing to learn from this dump." in describe_summary(summary)


@pytest.mark.parametrize("format, name", [("jsonl", "posts.jsonl"), ("csv", "posts.csv")])
def test_the_template_is_a_dump(tmp_path, format, name):
    path = tmp_path / name
    path.write_text(template(format))
    (record,) = open_dump(path).read()
    assert record.warnings == ()
    assert record.post.hashtags == ("beach", "goldenhour")
    assert record.post.image == tmp_path / "images" / "1001.jpg"


def test_missing_pictures_are_counted(tmp_path):
    (tmp_path / "1.jpg").touch()
    records = [{"post_id": number, "user_id": "ann", "image": f"{number}.jpg"} for number in (1, 2, 3)]
    summary = summarise(open_dump(write(tmp_path, *records)))
    assert (summary.kept["image"], summary.pictures_missing) == (3, 2)
    text = describe_summary(summary)
    assert "with an image     3 (2 of the picture files are missing)" in text
    assert (
        "kept without a picture:\n  image_missing: 2 (copy the pictures to where the dump says that they are)" in text
    )
    assert f"posts.jsonl:2: there is no file {tmp_path / '2.jpg'}" in text
    assert "(all picture files are there)" in describe_summary(summarise(open_dump(write(tmp_path, records[0]))))
