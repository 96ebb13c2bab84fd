"""`write_sample`: the plan of the sample, drawn and written by several processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from data_loaders.errors import DataError
from data_loaders.output_folder import atomic_folder
from data_loaders.progress import progress_bar
from data_loaders.sample.instaloader_files import write_post, write_profile
from data_loaders.sample.people import FIRST_ACCOUNT_ID
from data_loaders.sample.plan import PlannedPost, plan_sample

SMALLEST_IMAGE_PX, LARGEST_IMAGE_PX = 32, 1024
_WORTH_A_POOL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSummary:
    """What `write_sample` wrote.

    Attributes:
        output: the folder.
        posts: picture posts; those without a picture file count too.
        users: accounts.
        videos: video posts beside the picture posts.
        images: picture files of the picture posts.
        carousels: posts with several pictures.
        posts_without_image: posts whose picture file is missing.
        posts_without_text: posts whose caption holds nothing but hashtags, or nothing at all.
        distinct_hashtags: different canonical hashtags of the picture posts.
        hashtags_per_post: their mean number per picture post.
        size_bytes: bytes of all files.
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
    """Write the sample dump, an Instaloader folder of drawn pictures and composed captions; same seed, same bytes.

    Args:
        output: the folder to make; a sample that is already there is replaced.
        posts: number of picture posts, at least one per user; videos come on top.
        users: number of accounts.
        seed: of everything that is drawn by chance.
        image_size_px: side of the square pictures, 32 to 1024.
        workers: processes; None for one per core, up to 8. Has no influence on what is written.

    Raises:
        DataError: a number makes no sense, or `output` holds something else than a sample.
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
        raise DataError(
            f"image_size_px={image_size_px}: a picture of the sample is {SMALLEST_IMAGE_PX} to {LARGEST_IMAGE_PX} "
            "pixels wide"
        )
    if workers is not None and workers < 1:
        raise DataError(f"workers={workers}: give at least 1, or leave it out for one per core")
    if output.exists() and not output.is_dir():
        raise DataError(f"output {output} is a file; give a folder, for example --output data/sample")
    foreign = sorted(entry.name for entry in output.iterdir() if not _is_account(entry)) if output.exists() else []
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise DataError(
            f"output {output} holds {shown}, which no sample has, and is not replaced; "
            "give an empty or a new folder, for example --output data/sample"
        )


def _is_account(entry: Path) -> bool:
    """Tell whether a folder is an account of the sample, by its account number."""
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
    """Write every account; return (pictures, carousels)."""
    if processes == 1:
        counts = [_write_account(folder, account, image_size_px, seed) for account in accounts]
    else:
        with ProcessPoolExecutor(processes) as pool:
            # The workers start here, before the progress bar brings a thread that a fork could catch unawares.
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
