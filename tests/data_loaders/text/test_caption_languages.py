"""Languages of captions: sentences of eleven languages, and texts that have none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_loaders.errors import ConfigError
from data_loaders.sample.languages import LANGUAGES
from data_loaders.text import languages
from data_loaders.text.languages import language_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_sentences_are_of_their_language_or_of_none(language):
    found = [language_of(sentence) for sentence in (*language.fillers, *language.shorts)]
    assert set(found) <= {language.code, None}
    assert found.count(language.code) >= 0.5 * len(language.fillers)


@pytest.mark.parametrize("text", [None, "", "ok", "!?", "123 456 789", "😀😀😀", "\ud800 \0", "xqzt", "Δ" * 2])
def test_what_has_no_certain_language(text):
    assert language_of(text) is None


def test_what_is_no_language_is_not_read():
    sentence = "Sending a hug to whoever needs it today"
    assert language_of(f"{sentence} #собака #кошка https://пример.рф/новости @друг") == "en"
    assert language_of(sentence + " " * 400 + "Обнимаю всех, кому это нужно. " * 50) == "en"


def test_the_model_is_loaded_when_a_language_is_asked_for():
    code = "import sys, data_loaders.text.languages, multimodal; print('py3langid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_without_py3langid_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._classifier.cache_clear()
    with pytest.raises(ConfigError, match=r"needs py3langid: .*Install it with pip install 'py3langid>=0.4'\."):
        language_of("Sending a hug to whoever needs it")
