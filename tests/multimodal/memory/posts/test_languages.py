"""Languages of captions by position, and forks of them."""

from __future__ import annotations

import numpy as np

from multimodal.memory.posts.languages import Languages

ALL = np.arange(3)


def test_numbers_and_codes():
    languages = Languages()
    languages.extend(["en", None])
    languages.extend(["de"])
    assert languages.at(ALL).tolist() == [0, -1, 1]
    assert languages.codes_at(ALL) == ["en", None, "de"]
    assert list(languages.codes) == ["en", "de"]
    assert len(languages) == 3


def test_a_fork_grows_by_itself():
    languages = Languages()
    languages.extend(["en"])
    fork = languages.fork()
    languages.extend(["de", "fr"])
    fork.extend(["fr", "en"])
    assert languages.codes_at(ALL) == ["en", "de", "fr"]
    assert fork.codes_at(ALL) == ["en", "fr", "en"]
    languages.truncate(1)
    assert len(languages) == 1
