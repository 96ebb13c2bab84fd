"""`plan_sample`: who posts what and when, and which part of a post each of its hashtags can be inferred from.

Scene, topic and habits of a post are drawn independently, so that no part of a post can replace another:

* scene hashtags can be inferred only from the picture,
* topic hashtags only from the caption,
* habit hashtags only from the author's earlier posts; habits change, and some hashtags first appear near the end,
* joint hashtags only from scene and topic together, some of them by an exclusive-or,
* event hashtags only from recent posts of other users whose captions mention the same event.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from data_loaders.errors import DataError
from data_loaders.sample.captions import write_caption
from data_loaders.sample.events import EVENTS, Event
from data_loaders.sample.languages import Language
from data_loaders.sample.people import POPULAR_HASHTAGS, Person, make_people
from data_loaders.sample.pictures import CYRILLIC_SCENE_HASHTAGS, SCENES, Scene
from data_loaders.sample.topics import JOINT_HASHTAGS, TOPICS, Topic

BEGINNING = datetime(2023, 5, 1, tzinfo=timezone.utc)
DAYS = 730

_NO_PICTURE, _UNHELPFUL_PICTURE = 0.04, 0.07
_NO_CAPTION, _SHORT_CAPTION = 0.20, 0.30
_TOPIC_IN_SHORT, _TOPIC_IN_LONG = 0.65, 0.95
_HABIT_KEPT, _FORGOTTEN, _POPULAR_ADDED = 0.68, 0.08, 0.05
_SECOND_LANGUAGE = 0.25
_EVENT_NAMED = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPost:
    """A post of the sample, with everything known about it.

    Attributes:
        number: rank among the posts by time; videos are numbered after all pictures.
        username, account_id: the author.
        timestamp: time in UTC, to the second; no two posts of the sample have the same.
        picture: "scene", "unhelpful" (a picture that shows nothing) or "none" (the file is missing).
        scene: name of the scene; None unless `picture` is "scene".
        caption_kind: "absent", "short" or "long".
        language: ISO 639-1 code of the caption.
        topic: topic of the caption, or None.
        event: name of the event that the caption mentions, or None.
        text: the caption without hashtags.
        caption: the caption as written to disk.
        scene_hashtags, topic_hashtags, habit_hashtags, joint_hashtags, event_hashtags, popular_hashtags: canonical
            hashtags by origin, without those that the author forgot.
        is_video: whether the post is a video, which readers skip.
    """

    number: int
    username: str
    account_id: int
    timestamp: datetime
    picture: str
    scene: str | None
    caption_kind: str
    language: str
    topic: str | None
    event: str | None
    text: str
    caption: str
    scene_hashtags: tuple[str, ...]
    topic_hashtags: tuple[str, ...]
    habit_hashtags: tuple[str, ...]
    joint_hashtags: tuple[str, ...]
    event_hashtags: tuple[str, ...]
    popular_hashtags: tuple[str, ...]
    is_video: bool = False

    @property
    def hashtags(self) -> tuple[str, ...]:
        """All canonical hashtags of the post, grouped by origin."""
        of_content = self.scene_hashtags + self.topic_hashtags + self.joint_hashtags + self.event_hashtags
        return of_content + self.habit_hashtags + self.popular_hashtags


def plan_sample(*, posts: int, users: int, seed: int) -> list[PlannedPost]:
    """Return the sample's posts by time, then its videos (one per 80 posts, in addition to `posts`).

    Args:
        posts: number of posts, at least one per user.
        users: number of users, at least 1.
        seed: seed of all random choices.

    Raises:
        DataError: there are no users, or fewer posts than users.
    """
    if users < 1:
        raise DataError(f"users={users}: the sample needs at least 1 user")
    if posts < users:
        raise DataError(f"posts={posts}, users={users}: every user posts at least once; use at least {users} posts")
    people = make_people(users, random.Random(f"{seed}/people"))
    videos = posts // 80
    rng = random.Random(f"{seed}/timeline")
    authors = people + rng.choices(people, [one.activity * (1 - one.joins) for one in people], k=posts + videos - users)
    # Every author has a picture post, so videos are taken from the additional posts.
    pictures = sorted(_timed(authors[:posts], rng), key=lambda entry: entry[0])
    taken = {timestamp for timestamp, _ in pictures}
    extra = sorted(_timed(authors[posts:], rng, taken), key=lambda entry: entry[0])
    return [
        _plan_post(number, posts, entry, random.Random(f"{seed}/post/{number}"))
        for number, entry in enumerate([*pictures, *extra])
    ]


def _timed(
    authors: Sequence[Person], rng: random.Random, taken: set[datetime] | None = None
) -> Iterator[tuple[datetime, Person]]:
    """Yield each author's post with a time during waking hours; no time occurs twice."""
    used = set() if taken is None else set(taken)
    for author in authors:
        while True:
            day = int(rng.uniform(author.joins, 1.0) * DAYS)
            second = int(rng.triangular(6 * 3600, 24 * 3600 - 1, 18 * 3600))
            timestamp = BEGINNING + timedelta(days=day, seconds=second)
            if timestamp not in used:
                break
        used.add(timestamp)
        yield timestamp, author


