"""Archives are read in place, and hostile ones harm nothing."""

import gzip
import io
import random
import tarfile
import unicodedata
import zipfile
from multiprocessing import get_context

import pytest

from data_loaders.dump_files.archives import entries, find_archive, is_file, is_folder, is_packed, size_of
from data_loaders.dump_files.opening import FileRefused, open_file
from data_loaders.errors import DataError

FILES = {"a.csv": b"1", "in/b.csv": b"22", "in/deep/c.csv": b"333"}


def write_zip(path, files=FILES, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def write_tar(path, files=FILES):
    mode = "w:" + {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz", ".txz": "xz"}.get(path.suffix.lower(), "")
    with tarfile.open(path, mode) as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return path


def content(path, root=None, most=None):
    with open_file(path, root, most) as file:
        return file.read()


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "X.TGZ", "x.tar.bz2", "x.tar.xz", "x.txz"])
def test_an_archive_is_a_folder(tmp_path, name):
    path = tmp_path / name
    (write_zip if path.suffix == ".zip" else write_tar)(path)
    assert [entry.relative_to(path).as_posix() for entry in entries(path)] == ["a.csv", "in"]
    assert [entry.name for entry in entries(path / "in")] == ["b.csv", "deep"]
    assert is_folder(path)
    assert is_folder(path / "in/deep")
    assert is_file(path / "in/deep/c.csv")
    assert not is_file(path / "in")
    assert not is_folder(path / "none")
    assert entries(path / "a.csv") == []
    assert {member: content(path / member, path) for member in FILES} == FILES
    assert size_of(path / "in/b.csv") == 2
    assert is_packed(path / "in/b.csv")
    assert not is_packed(path)
    with pytest.raises(FileRefused, match=r"none.csv cannot be read: there is no such file in the archive"):
        content(path / "none.csv")
    with pytest.raises(FileRefused, match=r"it has 3 bytes; accepted: at most 2"):
        content(path / "in/deep/c.csv", most=2)


@pytest.mark.parametrize("name", ["x.zip", "x.tar"])
def test_any_position_can_be_read(tmp_path, name):
    data = bytes(range(256)) * 1_000
    path = tmp_path / name
    (write_zip if path.suffix == ".zip" else write_tar)(path, {"a": data, "b": b"b" * 100_000})
    with open_file(path / "a") as file, open_file(path / "b") as other:
        assert file.seek(-10, io.SEEK_END) == len(data) - 10
        assert other.read(3) == b"bbb"
        assert file.read() == data[-10:]
        file.seek(5)
        assert file.read(7) == data[5:12]
        assert other.read(1) == b"b"


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_processes_that_share_an_open_archive_read_what_is_there(tmp_path, name):
    files = {f"day{number}.jsonl": random.Random(number).randbytes(300_000) for number in range(20)}
    path = tmp_path / name
    (write_zip if path.suffix == ".zip" else write_tar)(path, files)
    find_archive(path)
    with get_context("fork").Pool(4) as pool:
        read = pool.map(content, [path / member for _ in range(20) for member in files], chunksize=1)
    assert read == [*files.values()] * 20


