"""What the rows of a Parquet table take in memory: a value that many rows repeat is in the file once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_MOST_ROWS = 1_024
_BATCH_BYTES = 1 << 28


def text_columns(metadata: pq.FileMetaData) -> list[str]:
    """Return the columns of text and bytes; read as dictionaries, values that are repeated take memory once."""
    columns = map(metadata.schema.column, range(metadata.num_columns))
    texts = (column for column in columns if column.physical_type == "BYTE_ARRAY")
    return [column.path for column in texts if column.logical_type.type != "DECIMAL"]


def is_text(kind: pa.DataType) -> bool:
    """Return whether values of a type are text, repeated or not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def rows_at_once(group: pq.RowGroupMetaData, columns: set[str]) -> int:
    """Return how many rows of a row group to read at once: about 256 MiB of the given columns, 1,024 rows at most."""
    chunks = map(group.column, range(group.num_columns))
    wanted = (chunk for chunk in chunks if chunk.path_in_schema.partition(".")[0] in columns)
    size = sum(max(int(chunk.total_uncompressed_size), 0) for chunk in wanted)
    return max(1, min(_MOST_ROWS, _BATCH_BYTES * int(group.num_rows) // max(size, 1)))


def unpacked_size(column: pa.Array) -> int:
    """Return the bytes of a column where every row has its own values."""
    kind = column.type
    if pa.types.is_struct(kind):
        return sum(map(unpacked_size, column.flatten()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return unpacked_size(column.flatten())
    if not pa.types.is_dictionary(kind) or pa.types.is_primitive(kind.value_type):
        return int(column.nbytes)
    counts = column.indices.drop_null().value_counts()
    lengths = pc.binary_length(column.dictionary.take(counts.field("values")))
    return int(pc.sum(pc.multiply(lengths.cast(pa.int64()), counts.field("counts"))).as_py() or 0)
