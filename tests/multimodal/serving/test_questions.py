"""Questions that share a forward pass get the answers that they get alone."""

from __future__ import annotations

import pytest

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.serving.questions import Question, answer_together


@pytest.fixture
def recommender(habit_run):
    return Recommender.from_pretrained(habit_run)


def test_together_as_alone(recommender, monkeypatch):
    calls = []
    many = recommender.recommend_many
    monkeypatch.setattr(
        recommender,
        "recommend_many",
        lambda posts, *more, **named: calls.append(len(posts)) or many(posts, *more, **named),
    )
    users = recommender.memory.user_ids[:4]
    three, caption = {"k": 3}, {"k": 3, "include_caption_hashtags": True}
    asked = [
        *(Question({"user_id": user}, three) for user in users),
        Question({"user_id": users[0]}, {"k": 2}),
        Question({"user_id": users[0]}, three, [{"hashtags": ["lowtide"]}]),
        Question({"caption": "at #sea"}, caption),
        Question({"caption": "at #sea", "user_id": users[1]}, caption),
        *(Question({"user_id": user}, {"k": 2, "only": "mine", "never": ["s*"]}) for user in users),
    ]
    answers = answer_together(recommender, asked)
    assert calls == [4, 2, 4]
    assert answers[0] == recommender.recommend(user_id=users[0], k=3)
    for question, answer in zip(asked, answers, strict=True):
        (alone,) = answer_together(recommender, [question])
        assert (str(answer), type(answer)) == (str(alone), type(alone))


def test_one_that_cannot_be_answered(recommender):
    asked = [
        Question({"caption": "a"}, {"k": 2}),
        Question({"caption": "c", "timestamp": "soon"}, {"k": 2}),
        Question({"caption": "b"}, {"k": 10_000}),
    ]
    good, wrong, short = answer_together(recommender, asked)
    assert len(good) == 2
    assert "soon" in str(wrong)
    assert isinstance(short, UserError)
    assert "k: 10000 hashtags were requested" in str(short)
