"""The question to a language model, and readings of its answer."""

from __future__ import annotations

import pytest

from multimodal.baselines.language_model.choosing import Candidate, Choice, question, read_choice

CANDIDATES = [Candidate("sea", ("x",)), Candidate("café", ("x", "y")), Candidate("summer", ("y",))]


def test_the_question_holds_caption_candidates_and_their_reasons():
    system, user = question("a walk", CANDIDATES, 2)
    assert "at most 2" in system["content"]
    assert user["content"] == "Caption: a walk\nHashtags:\n1. sea (x)\n2. café (x, y)\n3. summer (y)"
    assert "(the post has no caption)" in question("", CANDIDATES, 2)[1]["content"]
    assert len(question("x" * 10_000, CANDIDATES, 2)[1]["content"]) < 2_200


@pytest.mark.parametrize(
    ("answer", "hashtags", "strangers"),
    [
        ('["summer", "sea"]', ("summer", "sea"), 0),
        ('Sure! Here you are:\n```json\n{"hashtags": ["#Sea", "CAFÉ"]}\n```', ("sea", "café"), 0),
        ("[3, 1, 9, 0, -1]", ("summer", "sea"), 3),
        ('["sea", "sea", "beach", 7.5, null, true]', ("sea",), 4),
        ("thinking [1] ... so [2]", ("café",), 0),
        ("[]", (), 0),
    ],
)
def test_answers(answer, hashtags, strangers):
    assert read_choice(answer, CANDIDATES) == Choice(hashtags, strangers)


@pytest.mark.parametrize("answer", ["", "sea, summer", '{"sea": 1}', "[sea]", "[" * 10_000, "\ud800"])
def test_what_holds_no_list(answer):
    assert read_choice(answer, CANDIDATES) is None
