"""Every picture of a dump is opened once."""

from dataclasses import replace
from hashlib import sha256

from PIL import Image

from data_loaders.images import check
from data_loaders.images.check import ImageInspector, ImageReport, inspect_image
from data_loaders.images.fingerprints import NO_KEY, perceptual_hash
from data_loaders.images.loading import load_image


def test_reports_come_in_the_order_of_the_paths(tmp_path):
    Image.radial_gradient("L").save(tmp_path / "round.png")
    Image.new("RGB", (30, 30), "red").save(tmp_path / "flat.png")
    (tmp_path / "empty.png").write_bytes(b"")
    with ImageInspector() as inspector:
        paths = [tmp_path / "flat.png", None, tmp_path / "empty.png", tmp_path / "round.png", tmp_path / "gone.png"]
        reports = inspector.inspect(paths)
        assert inspector.inspect([None, None]) == [reports[1]] * 2
        assert inspector.inspect([]) == []
    assert [report.key for report in reports[:3]] == [NO_KEY] * 3
    assert reports[3].key == perceptual_hash(load_image(tmp_path / "round.png"))
    assert [report.error and report.error.reason for report in reports] == [None, None, "empty", None, "missing"]


def test_an_error_keeps_no_picture_in_memory(tmp_path):
    Image.radial_gradient("L").save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:300])
    error = inspect_image(tmp_path / "half.png").error
    assert error.reason == "damaged"
    assert error.__traceback__ is error.__cause__ is error.__context__ is None


def test_the_same_picture_is_opened_once(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        Image.radial_gradient("L").save(tmp_path / name)
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    content, opened = a.read_bytes(), []
    monkeypatch.setattr(check, "inspect_image", lambda one, root: (opened.append(one), inspect_image(one, root))[1])
    expected = inspect_image(a)
    with ImageInspector() as inspector:
        for _ in range(3):
            paths = inspector.inspect([a, b, None, a])
            given = inspector.inspect([content, None, bytes(bytearray(content)), b"damaged"])
    assert sorted(opened, key=str) == sorted([a, b, content, b"damaged"], key=str)
    assert paths == [expected, expected, ImageReport(), expected]
    known = replace(expected, digest=sha256(content).hexdigest())
    assert given[:3] == [known, ImageReport(), known]
    assert given[3].error.reason == "not_an_image"


def test_few_reports_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "_REMEMBERED", 2)
    opened = []
    monkeypatch.setattr(check, "inspect_image", lambda one, root: (opened.append(one), ImageReport())[1])
    with ImageInspector() as inspector:
        for content in (b"a", b"b", b"a", b"c", b"a", b"b"):
            inspector.inspect([content])
    assert opened == [b"a", b"b", b"c", b"b"]
