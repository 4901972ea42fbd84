"""Installations kept open by a process that runs many commands (the demo), as a server would keep them.

Opening one stretches the root passphrase, which is slow on purpose, and prepares every statement anew. Invariants: an
open installation is given only to who names the passphrase that opened it; each command still decides, records and
commits by itself; closing forgets the keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from tigertally.app.wire import House, open_house
from tigertally.base.clock import Clock
from tigertally.base.secret import SecretText


class Houses:
    """Open installations by their folders."""

    __slots__ = ("_close", "_open")

    def __init__(self) -> None:
        self._open: dict[Path, tuple[SecretText, House]] = {}
        self._close = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()
        for passphrase, _house in self._open.values():
            passphrase.wipe()
        self._open.clear()

    @contextmanager
    def house(self, home: Path, *, root_passphrase: SecretText, clock: Clock) -> Iterator[House]:
        """Give the installation in ``home``, opened now or before. Raises like ``wire.open_house``."""
        place = home.resolve()
        kept = self._open.get(place)
        if kept is None:
            house = self._close.enter_context(open_house(home, root_passphrase=root_passphrase, clock=clock))
            self._open[place] = (root_passphrase, house)
            yield house
        elif kept[0] == root_passphrase:
            yield replace(kept[1], clock=clock)
        else:
            with open_house(home, root_passphrase=root_passphrase, clock=clock) as house:
                yield house
