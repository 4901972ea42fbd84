"""Canaries and what recipients got, as keyed digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob

revision = "0013_canaries"
down_revision = "0012_guesses"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "vault_canary",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("digest", Blob, nullable=False),
        sa.Column("recipient", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("scope", "digest", name="pk_vault_canary"),
    )
    op.create_table(
        "vault_given",
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("entry", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("piece", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("recipient", sa.String(40), nullable=False),
        sa.Column("digests", Blob, nullable=False),
        sa.PrimaryKeyConstraint("scope", "entry", "piece", name="pk_vault_given"),
    )
