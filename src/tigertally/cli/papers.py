"""Reading and writing the papers that pass between organisations."""

from __future__ import annotations

from pathlib import Path

from tigertally.app.errors import NotReadable, NotWritable
from tigertally.app.settings import write_whole
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.formats import statement as dsse
from tigertally.formats.statement import Kind, Statement


def read_paper(path: Path, kind: Kind) -> Statement:
    """Return the statement in a file, of the expected kind; signatures are the verbs' to verify."""
    return read_any(path).expect(kind)


def read_any(path: Path) -> Statement:
    """Return the statement in a file, whatever its kind."""
    try:
        with path.open("rb") as file:
            data = file.read(STATEMENT_BYTES_MAX + 1)
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
    return dsse.parse(data)


def write_paper(path: Path, statement: Statement) -> None:
    """Write a statement, whole or not at all."""
    write_bytes(path, statement.to_bytes())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a small public file, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data, mode=0o644)
    except OSError as error:
        raise NotWritable(path=path, reason=type(error).__name__) from None


def estate_of(typed: str) -> Path | str:
    """Return where an estate is: a folder, or the address of a database server as it was typed."""
    return typed if "://" in typed else Path(typed)