def test_hostile_names_and_kinds_are_left_out(tmp_path):
    names = ["../up", "/etc/passwd", "a/../../b", "C:/x", "C:\\x", "..\\up", "x/" * 40 + "deep"]
    path = write_zip(tmp_path / "x.zip", dict.fromkeys([*names, "good", "b\\c", ".hidden", "__MACOSX/._good"], b"1"))
    with zipfile.ZipFile(path, "a") as packed:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    archive, _ = find_archive(path)
    assert (archive.entries(""), archive.entries("b"), archive.left_out) == (["b", "good"], ["c"], len(names) + 1)
    with tarfile.open(tmp_path / "x.tar", "w") as packed:
        for name, kind in (("hard", tarfile.LNKTYPE), ("soft", tarfile.SYMTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            packed.addfile(info)
        packed.addfile(tarfile.TarInfo("../../up"))
        packed.addfile(tarfile.TarInfo("good"))
    archive, _ = find_archive(tmp_path / "x.tar")
    assert (archive.entries(""), archive.left_out) == (["good"], 4)
    for name in ("../secret", "x/../../secret"):
        (tmp_path / "secret").write_text("s")
        with pytest.raises(FileRefused, match="outside"):
            content(path / name, path)


def test_bombs_are_refused(tmp_path):
    zeros = bytes(70 << 20)
    path = write_zip(tmp_path / "x.zip", {"a": zeros, "b": b"1"})
    with pytest.raises(FileRefused, match=r"x.zip/a cannot be read: it unpacks to more than 70 MiB, over 200 times"):
        content(path / "a")
    assert content(path / "b") == b"1"
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(zeros))
    with pytest.raises(DataError, match=r"x.tar.gz cannot be read: it unpacks to more than .* unpack it and give the"):
        entries(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.tar.xz"])
def test_damage_is_told(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no archive" * 100)
    with pytest.raises(DataError, match=rf"{name} cannot be read as an archive: .* Copy it again."):
        entries(path)
    (write_zip if path.suffix == ".zip" else write_tar)(path, {"a": bytes(range(256)) * 100})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises((DataError, OSError)):
        content(path / "a")


def test_damage_inside_and_passwords_are_told(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a": b"abc" * 100}, zipfile.ZIP_STORED)
    damaged = path.read_bytes().replace(b"abcabc", b"abXabc", 1)
    path.write_bytes(damaged)
    with pytest.raises(OSError, match=r"it cannot be unpacked \(Bad CRC-32.*copy the archive again"):
        content(path / "a")
    locked = bytearray(damaged)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + offset] |= 1
    (tmp_path / "y.zip").write_bytes(locked)
    with pytest.raises(FileRefused, match=r"it cannot be unpacked \(.*password.*unpack .*y.zip and give the folder"):
        content(tmp_path / "y.zip/a")


def test_names_are_found_in_any_normal_form(tmp_path):
    name = "café.jpg"
    path = write_zip(tmp_path / "x.zip", {unicodedata.normalize("NFD", name): b"1"})
    assert content(path / unicodedata.normalize("NFC", name)) == b"1"
    assert content(path / unicodedata.normalize("NFD", name)) == b"1"


def test_a_replaced_archive_is_read_anew(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a": b"1"})
    assert content(path / "a") == b"1"
    write_zip(path, {"a": b"22"})
    assert content(path / "a") == b"22"


def test_what_only_looks_like_an_archive(tmp_path):
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "folder.zip/a.csv").write_text("1")
    assert is_file(tmp_path / "folder.zip/a.csv")
    assert find_archive(tmp_path / "folder.zip/a.csv") is None
    assert not is_file(tmp_path / "none.zip/a.csv")
    assert not is_file(tmp_path / ("x" * 300))
    assert not is_file(tmp_path / "nul\0")


def test_a_tar_that_ends_early_loses_nothing_in_silence(tmp_path):
    path = write_tar(tmp_path / "x.tar", {"a": b"1", "b": b"2"})
    whole = path.read_bytes()
    for damaged in (whole[:1024], whole[:1224], whole[:1024] + b"x" * 512 + whole[1536:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"x.tar cannot be read as an archive: it ends early, or is damaged"):
            entries(path)
        path.unlink()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a.csv", "a.csv"), ("in\\a.csv", "in/a.csv"), ("é.csv", "e\u0301.csv")])
def test_two_different_files_of_one_name_in_a_zip_are_not_one(tmp_path, names):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in zip(names, ("1", "2"), strict=True):
            packed.writestr(name, text)
        for _ in range(2):
            packed.writestr("same.csv", "3")
    message = r"cannot be read: .*x\.zip holds several files of that name; unpack it, rename them and give the folder"
    with pytest.raises(FileRefused, match=message):
        content(path / names[1].replace("\\", "/"))
    assert content(path / "same.csv") == b"3"


def test_a_file_that_was_added_to_a_tar_again_is_the_later_one(tmp_path):
    path = write_tar(tmp_path / "x.tar", {"a.csv": b"1"})
    with tarfile.open(path, "a") as packed:
        info = tarfile.TarInfo("a.csv")
        info.size = 1
        packed.addfile(info, io.BytesIO(b"2"))
    assert content(path / "a.csv") == b"2"
