"""The topics of captions: hashtags of the caption alone, and joint hashtags of picture and caption."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic of a caption.

    Attributes:
        name: identifies the topic; `Language.words` has its words.
        family: group of topics that determines joint hashtags.
        hashtags: canonical hashtags of the topic.
        cyrillic: canonical hashtag that replaces the last one in Cyrillic captions.
    """

    name: str
    family: str
    hashtags: tuple[str, ...]
    cyrillic: str | None = None

    def hashtags_in(self, script: str) -> tuple[str, ...]:
        """Return the topic's hashtags in a caption of the given script."""
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

# (family of the scene, family of the topic) -> their joint hashtags. In the first table, each hashtag belongs to one
# pair. The second is an exclusive-or: each hashtag belongs to two opposite pairs, so that neither the picture, nor the
# topic, nor a sum of what each contributes alone can predict it.
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
