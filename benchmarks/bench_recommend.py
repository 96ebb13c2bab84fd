"""Time `recommend` against its two encoders alone, called directly through transformers and timm.

    python benchmarks/bench_recommend.py
    python benchmarks/bench_recommend.py --repeats 50 --precision bf16 --profile

One post with a picture, a caption and a user with history, at the size of the paper: multilingual BERT base, ViT-B/16,
D = 512, 1,734 hashtags, 5,000 remembered posts, 30 of them the user's. Weights are random, which does not affect the
time. The direct calls use the same weights, tokens and pixels. `encoders` is the two forward passes alone; `with input`
also tokenises, and opens and resizes the picture with the libraries' own tools. The calls alternate, and the ratio is
the median over the rounds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from data_loaders.posts import Post
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.recommender import Recommender
from multimodal.systems.config_loading import validate_config

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
HASHTAGS, OWN_POSTS = 1_734, 30


def make_posts(count: int, words: int) -> list[Post]:
    """Generate posts with Zipf-like words and hashtags, 30 posts per user."""
    rng = np.random.default_rng(0)
    draw = random.Random(0)
    lexicon = ["".join(draw.choices("abcdefghijklmnoprstuvwz", k=draw.randint(2, 9))) for _ in range(5_000)]
    posts = []
    for number in range(count):
        said = [lexicon[index % len(lexicon)] for index in rng.zipf(1.3, words)]
        tags = tuple(dict.fromkeys(f"tag{index % HASHTAGS}" for index in rng.zipf(1.3, 6)))
        user = f"user{number % max(count // OWN_POSTS, 1)}"
        when = START + timedelta(minutes=number)
        posts.append(
            Post(post_id=f"p{number}", user_id=user, timestamp=when, caption=" ".join(said), image=None, hashtags=tags)
        )
    return posts


def make_recommender(posts: list[Post], size: str, neighbours: int) -> Recommender:
    """Build an untrained model of the paper's size with the posts in its memory."""
    caption: dict[str, Any] = {"name": "transformer", "random_init": True, "trainable": False}
    image: dict[str, Any] = {"name": "vit_base_patch16_224", "pretrained": False, "trainable": False}
    if size == "tiny":
        caption, image = {"name": "small", "trainable": False}, {"name": "small", "trainable": False}
    config = validate_config(
        {
            "system": "design",
            "encoder": {"caption": caption, "image": image},
            "history": {"posts": OWN_POSTS, "neighbours": neighbours},
            "feature_cache": None,
        }
    )
    torch.manual_seed(0)
    system = DesignSystem(config)
    system.id_map = HashtagIdMap([f"tag{number}" for number in range(HASHTAGS)], [5] * HASHTAGS)
    system.alpha = 0.5
    system.build(cleaned_captions(posts, system.config.caption_profile), pictured=True)
    memory = system.new_memory()
    contents = np.random.default_rng(0).normal(size=(len(posts), config.width)).astype(np.float32)
    memory.append(posts, contents, system.scorer.datasets.term_vectors(posts))
    return Recommender(system, memory)


