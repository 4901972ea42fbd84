"""The suite of each key. Keys from before are of ``intl-1``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_suites"
down_revision = "0008_custody"


def upgrade() -> None:
    """Add it."""
    op.add_column("vault_key", sa.Column("suite", sa.SmallInteger, nullable=False, server_default="1"))
