"""Time `recommend` against its two encoders alone, and against what one writes with transformers and timm.

    python benchmarks/bench_recommend.py
    python benchmarks/bench_recommend.py --repeats 50 --compute onnx-int8 --profile
    OMP_NUM_THREADS=1 python benchmarks/bench_recommend.py --compute fp32,bf16,onnx,onnx-int8 --clock cpu --many 16

One post with a picture, a caption and a user with history, at the size of the paper: multilingual BERT base, ViT-B/16,
D = 512, 1,734 hashtags, 5,000 remembered posts, 30 of them the user's. Weights are random, which does not affect the
time. `encoders` is the encoders' own forward passes on ready tokens and pixels; `as written` is the plain use of the
two libraries in fp32: captions padded to 128 tokens, pictures decoded and resized by timm's transform. The calls
alternate, and a ratio is the median over the rounds. `many` is one `recommend_many` over the encoders' passes of the
same batch.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
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
from multimodal.systems.compute.ways import use_compute
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


def make_picture(stem: Path, size_px: int, seed: int = 0) -> Path:
    """Write a JPEG of smooth noise, which compresses like a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (size_px // 8, size_px // 8, 3), np.uint8)
    path = stem.with_suffix(".jpg")
    Image.fromarray(noise).resize((size_px, size_px), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def own_calls(system: DesignSystem, posts: list[Post]) -> tuple[Callable[[], Any], int]:
    """Return the forward passes of the system's own encoders for some posts, and their number of tokens."""
    words, image = system.network.caption_encoder, system.network.image_encoder
    inputs = system.scorer.datasets.content_dataset(posts).batch(range(len(posts)))
    forward: Callable[[], Any] = lambda: (words(inputs.caption, inputs.caption_mask), image(inputs.image))  # type: ignore[misc]  # noqa: E731
    return torch.inference_mode()(forward), inputs.caption.shape[1]


def written_call(system: DesignSystem, caption: str, picture: Path) -> Callable[[], Any]:
    """Return what one writes with transformers and timm: fp32, padded to 128 tokens, with the libraries' own input."""
    import timm.data

    words: Any = system.network.caption_encoder
    image: Any = system.network.image_encoder
    transform: Any = timm.data.create_transform(**timm.data.resolve_data_config({}, model=image.backbone))
    how = {"padding": "max_length", "truncation": True, "max_length": words.maximum_tokens, "return_tensors": "pt"}

    @torch.inference_mode()
    def call() -> Any:
        encoded = words.tokenizer([caption], **how)
        with Image.open(picture) as file:
            opened = transform(file.convert("RGB"))[None]
        hidden = words.model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"])
        return hidden.last_hidden_state, image.backbone.forward_features(opened)

    return call


def measure(calls: dict[str, Callable[[], Any]], repeats: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Time calls alternately, after a warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-1, repeats):
        for name, call in calls.items():
            started = clock()
            call()
            if turn >= 0:
                times[name].append(clock() - started)
    return times


def ratio(times: dict[str, list[float]], name: str, to: str) -> str:
    """Return the median ratio of the rounds."""
    return f"{median(one / other for one, other in zip(times[name], times[to], strict=True)):.3f}"


def pictured(posts: list[Post], folder: Path, side_px: int) -> list[Post]:
    """Give posts pictures of their own."""
    return [replace(post, image=make_picture(folder / post.post_id, side_px, seed)) for seed, post in enumerate(posts)]


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="turns that count (default: 20)")
    parser.add_argument("--compute", default="fp32,bf16", help="ways to compare, comma-separated (default: fp32,bf16)")
    parser.add_argument("--memory", type=int, default=5_000, help="remembered posts (default: 5000)")
    parser.add_argument("--neighbours", type=int, default=20, help="posts like this one (default: 20)")
    parser.add_argument("--words", type=int, default=24, help="of the caption (default: 24)")
    parser.add_argument("--picture-px", type=int, default=1_080, help="side of the picture (default: 1080)")
    parser.add_argument("--many", type=int, default=0, help="posts of one recommend_many (default: 0, not measured)")
    parser.add_argument("--size", choices=["paper", "tiny"], default="paper", help="tiny shows what is not encoders")
    parser.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="cpu: of this process; with one thread"
    )
    parser.add_argument("--profile", action="store_true", help="also print where `recommend` spends its time")
    options = parser.parse_args()
    posts = make_posts(options.memory, options.words)
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    table = Table(
        "compute", "recommend", "encoders", "as written", "over encoders", "over as written", "many: over encoders"
    )
    written = make_recommender(posts, options.size, options.neighbours).system
    with tempfile.TemporaryDirectory() as folder:
        picture = make_picture(Path(folder) / "picture", options.picture_px)
        asked = {"image": picture, "caption": posts[-1].caption, "user_id": posts[-1].user_id, "k": 5}
        several = pictured(posts[: options.many], Path(folder), options.picture_px)
        for way in options.compute.split(","):
            recommender = make_recommender(posts, options.size, options.neighbours)
            use_compute(recommender.system, way, torch.device("cpu"))
            encoders, tokens = own_calls(recommender.system, [replace(posts[-1], image=picture)])  # type: ignore[arg-type]
            calls = {"recommend": partial(recommender.recommend, **asked), "encoders": encoders}
            if options.size == "paper":
                calls["as written"] = written_call(written, asked["caption"], picture)  # type: ignore[arg-type]
            times = measure(calls, options.repeats, clock)
            row = [
                f"{1_000 * median(times[name]):.1f} ms" if name in times else ""
                for name in ("recommend", "encoders", "as written")
            ]
            row += [ratio(times, "recommend", name) if name in times else "" for name in ("encoders", "as written")]
            if several:
                together, _ = own_calls(recommender.system, several)  # type: ignore[arg-type]
                many = {"many": partial(recommender.recommend_many, several, 5), "encoders": together}
                row.append(ratio(measure(many, max(1, options.repeats // 4), clock), "many", "encoders"))
            table.add_row(way, *row)
            if options.profile:
                profile = cProfile.Profile()
                for _ in range(10):
                    profile.runcall(recommender.recommend, **asked)
                pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    table.title = f"Median of {options.repeats}, {options.clock}, {torch.get_num_threads()} threads, {tokens} tokens"
    Console().print(table)


if __name__ == "__main__":
    main()
