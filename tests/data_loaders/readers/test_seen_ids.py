"""Ids that a dump has had."""

from __future__ import annotations

import pytest

from data_loaders.readers import seen_ids
from data_loaders.readers.seen_ids import SeenIds


@pytest.mark.parametrize("recent", [1, 2, 7, 100_000])
def test_an_id_is_new_once(monkeypatch, recent):
    monkeypatch.setattr(seen_ids, "_RECENT", recent)
    monkeypatch.setattr(seen_ids, "_FIRST_BITS", 64)
    seen, known = SeenIds(), set()
    for number in range(600):
        post_id = f"post {number * number % 389}"
        assert seen.add(post_id) == (post_id not in known)
        known.add(post_id)
        assert len(seen) == len(known)
    assert not any(map(seen.add, known))


def test_any_text_is_an_id():
    seen = SeenIds()
    assert all(map(seen.add, ["", "a", "a\0", "é", "\ud800", "x" * 10_000]))
    assert not seen.add("\ud800")
