"""The handover: papers, bundles and their parts, known copies, destructions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import AutoId, Blob, Instant

revision = "0006_handover"
down_revision = "0005_deals"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "handover_paper",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("deal", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("statement", Blob, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_handover_paper"),
        sa.UniqueConstraint("deal", "id", name="uq_handover_paper_deal_id"),
    )
    op.create_table(
        "handover_bundle",
        sa.Column("bundle", sa.String(40), nullable=False),
        sa.Column("deal", sa.String(40), nullable=False),
        sa.Column("release", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("folder", sa.String(400), nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.Column("manifest", sa.String(64), nullable=False),
        sa.Column("receipt", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("bundle", name="pk_handover_bundle"),
    )
    op.create_index("ix_handover_bundle_deal", "handover_bundle", ["deal"])
    op.create_table(
        "handover_part",
        sa.Column("bundle", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("subjects", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("bundle", "number", name="pk_handover_part"),
    )
    op.create_table(
        "handover_copy",
        sa.Column("id", AutoId, nullable=False),
        sa.Column("deal", sa.String(40), nullable=False),
        sa.Column("place", sa.String(400), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("fate", sa.String(8), nullable=False),
        sa.Column("registered", Instant, nullable=False),
        sa.Column("gone", Instant, nullable=True),
        sa.Column("method", sa.String(80), nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("device", sa.String(24), nullable=True),
        sa.Column("inode", sa.String(24), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_handover_copy"),
        sa.UniqueConstraint("deal", "place", name="uq_handover_copy_deal_place"),
    )
    op.create_table(
        "handover_destruction",
        sa.Column("deal", sa.String(40), nullable=False),
        sa.Column("plan", Blob, nullable=False),
        sa.Column("started", Instant, nullable=False),
        sa.Column("sample", Blob, nullable=True),
        sa.Column("certificate", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("deal", name="pk_handover_destruction"),
    )
