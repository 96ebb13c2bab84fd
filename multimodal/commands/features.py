"""Encode the posts of a prepared folder ahead of training, in several processes or on several machines."""

from __future__ import annotations

import argparse
from pathlib import Path

from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.executor_arguments import add_executor_arguments, executor_of

EXAMPLES = """examples:
  multimodal-hashtags features --config design_modern --data data/prepared
  multimodal-hashtags features --config design_modern --data data/prepared --executor ray://head:10001"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", required=True, help="name of a configuration of the package, or a YAML file")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--images", type=Path, help=MOVED)
    add_executor_arguments(parser, "encodes")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="change the configuration")


def run(options: argparse.Namespace) -> Answer:
    """Encode what the feature cache lacks.

    Raises:
        ConfigError: the configuration has no encoder that stays frozen, or keeps no features.
    """
    from data_loaders.bulk.shown import run_shown
    from data_loaders.errors import ConfigError
    from data_loaders.prepared import PreparedData
    from multimodal.encoders.features.encode_posts import SHARDS, Encoding, encoding_tasks
    from multimodal.systems.config_loading import load_config
    from multimodal.systems.post_networks.config import PostNetworkConfig

    config = load_config(options.config, options.overrides)
    if not isinstance(config, PostNetworkConfig) or config.feature_cache is None:
        raise ConfigError(
            f"configuration {options.config!r} keeps no features; accepted: one of a network over captions and "
            "pictures, with a feature_cache."
        )
    cache = Path(config.feature_cache).absolute()
    encoding = Encoding(
        data=options.data.absolute(), images=options.images, caption=config.encoder.caption, image=config.encoder.image,
        profile=config.caption_profile, cache=cache, precision=config.feature_precision,
    )  # fmt: skip
    posts = len(PreparedData.open(options.data, options.images).posts())
    tasks = encoding_tasks(encoding, posts)
    run_shown(executor_of(options), tasks, cache / SHARDS, "Encoding posts", lambda: posts)
    return Answer({"cache": cache, "posts": posts}, [f"{cache}: features of {posts:,} posts"])
