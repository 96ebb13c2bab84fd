"""The format of a prepared folder: its version, its files and the columns of `posts.parquet`."""

from __future__ import annotations

import pyarrow as pa

FORMAT_VERSION = 1
POSTS, VOCABULARY, STATISTICS = "posts.parquet", "vocabulary.json", "statistics.json"
REJECTED, DATA_CARD = "rejected.jsonl", "README.md"
PLOTS_FOLDER = "plots"
PICTURES_FOLDER = "copied_pictures"
FILES = (POSTS, VOCABULARY, STATISTICS)
"""The files that training and evaluation read."""
REPORT_FILES = (REJECTED, DATA_CARD, PLOTS_FOLDER)
"""The files that only people read."""

TEXT = pa.large_string()
TAGS = pa.list_(pa.string())
POSTS_SCHEMA = pa.schema(
    [
        ("post_id", pa.string()),
        ("user_id", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("sequence", pa.int64()),
        ("caption", TEXT),
        ("caption_original", TEXT),
        ("image", pa.string()),
        ("hashtags", TAGS),
        ("hashtags_surface", TAGS),
        ("duplicate_group", pa.int64()),
        ("split", pa.string()),
    ]
)
