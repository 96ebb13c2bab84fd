"""Read a dump and say what it holds, what would be refused and what to do about it. Nothing is written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import SOURCE_HELP, add_dump_arguments, reader_options, source_of

if TYPE_CHECKING:
    from data_loaders.readers import Reader
    from data_loaders.readers.summary import DumpSummary

EXAMPLES = """examples:
  multimodal-hashtags validate --source data/sample
  multimodal-hashtags validate --source posts.csv --columns caption=body post_id=key
  multimodal-hashtags validate --source 'days/*.jsonl'
  multimodal-hashtags validate --template jsonl"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--source", type=Path, nargs="+", metavar="PATH", help=SOURCE_HELP)
    what.add_argument("--template", choices=("jsonl", "csv"), help="print an example record and stop")
    add_dump_arguments(parser)
    parser.add_argument("--examples", type=int, default=3, help="records to show for each reason (default: 3)")


def run(options: argparse.Namespace) -> Answer:
    """Read the dump, or return the template."""
    from data_loaders.readers import open_dump
    from data_loaders.readers.summary import describe_summary, summarise, template

    if options.template is not None:
        return Answer(json.loads(template("jsonl")), [template(options.template)])
    reader = open_dump(source_of(options), options.format, reader_options(options))
    summary = summarise(reader, options.examples)
    parts = [f"{reader.path}: {reader.name}", describe_summary(summary)]
    none = f"{reader.path} holds no usable post. What was refused, and why, is listed above."
    return Answer(document(reader, summary), parts, "" if summary.kept["posts"] else none)


def document(reader: Reader, summary: DumpSummary) -> dict[str, Any]:
    """Return the counts of a dump as plain values."""
    return {
        "source": reader.path,
        "format": reader.name,
        "posts": summary.kept["posts"],
        "with": {name: count for name, count in summary.kept.items() if name != "posts"},
        "pictures_missing": summary.pictures_missing,
        "users": len(summary.users),
        "hashtags": summary.hashtags,
        "earliest": summary.earliest,
        "latest": summary.latest,
        "refused": summary.reasons,
        "reservations": summary.warnings,
        "examples": summary.examples,
        "columns": summary.mapping_used,
        "columns_unread": summary.columns_unread,
        "notes": summary.notes,
    }
