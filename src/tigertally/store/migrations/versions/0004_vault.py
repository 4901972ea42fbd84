"""The vault: wrapped keys, records, the index in sorted runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob, Instant

revision = "0004_vault"
down_revision = "0003_access"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "vault_key",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wrapped", Blob, nullable=True),
        sa.Column("created", Instant, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("retired", Instant, nullable=True),
        sa.Column("destroyed", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_vault_key"),
        sa.UniqueConstraint("purpose", "scope", "version", name="uq_vault_key_purpose_scope_version"),
    )
    op.create_table(
        "vault_record",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("subject", Blob, nullable=False),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("wrapped_key", Blob, nullable=False),
        sa.Column("fields", Blob, nullable=False),
        sa.Column("sealed_at", Instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name="pk_vault_record"),
    )
    op.create_table(
        "vault_run",
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_vault_run"),
    )
    op.create_index("ix_vault_run_scope_kind", "vault_run", ["scope", "kind"])
    op.create_table(
        "vault_block",
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("first", Blob, nullable=False),
        sa.Column("data", Blob, nullable=False),
        sa.PrimaryKeyConstraint("run", "number", name="pk_vault_block"),
    )
    op.create_index("ix_vault_block_run_first_number", "vault_block", ["run", "first", "number"])
    op.create_table(
        "vault_tally",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("code", sa.SmallInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "code", name="pk_vault_tally"),
    )
