"""Limits: a number for everything that a stranger could make large. Units are in the names.

Rooms import these; a limit that only one room knows stays in that room.
"""

from __future__ import annotations

from typing import Final

# Files from outside (statements, manifests, key files) are read whole: keep them small.
STATEMENT_BYTES_MAX: Final = 4 * 1024 * 1024
NOTE_BYTES_MAX: Final = 256 * 1024

# Archives and documents in an estate.
ARCHIVE_DEPTH_MAX: Final = 4
ARCHIVE_MEMBERS_MAX: Final = 100_000
ARCHIVE_RATIO_MAX: Final = 200
ARCHIVE_BYTES_MAX: Final = 8 * 1024**3
ARCHIVE_SECONDS_MAX: Final = 3_600

# Bulk work: rows held in memory at once.
BATCH_ROWS: Final = 32_768
PART_SUBJECTS_MAX: Final = 16_384
# Rows deleted at a time. Values lie scattered over their indexes, so every batch touches most pages: few, large ones.
DELETE_ROWS: Final = 131_072

# One customer's value.
VALUE_CHARS_MAX: Final = 1_024
