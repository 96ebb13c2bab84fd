"""Where the network looked, as the page draws it."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal import Recommender
from multimodal.ranking.attention import AttendedPicture, AttendedWords, Attention
from multimodal.serving.page.look import look


@pytest.fixture
def recommender(page_runs):
    return Recommender.from_pretrained(page_runs["design"])


def given(recommender, monkeypatch, **told):
    attention = Attention(**{"words": None, "picture": None, "picture_weight": None, **told})
    monkeypatch.setattr(recommender, "attention", lambda image, caption: attention)


def test_words_are_told_by_share_and_strength(recommender, monkeypatch):
    words = AttendedWords("low  tide", np.array([[0, 3], [5, 9]]), np.array([0.2, 0.5]), 0.3)
    given(recommender, monkeypatch, words=words)
    first, second = look(recommender, None, "low  tide").words
    assert (first.text, first.after, first.share, first.strength) == ("low", "  ", 0.2, 0.4)
    assert (second.text, second.after, second.share, second.strength) == ("tide", "", 0.5, 1.0)


def test_the_picture_is_darker_where_less_was_looked_at(recommender, monkeypatch, page_data):
    picture = page_data.split("test")[0].image.read_bytes()
    weights = np.array([[0.1, 0.2], [0.3, 0.4]])
    given(recommender, monkeypatch, picture=AttendedPicture(weights, (0.25, 0.0, 0.75, 1.0)), picture_weight=0.6)
    told = look(recommender, picture, None)
    assert [(one.x, one.y, one.width, one.height) for one in told.shades[:4]] == [
        (0.25, 0.0, 0.25, 0.5),
        (0.5, 0.0, 0.25, 0.5),
        (0.25, 0.5, 0.25, 0.5),
        (0.5, 0.5, 0.25, 0.5),
    ]
    assert [one.darkness for one in told.shades[:4]] == pytest.approx([0.6, 0.4, 0.2, 0.0])
    # What the network does not see, at both sides.
    assert [(one.x, one.width, one.darkness, one.share) for one in told.shades[4:]] == [
        (0, 0.25, 0.8, None),
        (0.75, 0.25, 0.8, None),
    ]
    assert (told.most, told.picture_weight, told.cleaned) == ("bottom right", 0.6, "")
    assert told.picture.startswith("data:image/jpeg;base64,")


def test_a_border_around_the_picture_is_not_drawn(recommender, monkeypatch, page_data):
    picture = page_data.split("test")[0].image.read_bytes()
    given(recommender, monkeypatch, picture=AttendedPicture(np.full((2, 2), 0.25), (-0.1, -0.1, 1.1, 1.1)))
    assert len(look(recommender, picture, None).shades) == 4


def test_of_the_network_itself(recommender, page_data):
    post = page_data.split("test")[0]
    told = look(recommender, post.image.read_bytes(), "a fire #night @ann")
    assert told.cleaned == "".join(word.text + word.after for word in told.words) == "a fire"
    assert 0 < told.picture_weight < 1
    assert sum(one.share for one in told.shades if one.share is not None) == pytest.approx(1, abs=1e-5)


def test_a_system_that_cannot_say_still_shows_what_it_read(page_runs):
    habit = Recommender.from_pretrained(page_runs["habit"])
    told = look(habit, None, "Fire & ice #night")
    assert ([word.text for word in told.words], told.shades, told.picture_weight) == ([told.cleaned], [], None)
    assert "night" not in told.cleaned
