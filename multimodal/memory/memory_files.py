"""The memory of a model folder: `memory.safetensors` and `memory.json`, checked when they are read back."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from data_loaders.errors import RunError
from data_loaders.posts import NOW_US, UNDATED_EPOCH_US
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT, array_name
from multimodal.memory.search.caption_vectors import SLOTS
from multimodal.storage.array_files import ArrayForm, check_ends, load_arrays, save_arrays
from multimodal.storage.model_files import Count, Form, Hashtags, Names, Number, read_json_as
from multimodal.storage.run_folder import write_json

ARRAYS_FILE, POSTS_FILE = "memory.safetensors", "memory.json"
_WHAT = "the remembered posts"


class UserRules(Form):
    """A user's rules for answers, see `multimodal.ranking.rules.rules.Rules`."""

    only: str | list[str] | None = None
    never: list[str] = Field(default_factory=list)
    always: list[str] = Field(default_factory=list)
    replace: dict[str, str] = Field(default_factory=dict)
    language: str | None = None


class UserFeedback(Form):
    """What a user did with an answer, see `multimodal.memory.posts.user_notes.Feedback`."""

    given_us: int
    instant_us: int
    post_id: str | None = None
    accepted: list[str] = Field(default_factory=list)
    rejected: list[str] = Field(default_factory=list)
    chances: dict[str, Number] = Field(default_factory=dict)
    effects: dict[str, dict[str, Number]] = Field(default_factory=dict)


class _Posts(Form):
    width: Count
    slots: Count
    post_ids: Names
    user_ids: Names
    further_hashtags: Hashtags
    spaces: dict[str, Count] = Field(default_factory=dict)
    languages: Names = Field(default_factory=list)
    mentions: bool = False
    rules: dict[str, UserRules] = Field(default_factory=dict)
    feedback: dict[str, list[UserFeedback]] = Field(default_factory=dict)


class _AllPosts(_Posts):
    post_ids: list[str]
    user_ids: list[str]
    forgotten_users: list[Count]


def write_memory(folder: Path, memory: PostMemory, dead: bool = False) -> None:
    """Write both files; they hold nothing of posts that are dead.

    Args:
        folder: exists.
        memory: what to write.
        dead: write dead posts all the same, so that positions stay what they are.

    Raises:
        RunError: the disk is full or the folder cannot be written.
    """
    memory = memory if dead else memory.living()
    arrays, values = memory.state(dead)
    further = list(memory.id_map.names[memory.id_map.vocabulary_size :])
    save_arrays(folder / ARRAYS_FILE, arrays)
    write_json(folder / POSTS_FILE, {**values, "further_hashtags": further})


def read_memory(folder: Path, like: PostMemory, dead: bool = False) -> PostMemory:
    """Read what `write_memory` wrote; vectors and caption terms stay in the file, which is memory-mapped.

    Args:
        folder: a model folder.
        like: an empty memory of the System, whose sizes the memory has to have.
        dead: whether dead posts were written.

    Raises:
        RunError: a file is missing or damaged, or belongs to another System.
    """
    form, path = _AllPosts if dead else _Posts, folder / ARRAYS_FILE
    posts = read_json_as(folder / POSTS_FILE, _WHAT, form)
    if (posts.width, posts.slots) != (like.width, like.slots):
        raise RunError(
            f"{folder / POSTS_FILE} ({_WHAT}) does not fit: width {posts.width} and slots {posts.slots}, the system "
            f"needs {like.width} and {like.slots}."
        )
    if posts.spaces != like.spaces:
        raise RunError(
            f"{folder / POSTS_FILE} ({_WHAT}) does not fit: it has the dense spaces {posts.spaces}, the system needs "
            f"{like.spaces}."
        )
    known = [name for name in posts.further_hashtags if name in like.id_map]
    if known:
        raise RunError(f"{folder / POSTS_FILE} ({_WHAT}) is damaged: {known[0]!r} is in the vocabulary already.")
    id_map: HashtagIdMap = like.id_map
    id_map.add(posts.further_hashtags)
    arrays = load_arrays(path, _WHAT, _forms(posts, len(id_map)), mapped=True)
    check_ends(path, _WHAT, "hashtag_ends", arrays["hashtag_ends"], len(arrays["hashtags"]))
    if posts.mentions:
        check_ends(path, _WHAT, "mention_ends", arrays["mention_ends"], len(arrays["mentions"]))
    if posts.slots:
        check_ends(path, _WHAT, "term_ends", arrays["term_ends"], len(arrays["term_slots"]))
        if arrays["term_weights"].shape != arrays["term_slots"].shape:
            raise RunError(f"{path} ({_WHAT}) is damaged: term_weights and term_slots differ in length.")
    memory = PostMemory.from_state(arrays, posts.model_dump(exclude_defaults=True), id_map)
    memory.detect_languages, memory.keep_mentions = like.detect_languages, like.keep_mentions
    return memory


def _forms(posts: _Posts, hashtags: int) -> dict[str, ArrayForm]:
    count = len(posts.post_ids)
    forms = {
        "users": ArrayForm("int64", (count,), -1, len(posts.user_ids) - 1),
        "instants_us": ArrayForm("int64", (count,), UNDATED_EPOCH_US, NOW_US - 1),
        "hashtags": ArrayForm("int64", (None,), 0, hashtags - 1),
        "hashtag_ends": ArrayForm("int64", (count,), 0),
    }
    widths = {CONTENT: posts.width, **posts.spaces} if posts.width else posts.spaces
    for space, width in widths.items():
        forms[array_name(space)] = ArrayForm("float32", (count, width))
    if posts.languages:
        forms["languages"] = ArrayForm("int16", (count,), -1, len(posts.languages) - 1)
    if posts.mentions:
        forms["mentions"] = ArrayForm("int64", (None,), 0, SLOTS - 1)
        forms["mention_ends"] = ArrayForm("int64", (count,), 0)
    if posts.slots:
        forms["term_slots"] = ArrayForm("int32", (None,), 0, posts.slots - 1)
        forms["term_weights"] = ArrayForm("float32", (None,), 0)
        forms["term_ends"] = ArrayForm("int64", (count,), 0)
    if isinstance(posts, _AllPosts):
        forms["alive"] = ArrayForm("bool", (count,))
    return forms
