"""The vault: wrapped keys, records, tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import AutoId, Blob, Instant

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
        "vault_token",
        sa.Column("id", AutoId, nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("digest", Blob, nullable=False),
        sa.Column("subject", Blob, nullable=False),
        sa.Column("code", sa.SmallInteger, nullable=False),
        sa.Column("slot", sa.SmallInteger, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_token"),
    )
    # Half of a digest and a part of a token are enough to find a row by, and less to write.
    value: list[str | sa.TextClause] = [sa.text("substr(digest, 1, 8)"), "subject"]
    op.create_index("uq_vault_token_digest_subject", "vault_token", value, unique=True)
    op.create_index("ix_vault_token_token", "vault_token", [sa.text("substr(token, 5, 14)")])
