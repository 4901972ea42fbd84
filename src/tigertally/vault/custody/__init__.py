"""Custody of the root key: which keeper has it, moving from one to another, sharing it among holders."""
