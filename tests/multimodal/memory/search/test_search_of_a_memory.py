"""The index over a real memory: posts are appended and withdrawn while eight threads ask, some of them a fork."""

from __future__ import annotations

import threading
from datetime import datetime, timezone

import numpy as np
from index_streams import SLOTS, WIDTH, stream

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.settings import IndexSettings

HOUR = 3_600_000_000
MIX = Likeness({"words": 0.5, "caption": 0.5}, power=4, decay=0.3)
SIZES = IndexSettings(exact_posts=40, slice_posts=16, champions=8, postings=64, word_candidates=16, candidates=8)
POSTS = stream(500)
ASKED = stream(60, 1, instants=np.linspace(20, 199, 60).astype(np.int64) * HOUR)


def memory_of(count):
    memory = PostMemory(HashtagIdMap(), 0, SLOTS, {"caption": WIDTH})
    memory.search_with(NeighbourIndex(memory, SIZES, background=True))
    append(memory, 0, count)
    return memory


def append(memory, start, stop):
    posts = [
        Post(
            post_id=f"p{number}",
            user_id=f"u{number % 7}",
            timestamp=datetime.fromtimestamp(number * 3_600, timezone.utc),
            caption="",
            image=None,
            hashtags=("a",),
        )
        for number in range(start, stop)
    ]
    memory.append(posts, None, POSTS.terms[start:stop], {"caption": POSTS.vectors["caption"][start:stop]})


def ask(memory, rows):
    vectors = {"caption": ASKED.vectors["caption"][rows]}
    return memory.neighbours(ASKED.terms[rows], vectors, ASKED.instants_us[rows], 4, MIX).positions.tolist()


def test_answers_to_earlier_questions_stay_while_threads_ask_and_posts_come_and_go():
    expected = ask(memory_of(500), np.arange(60))
    memory, done, faults = memory_of(200), threading.Event(), []

    def search(seed):
        draw = np.random.default_rng(seed)
        while not done.is_set():
            rows = draw.integers(0, 60, draw.integers(1, 6))
            wanted = [expected[row] for row in rows]
            if ask(memory, rows) != wanted:
                faults.append(rows)
            if seed < 2:
                with memory.fork() as fork:
                    if ask(fork, rows) != wanted:
                        faults.append(rows)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for start in range(200, 500, 30):
        append(memory, start, start + 30)
        memory.withdraw([f"p{start + 1}"])
        assert ask(memory, np.arange(60)) == expected
    done.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(memory) == 500
    assert ask(memory, np.arange(60)) == expected
