"""Recommend hashtags for one post from its picture, its caption and its user, or for every post of a dump."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from multimodal.commands import dump_recommending
from multimodal.commands.answer import Answer
from multimodal.commands.kept_memory import require_log
from multimodal.commands.rule_arguments import add_rule_arguments, rules_of
from multimodal.commands.serving_arguments import COMPUTE_HELP

if TYPE_CHECKING:
    from multimodal.ranking.explanation import Source
    from multimodal.ranking.recommendation import Recommendation

EXAMPLES = """examples:
  multimodal-hashtags recommend --run runs/sample --image photo.jpg --caption "Low tide at dusk" --user-id ann --k 5
  multimodal-hashtags recommend --run runs/sample --caption "Low tide" --user-id ann --timestamp 2024-05-01T18:00:00Z
  multimodal-hashtags recommend --run runs/sample --user-id ann --observe data/prepared
  multimodal-hashtags recommend --run runs/sample --user-id ann --memory memory.sqlite
  multimodal-hashtags recommend --run runs/tfidf --caption "Low tide" --k auto --maximum 8
  multimodal-hashtags recommend --run runs/sample --user-id ann --never "ad*" --replace nyc=newyork --always myshop
  multimodal-hashtags recommend --run runs/sample --user-id 8100110883 --only mine --k 3
  multimodal-hashtags recommend --run runs/sample --user-id ann --explain --json
  multimodal-hashtags recommend --run runs/sample --source posts.jsonl --output recommendations.parquet
  multimodal-hashtags recommend --run runs/sample --source twitter.zip --output recommendations.csv --k 10 --never "ad*"

With --source, run the same command again after an interruption to go on."""
_REFRESH_S = 0.1
_MOST_SOURCES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", required=True, help="run folder, its model/ folder, or a Hugging Face Hub id")
    parser.add_argument("--image", help="picture file")
    parser.add_argument("--caption", help="text; hashtags in it are not recommended again")
    parser.add_argument("--user-id", help="who posts; may be unknown. Give one of the three, or --source")
    how_many = "how many hashtags; auto: as many as are expected to have the highest F1 (default: 5)"
    parser.add_argument("--k", type=_length, default=5, help=how_many)
    parser.add_argument("--minimum", type=int, help="shortest list of --k auto (default: 1)")
    parser.add_argument("--maximum", type=int, help="longest list of --k auto (default: mostly 10)")
    parser.add_argument("--timestamp", help="when, ISO 8601 (default: after all known posts)")
    parser.add_argument(
        "--observe", type=Path, metavar="DATA", help="prepared folder whose validation and test posts become known too"
    )
    parser.add_argument(
        "--memory",
        help="SQLite file or URL of a PostgreSQL database: what is known from there; made only for --observe, which is "
        "kept there",
    )
    parser.add_argument(
        "--include-caption-hashtags", action="store_true", help="also recommend hashtags of the caption"
    )
    parser.add_argument("--explain", action="store_true", help="say what brought each hashtag")
    diverse = parser.add_argument_group("order", "of the best hashtags, from 0 (as ranked) to 1")
    diverse.add_argument("--diversity", type=float, default=0.0, help="how much a list avoids hashtags used together")
    diverse.add_argument("--popularity-discount", type=float, default=0.0, help="how much it avoids popular ones")
    diverse.add_argument("--rerank", choices=("mmr", "dpp"), default="mmr", help="how (default: mmr)")
    diverse.add_argument("--one-of-each", action="store_true", help="list only one of hashtags that mean the same")
    add_rule_arguments(parser)
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda if available, else cpu)")
    parser.add_argument("--compute", help=COMPUTE_HELP)
    dump_recommending.add_arguments(parser)


def _length(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of hashtags nor auto") from None


def run(options: argparse.Namespace) -> Answer:
    """Load the model and ask it."""
    from multimodal.serving.dumps.opening import Opening

    dump_recommending.check(options)
    rules = rules_of(options)
    if options.memory is not None and options.observe is None:
        require_log(options.memory)
    opening = Opening(
        run=options.run, device=options.device, compute=options.compute, memory=options.memory, observe=options.observe
    )
    asked = {
        "k": options.k,
        "minimum": options.minimum,
        "maximum": options.maximum,
        "include_caption_hashtags": options.include_caption_hashtags,
        "rerank": _order(options),
        **rules,
    }
    if options.source is not None:
        return dump_recommending.run(options, opening, asked)
    recommendations = opening.open(refresh_s=_REFRESH_S).recommend(
        options.image,
        options.caption,
        options.user_id,
        timestamp=options.timestamp,
        explain=options.explain,
        **asked,
    )
    return _answer(recommendations, options.explain)


def _answer(recommendations: Sequence[Recommendation], explain: bool) -> Answer:
    from multimodal.evaluation.files.text_table import TextTable

    known = any(one.probability is not None for one in recommendations)
    cells = [
        [
            f"{rank:>2}",
            str(one),
            *([_because(one)] if explain else []),
            f"{one.score:.4f}",
            *([f"{one.probability:.3f}"] if known else []),
        ]
        for rank, one in enumerate(recommendations, start=1)
    ]
    because = ["Because"] if explain else []
    headings = ["", "Hashtag", *because, "Score", *(["Probability"] if known else [])]
    table = TextTable(headings=headings, cells=cells, text_columns=2 + len(because))
    told = [{name: value for name, value in one.to_dict().items() if value is not None} for one in recommendations]
    return Answer({"recommendations": told}, [table])


def _because(one: Recommendation) -> str:
    if one.sources is None:
        return "the System cannot say"
    told = [f"{source.name} {source.effect:+.2f}{_posts_behind(source)}" for source in one.sources[:_MOST_SOURCES]]
    return ", ".join([*told, *(["…"] if len(one.sources) > _MOST_SOURCES else [])])


def _posts_behind(source: Source) -> str:
    return f" ({', '.join(source.posts)})" if source.posts else ""


def _order(options: argparse.Namespace) -> dict[str, Any] | None:
    values = {"diversity": options.diversity, "popularity": options.popularity_discount}
    wanted = options.one_of_each or any(values.values())
    return {"method": options.rerank, "one_of_each": options.one_of_each, **values} if wanted else None
