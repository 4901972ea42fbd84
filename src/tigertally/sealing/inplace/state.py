"""How far a table is on its way, and what one run works with.

One table of one plan is one job: ``rewriting`` → ``rewritten`` ⇄ ``rewriting`` → ``committing`` → ``committed``, or
→ ``undoing`` → ``undone``. The last of each ends the job; after it the table may be rewritten anew, as another job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Event, EventKind, Ledger, register_event
from tigertally.sealing.inplace import journal
from tigertally.sealing.live.ports import Key, LiveDatabase
from tigertally.sealing.plan import Action, Extent, PlanField, PlanSource
from tigertally.store import jobs
from tigertally.store.jobs import Job, JobState
from tigertally.store.tx import Tx
from tigertally.vault import Aside, Begin, VaultKeys

JOB_KIND: Final = "sealing.in_place"
REWRITING: Final = "rewriting"
REWRITTEN: Final = "rewritten"
UNDOING: Final = "undoing"
UNDONE: Final = "undone"
COMMITTING: Final = "committing"
COMMITTED: Final = "committed"
_COUNTS: Final = ("cells", "were", "left", "found", "stale", "rows", "back", "same", "gone", "purged")

_MEMBERS: Final = ("scope", "table", "phase", "round", "rows", "cells")
BATCH_WRITTEN: Final = register_event(
    "sealing.live_batch.written", Text("改写了线上表的一批", "a batch of a live table was rewritten"), *_MEMBERS
)
TABLE_MOVED: Final = register_event(
    "sealing.live_table.moved",
    Text("线上表的改写进入新阶段", "the rewriting of a live table came to another phase"),
    *_MEMBERS,
    "left",
    "back",
    "same",
    "gone",
    "purged",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a job's cursor says: phase, which round through the table, the last note, the last key, and counts.

    ``cells`` were rewritten in all; ``were`` were tokens before; of this round, ``left`` are no values that the vault
    holds, ``found`` were clear and ``stale`` changed while they were being rewritten; ``back`` were put back, of which
    ``same`` are what had stood there, and of what had stood there ``gone`` is not there any more.
    """

    phase: str = REWRITING
    round: int = 1
    seq: int = 0
    after: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def parse(cls, cursor: bytes) -> State:
        """Return the state of a cursor."""
        body = canon.loads(cursor)
        if not isinstance(body, dict) or not body:
            return cls()
        return cls(
            phase=str(body["phase"]),
            round=int(str(body["round"])),
            seq=int(str(body["seq"])),
            after=str(body["after"]),
            counts=Counter({name: int(str(body[name])) for name in _COUNTS}),
        )

    def cursor(self) -> bytes:
        """Return the cursor."""
        return canon.dumps(
            {
                "phase": self.phase,
                "round": self.round,
                "seq": self.seq,
                "after": self.after,
                **{name: self.counts[name] for name in _COUNTS},
            }
        )


@dataclass(slots=True, kw_only=True, repr=False)
class Work:
    """One table in the hands of one run. ``fields`` are rewritten, ``purged`` emptied at the end."""

    live: LiveDatabase
    source: PlanSource
    fields: tuple[PlanField, ...]
    purged: tuple[PlanField, ...]
    keys: VaultKeys
    aside: Aside
    begin: Begin
    reading: Callable[[], AbstractContextManager[Tx]]
    ledger: Ledger
    actor: str
    now: Callable[[], datetime]
    progress: Progress
    job: Job
    state: State
    batch_rows: int = BATCH_ROWS

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that are rewritten."""
        return tuple(one.name for one in self.fields)

    @property
    def after(self) -> Key | None:
        """Return the last key that was worked on."""
        return journal.opened_key(self.aside, self.state.after, job=self.job.key)

    def move(self, tx: Tx, after: Key | None, **changes: int | str | Counter[str]) -> None:
        """Write down in ``tx`` how far it is; raises ``JobTaken`` if another run has taken the table up."""
        sealed = journal.sealed_key(self.aside, after, job=self.job.key)
        self.state = replace(self.state, after=sealed, **changes)  # type: ignore[arg-type]
        self.job = jobs.advance(tx, self.job, cursor=self.state.cursor(), now=self.now())

    def note(self, tx: Tx, kind: EventKind, **numbers: Json) -> None:
        """Append an entry."""
        payload: dict[str, Json] = {
            "scope": self.keys.scope,
            "table": table_digest(self.live, self.source, self.keys.scope),
            "phase": self.state.phase,
            "round": self.state.round,
            **numbers,
        }
        self.ledger.append(tx, Event(kind=kind, payload=payload, actor=self.actor), now=self.now())

    def moved(self, tx: Tx) -> None:
        """Append the entry of a new phase."""
        names = ("rows", "cells", "left", "back", "same", "gone", "purged")
        self.note(tx, TABLE_MOVED, **{name: self.state.counts[name] for name in names})


def rewritable(source: PlanSource) -> bool:
    """Return whether the plan seals whole columns of a live table here."""
    return source.kind in ("table", "sqlite") and "!/" not in source.object and bool(sealed_fields(source))


def sealed_fields(source: PlanSource) -> tuple[PlanField, ...]:
    """Return the columns that get tokens."""
    return tuple(one for one in source.fields if one.action is Action.SEAL and one.extent is Extent.CELL)


def purged_fields(source: PlanSource) -> tuple[PlanField, ...]:
    """Return the columns that are emptied."""
    return tuple(one for one in source.fields if one.action is Action.PURGE and one.extent is Extent.CELL)


def table_digest(live: LiveDatabase, source: PlanSource, scope: str) -> str:
    """Return SHA-256 (hex) of which table it is, and what the plan does with it."""
    fields: list[Json] = [[one.name, one.cls.value, one.action.value, one.token.value] for one in source.fields]
    return sha256_hex(canon.dumps([scope, live.place, source.object, source.table, fields]))


def latest(tx: Tx, *, digest: str, scope: str) -> tuple[str, Job | None]:
    """Return the key and the job of this table that is on its way; if none is, the key of the next one."""
    number = 1
    while (job := jobs.find(tx, key=f"{JOB_KIND}:{scope}:{digest}:{number}")) is not None:
        if job.state is not JobState.DONE:
            return job.key, job
        number += 1
    return f"{JOB_KIND}:{scope}:{digest}:{number}", None
