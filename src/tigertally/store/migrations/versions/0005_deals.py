"""Deals: counterparties and deals. The wing of people keeps everything in the ledger and has no tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob, Instant

revision = "0005_deals"
down_revision = "0004_vault"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "deals_party",
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("card", Blob, nullable=False),
        sa.Column("imported", Instant, nullable=False),
        sa.PrimaryKeyConstraint("party", name="pk_deals_party"),
    )
    op.create_table(
        "deals_deal",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("counterparty", sa.String(40), nullable=True),
        sa.Column("agreement_digest", sa.String(64), nullable=True),
        sa.Column("agreement", Blob, nullable=True),
        sa.Column("invitation", Blob, nullable=True),
        sa.Column("acceptance", Blob, nullable=True),
        sa.Column("created", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deals_deal"),
    )
