"""`Provenance`: the source, split, selection, refusals and notes of a prepared data set, for its statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_loaders.prepare.folder_format import FORMAT_VERSION
from data_loaders.prepare.post_index import Ints, PostIndex
from data_loaders.prepare.reading.picture_copies import PictureCopies
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.prepare.selection import Selection
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepare.splits import SplitResult
from data_loaders.prepare.statistics import to_iso
from data_loaders.readers.base import Findings, Reader


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a prepared data set comes from and how it was made.

    Attributes:
        reader: the reader of the dump.
        findings: what it has found out.
        settings: the settings of `prepare`.
        split: the split of all posts that were read.
        selection: which posts and hashtags were kept; None for all.
        order: positions of the kept posts among all posts, in the order of the folder.
        index: the kept posts.
        log: the refused records and the warnings.
        copies: the pictures that were copied.
    """

    reader: Reader
    findings: Findings
    settings: PrepareSettings
    split: SplitResult
    selection: Selection | None
    order: Ints
    index: PostIndex
    log: RejectionLog
    copies: PictureCopies

    def describe(self) -> dict[str, Any]:
        """Return the provenance as values for JSON."""
        reader, split, settings, log = self.reader, self.split, self.settings, self.log
        return {
            "format_version": FORMAT_VERSION,
            "source": {
                "path": str(reader.path),
                "format": reader.name,
                "mapping_used": dict(self.findings.mapping_used),
                "columns_unread": list(self.findings.columns_unread),
            },
            "seed": settings.seed,
            "split": {
                "method": split.method,
                "reason": split.reason,
                "fractions": list(settings.fractions),
                "near_duplicates_kept_together": settings.near_duplicates,
                "moved_with_near_duplicates": int(split.followed[self.order].sum()),
                "validation_and_test_begin": [to_iso(cut) for cut in split.cuts_us],
            },
            "selection": {
                "top_hashtags": settings.top_hashtags,
                "only_top_hashtags": settings.only_top_hashtags,
                "plain_hashtags": settings.plain_hashtags,
                "posts_left_out": len(split.split_ids) - len(self.order),
                "hashtags_left_out": 0 if self.selection is None else self.selection.hashtags_left_out,
            },
            "notes": self._notes(),
            "rejected": {"refused": dict(log.refused.most_common()), "kept": dict(log.kept.most_common())},
        }

    def _notes(self) -> list[str]:
        notes = [*self.split.warnings, *self.findings.notes, *self.log.notes()]
        notes += [*self.copies.notes(), *self._selection_notes()]
        images = int(self.index.has_image.sum())
        broken = sum(count for reason, count in self.log.kept.items() if reason.startswith("image_"))
        if broken > images:
            notes.append(
                f"{broken:,} pictures could not be used, more than the {images:,} that could. Are the picture files "
                "where the dump says? rejected.jsonl lists each."
            )
        undated = int((~self.index.dated).sum())
        if self.split.method == "time" and undated:
            notes.append(
                f"{undated:,} posts have no timestamp; they are in train and count as earlier than all others."
            )
        return notes

    def _selection_notes(self) -> list[str]:
        notes = []
        if self.selection is not None:
            kept, read = len(self.order), len(self.split.split_ids)
            notes.append(
                f"A closed, easier task: of {read:,} posts, only the {kept:,} with one of the "
                f"{self.selection.hashtags.sum():,} most frequent train hashtags were kept; these lost "
                f"{self.selection.hashtags_left_out:,} other hashtags. The rest is missing from truth and history "
                "alike, so scores do not carry over to recommending for all posts. The fractions apply before posts "
                "were left out; the table shows the size of each split."
            )
        if self.settings.plain_hashtags:
            notes.append(
                "Hashtags with digits or underscores and English stop words were removed from the truth; "
                f"{self.log.kept['hashtag_not_plain']:,} posts lost some."
            )
        return notes
