"""The ledger's roll (which entries stand under a name), its root in the head, and the head's seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tigertally.store.schema import Blob

revision = "0007_ledger_roll"
down_revision = "0006_handover"


def upgrade() -> None:
    """Create them. A head from before has no seal and is refused: nobody may do without one by going back."""
    op.create_table(
        "ledger_roll",
        sa.Column("prefix", sa.String(3), nullable=False),
        sa.Column("body", Blob, nullable=False),
        sa.PrimaryKeyConstraint("prefix", name="pk_ledger_roll"),
        sqlite_with_rowid=False,
    )
    op.add_column("ledger_head", sa.Column("roll", Blob, nullable=True))
    op.add_column("ledger_head", sa.Column("seal", Blob, nullable=True))
