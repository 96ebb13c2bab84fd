"""Every picture of a dump is opened once."""

from PIL import Image

from data_loaders.images.check import ImageInspector, inspect_image
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
