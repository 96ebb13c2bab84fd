"""A `Recommender` that threads share, and calls that are awaited."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.distributed.shared_lock import SharedLock


def names(answer):
    return [one.hashtag for one in answer]


def test_threads_may_share_one(habit):
    expected, answers = habit.recommend(user_id="user3"), []

    def work(number):
        history = [{"hashtags": [f"own{number}"]}]
        for _ in range(5):
            answers.append(habit.recommend(user_id=f"guest{number}", history=history)[0].hashtag == f"own{number}")
            answers.append(habit.recommend(user_id="user3") == expected)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 40


def test_they_answer_side_by_side(habit, monkeypatch):
    expected = habit.recommend(user_id="user3")
    both, rank = threading.Barrier(2), habit.system.rank

    def slow(*asked):
        both.wait(timeout=60)
        return rank(*asked)

    monkeypatch.setattr(habit, "_lock", SharedLock(2))
    monkeypatch.setattr(habit.system, "rank", slow)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda user_id: habit.recommend(user_id=user_id), ["user3"] * 4))
    assert answers == [expected] * 4


def test_histories_that_are_given_at_the_same_time_do_not_mix(habit, monkeypatch):
    monkeypatch.setattr(habit, "_lock", SharedLock(4))
    before = len(habit.memory)

    def ask(number):
        if number % 5 == 0:
            habit.observe({"post_id": f"new{number}", "user_id": "writer", "hashtags": [f"written{number}"]})
        history = [{"hashtags": [f"own{number}"]}]
        return habit.recommend(user_id=f"guest{number}", history=history, k=1)[0].hashtag

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(40))) == [f"own{number}" for number in range(40)]
    assert len(habit.memory) == before + 8
    assert not any(f"own{number}" in habit.memory.id_map for number in range(40))


@pytest.mark.parametrize("change", [Recommender.forget, Recommender.export])
def test_no_answer_is_given_while_a_user_is_forgotten_or_exported(habit, monkeypatch, change):
    order, positions_of = [], habit.live.positions_of

    def answer():
        habit.recommend(user_id="user3")
        order.append("answer")

    other = threading.Thread(target=answer)

    def slow(user_id):
        if not order:
            other.start()
            other.join(0.2)  # it cannot end
            order.append("change")
        return positions_of(user_id)

    monkeypatch.setattr(habit.live, "positions_of", slow)
    change(habit, "user3")
    other.join()
    assert order == ["change", "answer"]


def test_calls_can_be_awaited(habit):
    expected, rare = habit.recommend(user_id="user3", k=3), habit.memory.id_map.names[-1]

    async def work():
        one = asyncio.gather(*(habit.arecommend(user_id="user3", k=3) for _ in range(4)))
        many = habit.arecommend_many([{"user_id": "user3"}] * 2, k=3)
        assert [*await one, *await many] == [expected] * 6
        await habit.aobserve({"user_id": "mia", "hashtags": ["tea"]})
        assert names(await habit.arecommend(user_id="mia", k=1)) == ["tea"]
        await habit.afeedback("", user_id="mia", added=[rare])
        assert set(names(await habit.arecommend(user_id="mia", k=2))) == {"tea", rare}
        with pytest.raises(UserError, match="nothing to recommend for"):
            await habit.arecommend()

    asyncio.run(work())
    assert "Return exactly `k` hashtags" in Recommender.arecommend.__doc__
