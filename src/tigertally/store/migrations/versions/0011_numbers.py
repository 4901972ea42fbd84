"""Records are numbered; their wrapped keys lie in groups; the index leads to numbers, from tokens and from subjects."""

from __future__ import annotations

import secrets
from itertools import islice
from typing import Final

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob, Instant

revision = "0011_numbers"
down_revision = "0010_sealing_aside"

_GROUP: Final = 16
_BATCH: Final = 256 * _GROUP
_BLOCK: Final = 256
_TOKEN, _SUBJECT = 1, 5
_NEWS: Final = "INSERT INTO vault_record VALUES (:scope, :number, :subject, :fields, :sealed_at, :version)"
_WRAP: Final = "INSERT INTO vault_wrap VALUES (:scope, :number, :key_version, :held, :wide, :data)"


def upgrade() -> None:
    """Move what is there: records in order of key version and subject, entries of tokens, a run of subjects."""
    connection = op.get_bind()
    op.rename_table("vault_record", "vault_record_before")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE vault_record_before RENAME CONSTRAINT pk_vault_record TO pk_vault_record_before")
    op.create_table(
        "vault_record",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("subject", Blob, nullable=False),
        sa.Column("fields", Blob, nullable=False),
        sa.Column("sealed_at", Instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("scope", "number", name="pk_vault_record"),
    )
    op.create_table(
        "vault_wrap",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("held", sa.SmallInteger, nullable=False),
        sa.Column("wide", sa.SmallInteger, nullable=False),
        sa.Column("data", Blob, nullable=False),
        sa.PrimaryKeyConstraint("scope", "number", name="pk_vault_wrap"),
    )
    for (scope,) in connection.execute(sa.text("SELECT DISTINCT scope FROM vault_record_before ORDER BY scope")).all():
        subjects = _move(connection, scope)
        _point(connection, scope, subjects)
    op.drop_table("vault_record_before")


def _move(connection: sa.Connection, scope: str) -> dict[bytes, int]:
    """Give each of a scope's records a number; return them by subject."""
    numbers: dict[bytes, int] = {}
    first = 0
    before = "FROM vault_record_before WHERE scope = :scope"
    kinds = f"SELECT DISTINCT key_version, length(wrapped_key) {before} ORDER BY 1, 2"
    for version, wide in connection.execute(sa.text(kinds), {"scope": scope}).all():
        query = sa.text(
            f"SELECT subject, wrapped_key, fields, sealed_at, version {before}"
            " AND key_version = :key_version AND length(wrapped_key) = :wide ORDER BY subject"
        )
        found = connection.execute(query, {"scope": scope, "key_version": version, "wide": wide})
        while rows := list(islice(found, _BATCH)):
            moved = [
                {
                    "scope": scope,
                    "number": first + at,
                    "subject": bytes(row.subject),
                    "fields": bytes(row.fields),
                    "sealed_at": row.sealed_at,
                    "version": row.version,
                }
                for at, row in enumerate(rows)
            ]
            connection.execute(sa.text(_NEWS), moved)
            numbers.update((bytes(row.subject), first + at) for at, row in enumerate(rows))
            groups = [rows[at : at + _GROUP] for at in range(0, len(rows), _GROUP)]
            connection.execute(
                sa.text(_WRAP),
                [
                    {
                        "scope": scope,
                        "number": first // _GROUP + at,
                        "key_version": version,
                        "held": len(group),
                        "wide": wide,
                        "data": b"".join(bytes(row.wrapped_key) for row in group),
                    }
                    for at, group in enumerate(groups)
                ],
            )
            first += len(groups) * _GROUP
    return numbers


def _point(connection: sa.Connection, scope: str, numbers: dict[bytes, int]) -> None:
    """Have the entries of tokens lead to numbers, and add a run from subjects to them."""
    runs = sa.text("SELECT run FROM vault_run WHERE scope = :scope AND kind = :kind")
    for (run,) in connection.execute(runs, {"scope": scope, "kind": _TOKEN}).all():
        blocks = sa.text("SELECT number, data FROM vault_block WHERE run = :run")
        for number, data in connection.execute(blocks, {"run": run}).all():
            whole = bytes(data)
            pairs = [(whole[at : at + 16], whole[at + 16 : at + 32]) for at in range(0, len(whole), 32)]
            changed = b"".join(token + _payload(numbers[subject]) for token, subject in pairs)
            connection.execute(
                sa.text("UPDATE vault_block SET data = :data WHERE run = :run AND number = :number"),
                {"data": changed, "run": run, "number": number},
            )
    run = secrets.randbits(62)
    entries = [subject + _payload(numbers[subject]) for subject in sorted(numbers)]
    connection.execute(
        sa.text("INSERT INTO vault_block VALUES (:run, :number, :first, :data)"),
        [
            {"run": run, "number": at // _BLOCK, "first": entries[at][:8], "data": b"".join(entries[at : at + _BLOCK])}
            for at in range(0, len(entries), _BLOCK)
        ],
    )
    connection.execute(
        sa.text("INSERT INTO vault_run VALUES (:run, :scope, :kind, 0, 0, :entries)"),
        {"run": run, "scope": scope, "kind": _SUBJECT, "entries": len(entries)},
    )


def _payload(number: int) -> bytes:
    return number.to_bytes(8, "big") + bytes(8)