def _plan_post(number: int, posts: int, entry: tuple[datetime, Person], rng: random.Random) -> PlannedPost:
    timestamp, author = entry
    moment = number / posts if number < posts else (timestamp - BEGINNING) / timedelta(days=DAYS)
    picture = rng.choices(
        ("none", "unhelpful", "scene"), (_NO_PICTURE, _UNHELPFUL_PICTURE, 1 - _NO_PICTURE - _UNHELPFUL_PICTURE)
    )[0]
    kind = rng.choices(("absent", "short", "long"), (_NO_CAPTION, _SHORT_CAPTION, 1 - _NO_CAPTION - _SHORT_CAPTION))[0]
    scene = rng.choice(SCENES) if picture == "scene" else None
    topic = _topic(kind, rng)
    language = author.languages[-1] if rng.random() < _SECOND_LANGUAGE else author.languages[0]
    event = _event(kind, moment, rng)
    by_origin = _hashtags(author, moment, scene, topic, event, language, rng)
    shuffled = [hashtag for part in by_origin for hashtag in part]
    rng.shuffle(shuffled)
    topic_name, event_name = (None if one is None else one.name for one in (topic, event))
    text, caption = write_caption(kind, language, topic_name, event_name, shuffled, rng)
    return PlannedPost(
        number=number,
        username=author.username,
        account_id=author.account_id,
        timestamp=timestamp,
        picture=picture,
        scene=None if scene is None else scene.name,
        caption_kind=kind,
        language=language.code,
        topic=topic_name,
        event=event_name,
        text=text,
        caption=caption,
        scene_hashtags=by_origin[0],
        topic_hashtags=by_origin[1],
        habit_hashtags=by_origin[2],
        joint_hashtags=by_origin[3],
        event_hashtags=by_origin[4],
        popular_hashtags=by_origin[5],
        is_video=number >= posts,
    )


def _topic(kind: str, rng: random.Random) -> Topic | None:
    share = {"absent": 0.0, "short": _TOPIC_IN_SHORT, "long": _TOPIC_IN_LONG}[kind]
    return rng.choice(TOPICS) if rng.random() < share else None


def _event(kind: str, moment: float, rng: random.Random) -> Event | None:
    current = [event for event in EVENTS if event.is_on_at(moment)]
    return rng.choice(current) if kind != "absent" and rng.random() < _EVENT_NAMED else None


def _hashtags(
    author: Person,
    moment: float,
    scene: Scene | None,
    topic: Topic | None,
    event: Event | None,
    language: Language,
    rng: random.Random,
) -> tuple[tuple[str, ...], ...]:
    """Return the hashtags of scene, topic, habit, scene and topic together, event, and those of no origin."""
    of_scene = () if scene is None else scene.hashtags
    if author.languages[0].script == "cyrillic":
        of_scene = tuple(CYRILLIC_SCENE_HASHTAGS.get(hashtag, hashtag) for hashtag in of_scene)
    of_topic = () if topic is None else topic.hashtags_in(language.script)
    of_both = () if scene is None or topic is None else JOINT_HASHTAGS.get((scene.family, topic.family), ())
    of_habit = tuple(
        habit.hashtag for habit in author.habits if habit.is_active_at(moment) and rng.random() < _HABIT_KEPT
    )
    popular = (rng.choice(POPULAR_HASHTAGS),) if rng.random() < _POPULAR_ADDED else ()
    of_event = () if event is None else event.hashtags
    by_origin = (of_scene, of_topic, of_habit, of_both, of_event)
    return (*(tuple(one for one in part if rng.random() >= _FORGOTTEN) for part in by_origin), popular)
