"""DuckDB files: every table, every column, opened for reading only.

DuckDB opens by name, so the file goes to it as its descriptor's name under ``/proc/self/fd``; the parent puts an object
that is no file into an anonymous file in memory first. Both are Linux's; elsewhere the object cannot be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import duckdb
import pyarrow as pa

from tigertally.base.limits import BATCH_ROWS
from tigertally.discovery.parsers.frames import Job, Sender, Trouble
from tigertally.discovery.parsers.parquet import send_batch

_HERE: Final = Path("/proc/self/fd")
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": "1",
    "memory_limit": "1GiB",
    "enable_external_access": "true",  # the file itself is external; what follows closes it
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send all tables."""
    descriptor = job.file.fileno()
    try:
        database = duckdb.connect(str(_HERE / str(descriptor)), read_only=True, config=_SETTINGS)
    except duckdb.Error:
        return Trouble.BROKEN
    with database:
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        tables = database.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        for schema, table in tables or ():
            try:
                _table(database, str(schema), str(table), out)
            except duckdb.Error:
                out.weak(Trouble.PARTS)
    return None


def _table(database: duckdb.DuckDBPyConnection, schema: str, table: str, out: Sender) -> None:
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
    reader = cast("pa.RecordBatchReader", database.execute(f"SELECT * FROM {quoted}").to_arrow_reader(BATCH_ROWS))  # noqa: S608 - quoted names
    first = True
    for batch in reader:
        send_batch(batch, out, first=first, table=table if schema == "main" else f"{schema}.{table}")
        first = False
