"""Parts: Parquet files that a reader must refuse."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
from tests.vectors import world
from tests.vectors.book import Vectors

from tigertally.formats import part


def parts(vectors: Vectors) -> None:
    good = world.rows(world.subjects()[:3])
    names = ("subject", "salt", "code", "slot", "value", "token")
    columns = {name: list(getattr(good, name)) for name in names}
    malformed = "formats.malformed"
    data = vectors.base("part/three-subjects.parquet", lambda: part.write_part(good))

    def written(schema: pa.Schema | None = None, **changes: list[object]) -> bytes:
        merged = {**columns, **changes}
        shape = schema or part.schema()
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table([merged[name] for name in shape.names], schema=shape), sink, store_schema=False)
        return bytes(sink.getvalue().to_pybytes())

    def swapped(at: int, to: int) -> dict[str, list[object]]:
        return {
            name: [column[to if row == at else at if row == to else row] for row in range(len(column))]
            for name, column in columns.items()
        }

    def replaced(name: str, at: int, value: object) -> dict[str, list[object]]:
        return {name: [value if row == at else item for row, item in enumerate(columns[name])]}

    def fewer(stop: int) -> dict[str, list[object]]:
        return {name: column[:stop] for name, column in columns.items()}

    doubled = {name: [*column[:1], *column] for name, column in columns.items()}
    schema = part.schema()
    loose = pa.schema([pa.field(field.name, field.type) for field in schema])
    wide = schema.set(2, pa.field("code", pa.uint16(), nullable=False))
    more = schema.append(pa.field("note", pa.string(), nullable=False))
    flaws: tuple[tuple[str, Callable[[], bytes], str], ...] = (
        ("holds-cvv", lambda: written(**replaced("code", 2, 128)), "sensitive authentication data is refused here too"),
        ("holds-clear-password", lambda: written(**replaced("code", 2, 131)), "a clear password is never a record"),
        ("unknown-code", lambda: written(**replaced("code", 2, 99)), "no such field class"),
        ("rows-swapped", lambda: written(**swapped(0, 1)), "sorted by (subject, code, slot)"),
        ("subjects-swapped", lambda: written(**swapped(2, 3)), "a subject's rows are together"),
        ("row-twice", lambda: written(**doubled), "no row twice"),
        ("two-salts", lambda: written(**replaced("salt", 1, bytes(16))), "one salt per subject"),
        ("subject-is-no-id", lambda: written(**replaced("subject", 8, "~")), "subjects are sub_ identifiers"),
        ("empty-value", lambda: written(**replaced("value", 1, "")), "a field without value is no field"),
        ("long-value", lambda: written(**replaced("value", 1, "x" * 1025)), "over the limit of a value"),
        ("long-token", lambda: written(**replaced("token", 1, "x" * 129)), "over the limit of a token"),
        ("null-value", lambda: written(loose, **replaced("value", 1, None)), "columns are required"),
        ("nullable", lambda: written(loose), "columns are required, even without a null"),
        ("wider-type", lambda: written(wide), "another type"),
        ("extra-column", lambda: written(more, note=["x"] * 9), "a column nobody checks"),
        ("subject-missing", lambda: written(**fewer(6)), "fewer subjects than the manifest says"),
        ("no-rows", lambda: written(**fewer(0)), "nothing in it"),
    )
    for name, make, why in flaws:
        vectors.base(f"part/{name}.parquet", make, expect=malformed, why=why)
    vectors.derived("part/cut.parquet", data[:-1], expect=malformed, why="one byte short")
    vectors.derived("part/not-parquet.parquet", b"PAR1 and nothing PAR1", expect=malformed, why="another file")
