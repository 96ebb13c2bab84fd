"""Whatever a record or a cell holds, it is kept or refused, and in the same way in every file that can say it."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

from dumps import in_one_dialect
from hypothesis import given, settings
from hypothesis import strategies as st
from record_strategies import records, tables

from data_loaders.errors import DataError
from data_loaders.readers import RawPost, open_dump

hold = settings(derandomize=True, deadline=None, max_examples=100)


def read(data, name):
    """Return what is kept and how many are refused; None if the columns identify no post."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
        try:
            found = list(open_dump(path).read())
        except DataError:
            return None
    kept = [record.post for record in found if isinstance(record, RawPost)]
    return [(p.post_id, p.user_id, p.timestamp, p.caption, p.hashtags, p.image and p.image.name) for p in kept], len(
        found
    )


@hold
@given(st.lists(records, min_size=1, max_size=5))
def test_records_are_kept_or_refused_in_every_json_alike(found):
    lines = [json.dumps(record) for record in found]
    kept = read("\n".join(lines).encode(), "posts.jsonl")
    assert kept[1] == len(found)
    assert read(("[" + ",".join(lines) + "]").encode(), "posts.json") == kept
    assert read("\r\n".join(lines).encode(), "posts.ndjson.gz") == kept
    for post_id, user_id, _, caption, hashtags, _ in kept[0]:
        "".join([post_id, user_id or "", caption or "", *hashtags]).encode("utf-8")


def written(columns, rows, delimiter):
    text = io.StringIO()
    cells = [[in_one_dialect(cell) for cell in row] for row in rows]
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([columns, *cells])
    return text.getvalue().encode("utf-8", "replace")


@hold
@given(tables)
def test_rows_are_kept_or_refused_in_every_table_alike(table):
    columns, rows = table
    kept = read(written(columns, rows, ","), "posts.csv")
    assert kept is None or kept[1] == len(rows)
    assert read(written(columns, rows, ";"), "posts.csv") == kept
    assert read(written(columns, rows, "\t"), "posts.tsv.gz") == kept
