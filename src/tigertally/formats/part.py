"""Parts: the rows inside a bundle's sealed files, as Parquet. docs/formats/bundle.md §2.

One row per field of a subject, sorted strictly by (subject, code, slot). A reader refuses what is not:
1. within the limits of rows, subjects and bytes, by the file's own account, before anything is decompressed, and
   again while it is;
2. exactly the six columns of :func:`schema`, all required, so that no value can be absent or of another type;
3. sorted strictly, hence no row twice, and each subject's rows together;
4. subjects that are ``sub_`` identifiers, as many as the manifest says;
5. classes that may be sealed: sensitive authentication data and clear passwords are refused here too;
6. one salt per subject; 7. values of 1 to ``VALUE_CHARS_MAX`` characters, tokens of at most 128.

Columns stay as Arrow keeps them until somebody asks for a value (:class:`Column`): what is only checked, committed to
or written costs no Python object.

Parquet has many spellings of the same rows, so the bytes of a part are bound by the manifest's SHA-256 and
its rows by the commitments. ``pyarrow`` is loaded only when a part is read or written: everything else on
these floors runs without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from tigertally.base.fields import BY_CODE, FIELD_RULES, SEALABLE
from tigertally.base.limits import PART_SUBJECTS_MAX, VALUE_CHARS_MAX
from tigertally.formats import record
from tigertally.formats.errors import Malformed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

T = TypeVar("T")

FIELDS_MAX: Final = 64
TOKEN_CHARS_MAX: Final = 128
CONTENT_BYTES_MAX: Final = 256 * 1024 * 1024
_PIECE_ROWS: Final = 4_096
_SUBJECT: Final = re.compile(r"sub_[0-7][0-9a-hjkmnp-tv-z]{25}")  # 16 bytes: 26 letters have two bits more
_CODES: Final = frozenset(FIELD_RULES[cls].code for cls in SEALABLE)
_REPEATING: Final = ["subject", "salt", "code", "slot"]


class Column(Sequence[T]):
    """A column of an Arrow array without nulls, read like a list; its values are made when the first is asked for."""

    __slots__ = ("_values", "arrow")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, arrow: pa.Array[Any]) -> None:
        self.arrow = arrow
        self._values: list[T] | None = None

    def __repr__(self) -> str:
        return f"<column of {len(self)}>"

    def __len__(self) -> int:
        return len(self.arrow)

    def __iter__(self) -> Iterator[T]:
        return iter(self._made())

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        return self._made()[at]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Column):
            return bool(self.arrow.equals(other.arrow))
        return self._made() == other

    def _made(self) -> list[T]:
        if self._values is None:
            import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

            # Fixed-size values become Python bytes one by one, variable ones in bulk.
            fixed = pa.types.is_fixed_size_binary(self.arrow.type)
            self._values = (self.arrow.cast(pa.binary()) if fixed else self.arrow).to_pylist()
        return self._values


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PartColumns:
    """A part's rows as six columns of one length; ``salt`` repeats on every row of a subject."""

    subject: Sequence[str]
    salt: Sequence[bytes]
    code: Sequence[int]
    slot: Sequence[int]
    value: Sequence[str]
    token: Sequence[str]

    def __repr__(self) -> str:
        return f"<part of {len(self.subject)} rows>"

    def starts(self) -> list[int]:
        """Return the first row of each subject, in order."""
        found: list[int] = _starts(self.arrow("subject")).tolist()
        return found

    def arrow(self, name: str) -> pa.Array[Any]:
        """Return one column as an Arrow array; :class:`Malformed` if it is not of its type."""
        column = getattr(self, name)
        if isinstance(column, Column):
            return column.arrow
        import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

        try:
            made = pa.array(list(column), schema().field(name).type)
        except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError):
            raise _wrong("rows") from None
        if made.null_count:
            raise _wrong("rows")
        return made

    def firsts(self, name: str) -> list[Any]:
        """Return a column's value in the first row of each subject; raises like :meth:`arrow`."""
        import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

        found: list[Any] = self.arrow(name).take(pa.array(_starts(self.arrow("subject")))).to_pylist()
        return found

    def numbers(self, name: str) -> npt.NDArray[np.uint8]:
        """Return ``code`` or ``slot`` as an array; raises like :meth:`arrow`."""
        found: npt.NDArray[np.uint8] = self.arrow(name).to_numpy(zero_copy_only=False)
        return found


