"""Access: persons, sessions, grants, approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob, Instant

revision = "0003_access"
down_revision = "0002_ledger"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "access_person",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("handle", sa.String(32), nullable=False),
        sa.Column("roles", sa.String(200), nullable=False),
        sa.Column("phc", sa.String(300), nullable=False),
        sa.Column("totp", Blob, nullable=False),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", Instant, nullable=True),
        sa.Column("created", Instant, nullable=False),
        sa.Column("disabled", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_person"),
        sa.UniqueConstraint("handle", name="uq_access_person_handle"),
    )
    op.create_table(
        "access_session",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("factor_at", Instant, nullable=False),
        sa.Column("ended", Instant, nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name="pk_access_session"),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("asker", sa.String(40), nullable=False),
        sa.Column("approver", sa.String(40), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("classes", sa.String(400), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("deal", sa.String(40), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("uses_max", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("start", Instant, nullable=True),
        sa.Column("until", Instant, nullable=True),
        sa.Column("length_s", sa.Integer, nullable=False),
        sa.Column("asked", Instant, nullable=False),
        sa.Column("idx", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
    )
    op.create_table(
        "access_approval",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("what", Blob, nullable=False),
        sa.Column("asker", sa.String(40), nullable=False),
        sa.Column("asked", Instant, nullable=False),
        sa.Column("approver", sa.String(40), nullable=False),
        sa.Column("at", Instant, nullable=True),
        sa.Column("until", Instant, nullable=True),
        sa.Column("idx", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_approval"),
    )
    op.create_index("ix_access_approval_digest", "access_approval", ["digest"])
