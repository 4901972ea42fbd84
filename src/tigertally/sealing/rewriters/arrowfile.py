"""Arrow and Parquet files: record batches out, their columns as text.

Nested columns are not read; numbers are written as a scan shows them. A file is read a row
group or a record batch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from tigertally.sealing.errors import SourceNotReadable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters.grid import Grid


def read(stream: BinaryIO, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the file's subject and planned columns. Raises ``SourceNotReadable``."""
    first = 0
    try:
        names, batches = _opened(stream, source, batch_rows)
        for batch in batches:
            for begin in range(0, batch.num_rows, batch_rows):
                piece = batch.slice(begin, batch_rows)
                columns = tuple(_texts(piece.column(name)) for name in names)
                yield Grid(row=first, names=names, columns=columns)
                first += piece.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise SourceNotReadable(object=source.object) from None
    if not first:
        yield Grid(row=0, names=names, columns=tuple([] for _ in names))


def _opened(stream: BinaryIO, source: PlanSource, batch_rows: int) -> tuple[tuple[str, ...], Iterator[pa.RecordBatch]]:
    if source.kind == "parquet":
        file = pq.ParquetFile(stream)
        names = _chosen(file.schema_arrow, source)
        return names, file.iter_batches(batch_size=batch_rows, columns=list(names), use_threads=False)
    try:
        reader = pa.ipc.open_file(stream)
    except pa.ArrowInvalid:
        stream.seek(0)
        flow = pa.ipc.open_stream(stream)
        return _chosen(flow.schema, source), iter(flow)
    return _chosen(reader.schema, source), (reader.get_batch(at) for at in range(reader.num_record_batches))


def _chosen(schema: pa.Schema, source: PlanSource) -> tuple[str, ...]:
    wanted = dict.fromkeys([*([source.subject] if source.subject else []), *(one.name for one in source.fields)])
    return tuple(name for name in wanted if name in schema.names and not pa.types.is_nested(schema.field(name).type))


def _texts(column: pa.Array) -> list[str | None]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        cells: list[str | None] = []
        for value in column.to_pylist():
            whole = value is not None and value == value // 1
            cells.append(None if value is None else str(int(value)) if whole else str(value))
        return cells
    texts: list[str | None] = pc.cast(column, pa.string()).to_pylist()
    return texts
