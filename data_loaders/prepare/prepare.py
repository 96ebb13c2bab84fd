"""`prepare`: turn a dump of posts into a prepared folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data_loaders.bulk.executor import Executor
from data_loaders.command_line import command_line
from data_loaders.errors import DataError, full_disk
from data_loaders.images.fingerprints import NO_KEY
from data_loaders.output_folder import atomic_folder, check_replaceable
from data_loaders.prepare.data_card import data_card
from data_loaders.prepare.duplicates import group_duplicates
from data_loaders.prepare.folder_format import (
    DATA_CARD,
    FILES,
    PICTURES_FOLDER,
    PLOTS_FOLDER,
    POSTS,
    REJECTED,
    REPORT_FILES,
    STATISTICS,
    VOCABULARY,
)
from data_loaders.prepare.folder_order import folder_order
from data_loaders.prepare.plots import draw_plots
from data_loaders.prepare.post_index import Fingerprints, Ints, PostIndex
from data_loaders.prepare.provenance import Provenance
from data_loaders.prepare.reading.joining import join
from data_loaders.prepare.reading.part import PartFolder
from data_loaders.prepare.reading.picture_copies import PictureCopies
from data_loaders.prepare.reading.reading import parts_of
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.prepare.reading.staged_posts import StagedPosts
from data_loaders.prepare.selection import Selection
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepare.splits import SplitResult, split_posts
from data_loaders.prepare.statistics import describe_posts
from data_loaders.prepare.vocabulary import Vocabulary, default_minimum_frequency
from data_loaders.prepare.writer import write_posts
from data_loaders.readers.base import Findings, Reader, ReaderOptions
from data_loaders.readers.data_files import Source, paths_of
from data_loaders.readers.registry import open_dump

_SHARED_PICTURES = (
    "So many posts have the same picture, as with a logo, that keeping them together would leave a split empty. Only "
    "posts with the same words were kept together: test posts may show a picture of train posts."
)


@dataclass(frozen=True, kw_only=True)
class PreparedSummary:
    """The result of `prepare`: the folder and the content of its `statistics.json`."""

    folder: Path
    statistics: dict[str, Any]


def prepare(
    source: Source,
    output: str | Path,
    settings: PrepareSettings | None = None,
    *,
    format: str | None = None,
    options: ReaderOptions | None = None,
    executor: Executor | None = None,
) -> PreparedSummary:
    """Read a dump, split it, and write what training and evaluation need.

    The dump is read once and its posts are staged on disk; memory holds less than 250 bytes per post. The folder is
    written completely or not at all. The same dump and arguments give the same files, whoever reads its parts. If the
    process is killed, the parts that it has read are kept beside `output`, and the next call goes on from there.

    Args:
        source: the dump, see `readers.open_dump`.
        output: the folder to write; a prepared folder there is replaced, anything else is left alone.
        settings: how to split, select and check the posts; None for the defaults.
        format: format of the dump; detected when None.
        options: how to read the dump.
        executor: who reads the parts of the dump; None for this process.

    Raises:
        DataError: the dump cannot be read, has nothing to learn from, a split is left empty, or the output
            cannot be written.
    """
    output, settings = Path(output), settings or PrepareSettings()
    settings.check()
    check_replaceable(output, STATISTICS, (*FILES, *REPORT_FILES, PICTURES_FOLDER))
    inside = [path for path in paths_of(source) if path.exists() and path.resolve().is_relative_to(output.resolve())]
    if inside and output.exists():
        raise DataError(
            f"source {inside[0]} is inside the output folder {output}, which would be replaced; choose another --output"
        )
    reader = open_dump(source, format, options)
    try:
        with atomic_folder(output) as folder, parts_of(reader, output, folder, settings, executor) as (parts, findings):
            statistics = _fill(folder, reader, parts, findings, settings)
    except OSError as error:
        why = full_disk(error, output) or " Is the disk full?"
        raise DataError(f"preparing {reader.path} failed and nothing was written to {output}: {error}.{why}") from error
    return PreparedSummary(folder=output, statistics=statistics)


def _fill(
    folder: Path, reader: Reader, parts: Sequence[PartFolder], findings: Findings, settings: PrepareSettings
) -> dict[str, Any]:
    """Write the prepared folder from the parts of a dump."""
    copies = PictureCopies(folder)
    joined = join([part.columns for part in parts])
    index, prints = joined.index, joined.prints
    staged = StagedPosts([part.posts for part in parts], joined.kept)
    with RejectionLog(folder / REJECTED) as log:
        for number, part in enumerate(parts):
            log.absorb(part.rejected, part.rejections, staged.refused(number))
            if (part.folder / PICTURES_FOLDER).is_dir():
                copies.take(sorted(staged.copied_pictures(number)), part.folder)
        _check_learnable(index, reader, findings, log)
        result, groups = _split(index, prints, settings)
        del joined, prints
        vocabulary, rule = _vocabulary(index, result.split_ids, settings)
        selection = None
        if settings.only_top_hashtags:
            selection = Selection.of(index, result.split_ids, vocabulary)
            selection.log_left_out(staged, log, len(vocabulary))
    order = folder_order(staged, index.instants_us, result.split_ids)
    if selection is not None:
        order, index = order[selection.posts[order]], index.with_hashtags(selection.hashtags)
    index, split_ids, groups = index.take(order), result.split_ids[order], _renumbered(groups[order])
    kept_hashtags = None if selection is None else frozenset(vocabulary.hashtags)
    write_posts(folder / POSTS, staged, order, split_ids, groups, kept_hashtags)
    vocabulary.save(folder / VOCABULARY)
    described = describe_posts(index, split_ids, groups, vocabulary)
    described["vocabulary"]["rule"] = rule
    provenance = Provenance(
        reader=reader, findings=findings, settings=settings, split=result, selection=selection, order=order,
        index=index, log=log, copies=copies,
    )  # fmt: skip
    statistics = {**provenance.describe(), **described}
    plots = draw_plots(index, split_ids, folder / PLOTS_FOLDER)
    _write(folder / STATISTICS, json.dumps(statistics, ensure_ascii=False, indent=1) + "\n")
    _write(folder / DATA_CARD, data_card(statistics, plots))
    return statistics


def _write(path: Path, text: str) -> None:
    """Write a text that may name files whose names are not UTF-8."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _split(index: PostIndex, prints: Fingerprints, settings: PrepareSettings) -> tuple[SplitResult, Ints]:
    """Split the posts; near-duplicates by picture are parted if they would leave a split empty."""
    groups = group_duplicates(prints.caption_keys, prints.image_keys, prints.image_colours)
    try:
        return _split_groups(index, groups, settings), groups
    except DataError:
        words = group_duplicates(prints.caption_keys, np.full_like(prints.image_keys, NO_KEY), prints.image_colours)
        if np.array_equal(words, groups):
            raise
    result = _split_groups(index, words, settings)
    return replace(result, warnings=(*result.warnings, _SHARED_PICTURES)), words


