"""Tries at customers' passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Instant

revision = "0012_guesses"
down_revision = "0011_numbers"


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "vault_guess",
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("who", name="pk_vault_guess"),
    )
    op.create_index("ix_vault_guess_at", "vault_guess", ["at"])
