"""Are a post's own hashtags still in its caption, marked or as plain words?"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import unquote

import regex

from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import canonical_list, extract, normalise, remove_hashtags, split_words
from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, shown
from multimodal.evaluation.files.text_table import percent
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_query

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
# A sign and what stands directly behind it, or behind quotes, brackets, emphasis or tags of HTML, however the sign is
# written and whatever stands before it; where no word ends with the sign, what stands behind blanks too. Signs that are
# no hashtags to the pattern that removes them count.
_BETWEEN, _HTML_TAG = r"\p{Cf}\uFE0F\u20E3\p{Ps}\p{Pi}\p{Pf}\"'`*~\\", r"</?[A-Za-z][^<>]{0,1000}+>"
_BEHIND_SIGN = regex.compile(
    rf"(?:(?<![\p{{L}}\p{{M}}\p{{N}}_])[#♯](?:[{_BETWEEN}\s]|{_HTML_TAG})*+|[#♯](?:[{_BETWEEN}]|{_HTML_TAG})*+)"
    r"(?=[\p{L}\p{M}\p{N}_])([^\s#♯]++)"
)
_MOST_WORDS = 20
# It is natural that captions say what their hashtags say; from this share on it deserves a warning.
_NOTABLE_SHARE = 0.05


def own_hashtags_cut_out(context: AuditContext) -> Finding:
    """Look for a post's own #hashtags in the captions of the prepared folder and in what encoders see of them."""
    profile = profile_of(context.system.config)
    stored: list[str] = []
    encoded: list[str] = []
    posts = context.data.split(context.split)
    for post in posts:
        if _signed(post.caption or "", post):
            stored.append(post.post_id)
        if _signed(_as_encoded(post, profile), post):
            encoded.append(post.post_id)
    return Finding.check(
        "own_hashtags_cut_out",
        bool(stored or encoded),
        good=f"None of {len(posts):,} captions holds a #hashtag of its own post.",
        bad=f"{len(stored):,} of {len(posts):,} captions of the prepared folder hold #hashtags of their own post "
        f"({shown(stored)}), {len(encoded):,} still do as encoders see them ({shown(encoded)}).",
        remedy="Prepare the dump with multimodal-hashtags prepare, which removes hashtags from captions; do not edit "
        "posts.parquet.",
        numbers={"posts": len(posts), "in_the_folder": len(stored), "as_encoders_see_it": len(encoded)},
    )


def own_hashtags_as_words(context: AuditContext) -> Finding:
    """Count how often captions say a true hashtag as plain words, and compare with the original captions.

    A word in the place of a #hashtag is a leak: only the sign was removed. Words that the author also wrote are not,
    but they make a data set easier, so their share is reported.
    """
    profile = profile_of(context.system.config)
    posts = context.data.split(context.split)
    originals = _originals(posts)
    total = whole = split = 0
    left: list[str] = []
    for row, post in enumerate(posts):
        caption = _as_encoded(post, profile)
        words = _words(caption)
        surfaces = _surfaces(originals[row], post) if originals else {}
        for tag in post.hashtags:
            total += 1
            whole += tag in words
            split += tag not in words and _has_parts(words, surfaces.get(tag, "") or tag)
        if originals and _left_behind(caption, originals[row], post, profile):
            left.append(post.post_id)
    share = (whole + split) / max(total, 1)
    said = (
        f"{percent(share, 1)} of {total:,} true hashtags are words of their caption ({whole:,} whole, {split:,} split)"
    )
    none_left = f"{said}; none in the place of a #hashtag." if originals else f"{said}."
    some_left = f"{said}; {len(left):,} captions have words in the place of a #hashtag ({shown(left)})."
    return Finding.check(
        "own_hashtags_as_words",
        bool(left) or share >= _NOTABLE_SHARE,
        good=none_left,
        bad=some_left if left else none_left,
        remedy="Only the sign was removed. Remove the whole #hashtag from captions: prepare the dump again."
        if left
        else "Authors wrote these words besides the hashtags. Report the share with the figures: a model can copy such "
        "hashtags from the caption.",
        numbers={
            "true_hashtags": total,
            "as_a_word": whole,
            "as_split_words": split,
            "share": share,
            "posts_with_words_left_behind": len(left),
        },
        only_warn=not left,
    )


def _signed(text: str, post: Post) -> set[str]:
    """Return which of the post's hashtags stand in a text with a sign before them, as it is or as in an address.

    Only whole words count: `#sunsets` is not `sunset`, and a plain word is not a hashtag.
    """
    plain = unquote(unquote(html.unescape(html.unescape(text))))
    if not {"#", "♯"}.intersection(text := unicodedata.normalize("NFKC", plain)):
        return set()
    found: set[str] = set()
    for behind in _BEHIND_SIGN.findall(text):
        words = _WORD.findall(behind.replace("\u200c", "").replace("\u200d", ""))[:_MOST_WORDS]
        found.update(normalise("".join(words[:count])) for count in range(1, len(words) + 1))
    return found.intersection(post.hashtags)


def _as_encoded(post: Post, profile: str) -> str:
    return clean_caption(to_query(post, profile=profile)[0].caption, profile)


def _originals(posts: Sequence[Post]) -> list[str] | None:
    column = getattr(posts, "column", None)
    return None if column is None else [text or "" for text in column("caption_original").to_pylist()]


def _words(caption: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", caption).casefold()
    return [normalise(word) for word in _WORD.findall(folded)]


def _surfaces(original: str, post: Post) -> dict[str, str]:
    tags, surfaces = canonical_list(extract(original))
    return {**dict.fromkeys(post.hashtags, ""), **dict(zip(tags, surfaces, strict=True))}


def _has_parts(words: Sequence[str], surface: str) -> bool:
    """Return whether the parts of a CamelCase or joined hashtag are adjacent words."""
    parts = [normalise(part) or part for part in split_words(surface)]
    if len(parts) > 1:
        return any(list(words[start : start + len(parts)]) == parts for start in range(len(words)))
    whole = normalise(surface)
    return any(len(first) > 1 and len(second) > 1 and first + second == whole for first, second in pairwise(words))


def _left_behind(caption: str, original: str, post: Post, profile: str) -> bool:
    """Return whether the caption says a hashtag more often than its author did outside of #hashtags."""
    outside = _words(clean_caption(remove_hashtags(original, post.hashtags), profile))
    now = _words(caption)
    return any(now.count(tag) > outside.count(tag) for tag in _signed(original, post))
