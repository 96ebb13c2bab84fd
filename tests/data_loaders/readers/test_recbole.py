"""RecBole's atomic files."""

import pytest

from data_loaders.errors import DataError
from data_loaders.readers import ReaderOptions, Rejected, open_dump

INTER = "user_id:token\titem_id:token\ttimestamp:float\nann\t1\t1.6e9\nbob\t2\t1600000060.0\n"
ITEM = "item_id:token\ttitle:token_seq\ttags:token_seq\tprice:float\n1\tLow tide at dusk\tbeach sea\t3\n2\tBread\t\t\n"


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"posts.{name.replace('_', '.')}").write_text(text, encoding="utf-8")
    return folder


def read(path, **options):
    reader = open_dump(path, options=ReaderOptions(**options))
    assert reader.name == "recbole"
    return reader, list(reader.read())


def test_rows_are_joined_with_their_items(tmp_path):
    folder = write(tmp_path / "x", inter=INTER, item=ITEM, user="user_id:token\tage:float\nann\t3\n", link="a:token\n")
    for path in (folder, folder / "posts.inter"):
        reader, records = read(path)
        assert [(r.post.post_id, r.post.user_id, r.post.caption) for r in records] == [
            ("1", "ann", "Low tide at dusk"),
            ("2", "bob", "Bread"),
        ]
        assert [record.post.hashtags for record in records] == [("beach", "sea"), ()]
        assert records[0].post.timestamp.timestamp() == 1_600_000_000
        assert [record.where for record in records] == ["posts.inter:2", "posts.inter:3"]
        assert reader.mapping_used == {"post_id": "item_id", "caption": "title", "hashtags": "tags"}
        assert list(reader.columns_unread) == ["price", "age"]
        assert reader.notes()[-1] == "Posts are the rows of posts.inter, joined with posts.item, posts.user."
    assert read(folder)[0].notes()[0] == "Not read: posts.link."
    assert reader.count() in (2, 3)


def test_items_alone_and_files_of_splits(tmp_path):
    _, records = read(write(tmp_path / "a", item=ITEM))
    assert [record.post.post_id for record in records] == ["1", "2"]
    folder = write(tmp_path / "b", train_inter=INTER, test_inter=INTER.replace("\t2\t", "\t3\t"), item=ITEM)
    _, records = read(folder)
    assert [(record.where, isinstance(record, Rejected)) for record in records] == [
        ("posts.test.inter:2", False),
        ("posts.test.inter:3", False),
        ("posts.train.inter:2", True),
        ("posts.train.inter:3", False),
    ]
    assert [record.where for record in read(folder / "posts.train.inter")[1]] == [
        "posts.train.inter:2",
        "posts.train.inter:3",
    ]


def test_stray_quotes_swallow_nothing(tmp_path):
    lines = ['1\t5" nails #diy', '2\t"quoted ""words"" #a"', '3\t"open #b', "4\ta\tb", "", "5\t"]
    _, records = read(write(tmp_path / "x", inter="post_id:token\tcaption:token_seq\n" + "\n".join(lines)), user_id="u")
    kept = [record.post.caption for record in records if not isinstance(record, Rejected)]
    assert kept == ['5" nails #diy', 'quoted "words" #a', '"open #b', None]
    (refused,) = [record for record in records if isinstance(record, Rejected)]
    assert (refused.where, refused.reason) == ("posts.inter:5", "malformed_row")
    assert refused.detail == "The row has 3 cells, the header 2. It begins with '4'."


def test_what_is_not_understood_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"is not an atomic file of RecBole: its first line has 'user_id,item_id'. Accepted"
    ):
        read(write(tmp_path / "a", inter="user_id,item_id\n1,2\n"))
    with pytest.raises(DataError, match=r"has one hashtag a row, in 'tags:token'. Accepted: one row a post"):
        read(write(tmp_path / "b", inter="item_id:token\ttags:token\n1\tsea\n1\tsky\n"))
    with pytest.raises(DataError, match=r"several columns named 'a:token'"):
        read(write(tmp_path / "c", inter="a:token\ta:token\n1\t2\n"))
    folder = write(tmp_path / "d", inter=INTER)
    (folder / "other.inter").write_text(INTER)
    with pytest.raises(DataError, match=r"holds several data sets: other, posts. Choose one: --source .*other.inter"):
        read(folder)
    assert len(read(folder / "posts.inter")[1]) == 2
    with pytest.raises(DataError, match=r"holds no .inter and no .item file. Accepted: RecBole's atomic files"):
        read(write(tmp_path / "e", user="user_id:token\n1\n") / "posts.user")
    with pytest.raises(DataError, match=r"posts.inter has no column post_id. Columns seen: 'user_id'"):
        read(write(tmp_path / "f", inter="user_id:token\n1\n"))


def test_another_name_with_the_format(tmp_path):
    path = tmp_path / "posts.tsv"
    path.write_text("post_id:token\tcaption:token_seq\n1\thello #a\n")
    with pytest.raises(DataError, match=r"Read it with --format recbole, or name it posts.inter"):
        list(open_dump(path).read())
    (record,) = open_dump(path, "recbole").read()
    assert record.post.hashtags == ("a",)


def test_columns_are_mapped(tmp_path):
    folder = write(tmp_path / "x", inter="a:token\tb:token_seq\n1\thello #a\n")
    _, (record,) = read(folder, columns={"post_id": "a", "caption": "b"})
    assert (record.post.post_id, record.post.hashtags) == ("1", ("a",))
