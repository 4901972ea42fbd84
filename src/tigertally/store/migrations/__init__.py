"""Schema changes, oldest first. ``env`` connects Alembic to the transaction that ``store.migrate`` opened."""
