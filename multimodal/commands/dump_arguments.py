"""How to read a dump: what `validate`, `prepare` and `recommend` share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.errors import ConfigError

if TYPE_CHECKING:
    from data_loaders.readers import ReaderOptions
    from multimodal.evaluation.files.text_table import TextTable

# Written out, because the readers import pyarrow.
FORMATS = (
    *("csv", "image_folder", "instagram_download", "instaloader", "json_lines", "parquet", "recbole", "tsv"),
    *("twitter_archive", "weibo"),
)

SOURCE_HELP = "dump to read: a file, a folder, an archive, or a pattern such as 'days/*.jsonl'; several are one dump"

MOVED = "where the pictures are now, if they were moved since the dump was prepared"
"""Help of `--images`, for commands that read a prepared folder."""


def add_dump_arguments(parser: argparse._ActionsContainer, user_id: bool = True) -> None:
    """Add the arguments that say how a dump is read.

    Args:
        parser: of the command, or a group of it.
        user_id: whether to add `--user-id`; a command that has one of its own passes it on.
    """
    parser.add_argument("--format", help=f"one of {', '.join(FORMATS)} (default: detected)")
    parser.add_argument(
        "--columns", nargs="+", action="extend", default=[], metavar="FIELD=COLUMN",
        help="which column holds a field, such as caption=text or user_id=user.username; hashtags= reads none",
    )  # fmt: skip
    parser.add_argument("--owner-comments", action="store_true", help="add hashtags of the owner's own first comment")
    if user_id:
        parser.add_argument("--user-id", help="whose posts these are, where the dump does not say")
    parser.add_argument(
        "--number-rows", action="store_true", help="give records without an id one made of file name and row number"
    )
    parser.add_argument("--encoding", help="of tables and JSON, such as windows-1252 or utf-16 (default: utf-8)")


def source_of(options: argparse.Namespace) -> Path | list[Path]:
    """Return what `--source` names: one path as it is, for messages."""
    paths: list[Path] = options.source
    return paths[0] if len(paths) == 1 else paths


def reader_options(options: argparse.Namespace) -> ReaderOptions:
    """Return what the arguments of `add_dump_arguments` say.

    Raises:
        ConfigError: see `read_columns`.
    """
    from data_loaders.readers import ReaderOptions

    return ReaderOptions(
        columns=read_columns(options.columns),
        owner_comments=options.owner_comments,
        user_id=options.user_id,
        number_rows=options.number_rows,
        encoding=options.encoding,
    )


def read_columns(pairs: Sequence[str]) -> dict[str, str]:
    """Return the column mapping that `FIELD=COLUMN` arguments give.

    Raises:
        ConfigError: an argument is not such a pair.
    """
    for pair in pairs:
        if not all(pair.partition("=")[:2]):
            raise ConfigError(
                f"--columns {pair!r} is not a pair. Accepted: FIELD=COLUMN, for instance caption=text; "
                "FIELD= for a field that no column holds."
            )
    return {field: column for field, _, column in (pair.partition("=") for pair in pairs)}


def refusals(refused: Mapping[str, int], kept: Mapping[str, int]) -> TextTable:
    """Return how many records were refused, and about how many posts there are reservations, by reason."""
    from multimodal.evaluation.files.text_table import TextTable

    done = {"refused": refused, "post kept": kept}
    cells = [[reason, what, f"{count:,}"] for what, counts in done.items() for reason, count in counts.items()]
    headings = ["reason", "what was done", "records"]
    return TextTable(headings=headings, cells=cells, title="Refused records and reservations", text_columns=2)