def write_part(columns: PartColumns) -> bytes:
    """Return ``columns`` as a Parquet file; :class:`Malformed` if a reader would refuse them."""
    _check(columns)
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table([columns.arrow(name) for name in _names()], schema=schema())
    if table.nbytes > CONTENT_BYTES_MAX:
        raise _wrong("size")
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="zstd", use_dictionary=_REPEATING, write_statistics=False, store_schema=False
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def read_part(data: bytes, *, subjects: int) -> PartColumns:
    """Return the rows of a Parquet file that the manifest says holds ``subjects`` subjects.

    Raises :class:`Malformed` for each flaw that the room's docstring numbers.
    """
    if not 1 <= subjects <= PART_SUBJECTS_MAX:
        raise _wrong("subjects")
    columns = _decode(data, rows_max=subjects * FIELDS_MAX)
    if _check(columns) != subjects:
        raise _wrong("subjects")
    return columns


def schema() -> pa.Schema:
    """Return the one schema of a part."""
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

    types = (pa.string(), pa.binary(record.SALT_BYTES), pa.uint8(), pa.uint8(), pa.string(), pa.string())
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(_names(), types, strict=True)])


def commitments(part: PartColumns) -> list[bytes]:
    """Return the commitment (32 bytes) of each subject's record, in the part's order."""
    starts = part.starts()
    encoded, edges = _encoded(part)
    subjects, salts = part.firsts("subject"), part.firsts("salt")
    stops = [*starts[1:], len(part.subject)]
    return record.commit_many(
        (salt, record.join(subject.encode(), stop - start, encoded[edges[start] : edges[stop]]))
        for subject, salt, start, stop in zip(subjects, salts, starts, stops, strict=True)
    )


def counts(part: PartColumns) -> dict[str, int]:
    """Return how many values of each field class there are, as manifests and receipts count them."""
    import numpy as np  # noqa: PLC0415 - see the room's docstring

    codes, found = np.unique(part.numbers("code"), return_counts=True)
    return {BY_CODE[code].value: count for code, count in zip(codes.tolist(), found.tolist(), strict=True)}


def _encoded(part: PartColumns) -> tuple[bytes, list[int]]:
    """Return the field bytes of all rows (rule 2 of ``record``), one after another, and where each begins and ends."""
    import numpy as np  # noqa: PLC0415 - see the room's docstring
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    value, token = (part.arrow(name).cast(pa.binary()) for name in ("value", "token"))
    head = np.empty((len(value), record.HEAD_BYTES), np.uint8)
    head[:, 0], head[:, 1] = part.numbers("code"), part.numbers("slot")
    sizes = pc.binary_length(value).to_numpy()
    head[:, 2:] = sizes.astype(">u4").view(np.uint8).reshape(-1, 4)
    tails = pc.binary_length(token).to_numpy().astype(">u2").view(np.uint8).reshape(-1, 2)
    joined = pc.binary_join_element_wise(_fixed(head), value, _fixed(tails), token, b"")
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(pc.binary_length(joined).to_numpy().astype(np.int64))])
    data = joined.buffers()[2]
    return b"" if data is None else data.to_pybytes()[: int(edges[-1])], edges.tolist()


def _fixed(rows: npt.NDArray[np.uint8]) -> pa.Array[Any]:
    """Return rows of bytes of one width as binary values."""
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

    kind = pa.binary(rows.shape[1])
    return pa.Array.from_buffers(kind, len(rows), [None, pa.py_buffer(rows.tobytes())]).cast(pa.binary())


