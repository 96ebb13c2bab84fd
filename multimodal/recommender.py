"""`Recommender`: the public interface. Posts in, exactly k hashtags out."""

from __future__ import annotations

import operator
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from data_loaders.command_line import command_line
from data_loaders.errors import UserError, short_repr
from data_loaders.images.loading import ImageSource
from data_loaders.posts import Post
from multimodal.distributed.devices import choose_device
from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.live.exporting import export_user
from multimodal.memory.live.live_memory import Compaction, LiveMemory, LiveSettings
from multimodal.memory.live.opening import open_memory
from multimodal.memory.log.errors import ForeignStoreError
from multimodal.memory.log.events import FeedbackGiven
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.list_length import AutoLength
from multimodal.systems.auto_length import Length, auto_length
from multimodal.systems.base import Precision, System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.model_folder import load_model, save_model
from multimodal.systems.model_origin import origin_of
from multimodal.systems.queries import (
    GivenPost,
    is_missing,
    is_now,
    moment,
    read_post,
    read_posts,
    to_history_post,
    to_queries,
)

if TYPE_CHECKING:
    import torch

# Placeholder user for calls with a history but no user id; no dump contains a user of that name.
_GUEST = "\0guest"
_POSTS_AT_ONCE = 2_048
OnShort: TypeAlias = Literal["raise", "fewer"]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended hashtag.

    Attributes:
        hashtag: canonical form, without the sign.
        score: larger is better; its scale depends on the System, so compare scores within one answer only.
        probability: the chance that the post carries the hashtag, calibrated on the validation split; None for Systems
            whose scores are not chances, and for models that were trained on too few validation posts.
    """

    hashtag: str
    score: float
    probability: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"#{self.hashtag}"


class Recommender:
    """A fitted System and its live memory.

    Threads may share one; calls wait for each other. A forked process has a copy of its own.

    Args:
        system: fitted.
        memory: made by the System's `new_memory`, or such a memory with the log that it is derived from.
    """

    def __init__(self, system: System, memory: PostMemory | LiveMemory) -> None:
        self.system = system
        self.live = memory if isinstance(memory, LiveMemory) else LiveMemory(memory)
        self._lock = ForkSafeLock()

    @property
    def memory(self) -> PostMemory:
        """The posts that are remembered."""
        return self.live.memory

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        precision: Precision = "fp32",
        device: str | torch.device | None = None,
        *,
        memory: str | Path | None = None,
        memory_folder: str | Path | None = None,
        keep_captions: bool = False,
        refresh_s: float = 0.1,
    ) -> Recommender:
        """Load a model from a run folder, its `model/` folder, or the Hugging Face Hub.

        Args:
            path: the folder or id.
            precision: `fp32`, or `bf16` to run the encoders in half the memory; scores then differ slightly from
                those of an evaluation, and the model cannot be saved.
            device: where to run: `cpu`, `cuda`, `cuda:1`; None: CUDA if available, else the CPU.
            memory: where what is observed is kept: the path of a SQLite file, which is made if there is none, or the
                URL of a PostgreSQL database; None for in this process only.
            memory_folder: folder for files beside that, from which it opens fast; None for a folder of that name.
            keep_captions: keep the captions of posts there too, not only what is made of them.
            refresh_s: how often to look for what other processes have kept there, in seconds.

        Raises:
            RunError: there is no complete model of this format version.
            UserError: the precision is unknown, or the device is not available.
            StoreError: the memory belongs to another model, or cannot be opened.
        """
        accepted = get_args(Precision)
        if precision not in accepted:
            raise UserError(f"precision: {precision!r} is not known; accepted: {', '.join(accepted)}.")
        chosen = choose_device(device)
        model = load_model(path)
        model.system.use_precision(precision)
        model.system.use_device(chosen)
        if memory is None:
            return cls(model.system, model.memory)
        settings = LiveSettings(keep_captions=keep_captions, refresh_s=refresh_s)
        folder = None if memory_folder is None else Path(memory_folder)
        try:
            live = open_memory(memory, model.memory, origin_of(model, precision), settings, folder)
        except ForeignStoreError as error:
            again = f"{command_line('memory', 'rebuild', '--run', str(path))} --memory … --to …"
            raise ForeignStoreError(f"{error} A log for this model is made from it by: {again}") from None
        return cls(model.system, live)

    def save_pretrained(self, folder: str | Path) -> None:
        """Save the System and everything remembered so far; `from_pretrained` loads it.

        Nothing of withdrawn posts and forgotten users is saved.

        Raises:
            RunError: it could not be written; what the folder held before is unchanged.
        """
        with self._lock:
            self.live.follow()
            save_model(Path(folder), self.system, self.memory)

    def recommend(
        self,
        image: ImageSource | None = None,
        caption: str | None = None,
        user_id: str | None = None,
        k: Length = 5,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        timestamp: str | float | date | None = None,
        history: Sequence[GivenPost] | None = None,
        include_caption_hashtags: bool = False,
    ) -> list[Recommendation]:
        """Return exactly `k` hashtags for one post, best first, no repeats.

        Args:
            image: path, bytes, Pillow image or array.
            caption: the text; its hashtags are not recommended again.
            user_id: who posts; may be unknown. Give at least one of the three.
            k: how many hashtags, at least 1; `auto` for the list that is expected to have the highest F1, from Systems
                whose scores are chances.
            minimum: shortest list of `auto`; None for 1.
            maximum: longest list of `auto`; None for as many as the chances were calibrated on, mostly 10.
            timestamp: when; None for now, just after everything remembered. Only strictly earlier posts count.
            history: earlier posts of this user, oldest first, used for this call only. One without a timestamp
                counts as just before this post; one that is already remembered counts once.
            include_caption_hashtags: allow hashtags of the caption.

        Raises:
            UserError: nothing was given, `k` is not a possible number of hashtags, or a value cannot be used; the
                message says which.
        """
        if all(map(is_missing, (image, caption, user_id))):
            raise UserError("nothing to recommend for; give at least one of image, caption and user_id.")
        post = read_post({"user_id": user_id, "timestamp": timestamp, "caption": caption, "image": image}, "query")
        earlier = [] if history is None or is_missing(history) else read_posts(history, "given")
        length = self._length(k, minimum, maximum)
        with self._lock:
            self.live.follow()
            if not earlier:
                return self._answer([post], self.memory, length, include_caption_hashtags)[0]
            with self.memory.fork() as memory:
                post = self._remember_given(post, earlier, memory)
                return self._answer([post], memory, length, include_caption_hashtags)[0]

    def recommend_many(
        self,
        posts: Sequence[GivenPost],
        k: Length = 5,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        include_caption_hashtags: bool = False,
        on_short: OnShort = "raise",
    ) -> list[list[Recommendation]]:
        """Return for each post what `recommend` returns for it alone.

        Args:
            posts: posts, or dicts of the exchange format; their own hashtags are ignored.
            k: how many hashtags each, at least 1, or `auto`; see `recommend`.
            minimum: shortest list of `auto`.
            maximum: longest list of `auto`.
            include_caption_hashtags: allow hashtags of a caption.
            on_short: where fewer than `k` hashtags can be recommended for a post: `raise` an error, or return a list of
                `fewer` for that post.

        Raises:
            UserError: see `recommend`; or `on_short` is unknown.
        """
        if not (isinstance(on_short, str) and on_short in get_args(OnShort)):
            raise UserError(f"on_short: {short_repr(on_short)} is not known; accepted: {', '.join(get_args(OnShort))}.")
        read = read_posts(posts, "query")
        length = self._length(k, minimum, maximum)
        answers: list[list[Recommendation]] = []
        with self._lock:
            self.live.follow()
            for start in range(0, len(read), _POSTS_AT_ONCE):
                part = read[start : start + _POSTS_AT_ONCE]
                answers.extend(self._answer(part, self.memory, length, include_caption_hashtags, on_short))
        return answers

    def observe(self, posts: GivenPost | Sequence[GivenPost]) -> None:
        """Remember posts, so that later recommendations can use them; on the disk when this returns, if they are kept.

        Args:
            posts: one or several, with their hashtags; if a post has none, those of its caption count. A post
                without a timestamp counts as posted now.

        Raises:
            UserError: a post is already remembered, or a value cannot be used; then none is remembered.
            StoreUnavailableError: the memory cannot be written at the moment; then none is remembered.
        """
        with self._lock:
            self.live.follow()
            # Several processes may name posts at the same time.
            name = f"observed {uuid.uuid4().hex}" if self.live.settings.log_posts else "observed"
            read = read_posts(posts, name, len(self.memory) + 1)
            seen: set[str] = set()
            for post in read:
                if post.post_id in self.memory or post.post_id in seen:
                    raise UserError(f"post {post.post_id!r} is already remembered; every post needs an id of its own.")
                seen.add(post.post_id)
            first_us = self.memory.now_us
            timed = [(post, moment(first_us + number)) for number, post in enumerate(read)]
            if timed:
                self.live.observe(self._as_remembered(timed), self.system.add_posts)

    def correct(self, post: GivenPost) -> None:
        """Give a remembered post other hashtags, and another caption and picture if given; user and time stay.

        Args:
            post: the id and what is right; see `observe`.

        Raises:
            UserError: the post is not remembered, or a value cannot be used.
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        right = read_post(post, "")
        with self._lock:
            self.live.follow()
            (given,) = self._as_remembered([(right, None)])
            changed = right.caption is not None or right.image is not None
            self.live.correct(given, self.system.add_posts if changed else None)

    def withdraw(self, post_id: str) -> None:
        """Take a remembered post out of all later answers.

        Raises:
            UserError: the post is not remembered.
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        with self._lock:
            self.live.follow()
            self.live.withdraw(read_post({"post_id": post_id}, "").post_id)

    def feedback(
        self,
        about: str | Sequence[Recommendation],
        *,
        user_id: str | None = None,
        post_id: str | None = None,
        accepted: Sequence[str] = (),
        rejected: Sequence[str] = (),
        added: Sequence[str] = (),
    ) -> None:
        """Keep what a user did with an answer.

        Args:
            about: the answer, or the id of the post that it was for.
            user_id: who was answered; None for the author of the post, if it is remembered.
            post_id: the post that the answer was for, if it has an id.
            accepted: hashtags of the answer that were taken.
            rejected: hashtags of the answer that were turned down.
            added: others that the user wrote.

        Raises:
            UserError: a value cannot be used.
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        shown: Sequence[str] = ()
        if isinstance(about, str):
            post_id = about
        else:
            shown = [one.hashtag for one in about]
        about_post = read_post({"post_id": post_id, "user_id": user_id}, "")
        lists = {"shown": shown, "accepted": accepted, "rejected": rejected, "added": added}
        tags = {name: read_post({"hashtags": given}, "").hashtags for name, given in lists.items()}
        with self._lock:
            self.live.follow()
            self.live.give_feedback(
                FeedbackGiven(
                    user_id=about_post.user_id or self.live.author_of(about_post.post_id),
                    instant_us=time.time_ns() // 1_000,
                    post_id=about_post.post_id or None,
                    **tags,
                )
            )

    def forget(self, user_id: str) -> int:
        """Forget a user: at once for answers and models saved later, on the disk with the next `compact`.

        Returns:
            How many posts of the user were remembered.

        Raises:
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        return self.live.forget(_known_user(user_id))

    def export(self, user_id: str) -> dict[str, Any]:
        """Return all that is held about a user, as JSON can hold it; see `export_user`.

        Raises:
            StoreUnavailableError: the memory cannot be read at the moment.
        """
        return export_user(self.live, _known_user(user_id))

    def refresh(self) -> int:
        """Take over now what other processes have kept; returns how many events that were.

        Raises:
            StoreUnavailableError: the memory cannot be read at the moment.
        """
        with self._lock:
            return self.live.refresh()

    def compact(self) -> Compaction:
        """Erase forgotten users from the disk, and write the files from which the memory opens fast.

        Raises:
            StoreUnavailableError: the memory cannot be written at the moment.
            RunError: the disk is full, or the files cannot be written.
            FolderInUseError: another process is compacting.
        """
        return self.live.compact()

    def close(self) -> None:
        """Let go of the log of the memory; nothing can be observed afterwards."""
        self.live.close()

    def _remember_given(self, post: Post, history: Sequence[Post], memory: PostMemory) -> Post:
        """Add the history that is given with a post to `memory`; return the post, of that user and just after it."""
        user_id = post.user_id or _GUEST
        own = [replace(given, user_id=user_id) for given in history if given.post_id not in memory]
        undated = sum(map(is_now, own))
        first_us = max([memory.now_us, *(given.instant_us + 1 for given in own if not is_now(given))])
        timestamp = moment(first_us + undated) if is_now(post) else post.timestamp
        post = replace(post, user_id=user_id, timestamp=timestamp)
        following = iter(range(post.instant_us - undated, post.instant_us))
        timed = [(given, moment(next(following)) if is_now(given) else None) for given in own]
        # A post that is given twice counts once.
        once = {given.post_id: (given, time) for given, time in timed}
        self.system.add_posts(memory, self._as_remembered([*once.values()]))
        return post

    def _as_remembered(self, timed: Sequence[tuple[Post, datetime | None]]) -> list[Post]:
        """Return posts as they are remembered, those that are written now with the timestamp beside them."""
        return [to_history_post(post, self._profile, time, self._checks_images) for post, time in timed]

    def _answer(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        length: int | AutoLength,
        include_caption_hashtags: bool,
        on_short: OnShort = "raise",
    ) -> list[list[Recommendation]]:
        most = len(memory.id_map)
        auto = length if isinstance(length, AutoLength) else None
        k = check_k(length, most, on_short) if isinstance(length, int) else check_k(length.minimum, most, on_short)
        now = moment(memory.now_us)
        queries, excluded = to_queries(posts, include_caption_hashtags, self._profile, now, self._checks_images)
        rankings = self.system.rank(queries, memory, k if auto is None else min(auto.depth, most), excluded)
        lengths = [k] * len(posts) if auto is None else auto.of(rankings.scores).tolist()
        answers = [
            [self._recommendation(*pair) for pair in ranking[:wanted]]
            for ranking, wanted in zip(rankings, lengths, strict=True)
        ]
        for post, answer in zip(posts, answers, strict=True):
            if len(answer) < k and on_short == "raise":
                which = f" for {post.post_id}" if len(posts) > 1 else ""
                raise UserError(f"k: {k} hashtags were requested{which}, but only {len(answer)} can be recommended.")
        return answers

    def _length(self, k: Length, minimum: int | None, maximum: int | None) -> int | AutoLength:
        if isinstance(k, str) and k == "auto":
            return auto_length(self.system, minimum, maximum)
        for name, value in (("minimum", minimum), ("maximum", maximum)):
            if value is not None:
                raise UserError(f"{name}: it bounds k='auto'; {short_repr(k)} hashtags were requested, leave it out.")
        return check_k(k)

    def _recommendation(self, hashtag: str, score: float) -> Recommendation:
        calibration = self.system.calibration
        return Recommendation(hashtag, score, None if calibration is None else float(calibration.of([score])[0]))

    @property
    def _profile(self) -> str:
        return profile_of(self.system.config)

    @property
    def _checks_images(self) -> bool:
        return not self.system.opens_images


def _known_user(user_id: str) -> str:
    known = read_post({"user_id": user_id}, "").user_id
    if known is None:
        raise UserError(f"user_id: {short_repr(user_id)} names nobody; give the id of a user.")
    return known


def check_k(k: int, most: int | None = None, on_short: OnShort = "raise") -> int:
    """Return a number of hashtags; an impossible one is refused.

    Args:
        k: the value given.
        most: how many hashtags there are; None where that does not matter yet.
        on_short: whether a number above `most` is refused (`raise`) or lowered to it (`fewer`).

    Raises:
        UserError: `k` is not a whole number from 1 to `most`.
    """
    try:
        number = None if isinstance(k, (bool, np.bool_)) else operator.index(k)
    except TypeError:
        number = None
    if number is None:
        raise UserError(
            f"k: {short_repr(k)} is not a whole number; give how many hashtags to recommend, at least 1, or 'auto'."
        )
    if number < 1:
        raise UserError(f"k: {short_repr(number)} hashtags cannot be recommended; give at least 1.")
    if most is None:
        return number
    if number > most and on_short == "raise":
        raise UserError(f"k: {short_repr(number)} hashtags were requested, but only {most} can be recommended.")
    return min(number, most)
