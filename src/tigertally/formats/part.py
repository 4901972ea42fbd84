"""Parts: the rows inside a bundle's sealed files, as Parquet. docs/formats/bundle.md §2.

One row per field of a subject, sorted strictly by (subject, code, slot). A reader refuses what is not:
1. within the limits of rows, subjects and bytes, by the file's own account, before anything is decompressed;
2. exactly the six columns of :func:`schema`, all required, so that no value can be absent or of another type;
3. sorted strictly, hence no row twice, and each subject's rows together;
4. subjects that are ``sub_`` identifiers, as many as the manifest says;
5. classes that may be sealed: sensitive authentication data and clear passwords are refused here too;
6. one salt per subject; 7. values of 1 to ``VALUE_CHARS_MAX`` characters, tokens of at most 128.

Parquet has many spellings of the same rows, so the bytes of a part are bound by the manifest's SHA-256 and
its rows by the commitments. ``pyarrow`` is loaded only when a part is read or written: everything else on
these floors runs without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Final

from tigertally.base.fields import BY_CODE, FIELD_RULES, SEALABLE
from tigertally.base.limits import PART_SUBJECTS_MAX, VALUE_CHARS_MAX
from tigertally.formats import record
from tigertally.formats.errors import Malformed

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS_MAX: Final = 64
TOKEN_CHARS_MAX: Final = 128
CONTENT_BYTES_MAX: Final = 256 * 1024 * 1024
_SUBJECT: Final = re.compile(r"sub_[0-9a-hjkmnp-tv-z]{26}")
_SLOT_MAX: Final = 255
_CODES: Final = frozenset(FIELD_RULES[cls].code for cls in SEALABLE)
_REPEATING: Final = ["subject", "salt", "code", "slot"]


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
        subject = self.subject
        changes = (at for at in range(1, len(subject)) if subject[at] != subject[at - 1])
        return [0, *changes] if subject else []


def write_part(columns: PartColumns) -> bytes:
    """Return ``columns`` as a Parquet file; :class:`Malformed` if a reader would refuse them."""
    _check(columns)
    import pyarrow as pa  # noqa: PLC0415 - see the room's docstring
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pa.table([list(getattr(columns, name)) for name in _names()], schema=schema())
    except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError):
        raise _wrong("rows") from None
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
    encoded = record.encode_rows(part.code, part.slot, part.value, part.token)
    subject, salt = part.subject, part.salt
    return record.commit_many(
        (salt[start], record.join(subject[start].encode(), encoded[start:stop]))
        for start, stop in zip(starts, [*starts[1:], len(encoded)], strict=True)
    )


def counts(part: PartColumns) -> dict[str, int]:
    """Return how many values of each field class there are, as manifests and receipts count them."""
    return {BY_CODE[code].value: count for code, count in sorted(Counter(part.code).items())}


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
        table = file.read()
        table.validate(full=True)
        # fixed-size values become Python bytes one by one, variable ones in bulk
        salts = table.column("salt").cast(pa.binary()).to_pylist()
        subject, code, slot, value, token = (table.column(name).to_pylist() for name in _names() if name != "salt")
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError):
        # the library's own words may quote a cell
        raise _wrong("parquet") from None
    return PartColumns(subject=subject, salt=salts, code=code, slot=slot, value=value, token=token)


def _check(part: PartColumns) -> int:
    """Return the number of subjects of rows in order; :class:`Malformed` otherwise."""
    rows = len(part.subject)
    if not rows or any(len(column) != rows for column in (part.salt, part.code, part.slot, part.value, part.token)):
        raise _wrong("size")
    keys = list(zip(part.subject, part.code, part.slot, strict=True))
    if not all(map(lt, keys, islice(keys, 1, None))):
        raise _wrong("order")
    subjects = set(part.subject)
    if len(subjects) > PART_SUBJECTS_MAX or not all(map(_SUBJECT.fullmatch, subjects)):
        raise _wrong("subject")
    if max(Counter(part.subject).values()) > FIELDS_MAX:
        raise _wrong("fields")
    if not set(part.code) <= _CODES or not 0 <= min(part.slot) <= max(part.slot) <= _SLOT_MAX:
        raise _wrong("code")
    pairs = set(zip(part.subject, part.salt, strict=True))
    if len(pairs) != len(subjects) or any(len(salt) != record.SALT_BYTES for _, salt in pairs):
        raise _wrong("salt")
    if not 1 <= min(map(len, part.value)) <= max(map(len, part.value)) <= VALUE_CHARS_MAX:
        raise _wrong("value")
    if max(map(len, part.token)) > TOKEN_CHARS_MAX:
        raise _wrong("token")
    return len(subjects)
