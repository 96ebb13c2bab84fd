"""The project's synthetic sample dump: drawn pictures, composed captions, and hashtags of known origin.

`write_sample` writes it as an Instaloader folder. `plan_sample` returns the same posts as records that say, for each
hashtag, what it can be inferred from.
"""

from __future__ import annotations

from data_loaders.sample.events import EVENTS, Event
from data_loaders.sample.people import HABIT_HASHTAGS, LATE_HASHTAGS, LOCAL_HABIT_HASHTAGS, POPULAR_HASHTAGS
from data_loaders.sample.pictures import CYRILLIC_SCENE_HASHTAGS, SCENES, Scene, render
from data_loaders.sample.plan import PlannedPost, plan_sample
from data_loaders.sample.topics import EXCLUSIVE_OR_HASHTAGS, JOINT_HASHTAGS, TOPICS, Topic
from data_loaders.sample.writing import SampleSummary, write_sample

__all__ = [
    "CYRILLIC_SCENE_HASHTAGS",
    "EVENTS",
    "EXCLUSIVE_OR_HASHTAGS",
    "HABIT_HASHTAGS",
    "JOINT_HASHTAGS",
    "LATE_HASHTAGS",
    "LOCAL_HABIT_HASHTAGS",
    "POPULAR_HASHTAGS",
    "SCENES",
    "TOPICS",
    "Event",
    "PlannedPost",
    "SampleSummary",
    "Scene",
    "Topic",
    "plan_sample",
    "render",
    "write_sample",
]
