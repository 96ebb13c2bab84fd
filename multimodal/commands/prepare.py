"""Read a dump, split its posts into train, validation and test, and write a prepared folder."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.command_line import command_line
from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import SOURCE_HELP, add_dump_arguments, reader_options, refusals, source_of
from multimodal.commands.executor_arguments import add_executor_arguments, executor_of

if TYPE_CHECKING:
    from data_loaders.prepare.prepare import PreparedSummary
    from multimodal.evaluation.files.text_table import TextTable

EXAMPLES = """examples:
  multimodal-hashtags prepare --source data/sample --output data/prepared
  multimodal-hashtags prepare --source posts.csv --output data/prepared --columns caption=text user_id=author
  multimodal-hashtags prepare --source posts.jsonl --output data/prepared --split user --fractions 0.7 0.15 0.15
  multimodal-hashtags prepare --source twitter-archive.zip --output data/prepared
  multimodal-hashtags prepare --source 'shards/*.parquet' --output data/prepared
  multimodal-hashtags prepare --source tweets.csv --output data/top50 --top-hashtags 50 --only-top-hashtags \\
      --fractions 0.5 0.3 0.2"""
# Written out, because their modules import numpy and Pillow.
SPLIT_METHODS = ("auto", "time", "user", "random")
IMAGE_POLICIES = ("raise", "skip", "blank")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--source", type=Path, nargs="+", required=True, metavar="PATH", help=SOURCE_HELP)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder to make; a prepared folder there is replaced"
    )
    add_dump_arguments(parser)
    parser.add_argument(
        "--split", default="auto",
        help=f"one of {', '.join(SPLIT_METHODS)} (default: auto; by time if at least half the posts are dated)",
    )  # fmt: skip
    parser.add_argument(
        "--fractions", type=float, nargs=3, default=(0.8, 0.1, 0.1), metavar=("TRAIN", "VALIDATION", "TEST"),
        help="shares of the posts (default: 0.8 0.1 0.1)",
    )  # fmt: skip
    parser.add_argument(
        "--minimum-frequency", type=int, metavar="POSTS",
        help="train posts that must carry a hashtag for the vocabulary (default: 5; 3 or 2 for small dumps)",
    )  # fmt: skip
    parser.add_argument(
        "--top-hashtags", type=int, metavar="N",
        help="keep only the N most frequent train hashtags in the vocabulary (default: all frequent enough)",
    )  # fmt: skip
    parser.add_argument(
        "--only-top-hashtags", action="store_true",
        help="with --top-hashtags: keep only posts with one of them, and only these of their hashtags; an easier, "
        "closed task",
    )  # fmt: skip
    parser.add_argument(
        "--plain-hashtags", action="store_true",
        help="leave out hashtags with digits or underscores and English stop words",
    )  # fmt: skip
    parser.add_argument(
        "--image-policy", default="skip",
        help=f"what to do with unusable pictures: {', '.join(IMAGE_POLICIES)} (default: skip)",
    )  # fmt: skip
    parser.add_argument("--no-check-images", dest="check_images", action="store_false", help="do not open the pictures")
    parser.add_argument(
        "--no-near-duplicates", dest="near_duplicates", action="store_false",
        help="let near-duplicate posts fall into different splits",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the random split (default: 0)")
    add_executor_arguments(parser)


def run(options: argparse.Namespace) -> Answer:
    """Prepare the dump."""
    from data_loaders.prepare.prepare import prepare
    from data_loaders.prepare.settings import PrepareSettings

    settings = PrepareSettings(**{field.name: getattr(options, field.name) for field in fields(PrepareSettings)})
    summary = prepare(
        source_of(options), options.output, settings, format=options.format, options=reader_options(options),
        executor=executor_of(options),
    )  # fmt: skip
    return Answer({"folder": summary.folder, **summary.statistics}, describe(summary))


def describe(summary: PreparedSummary) -> list[str | TextTable]:
    """Return what was prepared: texts and tables."""
    from data_loaders.prepare.data_card import vocabulary_rule
    from data_loaders.readers.summary import unread_columns

    statistics = summary.statistics
    vocabulary, split, rejected = statistics["vocabulary"], statistics["split"], statistics["rejected"]
    parts: list[str | TextTable] = [
        f"{summary.folder}: {statistics['posts']:,} posts by {statistics['users']:,} users, "
        f"{statistics['tags_per_post']['mean']:.1f} hashtags per post",
        f"split by {split['method']} ({split['reason']}); "
        f"{split['moved_with_near_duplicates']:,} posts moved to the side of their near-duplicates",
        f"vocabulary: {vocabulary['hashtags']:,} of {statistics['distinct_hashtags']:,} hashtags, "
        f"{vocabulary_rule(statistics)}",
        *([unread_columns(statistics["source"]["columns_unread"])] if statistics["source"]["columns_unread"] else []),
        *(f"note: {note}" for note in statistics["notes"]),
        _splits(statistics["splits"]),
    ]
    if rejected["refused"] or rejected["kept"]:
        parts += [refusals(rejected["refused"], rejected["kept"]), f"listed in {summary.folder / 'rejected.jsonl'}"]
    pictured = statistics["missing"]["image"] * 2 <= statistics["posts"]
    config, run = "hybrid_sample" if pictured else "hybrid", f"runs/{summary.folder.resolve().name}"
    train = command_line("train", "--config", config, "--data", summary.folder, "--output", run)
    return [*parts, f"data card: {summary.folder / 'README.md'}", f"next: {train}"]


def _splits(splits: dict[str, Any]) -> TextTable:
    from multimodal.evaluation.files.text_table import TextTable, percent

    headings = ["split", "posts", "users", "period", "truth in\nvocabulary", "or own\nhistory", "posts with\nhistory"]
    cells = [
        [
            name,
            f"{side['posts']:,}",
            f"{side['users']:,}",
            f"{side['from'][:7]}…{side['to'][:7]}" if side["from"] else "undated",
            percent(side["truth"]["vocabulary"], 1),
            percent(side["truth"]["either"], 1),
            percent(side["posts_with_history"], 1),
        ]
        for name, side in splits.items()
    ]
    return TextTable(headings=headings, cells=cells, title="Splits")
