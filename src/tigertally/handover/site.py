"""Where a long crossing runs: transactions, ledger and time come from above, and tests see every step.

Long work cannot run in one transaction, and only ``app`` and the store open any, so whoever calls hands over the
means: ``writing`` and ``reading`` each give one transaction. ``on_step`` is called between the steps that a crash
could separate, with the step's name; production passes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tigertally.base.canon import Json
from tigertally.base.clock import Clock
from tigertally.base.progress import SILENT, Progress
from tigertally.ledger import Event, EventKind, Ledger
from tigertally.store.tx import Tx

Opening: TypeAlias = Callable[[], AbstractContextManager[Tx]]


def no_step(_: str) -> None:
    """Do nothing between steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a crossing needs of the installation it runs in. ``actor`` is the person's id."""

    writing: Opening
    reading: Opening
    ledger: Ledger
    clock: Clock
    actor: str
    progress: Progress = SILENT
    on_step: Callable[[str], None] = field(default=no_step)


def note(tx: Tx, ledger: Ledger, kind: EventKind, /, *, deal: str, actor: str, now: datetime, **members: Json) -> int:
    """Append an event about ``deal``; return its index."""
    event = Event(kind=kind, payload={"deal": deal, **members}, actor=actor, about=(deal,))
    return ledger.append(tx, event, now=now)
