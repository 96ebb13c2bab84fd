"""Small data for the tests of text-only models: captions whose words tell their hashtags, more or less."""

from __future__ import annotations

import random

from multimodal.captions.labelled import LabelledCaptions

WORDS = (
    "harbour",
    "quiet",
    "rain",
    "cake",
    "tram",
    "letter",
    "stone",
    "garden",
    "market",
    "window",
    "море",
    "日",
    "本",
)
ODD_CAPTIONS = ["", "   ", "😀", "word " * 10_000, "ქართული", "\x00\ud800", "...", "x" * 100_000]


def make_labelled(posts: int = 200, hashtags: int = 6, seed: int = 0) -> LabelledCaptions:
    """Posts of one or two hashtags; each word is drawn from its hashtag's own four words or from all."""
    draw = random.Random(seed)
    captions, targets = [], []
    for _ in range(posts):
        labels = draw.sample(range(hashtags), draw.choice([1, 1, 1, 2]))
        own = [WORDS[(2 * label + step) % len(WORDS)] for label in labels for step in range(4)]
        words = [draw.choice(own if draw.random() < 0.6 else WORDS) for _ in range(draw.randint(1, 7))]
        captions.append(" ".join(words))
        targets.append(labels)
    return LabelledCaptions(captions, targets, [len(row) for row in targets], hashtags)
