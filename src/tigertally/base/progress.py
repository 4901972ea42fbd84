"""Progress of long work, told to whoever shows it.

Bulk functions take ``progress: Progress = SILENT`` and call :meth:`Progress.advance` once per batch.
The faces pass one that draws; nobody prints from below.
"""

from __future__ import annotations

from typing import Final, Protocol

from tigertally.base.text import Text


class Progress(Protocol):
    """A listener to long work."""

    def begin(self, what: Text, total: int | None) -> None:
        """Start a phase named ``what`` of ``total`` units, if known."""
        ...

    def advance(self, done: int) -> None:
        """Count ``done`` more units of the present phase."""
        ...


class Silent:
    """Hears nothing."""

    def begin(self, what: Text, total: int | None) -> None:
        """Ignore."""

    def advance(self, done: int) -> None:
        """Ignore."""


SILENT: Final = Silent()
