"""Parquet, ORC and Arrow files: every column in batches, nested ones by their leaves, read by Arrow."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import orc, parquet

from tigertally.base.limits import BATCH_ROWS
from tigertally.discovery.parsers.frames import Job, Sender, Task, Trouble


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send all rows."""
    sent = False
    for batch in _batches(job):
        send_batch(batch, out, first=not sent)
        sent = True
    return None


def _batches(job: Job) -> Iterator[pa.RecordBatch]:
    if job.task is Task.PARQUET:
        yield from parquet.ParquetFile(job.file).iter_batches(batch_size=BATCH_ROWS)
    elif job.task is Task.ORC:
        file = orc.ORCFile(job.file)
        for number in range(file.nstripes):
            yield from _pieces(file.read_stripe(number))
    else:
        with pa.ipc.open_file(job.file) as file:
            for number in range(file.num_record_batches):
                yield from _pieces(file.get_batch(number))


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of the usual number of rows."""
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def send_batch(batch: pa.RecordBatch, out: Sender, *, first: bool, table: str | None = None) -> None:
    """Send a batch, and before the first one the names of its columns."""
    columns = zip(batch.schema.names, batch.columns, strict=True)
    leaves = [leaf for name, column in columns for leaf in _leaves(name, column)]
    if first:
        out.table(table, [name for name, _ in leaves])
    out.batch([column for _, column in leaves])


def _leaves(name: str, column: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of plain values in ``column``, as text; a list's items are one column."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(name, column.dictionary_decode())
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _leaves(f"{name}.{kind.field(index).name}", pc.struct_field(column, [index]))
    elif pa.types.is_map(kind):
        yield from _leaves(f"{name}.key", column.keys)
        yield from _leaves(f"{name}.value", column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(f"{name}[]", pc.list_flatten(column))
    else:
        yield name, text_of(column)


def text_of(column: pa.Array) -> pa.Array:
    """Return plain values as text; bytes as far as they are text, whole numbers without a point."""
    kind = column.type
    if pa.types.is_floating(kind):
        whole = column.cast(pa.float64())
        try:
            return whole.cast(pa.int64()).cast(pa.large_string())
        except pa.ArrowInvalid:
            return whole.cast(pa.large_string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        texts = [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
        return pa.array(texts, pa.large_string())
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.large_string())
    try:
        return column.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.large_string())