def make_picture(folder: Path, size_px: int) -> Path:
    """Write a JPEG of smooth noise, which compresses like a photograph."""
    noise = np.random.default_rng(0).integers(0, 256, (size_px // 8, size_px // 8, 3), np.uint8)
    path = folder / "picture.jpg"
    Image.fromarray(noise).resize((size_px, size_px), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def plain_calls(system: DesignSystem, caption: str, picture: Path) -> tuple[Callable[[], Any], Callable[[], Any], int]:
    """Return the forward passes alone, the same with tokenising and decoding, and the number of tokens."""
    words: Any = system.network.caption_encoder
    image: Any = system.network.image_encoder
    dtype = next(image.parameters()).dtype
    question = Post(post_id="question", user_id=None, timestamp=None, caption=caption, image=picture, hashtags=())
    inputs = system.scorer.datasets.content_dataset([question]).batch([0])
    pixels = ((inputs.image / 255 - image.mean) / image.std).to(dtype)
    if not hasattr(words, "model"):  # the tiny size has no library to compare with
        forward: Callable[[], Any] = lambda: (words(inputs.caption, inputs.caption_mask), image(inputs.image))  # noqa: E731
        return torch.inference_mode()(forward), torch.inference_mode()(forward), inputs.caption.shape[1]
    import timm.data

    tokens, mask = inputs.caption, inputs.caption_mask.long()
    transform: Any = timm.data.create_transform(**timm.data.resolve_data_config({}, model=image.backbone))

    @torch.inference_mode()
    def encoders() -> Any:
        return words.model(input_ids=tokens, attention_mask=mask).last_hidden_state, image.backbone.forward_features(
            pixels
        )

    @torch.inference_mode()
    def with_input() -> Any:
        encoded = words.tokenizer([caption], truncation=True, max_length=words.maximum_tokens, return_tensors="pt")
        with Image.open(picture) as file:
            opened = transform(file.convert("RGB"))[None].to(dtype)
        hidden = words.model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"])
        return hidden.last_hidden_state, image.backbone.forward_features(opened)

    return encoders, with_input, tokens.shape[1]


def seconds(work: Callable[[], Any]) -> float:
    """Return the wall time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(recommender: Recommender, asked: dict[str, Any], repeats: int) -> dict[str, list[float]]:
    """Time the three calls alternately, after two warm-up rounds."""
    encoders, with_input, tokens = plain_calls(recommender.system, asked["caption"], asked["image"])  # type: ignore[arg-type]
    calls = {"recommend": lambda: recommender.recommend(**asked), "encoders": encoders, "with input": with_input}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-2, repeats):
        for name, call in calls.items():
            taken = seconds(call)
            if turn >= 0:
                times[name].append(taken)
    times["tokens"] = [tokens]
    return times


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="turns that count (default: 20)")
    parser.add_argument("--precision", choices=["fp32", "bf16", "both"], default="both")
    parser.add_argument("--memory", type=int, default=5_000, help="remembered posts (default: 5000)")
    parser.add_argument("--neighbours", type=int, default=20, help="posts like this one (default: 20)")
    parser.add_argument("--words", type=int, default=24, help="of the caption (default: 24)")
    parser.add_argument("--picture-px", type=int, default=1_080, help="side of the picture (default: 1080)")
    parser.add_argument("--size", choices=["paper", "tiny"], default="paper", help="tiny shows what is not encoders")
    parser.add_argument("--profile", action="store_true", help="also print where `recommend` spends its time")
    options = parser.parse_args()
    posts = make_posts(options.memory, options.words)
    recommender = make_recommender(posts, options.size, options.neighbours)
    table = Table("precision", "recommend", "encoders", "with input", "over encoders", "over with input")
    with tempfile.TemporaryDirectory() as folder:
        picture = make_picture(Path(folder), options.picture_px)
        asked = {"image": picture, "caption": posts[-1].caption, "user_id": posts[-1].user_id, "k": 5}
        for precision in ("fp32", "bf16") if options.precision == "both" else (options.precision,):
            recommender.system.use_precision(precision)
            times = measure(recommender, asked, options.repeats)
            row = [f"{1_000 * median(times[name]):.1f} ms" for name in ("recommend", "encoders", "with input")]
            for name in ("encoders", "with input"):
                ratios = [ours / plain for ours, plain in zip(times["recommend"], times[name], strict=True)]
                row.append(f"{median(ratios):.3f}")
            table.add_row(precision, *row)
            if options.profile:
                profile = cProfile.Profile()
                profile.runcall(lambda: [recommender.recommend(**asked) for _ in range(10)])
                pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    table.title = f"Median of {options.repeats}, {torch.get_num_threads()} threads, {times['tokens'][0]} tokens"
    Console().print(table)


if __name__ == "__main__":
    main()
