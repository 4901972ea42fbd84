"""Run by Alembic for each upgrade; the connection and its transaction belong to ``store.migrate``."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_pk=True)
with context.begin_transaction():
    context.run_migrations()
