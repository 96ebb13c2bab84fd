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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("data_loaders.prepare", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(count="{:,}".format, number="{:g}".format, percent=_percent)
    return environment.get_template("data_card.md.j2").render(
        **statistics,
        rule=vocabulary_rule(statistics),
        overview=table(("", ""), _overview(statistics)),
        split_table=_split_table(statistics),
        years=_years(statistics),
        lengths=table(("length", "posts"), _lengths(statistics)),
        scripts=table(
            ("script", "captions"), ((name, f"{count:,}") for name, count in statistics["captions"]["scripts"].items())
        ),
        refusals=_refusals(statistics),
        figures={name: PLOTS[name] for name in plots},
    )


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
    return f"{100 * share:.1f} %"


def _of(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / max(total, 1):.1f} %)"


def _overview(statistics: dict[str, Any]) -> list[tuple[str, str]]:
    posts, missing = statistics["posts"], statistics["missing"]
    return [
        ("posts", f"{posts:,}"),
        ("users", f"{statistics['users']:,}"),
        ("posts with hashtags", _of(statistics["posts_with_hashtags"], posts)),
        ("distinct hashtags", f"{statistics['distinct_hashtags']:,}"),
        ("hashtags in the vocabulary", f"{statistics['vocabulary']['hashtags']:,}"),
        *((f"posts without {name.replace('_and_', ' and ')}", _of(count, posts)) for name, count in missing.items()),
    ]


def _split_table(statistics: dict[str, Any]) -> str:
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
    return table(header, rows)


def _years(statistics: dict[str, Any]) -> str:
    rows = (
        (row["year"], f"{row['posts']:,}", f"{row['tags_per_post']:.2f}", _percent(row["more_than_5"]))
        for row in statistics["by_year"]
    )
    return table(("year", "posts", "hashtags per post", "posts with more than 5"), rows)


def _lengths(statistics: dict[str, Any]) -> list[tuple[str, str]]:
    captions, posts = statistics["captions"], statistics["posts"]
    limit = captions["short_is_at_most"]
    return [
        ("none", _of(captions["none"], posts)),
        (f"short (at most {limit} characters)", _of(captions["short"], posts)),
        (f"long (more than {limit})", _of(captions["long"], posts)),
    ]


def _refusals(statistics: dict[str, Any]) -> str:
    outcomes = {"refused": "refused", "kept": "post kept"}
    rejected = statistics["rejected"]
    rows = [
        (reason, f"{count:,}", outcome) for key, outcome in outcomes.items() for reason, count in rejected[key].items()
    ]
    return table(("reason", "records", "outcome"), rows) if rows else ""
