"""What is kept aside while live tables are rewritten in place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob

revision = "0010_sealing_aside"
down_revision = "0009_suites"


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "sealing_aside",
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("note", Blob, nullable=False),
        sa.PrimaryKeyConstraint("job", "seq", name="pk_sealing_aside"),
    )
