"""`Recommender`: the public interface. Posts in, exactly k hashtags out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from data_loaders.command_line import command_line
from data_loaders.errors import UserError, short_repr
from data_loaders.images.loading import ImageSource
from data_loaders.posts import Post
from multimodal.distributed.devices import choose_device
from multimodal.distributed.in_threads import in_a_thread
from multimodal.distributed.processors import answers_at_once
from multimodal.distributed.shared_lock import SharedLock
from multimodal.encoders.kept_outputs import KeptOutputs
from multimodal.memory.forgetting import is_forgotten
from multimodal.memory.live.exporting import export_user
from multimodal.memory.live.live_memory import Compaction, LiveMemory, LiveSettings
from multimodal.memory.live.opening import open_memory
from multimodal.memory.log.errors import ForeignStoreError
from multimodal.memory.log.events import FeedbackGiven
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.attention import Attention
from multimodal.ranking.list_length import AutoLength
from multimodal.ranking.recommendation import Recommendation as Recommendation
from multimodal.ranking.reranking import Reranking, read_reranking
from multimodal.ranking.rules.asking import rules_of_posts
from multimodal.ranking.rules.matches import RuleBook
from multimodal.ranking.rules.rules import GivenHashtags, Rules, read_rules
from multimodal.systems.answering import AnswerOptions, OnShort, answers, check_k
from multimodal.systems.auto_length import Length, auto_length
from multimodal.systems.base import Precision, System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.compute.choosing import way_of
from multimodal.systems.compute.names import Compute
from multimodal.systems.compute.ways import kind_of_vectors, use_compute
from multimodal.systems.model_card import CardFacts
from multimodal.systems.model_folder import load_model, save_model
from multimodal.systems.model_origin import origin_of
from multimodal.systems.publishing import upload, write_upload
from multimodal.systems.queries import (
    GivenPost,
    is_missing,
    is_now,
    moment,
    read_post,
    read_posts,
    refuse_others,
    to_history_post,
    to_queries,
)

if TYPE_CHECKING:
    import torch

# Placeholder user for calls with a history but no user id; no dump contains a user of that name.
_GUEST = "\0guest"
_POSTS_AT_ONCE = 2_048
# Of each encoder; about a hundred pictures of a ViT-B/16.
_KEPT_BYTES = 64 * 2**20


class Recommender:
    """A fitted System and its live memory.

    Threads may share one: they answer side by side where there are more processors than torch takes for one answer
    (`torch.set_num_threads`), and what changes the memory waits for them. Functions that begin with `a` do the same in
    a thread beside the event loop. A forked process has a copy of its own.

    Args:
        system: fitted.
        memory: made by the System's `new_memory`, or such a memory with the log that it is derived from.
    """

    def __init__(self, system: System, memory: PostMemory | LiveMemory) -> None:
        self.system = system
        self.live = memory if isinstance(memory, LiveMemory) else LiveMemory(memory)
        self._lock = SharedLock(answers_at_once())
        self._rule_book = RuleBook()

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
        revision: str | None = None,
        local_files_only: bool = False,
        memory: str | Path | None = None,
        memory_folder: str | Path | None = None,
        keep_captions: bool = False,
        refresh_s: float = 0.1,
        compute: Compute | None = None,
    ) -> Recommender:
        """Load a model from a run folder, its `model/` folder, or the Hugging Face Hub.

        Args:
            path: the folder, or an id such as `owner/name` or `owner/name@revision`.
            precision: `fp32`, or `bf16` to run the encoders in half the memory; scores then differ slightly from
                those of an evaluation, and the model cannot be saved.
            device: where to run: `cpu`, `cuda`, `cuda:1`; None: CUDA if available, else the CPU.
            revision: of a model on the Hub: branch, tag or commit; None for the main branch.
            local_files_only: take a model of the Hub from what was downloaded before, and ask no network.
            memory: where what is observed is kept: the path of a SQLite file, which is made if there is none, or the
                URL of a PostgreSQL database; None for in this process only.
            memory_folder: folder for files beside that, from which it opens fast; None for a folder of that name.
            keep_captions: keep the captions of posts there too, not only what is made of them.
            refresh_s: how often to look for what other processes have kept there, in seconds.
            compute: how the encoders compute, instead of `precision`: `fp32`, `bf16`, `onnx` (by ONNX Runtime),
                `onnx-int8`, or `auto` for the fastest that names the same hashtags on this processor, see `chosen_way`.

        Raises:
            RunError: there is no complete model of this format version.
            UserError: the precision or way to compute is unknown or needs a package, or the device is not available.
            StoreError: the memory belongs to another model, or cannot be opened.
        """
        accepted = get_args(Precision)
        if precision not in accepted:
            raise UserError(f"precision: {precision!r} is not known; accepted: {', '.join(accepted)}.")
        chosen = choose_device(device)
        model = load_model(path, revision=revision, local_files_only=local_files_only)
        way = way_of(model.folder, compute, precision, chosen)
        use_compute(model.system, way, chosen)
        for encoder in model.system.encoders():
            encoder.kept = KeptOutputs(_KEPT_BYTES)
        if memory is None:
            return cls(model.system, model.memory)
        settings = LiveSettings(keep_captions=keep_captions, refresh_s=refresh_s)
        folder = None if memory_folder is None else Path(memory_folder)
        try:
            live = open_memory(memory, model.memory, origin_of(model, kind_of_vectors(way, compute)), settings, folder)
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
        with self._lock.alone():
            self.live.follow()
            save_model(Path(folder), self.system, self.memory)

    def push_to_hub(
        self,
        hub_id: str,
        *,
        with_users_posts: bool = False,
        private: bool = True,
        revision: str | None = None,
        card: str | None = None,
    ) -> str:
        """Upload the System to the Hugging Face Hub and return where it is; `from_pretrained(hub_id)` loads it.

        Args:
            hub_id: `owner/name`; the repository is made if there is none, its content is replaced.
            with_users_posts: upload what is remembered of users too: ids, times, hashtags and vectors of their posts,
                and their rules and feedback. Otherwise nothing of any user is.
            private: whether a repository that is made is seen by its owner only.
            revision: branch to commit to; None for the main one.
            card: text of the model card; None for a generated one, without figures.

        Raises:
            UserError: the name is not one of the Hub.
            RunError: the model cannot be saved, or the Hub refuses it.
        """
        with TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            with self._lock.alone():
                self.live.follow()
                memory = self.memory if with_users_posts else self.system.new_memory()
                write_upload(folder, CardFacts(hub_id=hub_id), self.system, memory, card)
            return upload(folder, hub_id, private=private, revision=revision)

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
        explain: bool = False,
        rerank: Reranking | Mapping[str, Any] | None = None,
        only: str | GivenHashtags | None = None,
        never: GivenHashtags | None = None,
        always: GivenHashtags | None = None,
        replace: Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> list[Recommendation]:
        """Return exactly `k` hashtags for one post, best first, no repeats.

        Rules are obeyed before the list is cut, so it has `k` hashtags wherever they allow it. Each that is given here
        takes the place of the one that `set_rules` keeps for the user. `*` and `?` are wildcards.

        Args:
            image: path, bytes, Pillow image or array.
            caption: the text; its hashtags are not recommended again.
            user_id: who posts; may be unknown. Give at least one of the three.
            k: how many hashtags, at least 1; `auto` for the list that is expected to have the highest F1, from Systems
                whose scores are chances.
            minimum: shortest list of `auto`; None for 1.
            maximum: longest list of `auto`, which is never longer than the chances were calibrated on, mostly 10.
            timestamp: when; None for now, just after everything remembered. Only strictly earlier posts count.
            history: earlier posts of this user, oldest first, used for this call only. One without a timestamp
                counts as just before this post; one that is remembered counts once, of another user none.
            include_caption_hashtags: allow hashtags of the caption.
            rerank: reorder the best hashtags, so that the list is not redundant or merely popular, see `Reranking`;
                for instance `{"diversity": 0.3}`. Scores stay, and so may rise along the list.
            explain: say what brought each hashtag, in `Recommendation.sources`; takes a little longer.
            only: recommend nothing but these hashtags; `mine`: but those that the user has used; `known`: but those
                that anybody has used. Those that the System does not rank come last, with the lowest score of the list.
            never: hashtags that are not recommended.
            always: hashtags that come first, with the highest score of the list.
            replace: hashtags, and for each the one that is recommended in its place, with its score.
            language: code of a language; recommend only hashtags that were used in posts of that language.

        Raises:
            UserError: nothing was given, `k` is not a possible number of hashtags, rules contradict each other, or a
                value cannot be used; the message says which.
        """
        if all(map(is_missing, (image, caption, user_id))):
            raise UserError("nothing to recommend for; give at least one of image, caption and user_id.")
        post = read_post({"user_id": user_id, "timestamp": timestamp, "caption": caption, "image": image}, "query")
        earlier = [] if history is None or is_missing(history) else read_posts(history, "given")
        refuse_others(earlier, post.user_id)
        rules = _rules(only, never, always, replace, language)
        options = AnswerOptions(
            self._length(k, minimum, maximum),
            include_caption_hashtags,
            rules,
            explain=explain,
            rerank=read_reranking(rerank),
        )
        with self._answering() as memory:
            if not earlier:
                return self._answer([post], memory, options)[0]
            post, given = self._after(earlier, post, memory)
            with self.live.fork(lambda fork: self.system.add_posts(fork, given)) as fork:
                return self._answer([post], fork, options)[0]

    def recommend_many(
        self,
        posts: Sequence[GivenPost],
        k: Length = 5,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        include_caption_hashtags: bool = False,
        explain: bool = False,
        rerank: Reranking | Mapping[str, Any] | None = None,
        on_short: OnShort = "raise",
        only: str | GivenHashtags | None = None,
        never: GivenHashtags | None = None,
        always: GivenHashtags | None = None,
        replace: Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> list[list[Recommendation]]:
        """Return for each post what `recommend` returns for it alone.

        Args:
            posts: posts, or dicts of the exchange format; their own hashtags are ignored.
            k: how many hashtags each, at least 1, or `auto`; see `recommend`.
            minimum: shortest list of `auto`.
            maximum: longest list of `auto`.
            include_caption_hashtags: allow hashtags of a caption.
            explain, rerank: see `recommend`.
            on_short: where fewer than `k` hashtags can be recommended for a post: `raise` an error, or return a list of
                `fewer` for that post.
            only, never, always, replace, language: rules for all of them, see `recommend`.

        Raises:
            UserError: see `recommend`; or `on_short` is unknown.
        """
        if not (isinstance(on_short, str) and on_short in get_args(OnShort)):
            raise UserError(f"on_short: {short_repr(on_short)} is not known; accepted: {', '.join(get_args(OnShort))}.")
        read = read_posts(posts, "query")
        rules = _rules(only, never, always, replace, language)
        options = AnswerOptions(
            self._length(k, minimum, maximum),
            include_caption_hashtags,
            rules,
            on_short,
            explain,
            read_reranking(rerank),
        )
        answers: list[list[Recommendation]] = []
        with self._answering() as memory:
            for start in range(0, len(read), _POSTS_AT_ONCE):
                answers.extend(self._answer(read[start : start + _POSTS_AT_ONCE], memory, options))
        return answers

    def attention(self, image: ImageSource | None = None, caption: str | None = None) -> Attention | None:
        """Return where the network looks in a post, as far as it does not depend on the user.

        Args:
            image: path, bytes, Pillow image or array.
            caption: the text; its hashtags are not read.

        Returns:
            None for Systems that cannot say.

        Raises:
            UserError: a value cannot be used.
        """
        post = read_post({"caption": caption, "image": image}, "query")
        ((query,), _) = to_queries([post], False, self._profile, None, self._checks_images)
        with self._answering():
            return self.system.attention(query)

    def observe(self, posts: GivenPost | Sequence[GivenPost]) -> None:
        """Remember posts, so that later recommendations can use them; on the disk when this returns, if they are kept.

        Args:
            posts: one or several, with their hashtags; if a post has none, those of its caption count. A post
                without a timestamp counts as posted just after everything that is remembered.

        Raises:
            UserError: a post is already remembered, or a value cannot be used; then none is remembered.
            StoreUnavailableError: the memory cannot be written at the moment; then none is remembered.
        """
        with self._lock.alone():
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
        with self._lock.alone():
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
        with self._lock.alone():
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
        """Keep what a user did with an answer; the user's next answer takes it into account, if the System does.

        Args:
            about: the answer, or the id of the post that it was for; an answer with `sources` teaches more.
            user_id: who was answered; None for the author of the post, if it is remembered.
            post_id: the post that the answer was for, if it has an id.
            accepted: hashtags of the answer that were taken.
            rejected: hashtags of the answer that were turned down.
            added: others that the user wrote.

        Raises:
            UserError: a value cannot be used, nothing was said of any hashtag, or nobody is known whose feedback it is.
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        shown: Sequence[Recommendation] = ()
        if isinstance(about, str):
            post_id = about
        else:
            shown = about
        about_post = read_post({"post_id": post_id, "user_id": user_id}, "")
        lists = {"shown": [one.hashtag for one in shown], "accepted": accepted, "rejected": rejected, "added": added}
        tags = {name: read_post({"hashtags": given}, "").hashtags for name, given in lists.items()}
        for hashtag in tags["rejected"]:
            if other := next((name for name in ("accepted", "added") if hashtag in tags[name]), None):
                raise UserError(f"rejected: {hashtag!r} is also among {other}; take it out of one of them.")
        if not (tags["accepted"] or tags["rejected"] or tags["added"]):
            raise UserError("no usable hashtag was accepted, rejected or added; give at least one.")
        with self._lock.alone():
            self.live.follow()
            self.live.give_feedback(
                FeedbackGiven(
                    user_id=about_post.user_id or self._author(about_post.post_id),
                    instant_us=time.time_ns() // 1_000,
                    post_id=about_post.post_id or None,
                    **tags,
                    chances={one.hashtag: one.probability for one in shown if one.probability is not None},
                    effects={
                        one.hashtag: {source.name: source.effect for source in one.sources}
                        for one in shown
                        if one.sources is not None
                    },
                )
            )

    def set_rules(self, user_id: str, rules: Mapping[str, Any] | Rules | None) -> None:
        """Keep rules for all later answers to a user, in place of earlier ones; None for none.

        Args:
            user_id: the user, who need not be known.
            rules: some of `only`, `never`, `always`, `replace` and `language`, see `recommend`.

        Raises:
            UserError: rules contradict each other, or a value cannot be used.
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        known, read = _known_user(user_id), read_rules(rules)
        with self._lock.alone():
            self.live.follow()
            self.live.set_rules(known, read.as_values())

    def rules(self, user_id: str) -> dict[str, Any]:
        """Return the rules that are kept for a user, as `set_rules` takes them; empty if there are none."""
        known = _known_user(user_id)
        with self._answering() as memory:
            return dict(memory.notes.of(known).rules)

    def forget(self, user_id: str) -> int:
        """Forget a user: at once for answers and models saved later, on the disk with the next `compact`.

        A user who is not known is forgotten too; one of whom nothing came since the last time is not forgotten again.

        Returns:
            How many posts of the user were remembered.

        Raises:
            StoreUnavailableError: the memory cannot be written at the moment.
        """
        known = _known_user(user_id)
        with self._lock.alone():
            return 0 if is_forgotten(self.live, known) else self.live.forget(known)

    def export(self, user_id: str) -> dict[str, Any]:
        """Return all that is held about a user, as JSON can hold it; see `export_user`.

        Raises:
            StoreUnavailableError: the memory cannot be read at the moment.
        """
        known = _known_user(user_id)
        with self._lock.alone():
            return export_user(self.live, known)

    def refresh(self) -> int:
        """Take over now what other processes have kept; returns how many events that were.

        Raises:
            StoreUnavailableError: the memory cannot be read at the moment.
        """
        with self._lock.alone():
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

    arecommend = in_a_thread(recommend)
    arecommend_many = in_a_thread(recommend_many)
    aobserve = in_a_thread(observe)
    afeedback = in_a_thread(feedback)

    @contextmanager
    def _answering(self) -> Iterator[PostMemory]:
        """Lend the memory for an answer, in which nothing changes meanwhile."""
        if self.live.is_due:
            with self._lock.alone():
                self.live.follow()
        with self._lock.shared():
            yield self.memory

    def _author(self, post_id: str) -> str:
        if self.live.author_of(post_id) is None:
            self.live.refresh()  # another process may just have observed it
        author = self.live.author_of(post_id)
        if author is None:
            what = "no post is given" if not post_id else f"no user of the post {short_repr(post_id)} is remembered"
            raise UserError(f"user_id: feedback counts for its user, and {what}; give user_id.")
        return author

    def _after(self, history: Sequence[Post], post: Post, memory: PostMemory) -> tuple[Post, list[Post]]:
        """Return a post just after the history that is given with it, and those posts, all of one user."""
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
        return post, self._as_remembered([*once.values()])

    def _as_remembered(self, timed: Sequence[tuple[Post, datetime | None]]) -> list[Post]:
        """Return posts as they are remembered, those that are written now with the timestamp beside them."""
        return [to_history_post(post, self._profile, time, self._checks_images) for post, time in timed]

    def _answer(self, posts: Sequence[Post], memory: PostMemory, options: AnswerOptions) -> list[list[Recommendation]]:
        now = moment(memory.now_us)
        include = options.include_caption_hashtags
        queries, excluded = to_queries(posts, include, self._profile, now, self._checks_images)
        rules = rules_of_posts(queries, excluded, memory, options.rules, self._rule_book)
        return answers(self.system, queries, memory, excluded, rules, options)

    def _length(self, k: Length, minimum: int | None, maximum: int | None) -> int | AutoLength:
        if isinstance(k, str) and k == "auto":
            return auto_length(self.system, minimum, maximum)
        for name, value in (("minimum", minimum), ("maximum", maximum)):
            if value is not None:
                raise UserError(f"{name}: it bounds k='auto'; {short_repr(k)} hashtags were requested, leave it out.")
        return check_k(k)

    @property
    def _profile(self) -> str:
        return profile_of(self.system.config)

    @property
    def _checks_images(self) -> bool:
        return not self.system.opens_images


def _rules(
    only: str | GivenHashtags | None,
    never: GivenHashtags | None,
    always: GivenHashtags | None,
    replace: Mapping[str, str] | None,
    language: str | None,
) -> dict[str, Any]:
    given = {"only": only, "never": never, "always": always, "replace": replace, "language": language}
    return {name: value for name, value in given.items() if value is not None}


def _known_user(user_id: str) -> str:
    known = read_post({"user_id": user_id}, "").user_id
    if known is None:
        raise UserError(f"user_id: {short_repr(user_id)} names nobody; give the id of a user.")
    return known
