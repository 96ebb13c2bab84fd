"""Write the sample dump: an Instaloader folder of drawn pictures, composed captions and hashtags."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main

from data_loaders.sample import SampleSummary, write_sample

_EXAMPLE = "example:\n  python scripts/make_sample.py --output data/sample --posts 2000 --users 100 --seed 0"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to make; a sample there is replaced")
    parser.add_argument("--posts", type=int, default=2000, help="picture posts to write (default: 2000)")
    parser.add_argument("--users", type=int, default=100, help="accounts to write (default: 100)")
    parser.add_argument("--image-size-px", type=int, default=112, help="side of the square pictures (default: 112)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same files (default: 0)")
    return parser


def describe(summary: SampleSummary) -> str:
    """Return what was written, and the command that comes next."""
    output = summary.output
    prepare = ["python", "scripts/prepare.py", "--source", str(output), "--output", str(output.parent / "prepared")]
    return "\n".join(
        [
            f"{output}: {summary.posts:,} posts by {summary.users:,} users, {summary.size_bytes / 1e6:.1f} MB",
            f"  pictures        {summary.images:,} ({summary.carousels:,} carousels; "
            f"{summary.posts_without_image:,} posts without a picture)",
            f"  captions        {summary.posts - summary.posts_without_text:,} "
            f"({summary.posts_without_text:,} posts without words)",
            f"  hashtags        {summary.distinct_hashtags:,} different, {summary.hashtags_per_post:.1f} per post",
            f"  videos          {summary.videos:,}, which readers skip",
            f"next: {shlex.join(prepare)}",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    summary = write_sample(
        options.output,
        posts=options.posts,
        users=options.users,
        seed=options.seed,
        image_size_px=options.image_size_px,
    )
    print(describe(summary))


if __name__ == "__main__":
    run_main(main)
