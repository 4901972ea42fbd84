"""What a source offers to a scan: its entries, each with how to read it, and a count to check the sum against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tigertally.base.text import Text
from tigertally.discovery.readers.members import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of a source.

    ``name``: its path in the inventory, not yet made safe; ``size``: bytes, as the source says; ``stamp``: what changes
    when the object does (empty: cannot be told); ``skip``: why it is not read, and ``failed`` if that is a failure.
    ``read`` takes the run and the shown name and adds the object's report; it raises ``OSError`` or
    :class:`tigertally.discovery.errors.Unreadable` before it added anything.
    """

    name: str
    size: int
    read: Callable[[Run, str], None]
    stamp: str = ""
    skip: Text | None = None
    failed: bool = False


class Origin(Protocol):
    """A source. ``name`` is what an inventory calls it, without address, user or path of a machine."""

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Yield every object once, in a stable order."""
        ...

    def count(self) -> tuple[int, int | None]:
        """Count objects and bytes again, after the scan; None where a source does not know its bytes."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def unread(_run: Run, _shown: str) -> None:
    """Read nothing: for entries that are skipped."""