def _starts(subject: pa.Array[Any]) -> npt.NDArray[np.int64]:
    """Return where each run of equal subjects begins."""
    import numpy as np  # noqa: PLC0415 - see the room's docstring
    import pyarrow.compute as pc  # noqa: PLC0415

    if not len(subject):
        return np.empty(0, np.int64)
    changes = pc.not_equal(subject[1:], subject[:-1]).to_numpy(zero_copy_only=False)
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(changes) + 1])


def _names() -> tuple[str, ...]:
    return ("subject", "salt", "code", "slot", "value", "token")


def _wrong(where: str) -> Malformed:
    return Malformed(what="part", where=where)


def _decode(data: bytes, *, rows_max: int) -> PartColumns:
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(pa.BufferReader(data), memory_map=False, thrift_container_size_limit=100_000)
        told = file.metadata
        content = sum(told.row_group(at).total_byte_size for at in range(told.num_row_groups))
        if not 0 < told.num_rows <= rows_max or content > CONTENT_BYTES_MAX:
            raise _wrong("size")
        if not file.schema_arrow.equals(schema(), check_metadata=True):
            raise _wrong("schema")
        table = _content(file)
        table.validate(full=True)
        made = {name: Column[Any](table.column(name).combine_chunks()) for name in _names()}
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError):
        # the library's own words may quote a cell
        raise _wrong("parquet") from None
    return PartColumns(**made)


def _content(file: Any) -> pa.Table:  # noqa: ANN401 - a ParquetFile, whose library is loaded late
    """Return a file's rows, read piece by piece: what its pages become is not what it says of them."""
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring

    size, pieces = 0, []
    for piece in file.iter_batches(batch_size=_PIECE_ROWS):
        size += piece.nbytes
        if size > CONTENT_BYTES_MAX:
            raise _wrong("size")
        pieces.append(piece)
    return pa.Table.from_batches(pieces)


def _check(part: PartColumns) -> int:
    """Return the number of subjects of rows in order; :class:`Malformed` otherwise."""
    import numpy as np  # noqa: PLC0415 - see the room's docstring
    import pyarrow.compute as pc  # noqa: PLC0415

    rows = len(part.subject)
    if not rows or any(len(column) != rows for column in (part.salt, part.code, part.slot, part.value, part.token)):
        raise _wrong("size")
    subject, code, slot = part.arrow("subject"), part.numbers("code"), part.numbers("slot")
    starts = _starts(subject)
    names = subject.take(starts).to_pylist()
    sizes = np.diff(starts, append=rows)
    rank = np.repeat(np.arange(len(names)), sizes) << 16 | code.astype(np.int64) << 8 | slot
    if not all(map(lt, names, islice(names, 1, None))) or (np.diff(rank) <= 0).any():
        raise _wrong("order")
    if len(names) > PART_SUBJECTS_MAX or not all(map(_SUBJECT.fullmatch, names)):
        raise _wrong("subject")
    if int(sizes.max()) > FIELDS_MAX:
        raise _wrong("fields")
    if not np.isin(code, sorted(_CODES)).all():
        raise _wrong("code")
    _check_salts(part, starts, sizes)
    for name, least, most in (("value", 1, VALUE_CHARS_MAX), ("token", 0, TOKEN_CHARS_MAX)):
        told = pc.min_max(pc.utf8_length(part.arrow(name))).as_py()
        if not least <= told["min"] <= told["max"] <= most:
            raise _wrong(name)
    return len(names)


def _check_salts(part: PartColumns, starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> None:
    """Raise :class:`Malformed` unless each subject has one salt, of the right length."""
    import numpy as np  # noqa: PLC0415 - see the room's docstring

    salts = part.arrow("salt")
    packed = np.frombuffer(salts.buffers()[1], np.uint8).reshape(-1, record.SALT_BYTES)
    own = packed[salts.offset : salts.offset + len(salts)]
    if (own != np.repeat(own[starts], sizes, axis=0)).any():
        raise _wrong("salt")
