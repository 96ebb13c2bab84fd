"""Which cleaning profile a configuration names, and what has to be done where that profile leaks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from data_loaders.text.captions import DEFAULT_PROFILE, LEAK_WARNING, leaks
from multimodal.config import RunConfig

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)


def profile_of(config: RunConfig) -> str:
    """Return the caption profile of a System's configuration; the default where it reads no captions."""
    return str(getattr(config, "caption_profile", DEFAULT_PROFILE))


def captions_for(config: RunConfig, data: PreparedData) -> PreparedData:
    """Return a prepared folder with captions as a configuration wants them.

    They are those of the folder, without their hashtags, unless the profile leaks: then hashtags in the middle of a
    caption stay as words, and a warning says what that does to figures.
    """
    profile = profile_of(config)
    if not leaks(profile):
        return data
    logger.warning(LEAK_WARNING.format(profile=profile))
    return data.with_inline_words()
