"""The topics of captions: the hashtags that only a caption tells, and those that picture and caption tell together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """What a caption is about.

    Attributes:
        name: identifies the topic; `Language.words` holds its words.
        family: the group of topics that counts when picture and topic decide together.
        hashtags: canonical hashtags of the topic.
        cyrillic: canonical hashtag that replaces the last one in captions written in Cyrillic.
    """

    name: str
    family: str
    hashtags: tuple[str, ...]
    cyrillic: str | None = None

    def hashtags_in(self, script: str) -> tuple[str, ...]:
        """Return the hashtags of the topic in a caption of this script."""
        if script == "cyrillic" and self.cyrillic is not None:
            return (*self.hashtags[:-1], self.cyrillic)
        return self.hashtags


TOPICS: tuple[Topic, ...] = (
    Topic("running", "active", ("running", "runnersclub"), "бег"),
    Topic("yoga", "active", ("yoga", "namaste")),
    Topic("football", "active", ("football", "matchday"), "футбол"),
    Topic("dance", "active", ("dance", "dancefloor")),
    Topic("music", "culture", ("music", "nowplaying"), "музыка"),
    Topic("film", "culture", ("cinema", "movienight"), "кино"),
    Topic("reading", "culture", ("bookstagram", "currentlyreading"), "книги"),
    Topic("chess", "culture", ("chess", "checkmate")),
    Topic("exam", "duty", ("studygram", "examseason")),
    Topic("office", "duty", ("officelife", "worklife")),
    Topic("shopping", "duty", ("shopping",)),
    Topic("travel", "duty", ("travel", "wanderlust"), "путешествие"),
    Topic("birthday", "gathering", ("birthday", "anotheryear"), "деньрождения"),
    Topic("wedding", "gathering", ("wedding", "justmarried")),
    Topic("family", "gathering", ("family",)),
    Topic("baking", "gathering", ("baking", "homemade")),
)

# (family of the scene, family of the topic) -> the hashtags that the two decide together. The first table names a
# pair outright. The second is an exclusive-or: each of its hashtags stands for two opposite pairs, so that
# neither the picture, nor the topic, nor a sum of what each says alone can tell it.
_PAIRS: dict[tuple[str, str], str] = {
    ("water", "active"): "beachworkout",
    ("water", "culture"): "oceansounds",
    ("water", "gathering"): "beachparty",
    ("land", "active"): "trailheads",
    ("land", "duty"): "offthegrid",
    ("land", "gathering"): "summittogether",
    ("woods", "active"): "forestfit",
    ("woods", "duty"): "natureoffice",
    ("woods", "gathering"): "picnicday",
    ("city", "culture"): "urbanculture",
    ("city", "duty"): "citygrind",
    ("city", "gathering"): "nightout",
    ("table", "culture"): "brunchclub",
    ("table", "duty"): "lunchbreak",
    ("table", "gathering"): "sharethetable",
    ("home", "active"): "homeworkout",
    ("home", "culture"): "quietevening",
    ("home", "duty"): "workfromhome",
}
_EXCLUSIVE_OR: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "inmyelement": (("water", "active"), ("city", "duty")),
    "changeofscene": (("water", "duty"), ("city", "active")),
    "slowliving": (("woods", "culture"), ("home", "gathering")),
    "littlethings": (("woods", "gathering"), ("home", "culture")),
    "freshenergy": (("land", "active"), ("table", "culture")),
    "unexpected": (("land", "culture"), ("table", "active")),
}


def _joint_hashtags() -> dict[tuple[str, str], tuple[str, ...]]:
    table: dict[tuple[str, str], tuple[str, ...]] = {families: (hashtag,) for families, hashtag in _PAIRS.items()}
    for hashtag, pairs in _EXCLUSIVE_OR.items():
        for families in pairs:
            table[families] = (*table.get(families, ()), hashtag)
    return table


JOINT_HASHTAGS: dict[tuple[str, str], tuple[str, ...]] = _joint_hashtags()
EXCLUSIVE_OR_HASHTAGS: tuple[str, ...] = tuple(_EXCLUSIVE_OR)