def _split_groups(index: PostIndex, groups: Ints, settings: PrepareSettings) -> SplitResult:
    return split_posts(
        index.instants_us,
        index.dated,
        index.users,
        method=settings.split,
        fractions=settings.fractions,
        groups=groups,
        tagged=index.tagged,
        seed=settings.seed,
    )


def _check_learnable(index: PostIndex, reader: Reader, findings: Findings, log: RejectionLog) -> None:
    noted = "".join(f" Note: {note}" for note in (*findings.notes, *log.notes()))
    refused = "; ".join(f"{count:,} {reason}" for reason, count in log.refused.most_common(5)) or "none"
    if not len(index):
        raise DataError(
            f"{reader.path} ({reader.name}) contains no usable post. Refused: {refused}. "
            f"{command_line('validate', '--source', reader.path)} shows examples of each reason.{noted}"
        )
    if not index.tagged.any():
        raise DataError(
            f"none of the {len(index):,} posts of {reader.path} ({reader.name}) has a hashtag, so there is nothing to "
            "learn. Hashtags are read from the column 'hashtags' or, without it, from '#words' in the caption; "
            f"name the columns with --columns hashtags=NAME caption=NAME.{noted}"
        )


def _renumbered(groups: Ints) -> Ints:
    """Number every group by the position of its first post."""
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(first[group_of], np.int64)


def _vocabulary(index: PostIndex, split_ids: Ints, settings: PrepareSettings) -> tuple[Vocabulary, str]:
    train = split_ids == 0
    counts = np.bincount(index.tags[train[index.posts_of_tags()]], minlength=len(index.hashtags))
    tagged = int((train & index.tagged).sum())
    minimum, rule = settings.minimum_frequency, "asked for"
    if minimum is None and settings.top_hashtags is not None:
        minimum = 1
    elif minimum is None:
        minimum = default_minimum_frequency(tagged)
        rule = f"chosen for {tagged:,} train posts with hashtags"
    present = {hashtag: count for hashtag, count in zip(index.hashtags, counts.tolist(), strict=True) if count}
    return Vocabulary.from_counts(present, minimum, settings.top_hashtags), rule
