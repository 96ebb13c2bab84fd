"""The topics of captions: hashtags of the caption alone, and joint hashtags of picture and caption."""

from __future__ import annotations

from dataclasses import dataclass

from data_loaders.sample.tables import read_table


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


_TABLE = read_table("topics")
TOPICS: tuple[Topic, ...] = tuple(
    Topic(name, row["family"], tuple(row["hashtags"]), row.get("cyrillic")) for name, row in _TABLE["topics"].items()
)


def _joint_hashtags() -> dict[tuple[str, str], tuple[str, ...]]:
    table: dict[tuple[str, str], tuple[str, ...]] = {}
    for scene, row in _TABLE["joint"].items():
        table.update({(scene, topic): (hashtag,) for topic, hashtag in row.items()})
    for hashtag, pairs in _TABLE["exclusive_or"].items():
        for scene, topic in pairs:
            table[scene, topic] = (*table.get((scene, topic), ()), hashtag)
    return table


JOINT_HASHTAGS: dict[tuple[str, str], tuple[str, ...]] = _joint_hashtags()
"""(family of the scene, family of the topic) -> their joint hashtags."""
EXCLUSIVE_OR_HASHTAGS: tuple[str, ...] = tuple(_TABLE["exclusive_or"])
