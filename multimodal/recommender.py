"""`Recommender`: the public face. Posts in, exactly k hashtags out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from data_loaders.errors import UserError
from data_loaders.images.loading import ImageSource
from data_loaders.posts import Post
from multimodal.distributed.devices import choose_device
from multimodal.memory.post_memory import PostMemory
from multimodal.queries import (
    GivenPost,
    as_instant,
    moment,
    read_post,
    to_history_post,
    to_queries,
    usable_image,
)
from multimodal.systems.base import Precision, System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.model_folder import load_model, save_model

if TYPE_CHECKING:
    import torch

# Somebody without a user id who brings a history along; no dump holds a user of that name.
_GUEST = "\0guest"
_POSTS_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended hashtag.

    Attributes:
        hashtag: canonical form, without the sign.
        score: larger is better; its scale is the System's own, so compare scores within one answer.
    """

    hashtag: str
    score: float

    def __str__(self) -> str:
        return f"#{self.hashtag}"


class Recommender:
    """A fitted System and the live memory it answers from. Threads may share one; calls wait for each other.

    Args:
        system: fitted.
        memory: made by the System's `new_memory`.
    """

    def __init__(self, system: System, memory: PostMemory) -> None:
        self.system = system
        self.memory = memory
        self._lock = threading.RLock()

    @classmethod
    def from_pretrained(
        cls, path: str | Path, precision: Precision = "fp32", device: str | torch.device | None = None
    ) -> Recommender:
        """Read a model: a run folder, its `model/` folder, or a Hugging Face Hub id.

        Args:
            path: the folder or id.
            precision: `fp32`, or `bf16` to hold and run the encoders in half the memory; scores then differ a little
                from those of an evaluation, and the model cannot be saved.
            device: where to answer: `cpu`, `cuda`, `cuda:1`; None: CUDA where there is any, else the CPU.

        Raises:
            RunError: there is no whole model of this format version.
            UserError: an unknown precision, or a device that is not there.
        """
        accepted = get_args(Precision)
        if precision not in accepted:
            raise UserError(f"precision: {precision!r} is not known; accepted: {', '.join(accepted)}.")
        place = choose_device(device)
        model = load_model(path)
        model.system.use_precision(precision)
        model.system.use_device(place)
        return cls(model.system, model.memory)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the System and all that is remembered by now; `from_pretrained` reads it.

        Raises:
            RunError: it could not be written; what was there before is untouched.
        """
        with self._lock:
            save_model(Path(folder), self.system, self.memory)

    def recommend(
        self,
        image: ImageSource | None = None,
        caption: str | None = None,
        user_id: str | None = None,
        k: int = 5,
        *,
        timestamp: str | float | date | None = None,
        history: Sequence[GivenPost] | None = None,
        include_caption_hashtags: bool = False,
    ) -> list[Recommendation]:
        """Return exactly `k` hashtags for one post, best first, no repeats.

        Args:
            image: path, bytes, Pillow image or array.
            caption: the text; hashtags in it are not recommended again.
            user_id: who posts; may be unknown. At least one of the three is given.
            k: how many hashtags, at least 1.
            timestamp: when; None for now: just after everything remembered. Only posts strictly earlier count.
            history: earlier posts of this user, oldest first, used for this answer and then forgotten. One without
                a timestamp counts as just before this post; one that is already remembered counts once.
            include_caption_hashtags: allow hashtags that the caption holds.

        Raises:
            UserError: nothing was given, `k` is not a number of hashtags that can be named, or a value cannot be
                used; the message says which.
        """
        if image is None and caption is None and user_id is None:
            raise UserError("nothing to recommend for: give at least one of image, caption and user_id.")
        record = {"user_id": user_id, "timestamp": as_instant(timestamp), "caption": caption, "image": image}
        post = read_post(record, "question")
        with self._lock:
            if not history:
                return self._answer([post], self.memory, k, include_caption_hashtags)[0]
            with self.memory.fork() as memory:
                post = self._remember_given(post, history, memory)
                return self._answer([post], memory, k, include_caption_hashtags)[0]

    def recommend_many(
        self, posts: Sequence[GivenPost], k: int = 5, *, include_caption_hashtags: bool = False
    ) -> list[list[Recommendation]]:
        """Return for each post what `recommend` returns for it alone.

        Args:
            posts: posts, or dicts of the exchange format; their own hashtags are not looked at.
            k: how many hashtags each, at least 1.
            include_caption_hashtags: allow hashtags that a caption holds.

        Raises:
            UserError: see `recommend`.
        """
        read = [read_post(post, f"question {number}") for number, post in enumerate(posts, start=1)]
        answers: list[list[Recommendation]] = []
        with self._lock:
            for start in range(0, len(read), _POSTS_AT_ONCE):
                part = read[start : start + _POSTS_AT_ONCE]
                answers.extend(self._answer(part, self.memory, k, include_caption_hashtags))
        return answers

    def observe(self, posts: GivenPost | Sequence[GivenPost]) -> None:
        """Remember posts, so that the next answer knows them.

        Args:
            posts: one or several, with their hashtags; where there are none, those of the caption count. A post
                without a timestamp is taken as posted now.

        Raises:
            UserError: a post is remembered already, or a value cannot be used; then none is remembered.
        """
        given = list(posts) if isinstance(posts, Sequence) else [posts]
        with self._lock:
            first = len(self.memory)
            read = [read_post(post, f"observed {first + number}") for number, post in enumerate(given, start=1)]
            seen: set[str] = set()
            for post in read:
                if post.post_id in self.memory or post.post_id in seen:
                    raise UserError(f"post {post.post_id!r} is already remembered; every post has an id of its own.")
                seen.add(post.post_id)
            now = max(self.memory.newest_us, 0) + 1
            dated = [
                replace(post, timestamp=moment(now + place)) if _is_now(post) else post
                for place, post in enumerate(read)
            ]
            self.system.add_posts(self.memory, [self._checked(to_history_post(post, self._profile)) for post in dated])

    def _remember_given(self, post: Post, history: Sequence[GivenPost], memory: PostMemory) -> Post:
        user_id = post.user_id or _GUEST
        read = [read_post(given, f"given {number}") for number, given in enumerate(history, start=1)]
        own = [replace(given, user_id=user_id) for given in read if given.post_id not in memory]
        undated = sum(map(_is_now, own))
        if _is_now(post):
            newest = max([memory.newest_us, 0, *(given.instant_us for given in own if not _is_now(given))])
            post = replace(post, timestamp=moment(newest + undated + 1))
        following = iter(range(post.instant_us - undated, post.instant_us))
        own = [replace(given, timestamp=moment(next(following))) if _is_now(given) else given for given in own]
        unique = {given.post_id: given for given in own}
        earlier = [to_history_post(given, self._profile) for given in unique.values()]
        self.system.add_posts(memory, [self._checked(given) for given in earlier])
        return replace(post, user_id=user_id)

    def _answer(
        self, posts: Sequence[Post], memory: PostMemory, k: int, include_caption_hashtags: bool
    ) -> list[list[Recommendation]]:
        check_k(k, len(memory.id_map))
        now = moment(max(memory.newest_us, 0) + 1)
        timed = [replace(post, timestamp=now) if _is_now(post) else post for post in posts]
        checked = [self._checked(post) for post in timed]
        questions, excluded = to_queries(checked, include_caption_hashtags, self._profile)
        rankings = self.system.rank(questions, memory, k, excluded)
        answers = [[Recommendation(hashtag, score) for hashtag, score in ranking] for ranking in rankings]
        for post, answer in zip(posts, answers, strict=True):
            if len(answer) < k:
                which = f" for {post.post_id}" if len(posts) > 1 else ""
                raise UserError(f"k: {k} hashtags were asked for, but only {len(answer)} can be named{which}.")
        return answers

    @property
    def _profile(self) -> str:
        return profile_of(self.system.config)

    def _checked(self, post: Post) -> Post:
        return usable_image(post, check=not self.system.opens_images)


def check_k(k: int, most: int) -> None:
    """Refuse a `k` that no list can have.

    Args:
        k: the value given.
        most: how many hashtags there are to name at all.

    Raises:
        UserError: `k` is not a whole number from 1 to `most`.
    """
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise UserError(f"k: {k!r} is not a whole number; give how many hashtags to recommend, at least 1.")
    if k < 1:
        raise UserError(f"k: {k} hashtags cannot be recommended; give at least 1.")
    if k > most:
        raise UserError(f"k: {k} hashtags were asked for, but only {most} can be named.")


def _is_now(post: Post) -> bool:
    return post.timestamp is None and post.sequence is None
