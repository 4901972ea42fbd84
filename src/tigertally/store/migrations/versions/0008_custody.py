"""Custody of the root key: who keeps it now, and keys wrapped anew for the next keeper before it takes over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob, Instant

revision = "0008_custody"
down_revision = "0007_ledger_roll"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "vault_custody",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("keeper", sa.String(64), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_custody"),
    )
    op.create_table(
        "vault_key_next",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("source", Blob, nullable=False),
        sa.Column("wrapped", Blob, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_key_next"),
    )
