"""Which threads compute: all where an answer takes long, all but one where requests take as long as answers."""

from __future__ import annotations

import time

import pytest

from multimodal import Recommender
from multimodal.serving import server
from multimodal.serving.served_models import ServedModels


class Takes:
    def __init__(self, seconds):
        self.seconds = seconds

    def seconds_alone(self):
        return self.seconds


@pytest.mark.parametrize(
    ("processors", "most", "seconds", "threads"),
    [
        (2, 2, [0.005], 1),
        (2, 2, [0.4], 2),
        (2, 2, [0.005, 0.4], 2),
        (8, 8, [0.005], 7),
        (8, 4, [0.005], 4),  # there are others for the requests
        (1, 1, [0.005], 1),
        (1, 1, [0.4], 1),
    ],
)
def test_one_processor_is_left_for_requests_unless_answers_take_long(monkeypatch, processors, most, seconds, threads):
    monkeypatch.setattr(server, "processors", lambda: processors)
    assert server._threads(most, [Takes(one) for one in seconds]) == threads


def test_the_second_answer_is_timed_and_a_refusal_is_none(settings, monkeypatch):
    (model,) = ServedModels(settings())
    asked, clock = [], iter(range(100, 200, 7))
    recommend = Recommender.recommend

    def remembered(self, image, caption, k):
        asked.append((image.shape, caption, k))
        return recommend(self, image, caption, k=k)

    with monkeypatch.context() as patch:
        patch.setattr(Recommender, "recommend", remembered)
        patch.setattr(time, "thread_time", lambda: next(clock))
        assert model.seconds_alone() == 7
    assert asked == [((224, 224, 3), "post number 0", 1), ((224, 224, 3), "post number 1", 1)]
    monkeypatch.setattr(Recommender, "recommend", lambda self, image, caption, k: self.feedback("p", accepted=[7]))
    assert model.seconds_alone() == 0.0
