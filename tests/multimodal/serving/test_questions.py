"""Questions that share a forward pass get the answers that they get alone."""

from __future__ import annotations

import pytest

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.serving.questions import Question, answer_together


@pytest.fixture
def recommender(served_run):
    return Recommender.from_pretrained(served_run)


def test_together_as_alone(recommender, monkeypatch):
    calls = []
    many = recommender.recommend_many
    monkeypatch.setattr(
        recommender,
        "recommend_many",
        lambda posts, *more, **named: calls.append(len(posts)) or many(posts, *more, **named),
    )
    users = recommender.memory.user_ids[:4]
    caption = (("include_caption_hashtags", True),)
    asked = [
        *(Question({"user_id": user}, k) for user, k in zip(users, (1, 5, 3, 2), strict=True)),
        Question({"user_id": users[0]}, 2, history=[{"hashtags": ["lowtide"]}]),
        Question({"caption": "at #sea"}, 3, caption),
        Question({"caption": "at #sea", "user_id": users[1]}, 4, caption),
    ]
    answers = answer_together(recommender, asked)
    assert calls == [4, 2]
    for question, answer in zip(asked, answers, strict=True):
        alone = recommender.recommend(k=question.k, history=question.history, **question.post, **dict(question.options))
        assert [(one.hashtag, one.score) for one in answer] == [(one.hashtag, one.score) for one in alone]


def test_one_that_cannot_be_answered(recommender):
    most = len(recommender.memory.id_map)
    asked = [
        Question({"caption": "a"}, 2),
        Question({"caption": "b"}, most + 1),
        Question({"caption": "c", "timestamp": "soon"}, 1),
    ]
    good, short, wrong = answer_together(recommender, asked)
    assert len(good) == 2
    assert isinstance(short, UserError)
    assert f"only {most} can be recommended" in str(short)
    assert "soon" in str(wrong)
