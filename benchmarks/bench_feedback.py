"""Replay a split as it happened: after each post its hashtags are the user's feedback on the answer.

python benchmarks/bench_feedback.py --data data/prepared --split validation --accepted 0 1 2 --rejected 0 0.1 0.3
python benchmarks/bench_feedback.py --data data/prepared --split validation --run runs/hybrid
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from data_loaders.posts import Post
from data_loaders.prepared import PreparedData
from multimodal.baselines.user_habit import UserHabit
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.user_notes import Feedback
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import System
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.systems.queries import to_query

K = 5


def replayed(
    system: System, known: list[Post], asked: list[Post], feedback: bool, observed: bool = True
) -> list[float]:
    """Return F1@5 of each post that has hashtags.

    Args:
        system: fitted.
        known: posts that are remembered before.
        asked: in order of time.
        feedback: whether the hashtags of each post are given as feedback on the answer.
        observed: whether the posts are remembered too.
    """
    memory = system.new_memory()
    system.add_posts(memory, known)
    values = []
    for number, post in enumerate(asked):
        query, excluded = to_query(post)
        rankings = system.rank([query], memory, K, [excluded])
        answer = [hashtag for hashtag, _ in rankings.of(0)]
        truth = set(post.hashtags)
        hits = truth.intersection(answer)
        if truth:
            values.append(2 * len(hits) / (len(answer) + len(truth)))
        told = _feedback(system, memory, post, query, rankings, number) if feedback and truth else None
        if observed:
            system.add_posts(memory, [post])
        if told is not None and post.user_id is not None:
            memory.note(memory.notes.with_feedback(post.user_id, told))
    return values


def _feedback(system: System, memory: PostMemory, post: Post, query: Post, rankings: Rankings, number: int) -> Feedback:
    """Return what a user who knows the hashtags of the post does with the answer."""
    answer = rankings.of(0)
    explained = system.explain([query], rankings, memory) or [[]]
    chances = {} if system.calibration is None else system.calibration.of([score for _, score in answer])
    return Feedback(
        given_us=number,
        instant_us=post.instant_us,
        post_id=post.post_id,
        accepted=tuple(post.hashtags),
        rejected=tuple(hashtag for hashtag, _ in answer if hashtag not in post.hashtags),
        chances={hashtag: float(chance) for (hashtag, _), chance in zip(answer, chances, strict=False)},
        effects={
            hashtag: {source.name: source.effect for source in sources}
            for (hashtag, _), sources in zip(answer, explained[0], strict=False)
        },
    )


def compare(
    system: System, known: list[Post], asked: list[Post], split: str, weights: list[tuple[float, float]]
) -> None:
    """Print F1@5 without feedback, and what it changes, where posts are remembered as well and where they are not."""
    for observed in (True, False):
        plain = np.array(replayed(system, known, asked, False, observed))
        how = "posts remembered" if observed else "posts not remembered"
        sys.stdout.write(f"{split}, {len(plain):,} posts, {how}: F1@{K} {plain.mean():.4f} without feedback\n")
        for accepted, rejected in weights:
            if isinstance(system, UserHabit):
                recency = system.config.recency.model_copy(update={"accepted": accepted, "rejected": rejected})
                system.config = system.config.model_copy(update={"recency": recency})
                sys.stdout.write(f"accepted {accepted:g}, rejected {rejected:g}: ")
            change = np.array(replayed(system, known, asked, True, observed)) - plain
            spread = 1.96 * change.std() / np.sqrt(len(plain))
            sys.stdout.write(f"{change.mean():+.4f} ± {spread:.4f} with feedback\n")


def main() -> None:
    """Load a run, or fit `user_habit` and try each pair of its weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--run", type=Path, help="a trained run; user_habit is fitted without")
    parser.add_argument("--accepted", type=float, nargs="+", default=[1.0])
    parser.add_argument("--rejected", type=float, nargs="+", default=[0.1])
    options = parser.parse_args()
    data = PreparedData.open(options.data)
    earlier = ("train",) if options.split == "validation" else ("train", "validation")
    known = [post for split in earlier for post in data.split(split)]
    asked = sorted(data.split(options.split), key=lambda post: post.instant_us)
    system: System
    if options.run is not None:
        system = load_model(options.run).system
    else:
        system = UserHabit(validate_config({"system": "user_habit"}))
        with tempfile.TemporaryDirectory() as folder:
            system.fit(data, RunFolder(Path(folder) / "run"))
    compare(system, known, asked, options.split, [*product(options.accepted, options.rejected)])


if __name__ == "__main__":
    main()
