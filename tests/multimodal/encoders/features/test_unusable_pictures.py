"""Pictures that are left out are counted once, by whichever process they were found."""

from __future__ import annotations

import pytest

from multimodal.encoders.features import unusable_pictures
from multimodal.encoders.features.unusable_pictures import collected_pictures, leave_out, left_out_pictures


def test_every_process_counts_those_of_all(monkeypatch, caplog):
    others = [{"b": "by another", "c": "by another"}]
    monkeypatch.setattr(unusable_pictures, "all_gather", lambda own: [own, *others])
    with left_out_pictures() as left_out:
        leave_out("a", "cause of a")
        leave_out("b", "cause of b")
        leave_out("b", "again")
    assert left_out == {"a": "cause of a", "b": "by another", "c": "by another"}
    assert "the pictures of 3 posts cannot be used" in caplog.text


def test_after_an_error_no_other_process_is_waited_for(monkeypatch, caplog):
    monkeypatch.setattr(unusable_pictures, "all_gather", lambda own: pytest.fail("it waits"))

    def fails():
        leave_out("a", "cause of a")
        raise KeyError

    with pytest.raises(KeyError), left_out_pictures():
        fails()
    assert "the pictures of 1 posts cannot be used, which count as posts without a picture: cause of a." in caplog.text


def test_a_worker_collects_and_says_nothing(caplog):
    with left_out_pictures() as left_out, collected_pictures() as found:
        leave_out("a", "cause of a")
    assert (left_out, found, caplog.text) == ({}, {"a": "cause of a"}, "")
