"""Are a post's own hashtags left in its caption: marked, or as the words they are made of?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import regex

from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import canonical_list, extract, normalise, remove_hashtags, split_words
from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, Number, shown
from multimodal.queries import to_query
from multimodal.systems.caption_profile import profile_of

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
# Captions that say what their hashtags say are natural; from this share of the truth on they deserve a remark.
_NOTABLE_SHARE = 0.05


def own_hashtags_cut_out(context: AuditContext) -> Finding:
    """Look for a post's own #hashtags in the captions of the prepared folder and in what encoders see of them."""
    profile = _profile(context)
    kept: list[str] = []
    seen: list[str] = []
    posts = context.data.split(context.split)
    for post in posts:
        own = set(post.hashtags)
        if own.intersection(canonical_list(extract(post.caption or ""))[0]):
            kept.append(post.post_id)
        if own.intersection(canonical_list(extract(_as_seen(post, profile)))[0]):
            seen.append(post.post_id)
    numbers: dict[str, Number] = {"posts": len(posts), "in_the_folder": len(kept), "as_encoders_see_it": len(seen)}
    if not kept and not seen:
        return Finding(
            name="own_hashtags_cut_out",
            status="passed",
            measured=f"None of {len(posts):,} captions holds a #hashtag of its own post.",
            numbers=numbers,
        )
    return Finding(
        name="own_hashtags_cut_out",
        status="failed",
        measured=f"{len(kept):,} of {len(posts):,} captions of the prepared folder hold #hashtags of their own post "
        f"({shown(kept) or 'none'}), {len(seen):,} still do as encoders see them ({shown(seen) or 'none'}).",
        numbers=numbers,
        remedy="Prepare the folder with scripts/prepare.py, which takes hashtags out of captions; do not edit "
        "posts.parquet.",
    )


def own_hashtags_as_words(context: AuditContext) -> Finding:
    """Count how often captions say a true hashtag as plain words, and compare with the captions as written.

    Words where a #hashtag stood are a leak: the sign was taken off and the word left. Words that the author wrote
    besides are not, but they make a data set easier, so their share is told.
    """
    profile = _profile(context)
    posts = context.data.split(context.split)
    originals = _originals(posts)
    plain = camel = total = 0
    left: list[str] = []
    for number, post in enumerate(posts):
        caption = _as_seen(post, profile)
        words = _words(caption)
        surfaces = _surfaces(originals[number], post) if originals else dict.fromkeys(post.hashtags, "")
        for tag in post.hashtags:
            total += 1
            plain += tag in words
            camel += tag not in words and _has_parts(words, surfaces.get(tag, "") or tag)
        if originals and _left_behind(caption, originals[number], post, profile):
            left.append(post.post_id)
    share = (plain + camel) / max(total, 1)
    numbers: dict[str, Number] = {
        "true_hashtags": total,
        "as_a_word": plain,
        "as_split_words": camel,
        "share": share,
        "posts_with_words_left_behind": len(left),
    }
    said = f"{share:.1%} of {total:,} true hashtags stand in their caption as words ({plain:,} whole, {camel:,} split)"
    if left:
        return Finding(
            name="own_hashtags_as_words",
            status="failed",
            measured=f"{said}; in {len(left):,} captions words stand where a #hashtag stood ({shown(left)}).",
            numbers=numbers,
            remedy="Only the sign was taken off. Take the whole #hashtag out of captions: prepare anew.",
        )
    notable = share >= _NOTABLE_SHARE
    return Finding(
        name="own_hashtags_as_words",
        status="warning" if notable else "passed",
        measured=f"{said}; none where a #hashtag stood." if originals else f"{said}.",
        numbers=numbers,
        remedy="Authors wrote these words besides the hashtags. State the share with the figures: a model may read "
        "such hashtags off."
        if notable
        else "",
    )


def _profile(context: AuditContext) -> str:
    return profile_of(context.system.config)


def _as_seen(post: Post, profile: str) -> str:
    return clean_caption(to_query(post, profile=profile)[0].caption, profile)


def _originals(posts: Sequence[Post]) -> list[str] | None:
    column = getattr(posts, "column", None)
    return None if column is None else [text or "" for text in column("caption_original").to_pylist()]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(caption: str) -> list[str]:
    return [normalise(word) for word in _WORD.findall(_fold(caption))]


def _surfaces(original: str, post: Post) -> dict[str, str]:
    tags, surfaces = canonical_list(extract(original))
    return {**dict.fromkeys(post.hashtags, ""), **dict(zip(tags, surfaces, strict=True))}


def _has_parts(words: Sequence[str], surface: str) -> bool:
    """Return whether the parts of a CamelCase or joined hashtag stand side by side."""
    parts = [normalise(part) or part for part in split_words(surface)]
    if len(parts) > 1:
        return any(list(words[start : start + len(parts)]) == parts for start in range(len(words)))
    whole = normalise(surface)
    return any(len(first) > 1 and len(second) > 1 and first + second == whole for first, second in pairwise(words))


def _left_behind(caption: str, original: str, post: Post, profile: str) -> bool:
    """Return whether the caption says a hashtag oftener than its author did outside of #hashtags."""
    now, besides = _words(caption), _words(clean_caption(remove_hashtags(original), profile))
    marked = set(canonical_list(extract(original))[0])
    return any(now.count(tag) > besides.count(tag) for tag in post.hashtags if tag in marked)
