"""The memory of a model folder, and what is refused in one that somebody made up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy import sparse

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.memory_files import read_memory, write_memory
from multimodal.memory.post_memory import PostMemory

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def empty():
    return PostMemory(HashtagIdMap(["sea", "sun"], [3, 2]), width=2, slots=6, keep_mentions=True)


@pytest.fixture
def folder(tmp_path):
    memory = empty()
    posts = [
        Post(post_id=f"p{n}", user_id=f"u{n % 2}", timestamp=START + timedelta(days=n), hashtags=("sun", f"new{n}"))
        for n in range(4)
    ]
    terms, languages = sparse.csr_matrix(np.eye(4, 6, dtype=np.float32)), ["de", "en", None, "en"]
    memory.append(
        posts, np.ones((4, 2), np.float32), terms, languages=languages, mentions=[[5], [], [6, 2**18 - 1], []]
    )
    write_memory(tmp_path, memory)
    return tmp_path


def refused(folder):
    with pytest.raises(RunError) as error:
        read_memory(folder, empty())
    return str(error.value)


def change(folder, name, edit):
    arrays = load_file(folder / "memory.safetensors")
    arrays[name] = np.ascontiguousarray(edit(arrays[name]))
    save_file(arrays, folder / "memory.safetensors")


def test_what_was_written_is_read(folder):
    memory = read_memory(folder, empty())
    assert list(memory.post_ids) == ["p0", "p1", "p2", "p3"]
    assert list(memory.id_map.names) == ["sea", "sun", "new0", "new1", "new2", "new3"]
    assert memory.id_map.vocabulary_size == 2
    assert memory.history(["u1"], np.array([2**60]), 3).tolist() == [[3, 1, -1]]
    assert memory.terms.toarray().tolist() == np.eye(4, 6).tolist()
    assert memory.languages_at(np.arange(4)) == ["de", "en", None, "en"]
    assert (memory.keep_mentions, memory.mentions_at(np.arange(4))) == (True, [[5], [], [6, 2**18 - 1], []])


def test_a_memory_of_before_mentions_is_read(folder):
    arrays, values = load_file(folder / "memory.safetensors"), json.loads((folder / "memory.json").read_text())
    del arrays["mentions"], arrays["mention_ends"], values["mentions"]
    save_file(arrays, folder / "memory.safetensors")
    (folder / "memory.json").write_text(json.dumps(values))
    assert read_memory(folder, empty()).mentions_at(np.arange(4)) == [[]] * 4


@pytest.mark.parametrize(
    ("name", "edit"), [("mentions", lambda slots: slots + 1), ("mention_ends", lambda ends: ends + 1)]
)
def test_mentions_that_do_not_fit(folder, name, edit):
    change(folder, name, edit)
    assert name in refused(folder)


def test_a_memory_of_before_languages_is_read(folder):
    arrays, values = load_file(folder / "memory.safetensors"), json.loads((folder / "memory.json").read_text())
    del arrays["languages"], values["languages"]
    save_file(arrays, folder / "memory.safetensors")
    (folder / "memory.json").write_text(json.dumps(values))
    memory = read_memory(folder, empty())
    assert memory.languages_at(np.arange(4)) == [None] * 4
    assert not memory.languages


def test_languages_that_do_not_belong_to_the_posts(folder):
    change(folder, "languages", lambda numbers: numbers + 1)
    assert "languages" in refused(folder)


def test_others_may_read_the_files(folder):
    for name in ("memory.safetensors", "memory.json"):
        assert (folder / name).stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("term_slots", lambda x: x + 10**8, "term_slots has numbers from 100000000 to 100000003, not 0 to 5"),
        ("term_slots", lambda x: x - 1, "term_slots has numbers from -1 to 2, not 0 to 5"),
        ("term_ends", lambda x: x[::-1], "term_ends does not divide 4 values into rows"),
        ("term_ends", lambda x: x * 0 + 10**9, "term_ends does not divide 4 values into rows"),
        ("term_ends", lambda x: x[:-1], r"term_ends has the shape (3,), (4,) is needed"),
        ("term_weights", lambda x: x * np.float32("nan"), "term_weights has numbers that are not finite"),
        ("term_weights", lambda x: -x, "term_weights has numbers from -1.0 to -1.0, not 0 to any"),
        ("term_weights", lambda x: x[:-1], "term_weights and term_slots differ in length"),
        ("hashtags", lambda x: x + 1, "hashtags has numbers from 2 to 6, not 0 to 5"),
        ("hashtag_ends", lambda x: x[::-1], "hashtag_ends does not divide 8 values into rows"),
        ("users", lambda x: x + 1, "users has numbers from 1 to 2, not -1 to 1"),
        ("users", lambda x: x - 2, "users has numbers from -2 to -1, not -1 to 1"),
        ("users", lambda x: x.astype(np.float32), "users is of type float32, int64 is needed"),
        ("instants_us", lambda x: x * 0 + 2**62, "instants_us has numbers from 4611686018427387904 to"),
        ("vectors", lambda x: x[:, :1], "vectors has the shape (4, 1), (4, 2) is needed"),
        ("vectors", lambda x: x * np.float32("inf"), "vectors has numbers that are not finite"),
    ],
)
def test_arrays_that_would_lead_outside_are_named(folder, name, edit, message):
    change(folder, name, edit)
    assert message in refused(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 10**9}, "does not fit: width 1000000000 and slots 6, the system needs 2 and 6"),
        ({"slots": 0}, "does not fit: width 2 and slots 0, the system needs 2 and 6"),
        ({"post_ids": ["p0"] * 4}, "post_ids: a value is given twice"),
        ({"post_ids": [[1]] * 4}, "post_ids.0: Input should be a valid string"),
        ({"post_ids": ["p0"]}, "users has the shape (4,), (1,) is needed"),
        ({"user_ids": ["u0"]}, "users has numbers from 0 to 1, not -1 to 0"),
        ({"further_hashtags": ["sun"]}, "is damaged: 'sun' is in the vocabulary already"),
        ({"further_hashtags": []}, "hashtags has numbers from 1 to 5, not 0 to 1"),
    ],
)
def test_values_that_do_not_fit_are_named(folder, change, message):
    values = json.loads((folder / "memory.json").read_text())
    (folder / "memory.json").write_text(json.dumps({**values, **change}))
    assert message in refused(folder)


def test_vectors_and_terms_stay_in_the_file(folder):
    memory = read_memory(folder, empty())
    base = memory.vectors
    assert not base.flags.writeable
    post = Post(post_id="p4", user_id="u0", timestamp=START, hashtags=("sun",))
    memory.append([post], np.zeros((1, 2), np.float32), sparse.csr_matrix(np.eye(1, 6, dtype=np.float32)))
    assert memory.vectors_at("content", np.array([4, 0])).tolist() == [[0, 0], [1, 1]]
    assert memory.terms_at(np.array([3, 4])).toarray().tolist() == np.eye(4, 6)[[3, 0]].tolist()
    write_memory(folder, memory)
    assert read_memory(folder, empty()).vectors.tolist() == [[1, 1]] * 4 + [[0, 0]]
    assert base.tolist() == [[1, 1]] * 4


def test_other_dense_spaces_are_refused(folder):
    with pytest.raises(RunError, match=r"it has the dense spaces \{\}, the system needs \{'caption': 3\}"):
        read_memory(folder, PostMemory(HashtagIdMap(["sea", "sun"], [3, 2]), width=2, slots=6, spaces={"caption": 3}))
