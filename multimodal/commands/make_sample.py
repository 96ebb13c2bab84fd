"""Write the sample dump: an Instaloader folder of drawn pictures, composed captions and hashtags."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.command_line import command_line
from multimodal.commands.answer import Answer

if TYPE_CHECKING:
    from data_loaders.sample import SampleSummary

EXAMPLES = "example:\n  multimodal-hashtags make-sample --output data/sample --posts 2000 --users 100 --seed 0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--output", type=Path, required=True, help="folder to make; replaces a sample that is there")
    parser.add_argument("--posts", type=int, default=2000, help="picture posts to write (default: 2000)")
    parser.add_argument("--users", type=int, default=100, help="accounts to write (default: 100)")
    parser.add_argument("--image-size-px", type=int, default=112, help="side of the square pictures (default: 112)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same files (default: 0)")


def run(options: argparse.Namespace) -> Answer:
    """Write the sample."""
    from data_loaders.sample import write_sample

    summary = write_sample(
        options.output, posts=options.posts, users=options.users, seed=options.seed, image_size_px=options.image_size_px
    )
    return Answer(asdict(summary), [describe(summary)])


def describe(summary: SampleSummary) -> str:
    """Return what was written, and the command that comes next."""
    output = summary.output
    return "\n".join(
        [
            f"{output}: {summary.posts:,} posts by {summary.users:,} users, {summary.size_bytes / 1e6:.1f} MB",
            f"  pictures        {summary.images:,} ({summary.carousels:,} carousels; "
            f"{summary.posts_without_image:,} posts without a picture)",
            f"  captions        {summary.posts - summary.posts_without_text:,} "
            f"({summary.posts_without_text:,} posts without words)",
            f"  hashtags        {summary.distinct_hashtags:,} different, {summary.hashtags_per_post:.1f} per post",
            f"  videos          {summary.videos:,}, which readers skip",
            f"next: {command_line('prepare', '--source', output, '--output', output.parent / 'prepared')}",
        ]
    )
