"""JSON of a stranger's model: regular files, of the right form, and errors that name what does not fit."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
import torch

from data_loaders.errors import RunError
from multimodal.storage.model_files import (
    Count,
    Form,
    Hashtags,
    Names,
    Number,
    is_pickle,
    read_json_as,
    require_file,
)
from multimodal.storage.run_folder import read_json


class Sizes(Form):
    width: Count
    weight: Number = 0.5
    names: Names = []  # noqa: RUF012


def refused(path: Any, content: str | bytes, form: Any = Sizes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RunError) as error:
        read_json_as(path, "sizes", form)
    assert str(error.value).startswith(f"{path} (sizes) ")
    return str(error.value).removeprefix(f"{path} (sizes) ")


def test_an_object_of_the_form(tmp_path):
    (tmp_path / "a.json").write_text('{"width": 3, "names": ["x"], "more": {}}')
    assert read_json_as(tmp_path / "a.json", "sizes", Sizes) == Sizes(width=3, names=["x"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "is damaged: an object is needed, got []."),
        ("{}", "is damaged: width is missing."),
        ('{"width": "3"}', "is damaged: width: Input should be a valid integer, got '3'."),
        ('{"width": true}', "is damaged: width: Input should be a valid integer, got True."),
        ('{"width": 3.5}', "is damaged: width: Input should be a valid integer, got 3.5."),
        ('{"width": -1}', "is damaged: width: Input should be greater than or equal to 0, got -1."),
        ('{"width": 1, "weight": Infinity}', "is damaged: weight: Input should be a finite number, got inf."),
        ('{"width": 1, "weight": 1e400}', "is damaged: weight: Input should be a finite number, got inf."),
        ('{"width": 1, "weight": NaN}', "is damaged: NaN is not a number"),
        ('{"width": 1, "names": ["x", "x"]}', "is damaged: names: a value is given twice, got ['x', 'x']."),
        ('{"width": 1, "width": 2}', "is damaged: a key is given twice in one object"),
        ('{"width": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]}', "16, 1…."),
    ],
)
def test_another_form_is_named(tmp_path, content, message):
    assert message in refused(tmp_path / "a.json", content)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, b"\xff", b"", '"\\ud800"'])
def test_what_is_no_json_or_too_deep_or_too_large(tmp_path, content):
    assert refused(tmp_path / "a.json", content).startswith("is damaged: ")


@pytest.mark.parametrize("name", ["", "two words", "\x1b]0;x\x07", "\x9b31m", "\n", "#" * 10_001])
def test_hashtags_that_a_terminal_would_obey_are_refused(tmp_path, name):
    (tmp_path / "a.json").write_text('["sun", "日本", "a\u200db"]')
    assert len(read_json_as(tmp_path / "a.json", "hashtags", Hashtags)) == 3
    path = tmp_path / "b.json"
    path.write_text(f'["sun", {name!a}]'.replace("'", '"').replace("\\x", "\\u00"))
    with pytest.raises(RunError, match="is damaged: 1: "):
        read_json_as(path, "hashtags", Hashtags)


class TestOnlyRegularFiles:
    def test_a_pipe_a_device_and_a_folder(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "zeros").symlink_to("/dev/zero")
        for name, kind in (("pipe", "a named pipe"), ("zeros", "a device"), (".", "a folder")):
            for read in (require_file, read_json):
                with pytest.raises(RunError, match=kind):
                    read(tmp_path / name, "values")

    def test_a_link_to_a_file_is_followed_and_one_to_nothing_is_missing(self, tmp_path):
        (tmp_path / "a.json").write_text("1")
        (tmp_path / "link").symlink_to("a.json")
        (tmp_path / "lost").symlink_to("nothing")
        assert read_json(tmp_path / "link", "one") == 1
        with pytest.raises(RunError, match="is missing; the folder is partial"):
            require_file(tmp_path / "lost", "values")


def test_pickles_are_known_by_their_first_bytes(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "zip")
    (tmp_path / "pickle").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "text").write_text("{}")
    found = [is_pickle(tmp_path / name) for name in ("zip", "pickle", "text", "absent")]
    assert found == [True, True, False, False]
