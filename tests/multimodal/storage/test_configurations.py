from pathlib import Path

import pytest

from data_loaders.errors import ConfigError
from multimodal.storage.configurations import find_config, list_configs

SHIPPED = Path(__file__).resolve().parents[3] / "configs"


def test_the_names_are_those_of_the_files():
    assert list_configs() == sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    assert {"sample", "debug", "popularity"} <= set(list_configs())


@pytest.mark.parametrize("given", ["sample", "configs/sample.yaml", Path("configs") / "sample.yaml"])
def test_a_shipped_one_is_found_from_anywhere(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(given) == SHIPPED / "sample.yaml"


def test_a_file_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for name in ("sample.yaml", "mine.yml", "configs/sample.yaml"):
        (tmp_path / name).write_text("system: popularity")
        assert find_config(name) == Path(name)


def test_a_file_without_suffix_does_not_hide_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("sample", "mine"):
        (tmp_path / name).write_text("system: popularity")
    assert find_config("sample") == SHIPPED / "sample.yaml"
    assert find_config("mine") == Path("mine")


def test_an_unknown_name_names_the_nearest_and_lists_all():
    with pytest.raises(ConfigError) as error:
        find_config("popularty")
    assert str(error.value) == (
        "configuration 'popularty' does not exist. Did you mean 'popularity'? "
        f"Known: {', '.join(list_configs())}; or give a YAML file."
    )


def test_a_missing_file_names_those_beside_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("system: popularity")
    with pytest.raises(ConfigError) as error:
        find_config(tmp_path / "mime.yaml")
    assert str(error.value).startswith(
        f"configuration '{tmp_path / 'mime.yaml'}' does not exist. Did you mean 'mine.yaml'? "
        f"Files in {tmp_path}: mine.yaml. Known by name: "
    )
