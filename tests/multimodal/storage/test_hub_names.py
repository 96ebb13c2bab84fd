"""A name that may be a folder or a model on the hub."""

from multimodal.storage.hub_names import two_readings


def test_both_readings_are_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readings = (
        f"'ann/bert' is not a folder in {str(tmp_path)!r}: if one was meant, correct the path. If a model on the "
        "Hugging Face Hub was meant, check its name and the network."
    )
    assert two_readings("ann/bert") == readings
    (tmp_path / "my_berts").mkdir()
    assert "correct the path. Did you mean 'my_berts'? If a model" in two_readings("my_bert")
