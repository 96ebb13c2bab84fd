"""The data card: a prepared data set described in Markdown, from its statistics alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from data_loaders.prepare.plots import PLOTS
from data_loaders.prepare.splits import SPLITS


def data_card(statistics: dict[str, Any], plots: Sequence[str]) -> str:
    """Return the card's text.

    Args:
        statistics: what `statistics.json` holds.
        plots: file names under `plots/`, of those `plots.PLOTS` lists.
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
    """Return in words which hashtags the vocabulary holds."""
    minimum, rule = statistics["vocabulary"]["minimum_frequency"], statistics["vocabulary"]["rule"]
    top = statistics["selection"]["top_hashtags"]
    if top is None:
        return f"those of at least {minimum} train posts ({rule})"
    frequent = f" in at least {minimum} posts" if minimum > 1 else ""
    return f"the {top:,} most frequent of train{frequent} (asked for)"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
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
        ("different hashtags", f"{statistics['distinct_hashtags']:,}"),
        ("in the vocabulary", f"{statistics['vocabulary']['hashtags']:,}"),
        *((f"posts without {name.replace('_and_', ' and ')}", _of(count, posts)) for name, count in missing.items()),
    ]
    notes = "".join(f"\n\n> {note}" for note in statistics["notes"])
    source = statistics["source"]
    return f"# Data card\n\nPrepared from `{source['path']}` ({source['format']}).{notes}\n\n{table(('', ''), rows)}"


def _split_section(statistics: dict[str, Any]) -> str:
    split, duplicates = statistics["split"], statistics["near_duplicates"]
    rows = []
    for name in SPLITS:
        side = statistics["splits"][name]
        period = f"{side['from'][:10]} to {side['to'][:10]}" if side["from"] else "undated"
        rows.append(
            (
                name,
                f"{side['posts']:,}",
                f"{side['users']:,}",
                period,
                *(
                    _percent(share)
                    for share in (
                        side["truth"]["vocabulary"],
                        side["truth"]["own_history"],
                        side["truth"]["either"],
                        side["posts_with_history"],
                        side["users_seen_in_train"],
                    )
                ),
            )
        )
    header = ("split", "posts", "users", "period", "truth in vocabulary", "truth in the user's earlier posts", "either",
              "posts with history", "users seen in train")  # fmt: skip
    fractions = " / ".join(f"{fraction:g}" for fraction in split["fractions"])
    moved = (
        f" Near-duplicates (same words or same picture): {duplicates['posts']:,} posts in {duplicates['groups']:,} "
        f"groups, the largest of {duplicates['largest_group']:,}; each group stays on the side of its first post, "
        f"which moved {split['moved_with_near_duplicates']:,} posts."
    )
    begin = split["validation_and_test_begin"]
    cuts = f" Validation begins at {begin[0]}, test at {begin[1]}; only moved posts lie outside." if begin else ""
    return (
        f"## Splits\n\nMethod: {split['method']} ({split['reason']}), shares {fractions}, seed {statistics['seed']}."
        f"{cuts}{moved}\n\n{table(header, rows)}\n\n"
        "Truth in the vocabulary is the ceiling of a recommender that can only name train hashtags; history is what "
        "the same user posted strictly earlier."
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
        f"## Hashtags\n\nPer post: mean {tags['mean']:.2f}, most {tags['most']:,}; quantiles {quantiles}. "
        f"{_percent(tags['more_than_5'])} of the posts have more than the 5 that Instagram has allowed since December "
        "2025; recommendations are 5 by default.\n\n"
        f"The vocabulary holds {vocabulary['hashtags']:,} hashtags, {vocabulary_rule(statistics)}. "
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
    return f"## Captions\n\nWithout their hashtags.\n\n{table(('length', 'posts'), rows)}\n\n{scripts}"


def _refusal_section(statistics: dict[str, Any]) -> str:
    refused, kept = statistics["rejected"]["refused"], statistics["rejected"]["kept"]
    if not refused and not kept:
        return "## Refused records\n\nNone."
    rows = [
        *((reason, f"{count:,}", "refused") for reason, count in refused.items()),
        *((reason, f"{count:,}", "post kept") for reason, count in kept.items()),
    ]
    return (
        "## Refused records\n\nEach is listed in `rejected.jsonl`.\n\n"
        f"{table(('reason', 'records', 'what was done'), rows)}"
    )


def _figures(plots: Sequence[str]) -> str:
    return "## Figures\n\n" + "\n\n".join(f"![{PLOTS[name]}](plots/{name})" for name in plots)


def _files(statistics: dict[str, Any]) -> str:
    return (
        "## Files\n\n"
        "- `posts.parquet`: the posts in order (train, validation, test; by time inside). `caption` is without "
        "hashtags, `caption_original` as posted, `image` relative to this folder, `split` the side.\n"
        "- `vocabulary.json`: the train vocabulary with frequencies.\n"
        f"- `statistics.json`: all figures above (format version {statistics['format_version']}).\n"
        "- `rejected.jsonl`: every record that was refused or kept with a reservation, and why."
    )
