"""Read a dump of posts, divide it into train, validation and test, and write a prepared folder."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from _cli import run_main
from rich.console import Console
from rich.table import Table
from validate import read_columns

from data_loaders.images.loading import IMAGE_POLICIES
from data_loaders.prepare.data_card import vocabulary_rule
from data_loaders.prepare.prepare import PreparedSummary, prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepare.splits import DEFAULT_FRACTIONS, SPLIT_METHODS, SPLITS
from data_loaders.readers import ReaderOptions, list_readers

_EXAMPLES = """examples:
  python scripts/prepare.py --source data/sample --output data/prepared
  python scripts/prepare.py --source posts.csv --output data/prepared --columns caption=text user_id=author
  python scripts/prepare.py --source posts.jsonl --output data/prepared --split user --fractions 0.7 0.15 0.15
  python scripts/prepare.py --source twitter-archive.zip --output data/prepared
  python scripts/prepare.py --source tweets.csv --output data/top50 --top-hashtags 50 --only-top-hashtags \\
      --fractions 0.5 0.3 0.2"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="dump to read: a file or a folder")
    parser.add_argument("--output", type=Path, required=True, help="folder to make; a prepared folder is replaced")
    parser.add_argument("--format", help=f"one of {', '.join(list_readers())} (default: found out from the source)")
    parser.add_argument(
        "--columns", nargs="+", action="extend", default=[], metavar="FIELD=COLUMN",
        help="which column holds a field, as caption=text; may be repeated",
    )  # fmt: skip
    parser.add_argument("--owner-comments", action="store_true", help="add hashtags of the owner's own first comment")
    parser.add_argument("--user-id", help="whose posts these are, where the dump does not say")
    parser.add_argument(
        "--number-rows", action="store_true", help="give records without an id one of file name and number"
    )
    parser.add_argument(
        "--split", default="auto",
        help=f"one of {', '.join(SPLIT_METHODS)} (default: auto; by time if at least half the posts are dated)",
    )  # fmt: skip
    parser.add_argument(
        "--fractions", type=float, nargs=3, default=DEFAULT_FRACTIONS, metavar=("TRAIN", "VALIDATION", "TEST"),
        help="shares of the posts (default: 0.8 0.1 0.1)",
    )  # fmt: skip
    parser.add_argument(
        "--minimum-frequency", type=int, metavar="POSTS",
        help="train posts that must carry a hashtag for the vocabulary (default: 5; 3 or 2 for small dumps)",
    )  # fmt: skip
    parser.add_argument(
        "--top-hashtags", type=int, metavar="N",
        help="let the vocabulary hold the N most frequent train hashtags only (default: all frequent enough)",
    )  # fmt: skip
    parser.add_argument(
        "--only-top-hashtags", action="store_true",
        help="with --top-hashtags: keep only posts that carry one of them, and of their hashtags only these: a closed, "
        "easier task",
    )  # fmt: skip
    parser.add_argument(
        "--plain-hashtags", action="store_true",
        help="leave out hashtags with digits or underscores and English stop words",
    )  # fmt: skip
    parser.add_argument(
        "--image-policy", default="skip",
        help=f"what to do about pictures that cannot be used: {', '.join(IMAGE_POLICIES)} (default: skip)",
    )  # fmt: skip
    parser.add_argument("--no-check-images", dest="check_images", action="store_false", help="do not open the pictures")
    parser.add_argument(
        "--no-near-duplicates", dest="near_duplicates", action="store_false",
        help="let repeated posts fall into different splits",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the random split (default: 0)")
    return parser


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
    train = ["python", "scripts/train.py", "--config", "configs/sample.yaml", "--data", str(summary.folder)]
    parts.append(f"next: {shlex.join([*train, '--output', 'runs/sample'])}")
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    reading = ReaderOptions(
        columns=read_columns(options.columns),
        owner_comments=options.owner_comments,
        user_id=options.user_id,
        number_rows=options.number_rows,
    )
    settings = PrepareSettings(**{field.name: getattr(options, field.name) for field in fields(PrepareSettings)})
    summary = prepare(options.source, options.output, settings, format=options.format, options=reading)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for part in describe(summary):
        console.print(part)


if __name__ == "__main__":
    run_main(main)
