"""The gallery as cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multimodal.evaluation.report.gallery import NEAR_FROM, Shown
from multimodal.evaluation.report.history import Earlier
from multimodal.evaluation.report.parts import escape, note, section, shortened
from multimodal.evaluation.report.thumbnails import thumbnail

_CAPTION_CHARACTERS, _HISTORY_CHARACTERS, _TAGS_OF_HISTORY = 240, 70, 8
_SIGNS = {"right": "✓", "near": "≈", "wrong": "✗", "missed": "–"}
_HEADINGS = {
    "best": "Best posts, by NDCG",
    "worst": "Worst posts, by NDCG",
    "random": "Posts at random",
}


def gallery_section(shown: Mapping[str, Sequence[Shown]], k: int) -> str:
    """Return the section with all cards.

    Args:
        shown: posts by heading.
        k: how many recommendations a card shows.
    """
    parts = [
        note(
            f"Recommended hashtags: ✓ right, the post carries it; ≈ near, it does not, but in train it goes together "
            f"with one that it carries (cosine of the posts that carry them at least {NEAR_FROM:g}); ✗ wrong. Best and "
            "worst are chosen among posts with at least two true hashtags; equal ones are drawn by seed."
        )
    ]
    for heading, posts in shown.items():
        if posts:
            cards = "".join(_card(post, k) for post in posts)
            parts.append(f'<h3>{escape(_HEADINGS.get(heading, heading))}</h3><div class="posts">{cards}</div>')
    return section("gallery", "Posts to look at", "".join(parts))


def _card(shown: Shown, k: int) -> str:
    post = shown.post
    when = post.timestamp.strftime("%Y-%m-%d") if post.timestamp else "undated"
    caption = shortened(post.caption or "", _CAPTION_CHARACTERS)
    words = (
        f'<p class="caption" dir="auto">{escape(caption)}</p>' if caption else '<p class="caption none">no caption</p>'
    )
    right = [tag for tag, colour in shown.recommended if colour == "right"]
    named = _tags([(tag, colour) for tag, colour in shown.recommended])
    true = _tags([(tag, "right") for tag in post.hashtags if tag in right] + [(tag, "missed") for tag in shown.missed])
    return (
        f'<article class="post">{_picture(shown)}<div class="body"><div class="head"><span>{escape(when)}'
        f"{f' · {escape(shortened(post.user_id, 24))}' if post.user_id else ''}</span>"
        f"<span>NDCG@{k} {shown.score:.2f}</span></div>{words}"
        f'<p class="label">Recommended</p>{named}<p class="label">True</p>{true}'
        f"{_gate(shown)}{_history(shown)}</div></article>"
    )


def _picture(shown: Shown) -> str:
    address = thumbnail(shown.post)
    if address is None:
        what = "no picture" if shown.post.image is None else "the picture cannot be shown"
        return f'<div class="picture none">{what}</div>'
    return f'<div class="picture"><img src="{address}" alt="picture of the post" loading="lazy"></div>'


def _tags(tags: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<li class="{kind}" title="{kind}" dir="auto">{_SIGNS[kind]} #{escape(shortened(tag, 40))}</li>'
        for tag, kind in tags
    )
    return f'<ul class="tags">{items}</ul>' if items else '<p class="note">none</p>'


def _gate(shown: Shown) -> str:
    if shown.image_weight is None:
        return ""
    share = min(max(shown.image_weight, 0.0), 1.0)
    picture = "picture" if shown.post.image is not None else "stand-in for a picture"
    caption = "caption" if shown.post.caption else "stand-in for a caption"
    return (
        f'<p class="label">Gate w</p><div class="gate"><i style="width:{share:.1%}"></i></div>'
        f'<div class="gatewords"><span>{picture} {share:.0%}</span><span>{caption} {1 - share:.0%}</span></div>'
    )


def _history(shown: Shown) -> str:
    if not shown.earlier:
        return '<p class="label">Earlier posts</p><p class="note">none known</p>'
    by_content = shown.earlier[0].similarity is not None
    heading = "Nearest earlier posts of the user" if by_content else "Latest earlier posts of the user"
    items = "".join(_earlier(entry, set(shown.post.hashtags)) for entry in shown.earlier)
    return f'<p class="label">{heading}</p><ul class="history">{items}</ul>'


def _earlier(entry: Earlier, true: set[str]) -> str:
    facts = [_age(entry.days)]
    if entry.similarity is not None:
        facts.append(f"likeness {entry.similarity:.2f}")
    tags = [
        f"<b>#{escape(tag)}</b>" if tag in true else f"#{escape(shortened(tag, 40))}"
        for tag in entry.post.hashtags[:_TAGS_OF_HISTORY]
    ]
    caption = shortened(entry.post.caption or "", _HISTORY_CHARACTERS)
    words = f'<span dir="auto">{escape(caption)}</span> ' if caption else ""
    return f'<li><span class="when">{escape(" · ".join(facts))}</span><br>{words}{" ".join(tags)}</li>'


def _age(days: float | None) -> str:
    if days is None:
        return "earlier"
    minutes = days * 24 * 60
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        count = round(minutes / size)
        if minutes >= size:
            return f"{count:,} {unit}{'s' if count != 1 else ''} before"
    return "less than a minute before"
