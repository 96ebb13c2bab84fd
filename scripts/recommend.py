"""Recommend hashtags for one post: from its picture, its caption and who posts it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_loaders.prepared import PreparedData
from multimodal.recommender import Recommendation, Recommender

_EXAMPLES = """examples:
  python scripts/recommend.py --run runs/sample --image photo.jpg --caption "Low tide at dusk" --user-id ann --k 5
  python scripts/recommend.py --run runs/sample --caption "Low tide" --user-id ann --timestamp 2024-05-01T18:00:00Z
  python scripts/recommend.py --run runs/sample --user-id ann --observe data/prepared"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", required=True, help="run folder, its model/ folder, or a Hugging Face Hub id")
    parser.add_argument("--image", type=Path, help="picture file")
    parser.add_argument("--caption", help="text; hashtags in it are not recommended again")
    parser.add_argument("--user-id", help="who posts; may be unknown. At least one of the three is given")
    parser.add_argument("--k", type=int, default=5, help="how many hashtags (default: 5)")
    parser.add_argument("--timestamp", help="when, ISO 8601 (default: after everything remembered)")
    parser.add_argument(
        "--observe", type=Path, metavar="DATA", help="prepared folder whose validation and test posts are known too"
    )
    parser.add_argument("--include-caption-hashtags", action="store_true", help="also name what the caption holds")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is any, else cpu)")
    return parser


def as_table(recommendations: Sequence[Recommendation]) -> Table:
    """Return the answer as a table, best first."""
    table = Table()
    table.add_column("", justify="right")
    table.add_column("Hashtag")
    table.add_column("Score", justify="right")
    for rank, recommendation in enumerate(recommendations, start=1):
        table.add_row(str(rank), escape(str(recommendation)), f"{recommendation.score:.4f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    recommender = Recommender.from_pretrained(options.run, device=options.device)
    if options.observe is not None:
        data = PreparedData.open(options.observe)
        later = [post for split in ("validation", "test") for post in data.split(split)]
        recommender.observe([post for post in later if post.post_id not in recommender.memory])
    recommendations = recommender.recommend(
        options.image,
        options.caption,
        options.user_id,
        options.k,
        timestamp=options.timestamp,
        include_caption_hashtags=options.include_caption_hashtags,
    )
    Console().print(as_table(recommendations))


if __name__ == "__main__":
    run_main(main)
