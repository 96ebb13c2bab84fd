"""What `prepare` prints about a prepared folder."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from data_loaders.command_line import command_line
from data_loaders.prepare.data_card import vocabulary_rule
from data_loaders.prepare.prepare import PreparedSummary
from data_loaders.prepare.splits import SPLITS


def describe(summary: PreparedSummary) -> list[Table | str]:
    """Return what is printed: tables and lines."""
    statistics = summary.statistics
    vocabulary, split = statistics["vocabulary"], statistics["split"]
    parts: list[Table | str] = [
        f"{summary.folder}: {statistics['posts']:,} posts by {statistics['users']:,} users, "
        f"{statistics['tags_per_post']['mean']:.1f} hashtags per post",
        f"split by {split['method']} ({split['reason']}); "
        f"{split['moved_with_near_duplicates']:,} posts moved to the side of their near-duplicates",
        f"vocabulary: {vocabulary['hashtags']:,} of {statistics['distinct_hashtags']:,} hashtags, "
        f"{vocabulary_rule(statistics)}",
        *(f"note: {note}" for note in statistics["notes"]),
        _splits(statistics["splits"]),
    ]
    refused, kept = statistics["rejected"]["refused"], statistics["rejected"]["kept"]
    if refused or kept:
        parts.append(_refusals(refused, kept))
        parts.append(f"each is listed in {summary.folder / 'rejected.jsonl'}")
    parts.append(f"data card: {summary.folder / 'README.md'}")
    train = command_line("train", "--config", "sample", "--data", summary.folder, "--output", "runs/sample")
    parts.append(f"next: {train}")
    return parts


def _splits(splits: dict[str, Any]) -> Table:
    table = Table(title="\nSplits", title_justify="left", box=None, pad_edge=False)
    table.add_column("split", no_wrap=True)
    for header in ("posts", "users", "period", "truth in\nvocabulary", "or own\nhistory", "posts with\nhistory"):
        table.add_column(header, justify="right", no_wrap=True)
    for name in SPLITS:
        side = splits[name]
        table.add_row(
            name,
            f"{side['posts']:,}",
            f"{side['users']:,}",
            f"{side['from'][:7]}…{side['to'][:7]}" if side["from"] else "undated",
            f"{side['truth']['vocabulary']:.1%}",
            f"{side['truth']['either']:.1%}",
            f"{side['posts_with_history']:.1%}",
        )
    return table


def _refusals(refused: dict[str, int], kept: dict[str, int]) -> Table:
    table = Table(
        "reason",
        "what was done",
        title="\nRefused records and reservations",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("records", justify="right")
    for counts, done in ((refused, "refused"), (kept, "post kept")):
        for reason, count in counts.items():
            table.add_row(reason, done, f"{count:,}")
    return table
