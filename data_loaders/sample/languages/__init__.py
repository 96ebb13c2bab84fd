"""The languages of the sample's captions."""

from __future__ import annotations

from data_loaders.sample.languages.arabic import ARABIC
from data_loaders.sample.languages.base import Language
from data_loaders.sample.languages.chinese import CHINESE
from data_loaders.sample.languages.english import ENGLISH
from data_loaders.sample.languages.french import FRENCH
from data_loaders.sample.languages.german import GERMAN
from data_loaders.sample.languages.hindi import HINDI
from data_loaders.sample.languages.japanese import JAPANESE
from data_loaders.sample.languages.russian import RUSSIAN
from data_loaders.sample.languages.spanish import SPANISH
from data_loaders.sample.languages.turkish import TURKISH
from data_loaders.sample.languages.ukrainian import UKRAINIAN

__all__ = ["LANGUAGES", "Language"]

LANGUAGES: tuple[Language, ...] = (
    ENGLISH,
    SPANISH,
    GERMAN,
    RUSSIAN,
    FRENCH,
    UKRAINIAN,
    HINDI,
    ARABIC,
    JAPANESE,
    TURKISH,
    CHINESE,
)
