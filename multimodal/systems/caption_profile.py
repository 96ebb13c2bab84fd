"""The caption profile of a configuration, and the captions of a profile that leaks hashtags."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from data_loaders.text.captions import DEFAULT_PROFILE, LEAK_WARNING, leaks
from multimodal.config import RunConfig

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)


def profile_of(config: RunConfig) -> str:
    """Return the caption profile of a System's configuration; the default if it has none."""
    return str(getattr(config, "caption_profile", DEFAULT_PROFILE))


def captions_for(config: RunConfig, data: PreparedData) -> PreparedData:
    """Return a prepared folder with the captions for a configuration.

    These are the captions of the folder, without hashtags, unless the profile leaks: then hashtags inside a caption
    stay as words, and a warning says how that affects the metrics.
    """
    profile = profile_of(config)
    if not leaks(profile):
        return data
    logger.warning(LEAK_WARNING.format(profile=profile))
    return data.with_inline_words()
