"""Read a dump and say what it holds, what would be refused and what to do about it. Nothing is written."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main

from data_loaders.errors import ConfigError, DataError
from data_loaders.readers import ReaderOptions, list_readers, open_dump
from data_loaders.readers.summary import describe_summary, summarise, template

_EXAMPLES = """examples:
  python scripts/validate.py --source data/sample
  python scripts/validate.py --source posts.csv --columns caption=body post_id=key
  python scripts/validate.py --template jsonl"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--source", type=Path, help="dump to read: a file or a folder")
    what.add_argument("--template", choices=("jsonl", "csv"), help="print an example record and stop")
    parser.add_argument("--format", help=f"one of {', '.join(list_readers())} (default: found out from the source)")
    parser.add_argument(
        "--columns", nargs="+", default=[], metavar="FIELD=COLUMN", help="which column holds a field, as caption=text"
    )
    parser.add_argument("--owner-comments", action="store_true", help="add hashtags of the owner's own first comment")
    parser.add_argument("--user-id", help="whose posts these are, where the dump does not say")
    parser.add_argument(
        "--number-rows", action="store_true", help="give records without an id one of file name and number"
    )
    parser.add_argument("--examples", type=int, default=3, help="records to show for each reason (default: 3)")
    return parser


def read_columns(pairs: Sequence[str]) -> dict[str, str]:
    """Return the column mapping that `FIELD=COLUMN` arguments spell.

    Raises:
        ConfigError: if an argument is no such pair.
    """
    for pair in pairs:
        if not all(pair.partition("=")):
            raise ConfigError(f"--columns {pair!r} is no pair. Accepted: FIELD=COLUMN, for instance caption=text.")
    return {field: column for field, _, column in (pair.partition("=") for pair in pairs)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    if options.template is not None:
        print(template(options.template))
        return
    reader = open_dump(
        options.source,
        options.format,
        ReaderOptions(
            columns=read_columns(options.columns),
            owner_comments=options.owner_comments,
            user_id=options.user_id,
            number_rows=options.number_rows,
        ),
    )
    summary = summarise(reader, options.examples)
    print(f"{reader.path}: {reader.name}")
    print(describe_summary(summary))
    if not summary.kept["posts"]:
        raise DataError(f"{reader.path} holds no usable post. What was refused, and why, is listed above.")


if __name__ == "__main__":
    run_main(main)
