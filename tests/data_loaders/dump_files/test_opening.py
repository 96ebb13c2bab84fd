"""Files of a dump: regular, inside it, of bounded size."""

import io
import os
import socket

import pytest

from data_loaders.dump_files.opening import FileRefused, open_file, read_at_most, read_file, resolve


@pytest.fixture
def dump(tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "a.txt").write_text("in the dump")
    (tmp_path / "secret.txt").write_text("private")
    return folder


def refusal(path, root=None, most_bytes=None):
    with pytest.raises(FileRefused) as caught:
        open_file(path, root, most_bytes)
    assert str(caught.value) == f"{path} cannot be read: {caught.value.cause}."
    return caught.value.reason, caught.value.cause


def special_files(folder):
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    (folder / "folder").mkdir()
    (folder / "device").symlink_to("/dev/zero")
    return {"pipe": "a named pipe", "socket": "a socket", "folder": "a folder", "device": "a device"}


def test_only_files_are_opened(dump, monkeypatch):
    monkeypatch.chdir(dump)  # the path of a socket is short
    for name, kind in special_files(dump).items():
        assert refusal(dump / name) == ("not_a_file", f"it is {kind}; accepted: a file")


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(dump, monkeypatch):
    os.mkfifo(dump / "pipe")
    looked_at = (dump / "a.txt").stat()
    monkeypatch.setattr(type(dump), "stat", lambda path, **_: looked_at)
    assert refusal(dump / "pipe", dump)[0] == "not_a_file"


def test_what_is_missing_or_cannot_be_opened(dump, monkeypatch):
    assert refusal(dump / "gone", dump) == ("missing", "there is no such file")
    (dump / "loop").symlink_to("loop")
    assert refusal(dump / "loop", dump) == ("unreadable", "Too many levels of symbolic links")
    assert refusal(dump / "a\0b", dump)[0] == "unreadable"
    assert refusal(dump / ("x" * 300), dump)[0] == "unreadable"


def test_links_within_the_dump_are_followed(dump, tmp_path):
    (dump / "sub").mkdir()
    (dump / "sub" / "relative").symlink_to("../a.txt")
    (dump / "absolute").symlink_to(dump / "a.txt")
    os.link(dump / "a.txt", dump / "hard")
    (tmp_path / "link").symlink_to(dump)
    for path in (dump / "sub" / "relative", dump / "absolute", dump / "hard", tmp_path / "link" / "absolute"):
        for root in (dump, tmp_path / "link", None):
            assert read_file(path, root, 100) == b"in the dump"


@pytest.mark.parametrize("target", ["../secret.txt", "/dev/zero", "/nowhere", ".."])
def test_links_out_of_the_dump_are_refused(dump, target):
    (dump / "x").symlink_to(target)
    path = dump / "x" / "secret.txt" if target == ".." else dump / "x"
    reason, cause = refusal(path, dump)
    assert reason == "outside_dump"
    assert cause.endswith(f", outside of {dump}; copy the file into the dump")


def test_a_folder_with_a_similar_name_is_outside(dump, tmp_path):
    (tmp_path / "dump2").mkdir()
    with pytest.raises(FileRefused, match=r"it leads to .*dump2"):
        resolve(dump / "../dump2", dump)
    assert resolve(dump, dump) == dump.resolve()


def test_a_link_that_changes_while_the_file_is_opened(dump, monkeypatch):
    (dump / "sub").mkdir()
    (dump / "sub" / "secret.txt").write_text("")
    really_open = os.open

    def swap(path, flags):
        (dump / "sub").rename(dump / "old")
        (dump / "sub").symlink_to("..")
        return really_open(path, flags)

    monkeypatch.setattr(os, "open", swap)
    assert refusal(dump / "sub" / "secret.txt", dump)[0] == "outside_dump"


def test_large_files(dump):
    assert refusal(dump / "a.txt", dump, 10) == ("too_large", "it has 11 bytes; accepted: at most 10")
    assert read_file(dump / "a.txt", dump, 11) == b"in the dump"


def test_a_file_that_grows_while_it_is_read(dump, monkeypatch):
    monkeypatch.setattr("data_loaders.dump_files.opening.open_file", lambda *_: io.BytesIO(b"grown"))
    with pytest.raises(FileRefused, match="it has more than 4 bytes"):
        read_file(dump / "a.txt", dump, 4)


class LargestRead(io.BytesIO):
    """A file that knows the largest number of bytes that it was asked for at once."""

    asked = 0

    def read(self, size=-1):
        self.asked = max(self.asked, size if size >= 0 else 1 << 60)
        return super().read(size)


@pytest.mark.parametrize("most_bytes", [0, 5, 3 << 20, 4 << 30])
def test_what_may_be_large_is_read_in_pieces(most_bytes):
    content = bytes(range(256)) * (1 << 13)
    file = LargestRead(content)
    assert read_at_most(file, most_bytes) == content[:most_bytes]
    assert file.asked <= 1 << 20


def test_a_path_that_is_too_long_is_not_looked_for(tmp_path):
    with pytest.raises(FileRefused, match=r"… cannot be read: a path has at most 4,096 characters") as refused:
        resolve(tmp_path / ("a/" * 200_000))
    assert refused.value.reason == "unreadable"
    assert len(str(refused.value)) < 200
