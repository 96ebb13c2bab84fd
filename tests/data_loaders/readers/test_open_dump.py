import json
import os

import pytest

from data_loaders.errors import ConfigError, DataError
from data_loaders.readers import Reader, list_readers, open_dump, register_reader

LINE = json.dumps({"post_id": "1", "caption": "x #a", "user_id": "ann"})
CSV = "post_id,caption\n1,x\n"


def instaloader_post(folder, stem="a", **node):
    folder.mkdir(parents=True, exist_ok=True)
    structure = {"node": {"shortcode": stem, **node}, "instaloader": {"version": "4.14", "node_type": "Post"}}
    (folder / f"{stem}.json").write_text(json.dumps(structure))


def test_formats_are_listed():
    assert list_readers() == [
        *("csv", "image_folder", "instagram_download", "instaloader", "json_lines", "parquet", "recbole", "tsv"),
        *("twitter_archive", "weibo"),
    ]


def test_names_are_taken_once():
    with pytest.raises(ConfigError, match="the dump format 'csv' is already registered; choose another name"):
        register_reader("csv")(Reader)


def test_an_unknown_format(tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"unknown dump format 'cvs'. Did you mean 'csv'\? Known: csv, image_folder, instagram_do",
    ):
        open_dump(tmp_path, "cvs")


def test_a_missing_path(tmp_path):
    (tmp_path / "posts.jsonl").write_text(LINE)
    with pytest.raises(DataError, match=r"no file or folder .*post.jsonl. Did you mean 'posts.jsonl'\?"):
        open_dump(tmp_path / "post.jsonl")
    with pytest.raises(DataError, match=r"no file or folder .* The folder .*nowhere does not exist either\."):
        open_dump(tmp_path / "nowhere" / "posts.jsonl")


def test_an_empty_path(tmp_path):
    with pytest.raises(
        DataError, match=r"The folder .* is empty. Accepted: a dump in the format csv, image_folder, ins"
    ):
        open_dump(tmp_path)
    (tmp_path / "posts.jsonl").touch()
    with pytest.raises(DataError, match=r"posts.jsonl is empty \(0 bytes\)"):
        open_dump(tmp_path / "posts.jsonl")


def test_a_path_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "posts.jsonl"
    path.write_text(LINE)

    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"posts.jsonl cannot be read: Permission denied. Check its permissions."):
        open_dump(path)


def test_a_file_of_no_known_format(tmp_path):
    path = tmp_path / "posts.html"
    path.write_text("<html>export</html>")
    with pytest.raises(DataError) as caught:
        open_dump(path)
    text = str(caught.value)
    assert "Seen: a file ending in '.html' that begins with '<html>export</html>'." in text
    assert "  csv: .csv with a header (post_id,user_id,timestamp,caption,image,hashtags), also with .gz" in text
    assert "  instaloader: a folder that Instaloader wrote" in text


def test_a_folder_of_no_known_format(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(10):
        (tmp_path / f"{number}.jpg").touch()
    with pytest.raises(DataError, match=r"Seen: a folder with 0.jpg, 1.jpg, .* 7.jpg and 3 more\."):
        open_dump(tmp_path)


def test_a_format_by_name_reads_any_file_name(tmp_path):
    path = tmp_path / "posts.txt"
    path.write_text(LINE)
    (record,) = open_dump(path, "json_lines").read()
    assert record.post.post_id == "1"


def test_a_folder_without_a_file_of_the_format(tmp_path):
    (tmp_path / "posts.csv").write_text(CSV)
    with pytest.raises(DataError, match=r"is not a parquet dump. Seen: a folder with posts.csv."):
        open_dump(tmp_path, "parquet")


def test_the_one_data_file_of_a_folder(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "statistics.json").write_text("{}")
    (tmp_path / "metadata.csv").write_text(CSV)
    assert open_dump(tmp_path).path == tmp_path / "metadata.csv"


def test_posts_is_preferred_among_several(tmp_path):
    for name in ("sources.csv", "posts_text.jsonl", "posts.jsonl"):
        (tmp_path / name).write_text(LINE)
    assert open_dump(tmp_path).path == tmp_path / "posts.jsonl"


def test_several_data_files_are_listed(tmp_path):
    for name in ("a.csv", "b.jsonl"):
        (tmp_path / name).write_text(LINE)
    with pytest.raises(DataError, match=r"several data files: 'a.csv', 'b.jsonl'. Choose the one .*--source .*a.csv"):
        open_dump(tmp_path)
    assert open_dump(tmp_path, "csv").path == tmp_path / "a.csv"
    for name in ("posts.csv", "posts.jsonl"):
        (tmp_path / name).write_text(LINE)
    with pytest.raises(DataError, match=r"several data files: 'posts.csv', 'posts.jsonl'"):
        open_dump(tmp_path)


def test_an_instaloader_folder_is_told_by_its_json(tmp_path):
    instaloader_post(tmp_path / "dump" / "ann" / "2022")
    assert open_dump(tmp_path / "dump").name == "instaloader"
    assert open_dump(str(tmp_path / "dump"), "instaloader").name == "instaloader"


def test_a_data_file_that_leads_out_of_its_folder(tmp_path):
    (tmp_path / "secret.jsonl").write_text(LINE)
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "posts.jsonl").symlink_to("../secret.jsonl")
    with pytest.raises(DataError, match=r"posts.jsonl cannot be read: it leads to .*secret.jsonl, outside of .*dump"):
        open_dump(tmp_path / "dump")
    assert len(list(open_dump(tmp_path / "dump" / "posts.jsonl").read())) == 1
