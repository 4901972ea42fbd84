"""A clock that a test sets: the second implementation of the ``Clock`` port.

It stands still until told otherwise, and it can go backwards, because machines' clocks do.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SettableClock:
    """A clock at ``instant`` (aware; kept in UTC) until it is moved."""

    __slots__ = ("_instant",)

    def __init__(self, instant: datetime) -> None:
        self._instant = _utc(instant)

    def now(self) -> datetime:
        """Return the instant the clock was left at."""
        return self._instant

    def set_to(self, instant: datetime) -> None:
        """Move to ``instant``, forwards or backwards. Naive instants raise ``ValueError``."""
        self._instant = _utc(instant)

    def advance(self, seconds: float) -> None:
        """Move forwards by ``seconds``; a negative number raises ``ValueError``."""
        if seconds < 0:
            raise ValueError("use set_back")
        self._instant += timedelta(seconds=seconds)

    def set_back(self, seconds: float) -> None:
        """Move backwards by ``seconds``, as a bad time server would; a negative number raises ``ValueError``."""
        if seconds < 0:
            raise ValueError("use advance")
        self._instant -= timedelta(seconds=seconds)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return instant.astimezone(UTC)
