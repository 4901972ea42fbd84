"""Verbs on backups: one is made and sealed; the list of what was erased is kept apart from it; restoring is next door.

The root key is never in a backup: it is copied by its own keeper's ways (the file, the shares), and who has one of the
two has nothing. A backup stands whole or not at all: it is made in a folder of another name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tigertally import __version__, vault
from tigertally.access import Action, Actor
from tigertally.app.backup import Measure
from tigertally.app.errors import BackupDiffers, NotWritable
from tigertally.app.settings import SETTINGS_NAME, write_whole
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.wire import House
from tigertally.base.ids import BackupId, new_id
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.merkle import Frontier
from tigertally.formats import backup as formats
from tigertally.formats import envelope
from tigertally.formats import statement as dsse
from tigertally.formats.backup import CONTENT_NAME, STATEMENT_NAME, Backup, Erased, Erasures, Head, Seen
from tigertally.formats.share import HolderCard
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, Ledger, register_event
from tigertally.store import open_store
from tigertally.store.tx import Tx

PIECE: Final = 1024 * 1024
DATABASE_NAME: Final = "tigertally.db"

BACKED_UP: Final = register_event(
    "app.backup.made", Text("已作备份", "a backup was made"), "backup", "digest", "size", "bytes", "recipients"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made."""

    backup: Backup
    statement: Statement
    folder: Path


def seen_of(tx: Tx, ledger: Ledger) -> Seen:
    """Return how far the ledger is."""
    head = ledger.head(tx)
    return Seen(size=head.size, root=Frontier(head.size, head.peaks).root())


def make(house: House, *, actor: Actor, to: Sequence[HolderCard], folder: Path, progress: Progress = SILENT) -> Made:
    """Write a backup of the database, sealed to the keys of ``to``, into ``folder``, which must not exist.

    Raises ``NotWritable``, ``CopyElsewhere`` (PostgreSQL), ``StoreBroken``.
    """
    if folder.exists():
        raise NotWritable(path=folder, reason="exists")
    keys = tuple(sorted({card.key.key_id for card in to}))

    def work(tx: Tx, now: datetime) -> None:
        allow(house, tx, actor=actor, action=Action.BACKUP, now=now, details=(("to", ",".join(k[:16] for k in keys)),))

    attempt(house, verb="vault.backup", work=work, actor=actor)

    def made() -> Made:
        part = folder.with_name(folder.name + ".partial")
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True, mode=0o700)
            done = _write(house, part, to=to, keys=keys, progress=progress)
            part.replace(folder)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise NotWritable(path=folder, reason=type(error).__name__) from None
        return Made(backup=formats.read(done), statement=done, folder=folder)

    result = carry_out(house, verb="vault.backup", work=made, actor=actor)

    def note(tx: Tx, now: datetime) -> int:
        backup = result.backup
        event = Event(
            kind=BACKED_UP,
            payload={
                "backup": backup.backup,
                "digest": result.statement.digest,
                "size": backup.ledger.size,
                "bytes": backup.sealed.size,
                "recipients": list(backup.recipients),
            },
            actor=actor.person.person,
        )
        return house.ledger.append(tx, event, now=now)

    attempt(house, verb="vault.backup", work=note, actor=actor)
    return result


def erasures(house: House, *, actor: Actor) -> Statement:
    """Return the signed list of all that was erased so far; to be kept apart from backups."""

    def work(tx: Tx, now: datetime) -> Statement:
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("export", "erasures"),))
        found = vault.gone(tx, house.ledger)
        body = Erasures(
            party=house.settings.party,
            made=now,
            ledger=seen_of(tx, house.ledger),
            subjects=tuple(Erased(entry=entry, what=what) for entry, what in found.subjects),
            keys=tuple(Erased(entry=entry, what=what) for entry, what in found.keys),
        ).body()
        return dsse.make(Kind.ERASURES, body, house.signing)

    return attempt(house, verb="vault.erasures", work=work, actor=actor)


def _write(
    house: House, part: Path, *, to: Sequence[HolderCard], keys: tuple[str, ...], progress: Progress
) -> Statement:
    copied = part / DATABASE_NAME
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if not told:
            progress.begin(Text("复制数据库", "copying the database"), total)
        progress.advance(done - told)
        told = done

    house.store.copy_to(copied, told=tell)
    # What was copied says itself how far it is, and is looked at page by page before it is trusted as a backup.
    with open_store(f"sqlite:///{copied.absolute()}") as store:
        vitals = store.vitals(deep=True)
        with store.reading() as tx:
            seen = seen_of(tx, house.ledger)
    if not vitals.sound or vitals.schema_version is None:
        raise BackupDiffers(what="integrity")
    backup = BackupId(new_id("bak"))
    head = Head(settings=(house.settings.home / SETTINGS_NAME).read_text("utf-8"), card=house.card_statement.to_bytes())
    plain, sealed = Measure(), Measure()
    progress.begin(Text("封装备份", "sealing the backup"), copied.stat().st_size)
    context = formats.context_of(backup)
    content = plain.through(_content(head, copied, progress))
    pieces = envelope.seal([card.key for card in to], context=context, plaintext=content)
    with (part / CONTENT_NAME).open("xb") as file:
        for piece in sealed.through(pieces):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    copied.unlink()
    body = Backup(
        backup=backup,
        party=house.settings.party,
        made=house.clock.now(),
        tool=f"tigertally {__version__}",
        database="sqlite",
        schema=vitals.schema_version,
        ledger=seen,
        root_key=house.keeper.key_id,
        recipients=keys,
        plain=plain.sized,
        sealed=sealed.sized,
    ).body()
    statement = dsse.make(Kind.BACKUP, body, house.signing)
    write_whole(part / STATEMENT_NAME, statement.to_bytes())
    return statement


def _content(head: Head, database: Path, progress: Progress) -> Iterator[bytes]:
    yield head.to_bytes()
    with database.open("rb") as file:
        while piece := file.read(PIECE):
            progress.advance(len(piece))
            yield piece
