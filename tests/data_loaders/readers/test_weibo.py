"""JSON and tables of Weibo's crawlers."""

import json

import pytest

from data_loaders.errors import DataError
from data_loaders.readers import Rejected, open_dump

CRAWLER = {
    "user": {"id": "1669879400", "screen_name": "ann"},
    "weibo": [
        {"id": 4873, "bid": "Mx", "user_id": 1669879400, "text": "早上好 #晨跑# 公园", "topics": "晨跑", "pics": "https://x/1.jpg",
         "created_at": "2023-03-01"},
        {"id": 4874, "bid": "My", "text": "没有话题", "topics": "", "created_at": "2023-03-02T08:00:00"},
        {"id": 4875, "text": "转发微博", "created_at": "2023-03-03", "retweet": {"text": "别人 #别的#"}},
        {"id": 4876, "text": "说得好 #书#//@bob:别人 #别的#", "topics": "书,别的", "retweet": {"text": "x"}},
        "text",
    ],
}  # fmt: skip
SPIDER = {
    "user": {"id": "7", "nickname": "bob"},
    "weibo": [
        {"id": "Mz", "content": "茶 #龙井# ", "publish_time": "2023-03-04 09:15", "original": True},
        {"id": "Mw", "content": "转发理由: 同意 \n原始用户: ann \n转发内容: 不是我的 #别的#", "original": False},
    ],
}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=4), encoding="utf-8")
    return path


def test_people_are_read_file_by_file(tmp_path):
    write(tmp_path / "weibo/ann/1669879400.json", CRAWLER)
    write(tmp_path / "weibo/bob/7.json", SPIDER)
    picture = tmp_path / "weibo/ann/img/原创微博图片/20230301_4873_1.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()
    reader = open_dump(tmp_path / "weibo")
    assert reader.name == "weibo"
    first, second, forwarded, added, wrong, tea, agreed = reader.read()
    assert (first.post.post_id, first.post.user_id, first.where) == ("4873", "1669879400", "ann/1669879400.json:item 1")
    assert (first.post.hashtags, first.post.image) == (("晨跑",), picture)
    assert (second.post.user_id, second.post.hashtags, second.post.image) == ("1669879400", (), None)
    assert [(record.reason, record.post_id) for record in (forwarded, wrong)] == [
        ("retweet", "4875"),
        ("wrong_type", None),
    ]
    assert "别" not in added.post.caption
    assert "别的" not in added.post.hashtags
    assert (tea.post.user_id, tea.post.timestamp.isoformat()) == ("7", "2023-03-04T09:15:00+00:00")
    assert agreed.post.caption == "同意"
    assert reader.notes() == ["2 posts forward another; only what their author added is read."]


def test_one_file(tmp_path):
    reader = open_dump(write(tmp_path / "7.json", SPIDER))
    assert [record.where for record in reader.read()] == ["7.json:item 1", "7.json:item 2"]


def test_bytes_that_are_no_text_are_told(tmp_path):
    path = write(tmp_path / "7.json", SPIDER)
    path.write_bytes(path.read_bytes().replace("茶".encode(), b"\xff\xfe"))
    tea, agreed = open_dump(path).read()
    assert tea.warnings[0].startswith("invalid_utf8: ")
    assert agreed.warnings == ()


def test_other_json_is_not_taken_for_it(tmp_path):
    path = write(tmp_path / "a.json", [{"post_id": "1", "caption": "weibo"}])
    assert open_dump(path).name == "json_lines"
    with pytest.raises(DataError, match=r'a.json holds no posts of Weibo. Accepted: an object with "weibo": '):
        list(open_dump(path, "weibo").read())
    path.write_text('{"user": {}, "weibo": [')
    with pytest.raises(DataError, match=r"a.json is malformed: .* Crawl it again."):
        list(open_dump(path).read())


@pytest.mark.parametrize(
    "header, row",
    [
        ("id,bid,正文,头条文章url,日期,话题,@用户,完整日期", "1,Mx,早上好,,2023-03-01,晨跑,,2023-03-01T08:00:00"),
        ("微博id,微博正文,发布位置,发布时间,话题", "1,早上好,,2023-03-01 08:00,晨跑"),
        ("id,user_id,用户昵称,微博正文,话题,发布时间", "1,7,ann,早上好,晨跑,2023-03-01 08:00"),
    ],
)
def test_tables_with_chinese_columns(tmp_path, header, row):
    path = tmp_path / "weibo.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8-sig")
    (record,) = open_dump(path).read()
    assert not isinstance(record, Rejected)
    assert (record.post.post_id, record.post.caption, record.post.hashtags) == ("1", "早上好", ("晨跑",))
    assert record.post.timestamp.isoformat() == "2023-03-01T08:00:00+00:00"
