"""The ledger: entries, erasable payloads, pseudonym index, tiles, head, checkpoints, fact index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import AutoId, Blob, Instant

revision = "0002_ledger"
down_revision = "0001_store"


def upgrade() -> None:
    """Create the ledger's tables."""
    op.create_table(
        "ledger_entry",
        sa.Column("idx", AutoId, autoincrement=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("leaf", Blob, nullable=False),
        sa.Column("leaf_hash", Blob, nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_ledger_entry"),
    )
    op.create_table(
        "ledger_payload",
        sa.Column("idx", AutoId, autoincrement=False),
        sa.Column("salt", Blob, nullable=False),
        sa.Column("sealed", Blob, nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_ledger_payload"),
    )
    op.create_table(
        "ledger_about",
        sa.Column("pseudonym", sa.String(32), nullable=False),
        sa.Column("idx", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "idx", name="pk_ledger_about"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer, autoincrement=False),
        sa.Column("idx", sa.BigInteger, autoincrement=False),
        sa.Column("hashes", Blob, nullable=False),
        sa.PrimaryKeyConstraint("level", "idx", name="pk_ledger_tile"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("peaks", Blob, nullable=False),
        sa.Column("at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("size", sa.BigInteger, autoincrement=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("note", Blob, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_checkpoint"),
    )
    op.create_table(
        "ledger_fact",
        sa.Column("id", AutoId),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("value", Blob, nullable=False),
        sa.Column("start", Instant, nullable=False),
        sa.Column("until", Instant, nullable=True),
        sa.Column("idx", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_idx", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_fact"),
        sa.UniqueConstraint("idx", name="uq_ledger_fact_idx"),
    )
    op.create_index("ix_ledger_fact_kind_subject", "ledger_fact", ["kind", "subject"])
