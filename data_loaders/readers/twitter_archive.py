"""Read the archives that Twitter, now X, lets its users download: their own tweets, including replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_loaders.errors import DataError
from data_loaders.readers import twitter_tweets as tweets
from data_loaders.readers.base import RawPost, Reader, ReaderOptions, Record, Rejected
from data_loaders.readers.fields import listing
from data_loaders.readers.records import build_post
from data_loaders.readers.registry import register_reader
from data_loaders.readers.twitter_files import ROOTS, Archive, find_archives
from data_loaders.text.tag_lists import describe

_ACCOUNTS = ("account.js", "manifest.js", "js/user_details.js")
_LONG_POSTS = "note-tweet.js"
_NOTES = {
    "coarse": "{:,} tweets from before November 2010 have a date but no time; those of one day count as simultaneous.",
    "completed": "{:,} posts that are truncated in the file of tweets were completed from note-tweet.js.",
    "missing": "{:,} tweets have photos that are not in the archive; they are read without photos.",
    "video": "{:,} tweets have a video or an animated picture; only their text is read.",
}


@register_reader("twitter_archive")
class TwitterArchiveReader(Reader):
    """Reads the tweets that the owner of an archive wrote, file by file, with the first photo of each."""

    accepts = (
        "an archive downloaded from Twitter or X, a folder or .zip with data/tweets.js, tweet.js or data/js/tweets/; "
        "or a folder of several"
    )

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._counts: Counter[str] = Counter()
        self._besides: list[str] = []

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is an archive or a folder of archives."""
        return bool(find_archives(path)[0])

    def notes(self) -> list[str]:
        """Return what was left out or completed, and which archives have an unknown owner."""
        return [*self._besides, *(text.format(self._counts[key]) for key, text in _NOTES.items() if self._counts[key])]

    def records(self) -> Iterator[Record]:
        """Yield the record of every tweet, archive by archive in order of name, file by file.

        Raises:
            DataError: there is no archive, or a file is damaged.
        """
        archives, others = find_archives(self.path)
        if not archives:
            raise DataError(f"{self.path} contains no tweets of a Twitter archive. Accepted: {self.accepts}.")
        self._counts.clear()
        self._besides = [f"Not an archive, and not read: {listing(others)}."] if others else []
        for archive in archives:
            yield from self._archive(archive)

    def _archive(self, archive: Archive) -> Iterator[Record]:
        owner = self._owner(archive)
        files = _present(archive, _LONG_POSTS)
        long_posts = tweets.LongPosts(item for name in files for item, _ in archive.items(name))
        outer = archive.path.relative_to(self.path).as_posix() if archive.path != self.path else ""
        for root, name in archive.tweet_files():
            shown = f"{outer}/{name}" if outer else name
            for number, (item, warnings) in enumerate(archive.items(name), start=1):
                where, tweet = f"{shown}:item {number}", tweets.unwrap(item)
                if tweet is None:
                    detail = f"The item is {describe(item)}. Accepted: an object with id_str and full_text."
                    yield Rejected(where=where, reason="wrong_type", detail=detail)
                elif tweets.is_retweet(tweet):
                    yield _retweet(tweet, where)
                else:
                    fields = self._fields(tweet, owner, long_posts)
                    fields["image"], seen = self._photo(tweet, archive, root)
                    record = build_post(fields, where, self.root, self.options.user_id, warnings)
                    if isinstance(record, RawPost):
                        self._count(tweet, seen)
                    yield record

    def _fields(self, tweet: dict[str, Any], owner: str | None, long_posts: tweets.LongPosts) -> dict[str, Any]:
        full = long_posts.full_text(tweet)
        self._counts["completed"] += full is not None
        return {
            "post_id": tweets.tweet_id(tweet),
            "user_id": owner or tweets.author(tweet),
            "timestamp": tweet.get("created_at"),
            "caption": tweets.text(tweet) if full is None else full,
            # Twitter lists only the hashtags of the part it shows.
            "hashtags": tweets.hashtags(tweet) if full is None else None,
        }

    def _photo(self, tweet: dict[str, Any], archive: Archive, root: str) -> tuple[str | None, str]:
        """Return the path of the tweet's first existing photo, relative to the dump, and which note to count."""
        names = tweets.photos(tweet)
        if not names:
            return None, "video" if tweets.has_video(tweet) else ""
        path = next((path for name in names if (path := archive.picture(root, name)) is not None), None)
        return (None, "missing") if path is None else (path.relative_to(self.path).as_posix(), "")

    def _count(self, tweet: dict[str, Any], seen: str) -> None:
        self._counts["coarse"] += tweets.has_coarse_time(tweet)
        if seen:
            self._counts[seen] += 1

    def _owner(self, archive: Archive) -> str | None:
        problems = []
        for name in _ACCOUNTS:
            for file in _present(archive, name):
                try:
                    owner = tweets.owner(archive.value(file))
                except DataError as problem:
                    problems.append(str(problem))
                    continue
                if owner is not None:
                    return owner
        if self.options.user_id is None:
            why = " ".join(problems) or f"None of {', '.join(_ACCOUNTS)} names the owner."
            self._besides.append(
                f"The owner of the archive {archive.path.name} is unknown. {why} Tweets that do not name their author "
                "have no user and so no history; set the user with --user-id."
            )
        return None


def _present(archive: Archive, name: str) -> list[str]:
    """Return the paths in the archive at which a file exists."""
    folder, _, last = name.rpartition("/")
    folder = folder and folder + "/"
    return [root + name for root in ROOTS if last in archive.scripts(root + folder)]


def _retweet(tweet: dict[str, Any], where: str) -> Rejected:
    tweet_id = tweets.tweet_id(tweet)
    return Rejected(
        where=where,
        reason="retweet",
        detail="The tweet repeats someone else's; accepted: tweets that the owner of the archive wrote.",
        post_id=str(tweet_id) if isinstance(tweet_id, (str, int)) else None,
    )
