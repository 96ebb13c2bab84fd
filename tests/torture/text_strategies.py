"""Captions and lists of hashtags as people and programs write them, good and odd, with what is to be read in them."""

from __future__ import annotations

import json
import math
from urllib.parse import quote

from hypothesis import strategies as st

TAGS = (
    "sunset",
    "Goals2024",
    "İstanbul",
    "straße",
    "ＮＹＣ",
    "cafe\u0301",
    "海",
    "サッカー",
    "スター・ウォーズ",
    "メ〜テレ",
    "il·lusió",
    "צה״ל",
    "հայ",
    "หาดทราย",
    "می\u200cخواهم",
    "हिन्दी",
    "love❤️life",
    "low_tide",
)
WORDS = (
    "vibes",
    "行った",
    "2024",
    "and",
    "море",
    "@bob",
    "C",
    "😀",
    "it's",
    "–",
    "https://t.co/aB1",
    "10%",
    "&amp;",
    "日",
)
SIGNS = ("#", "＃", "#\u200b", "#\ufeff", "&#35;", "&#x23;", "##", "# ", "＃\n", "%23", "%2523")
GAPS = (" ", "", "\n", "\u200b", ".", "、", "(", "-")


@st.composite
def captions(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a caption and its listed hashtags, each of which stands in it behind a sign, often glued to a word."""
    listed = draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=3, unique=True))
    pieces = []
    for tag in listed:
        written = draw(st.sampled_from((tag, tag.upper(), tag.lower())))
        glue, end = draw(st.sampled_from(GAPS)), draw(st.sampled_from((" ", "\n", ". ", "! ", "、", ")")))
        pieces += [draw(st.sampled_from(WORDS)), glue, draw(st.sampled_from(SIGNS)), written, end]
    return "".join([*pieces, draw(st.sampled_from(WORDS))]), listed


def thick_texts() -> st.SearchStrategy[str]:
    """Return texts thick with the characters that decide where hashtags and addresses begin and end."""
    characters = "#＃@&;/.:1_aÉ日のก \u200c\u200d\u200b\ufe0f\u20e3\u0301\u0307İ\n·・〜״[]，。"
    tokens = (
        *("#tag", "#a", "c#d", "http://x.y/#f", "https://пример.рф/#я", "example.org/日本/#海", "日.jp/", "&#39;"),
        *("&amp;#x27;", "🌅", "1️⃣", "@u", "#1", "#话题#", "#春天[话题]#", "正文", "#海#夏", "www.", "C#", "#http://"),
    )
    return st.one_of(st.text(alphabet=characters, max_size=30), st.lists(st.sampled_from(tokens)).map("".join))


def plain_tags() -> st.SearchStrategy[list[str]]:
    """Return lists of hashtags as a dump may list them, without signs."""
    return st.lists(st.sampled_from([tag for tag in TAGS if "\ufe0f" not in tag]), max_size=4, unique=True)


def written_lists(tags: list[str]) -> dict[str, object]:
    """Return the ways in which programs write a list of hashtags, by name."""
    quoted = [repr(tag) for tag in tags]
    indices = [{"text": tag, "indices": [0, 3]} for tag in tags]
    ways: dict[str, object] = {
        "list": tags,
        "json": json.dumps(tags),
        "json twice": json.dumps(json.dumps(tags)),
        "json in a list": [json.dumps(tags)],
        "python": repr(tags),
        "python 2": "[" + ", ".join("u" + tag for tag in quoted) + "]",
        "tuple": repr(tuple(tags)),
        "with nulls": [*tags, None, math.nan],
        "python with nulls": "[" + ", ".join([*quoted, "nan", "None"]) + "]",
        "numpy": "[" + " ".join(quoted) + "]",
        "array": f"array([{', '.join(quoted)}], dtype=object)",
        "set": f"{{{', '.join(quoted)}}}" if tags else "set()",
        "frozenset": f"frozenset({{{', '.join(quoted)}}})" if tags else "frozenset()",
        "postgres": "{" + ",".join([json.dumps(tag, ensure_ascii=False) for tag in tags] + ["NULL"]) + "}",
        "postgres without quotes": "{" + ",".join(tags) + "}",
        "percent": quote(" ".join("#" + tag for tag in tags)),
        "twitter": indices,
        "twitter printed": repr(indices),
        "twitter of numpy": "[" + "\n ".join(str(item) for item in indices) + "]",
        "version 2": json.dumps([{"start": 0, "end": 4, "tag": tag} for tag in tags]),
        "mastodon": [{"name": tag, "url": f"https://m.example/tags/{quote(tag)}"} for tag in tags],
    }
    if len(tags) > 1:
        ways |= {"one text in a list": ["#" + " #".join(tags)], "glued text in a list": ["#" + "#".join(tags)]}
    return ways
