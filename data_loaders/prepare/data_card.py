"""The data card: a Markdown description of a prepared data set, made from its statistics alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from data_loaders.prepare.plots import PLOTS
from data_loaders.prepare.splits import SPLITS


def data_card(statistics: dict[str, Any], plots: Sequence[str]) -> str:
    """Return the data card.

    Args:
        statistics: content of `statistics.json`.
        plots: file names under `plots/`, all of them keys of `plots.PLOTS`.
    """
    parts = [
        _overview(statistics),
        _split_section(statistics),
        _tag_section(statistics),
        _content_section(statistics),
        _refusal_section(statistics),
        _figures(plots),
        _files(statistics),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def vocabulary_rule(statistics: dict[str, Any]) -> str:
    """Return a phrase that says which hashtags are in the vocabulary."""
    minimum, rule = statistics["vocabulary"]["minimum_frequency"], statistics["vocabulary"]["rule"]
    top = statistics["selection"]["top_hashtags"]
    if top is None:
        return f"those of at least {minimum} train posts ({rule})"
    frequent = f" in at least {minimum} posts" if minimum > 1 else ""
    return f"the {top:,} most frequent of train{frequent} (asked for)"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; `|` in cells is escaped.

    >>> print(table(("split", "posts"), [("train", 8)]))
    | split | posts |
    | --- | --- |
    | train | 8 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _of(count: int, total: int) -> str:
    return f"{count:,} ({count / max(total, 1):.1%})"


def _overview(statistics: dict[str, Any]) -> str:
    posts, missing = statistics["posts"], statistics["missing"]
    rows = [
        ("posts", f"{posts:,}"),
        ("users", f"{statistics['users']:,}"),
        ("posts with hashtags", _of(statistics["posts_with_hashtags"], posts)),
        ("distinct hashtags", f"{statistics['distinct_hashtags']:,}"),
        ("hashtags in the vocabulary", f"{statistics['vocabulary']['hashtags']:,}"),
        *((f"posts without {name.replace('_and_', ' and ')}", _of(count, posts)) for name, count in missing.items()),
    ]
    notes = "".join(f"\n\n> {note}" for note in statistics["notes"])
    source = statistics["source"]
    return f"# Data card\n\nPrepared from `{source['path']}` ({source['format']}).{notes}\n\n{table(('', ''), rows)}"


def _split_section(statistics: dict[str, Any]) -> str:
    split, duplicates = statistics["split"], statistics["near_duplicates"]
    rows = []
    for name in SPLITS:
        of_split = statistics["splits"][name]
        period = f"{of_split['from'][:10]} to {of_split['to'][:10]}" if of_split["from"] else "undated"
        truth = of_split["truth"]
        shares = [truth["vocabulary"], truth["own_history"], truth["either"]]
        shares += [of_split["posts_with_history"], of_split["users_seen_in_train"]]
        rows.append((name, f"{of_split['posts']:,}", f"{of_split['users']:,}", period, *map(_percent, shares)))
    header = ("split", "posts", "users", "period", "truth in vocabulary", "truth in user history", "truth in either",
              "posts with history", "users seen in train")  # fmt: skip
    fractions = " / ".join(f"{fraction:g}" for fraction in split["fractions"])
    moved = (
        f" Near-duplicates (same words or same picture): {duplicates['posts']:,} posts in {duplicates['groups']:,} "
        f"groups, the largest of {duplicates['largest_group']:,} posts. Each group stays in the split of its first "
        f"post, which moved {split['moved_with_near_duplicates']:,} posts."
    )
    begin = split["validation_and_test_begin"]
    cuts = f" Validation begins at {begin[0]} and test at {begin[1]}, except for moved posts." if begin else ""
    return (
        f"## Splits\n\nMethod: {split['method']} ({split['reason']}), fractions {fractions}, seed {statistics['seed']}."
        f"{cuts}{moved}\n\n{table(header, rows)}\n\n"
        "The truth in the vocabulary is the highest recall of a recommender that knows only train hashtags. A user's "
        "history is what the same user posted strictly earlier."
    )


def _tag_section(statistics: dict[str, Any]) -> str:
    tags, vocabulary = statistics["tags_per_post"], statistics["vocabulary"]
    quantiles = ", ".join(f"{float(share):.0%}: {value:g}" for share, value in tags["quantiles"].items())
    years = table(
        ("year", "posts", "hashtags per post", "posts with more than 5"),
        (
            (row["year"], f"{row['posts']:,}", f"{row['tags_per_post']:.2f}", _percent(row["more_than_5"]))
            for row in statistics["by_year"]
        ),
    )
    top = ", ".join(f"#{hashtag} ({count:,})" for hashtag, count in statistics["top_hashtags"].items())
    return (
        f"## Hashtags\n\nPer post: mean {tags['mean']:.2f}, maximum {tags['most']:,}, quantiles {quantiles}. "
        f"{_percent(tags['more_than_5'])} of the posts have more than 5 hashtags, Instagram's limit since December "
        "2025. Recommendations have 5 by default.\n\n"
        f"The vocabulary has {vocabulary['hashtags']:,} hashtags: {vocabulary_rule(statistics)}. "
        f"Most frequent in train: {top}.\n\n{years}"
    )


def _content_section(statistics: dict[str, Any]) -> str:
    captions, posts = statistics["captions"], statistics["posts"]
    limit = captions["short_is_at_most"]
    rows = [
        ("none", _of(captions["none"], posts)),
        (f"short (at most {limit} characters)", _of(captions["short"], posts)),
        (f"long (more than {limit})", _of(captions["long"], posts)),
    ]
    scripts = table(("script", "captions"), ((name, f"{count:,}") for name, count in captions["scripts"].items()))
    return f"## Captions\n\nHashtags are not counted.\n\n{table(('length', 'posts'), rows)}\n\n{scripts}"


def _refusal_section(statistics: dict[str, Any]) -> str:
    refused, kept = statistics["rejected"]["refused"], statistics["rejected"]["kept"]
    if not refused and not kept:
        return "## Refused records\n\nNone."
    rows = [
        *((reason, f"{count:,}", "refused") for reason, count in refused.items()),
        *((reason, f"{count:,}", "post kept") for reason, count in kept.items()),
    ]
    return (
        f"## Refused records\n\nEach is listed in `rejected.jsonl`.\n\n{table(('reason', 'records', 'outcome'), rows)}"
    )


def _figures(plots: Sequence[str]) -> str:
    return "## Figures\n\n" + "\n\n".join(f"![{PLOTS[name]}](plots/{name})" for name in plots)


def _files(statistics: dict[str, Any]) -> str:
    return (
        "## Files\n\n"
        "- `posts.parquet`: the posts, ordered by split (train, validation, test), then by time. `caption` has no "
        "hashtags, `caption_original` is the caption as posted, `image` is relative to this folder.\n"
        "- `vocabulary.json`: the train vocabulary with frequencies.\n"
        f"- `statistics.json`: all figures above (format version {statistics['format_version']}).\n"
        "- `rejected.jsonl`: every record that was refused or kept with a warning, and why."
    )
