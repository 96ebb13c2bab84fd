"""Which sources a hybrid has, in their order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from multimodal.hybrid.building import TableBuilder
from multimodal.hybrid.config import SearchConfig
from multimodal.hybrid.sources.base import Description, Source
from multimodal.hybrid.sources.caption import CaptionWords
from multimodal.hybrid.sources.linear import Linear, LinearHead
from multimodal.hybrid.sources.mentions import Mentions
from multimodal.hybrid.sources.neighbours import Neighbours
from multimodal.hybrid.sources.own import OwnHistory
from multimodal.hybrid.sources.post import Agreement, Nearness, PostFeatures
from multimodal.hybrid.sources.texts import HashtagTexts
from multimodal.hybrid.sources.together import UsedTogether
from multimodal.hybrid.sources.trends import HashtagAge, Trends
from multimodal.hybrid.sources.words import WordHashtags
from multimodal.hybrid.spaces import CAPTION, IMAGE
from multimodal.memory.search.columns import WORDS

OWN, SIMILAR, IMAGES, LINEAR, TEXTS = "own", "similar", "similar_images", "linear", HashtagTexts.name
# What no hybrid does without: the others are chosen.
CORE = (OWN, SIMILAR, "words", "caption")


def assembled(
    search: SearchConfig,
    spaces: Collection[str],
    head: LinearHead | None,
    parts: Sequence[Source],
    left_out: Collection[str] = (),
    texts: HashtagTexts | None = None,
) -> TableBuilder:
    """Return the sources of a hybrid.

    Args:
        search: how much each looks at.
        spaces: the dense spaces of the memory.
        head: of the linear source; None where it knows nothing yet.
        parts: sources made of other Systems.
        left_out: names of sources that are not taken.
        texts: says how near hashtags are as texts; None without a sentence encoder.
    """
    mixed = {WORDS: 0.5, CAPTION: 0.5} if CAPTION in spaces else {WORDS: 1.0}
    sources: list[Source] = [
        OwnHistory((WORDS, *spaces), search.own_posts),
        Neighbours(SIMILAR, mixed, search.neighbours, search.decay),
        *([Neighbours(IMAGES, {IMAGE: 1.0}, search.neighbours, search.decay)] if IMAGE in spaces else []),
        WordHashtags(search.word_posts),
        CaptionWords(search.new_words, search.word_posts),
        Mentions(False, search.word_posts),
        Mentions(True, search.word_posts),
        Linear(head),
        *parts,
        Trends(),
        UsedTogether((SIMILAR, OWN)),
    ]
    descriptions: list[Description] = [HashtagAge(search.hashtag_posts), PostFeatures(tuple(spaces)), Nearness(SIMILAR)]
    descriptions += [Nearness(IMAGES)] if IMAGE in spaces else []
    descriptions += [] if texts is None else [texts]
    return TableBuilder(
        [source for source in sources if source.name not in left_out],
        [*(one for one in descriptions if one.name not in left_out), Agreement()],
    )
