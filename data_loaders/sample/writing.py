"""`write_sample`: draw and write the planned sample, in several processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from data_loaders.bulk.progress import progress_bar
from data_loaders.errors import DataError, some_of
from data_loaders.output_folder import atomic_folder
from data_loaders.sample.instaloader_files import write_post, write_profile
from data_loaders.sample.people import FIRST_ACCOUNT_ID
from data_loaders.sample.plan import PlannedPost, plan_sample

SMALLEST_IMAGE_PX, LARGEST_IMAGE_PX = 32, 1024
_WORTH_A_POOL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSummary:
    """The result of `write_sample`.

    Attributes:
        output: the folder.
        posts: number of picture posts, including those whose picture file is missing.
        users: number of accounts.
        videos: number of video posts, in addition to the picture posts.
        images: number of picture files of the picture posts.
        carousels: number of posts with several pictures.
        posts_without_image: number of posts whose picture file is missing.
        posts_without_text: number of posts whose caption is empty or has only hashtags.
        distinct_hashtags: number of distinct canonical hashtags of the picture posts.
        hashtags_per_post: mean number of hashtags per picture post.
        size_bytes: size of all files.
    """

    output: Path
    posts: int
    users: int
    videos: int
    images: int
    carousels: int
    posts_without_image: int
    posts_without_text: int
    distinct_hashtags: int
    hashtags_per_post: float
    size_bytes: int


def write_sample(
    output: str | Path,
    *,
    posts: int = 2000,
    users: int = 100,
    seed: int = 0,
    image_size_px: int = 112,
    workers: int | None = None,
) -> SampleSummary:
    """Write the sample dump, an Instaloader folder of drawn pictures and composed captions.

    The same seed gives the same bytes, whatever the number of processes.

    Args:
        output: the folder to write; a sample already there is replaced.
        posts: number of picture posts, at least one per user; videos are added to them.
        users: number of accounts.
        seed: seed of all random choices.
        image_size_px: side length of the square pictures, 32 to 1024.
        workers: number of processes; None for one per core, up to 8.

    Raises:
        DataError: a number is out of range, or `output` contains something other than a sample.
    """
    output = Path(output)
    _check(output, image_size_px, workers)
    planned = plan_sample(posts=posts, users=users, seed=seed)
    accounts: dict[str, list[PlannedPost]] = {}
    for post in planned:
        accounts.setdefault(post.username, []).append(post)
    with atomic_folder(output) as part:
        images, carousels = _write_accounts(
            part, list(accounts.values()), image_size_px, seed, _processes(workers, posts)
        )
        size_bytes = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    pictures = [post for post in planned if not post.is_video]
    return SampleSummary(
        output=output,
        posts=len(pictures),
        users=len(accounts),
        videos=len(planned) - len(pictures),
        images=images,
        carousels=carousels,
        posts_without_image=sum(post.picture == "none" for post in pictures),
        posts_without_text=sum(not post.text for post in pictures),
        distinct_hashtags=len({hashtag for post in pictures for hashtag in post.hashtags}),
        hashtags_per_post=sum(len(post.hashtags) for post in pictures) / len(pictures),
        size_bytes=size_bytes,
    )


def _check(output: Path, image_size_px: int, workers: int | None) -> None:
    if not SMALLEST_IMAGE_PX <= image_size_px <= LARGEST_IMAGE_PX:
        raise DataError(f"image_size_px={image_size_px}; accepted: {SMALLEST_IMAGE_PX} to {LARGEST_IMAGE_PX} pixels")
    if workers is not None and workers < 1:
        raise DataError(f"workers={workers}; accepted: at least 1, or None for one per core")
    if output.exists() and not output.is_dir():
        raise DataError(f"output {output} is a file; give a folder, for example --output data/sample")
    foreign = sorted(entry.name for entry in output.iterdir() if not _is_account(entry)) if output.exists() else []
    if foreign:
        raise DataError(
            f"output {output} contains {some_of(foreign)}, so it is not a sample and is not replaced; "
            "choose an empty or a new folder, for example --output data/sample"
        )


def _is_account(entry: Path) -> bool:
    """Return whether a folder is an account of a sample, judging by its account number."""
    number = entry / "id"
    if not number.is_file():
        return False
    digits = number.read_bytes()[:20].strip()
    return digits.isdigit() and FIRST_ACCOUNT_ID <= int(digits) < FIRST_ACCOUNT_ID + 10**9


def _processes(workers: int | None, posts: int) -> int:
    if workers is not None:
        return workers
    return min(os.cpu_count() or 1, 8) if posts >= _WORTH_A_POOL else 1


def _write_accounts(
    folder: Path, accounts: Sequence[list[PlannedPost]], image_size_px: int, seed: int, processes: int
) -> tuple[int, int]:
    """Write all accounts and return the number of pictures and of carousels."""
    if processes == 1:
        counts = [_write_account(folder, account, image_size_px, seed) for account in accounts]
    else:
        with ProcessPoolExecutor(processes) as pool:
            # The workers start before the progress bar, whose thread makes forking unsafe.
            waiting = {pool.submit(_write_account, folder, one, image_size_px, seed): len(one) for one in accounts}
            counts = []
            with progress_bar("Drawing the sample", sum(waiting.values())) as bar:
                for done in as_completed(waiting):
                    counts.append(done.result())
                    bar.advance(waiting[done])
    return sum(images for images, _ in counts), sum(carousels for _, carousels in counts)


def _write_account(folder: Path, posts: list[PlannedPost], image_size_px: int, seed: int) -> tuple[int, int]:
    first = posts[0]
    home = folder / first.username
    write_profile(home, first.username, first.account_id, len(posts))
    written = [(post, write_post(home, post, image_size_px=image_size_px, seed=seed)) for post in posts]
    images = sum(count for post, (count, _) in written if not post.is_video)
    return images, sum(carousel for _, (_, carousel) in written)
