"""Composed and decomposed letters in file names."""

import unicodedata
import zipfile

import pytest
from PIL import Image

from data_loaders.dump_files.spelling import as_on_disk
from data_loaders.images.loading import load_image
from data_loaders.readers.image_field import read_image

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café été.png") for form in ("NFC", "NFD"))
FOLDERS = [unicodedata.normalize(form, "Zürich") for form in ("NFC", "NFD")]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name, given", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPOSED, COMPOSED)])
def test_either_is_found(tmp_path, folder, name, given):
    path = tmp_path / folder / "plain" / name
    path.parent.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(path)
    for other in FOLDERS:
        asked = f"{other}/plain/{given}"
        assert as_on_disk(tmp_path / asked) == path
        assert read_image(asked, tmp_path, []) == path
        assert load_image(tmp_path / asked, root=tmp_path).size == (2, 2)


def test_the_spelling_that_is_there_wins(tmp_path):
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).write_text(name)
        assert as_on_disk(tmp_path / name).read_text() == name


def test_what_is_not_there_stays(tmp_path):
    missing = tmp_path / "niemand" / COMPOSED
    assert as_on_disk(missing) == missing
    assert as_on_disk(tmp_path / "plain.png") == tmp_path / "plain.png"
    assert as_on_disk(tmp_path / "é\0") == tmp_path / "é\0"


def test_a_new_file_is_seen(tmp_path):
    assert as_on_disk(tmp_path / COMPOSED) == tmp_path / COMPOSED
    (tmp_path / DECOMPOSED).touch()
    assert as_on_disk(tmp_path / COMPOSED) == tmp_path / DECOMPOSED


def test_another_spelling_that_leads_out_is_refused(tmp_path):
    (tmp_path / "secret.png").touch()
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / DECOMPOSED).symlink_to("../secret.png")
    warnings = []
    assert read_image(COMPOSED, tmp_path / "dump", warnings) is None
    assert warnings[0].startswith("image_outside_dump: ")


def test_in_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as packed:
        packed.writestr(DECOMPOSED, "x")
    assert read_image(COMPOSED, tmp_path / "dump.zip", []) is not None
