"""Restoring an installation from a backup into an empty place: everything is verified before anything stands there.

1. the statement is signed by the party whose card the person trusts; 2. the sealed file is the one that it names;
3. it opens, and its content is the one that it names; 4. the database is sound, of that schema, and opens with the root
key that the person gives (no backup holds it); 5. its ledger ends where the statement says, and ``fsck`` finds nothing;
6. the evidence is weighed (``app.backup``): what was erased since does not come back, or is erased again here;
7. the ledger says what was restored; only then does the folder get its name. A run that was killed leaves
``….restoring`` beside it, which the next one begins anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tigertally import vault
from tigertally.app import backup as rule
from tigertally.app import keepers, mark, wire
from tigertally.app import settings as settings_room
from tigertally.app.backup import Evidence, Measure, Wanted
from tigertally.app.errors import (
    BackupDiffers,
    InstallationExists,
    NoRootKey,
    NotReadable,
    NotWritable,
    WouldResurrect,
)
from tigertally.app.keeping import OPENED_NAME, KeeperKind
from tigertally.app.settings import CARD_NAME, DATABASE_DEFAULT, SESSIONS_NAME, SETTINGS_NAME, Settings, write_whole
from tigertally.app.verbs.backup import DATABASE_NAME, PIECE, seen_of
from tigertally.app.wire import House
from tigertally.base.clock import Clock
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.formats import backup as formats
from tigertally.formats import checkpoint as checkpoints
from tigertally.formats import envelope, party
from tigertally.formats import statement as dsse
from tigertally.formats.backup import CONTENT_NAME, STATEMENT_NAME, Backup, Seen
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, fsck, register_event
from tigertally.store import Store, open_store
from tigertally.vault import KeyKeeper, Returning

RESTORED: Final = register_event(
    "app.backup.restored",
    Text("已从备份恢复", "the installation was restored from a backup"),
    "backup",
    "digest",
    "size",
    "seen",
    "subjects",
    "scopes",
    "keys",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored. ``seen`` is the furthest ledger that the evidence knows, 0 without evidence."""

    backup: Backup
    seen: int
    again: Returning
    entry: int


def restore(wanted: Wanted, *, unlock: SecretText, clock: Clock, progress: Progress = SILENT) -> Restored:
    """Restore into ``wanted.home``, which must be absent or empty. Raises what its checks raise; then nothing stands.

    ``unlock`` opens the root key's keeper.
    """
    home = wanted.home
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise InstallationExists(home=home)
    statement = dsse.parse(_small(wanted.folder / STATEMENT_NAME)).expect(Kind.BACKUP)
    paper = formats.read(_signed(statement, wanted.card))
    if paper.party != wanted.card.party:
        raise BackupDiffers(what="party")
    part = home.with_name(home.name + ".restoring")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        settings = _unpack(wanted, paper, part, progress)
        done = _admit(wanted, statement, paper, settings, unlock=unlock, clock=clock, progress=progress)
        (part / SESSIONS_NAME).mkdir(mode=0o700)
        part.replace(home)
    except OSError as error:
        raise NotWritable(path=home, reason=type(error).__name__) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return done


def _unpack(wanted: Wanted, paper: Backup, part: Path, progress: Progress) -> Settings:
    """Take steps 2 and 3: the files of the installation, in the folder ``part``."""
    source = wanted.folder / CONTENT_NAME
    sealed, plain = Measure(), Measure()
    progress.begin(Text("核对备份文件", "checking the sealed file"), paper.sealed.size)
    try:
        with source.open("rb") as file:
            for piece in sealed.through(iter(lambda: file.read(PIECE), b"")):
                progress.advance(len(piece))
        if sealed.sized != paper.sealed:
            raise BackupDiffers(what="sealed")
        progress.begin(Text("打开备份", "opening the backup"), paper.plain.size)
        with source.open("rb") as file, os.fdopen(_private(part / DATABASE_NAME), "wb") as out:
            opened = envelope.open_stream(wanted.key, context=paper.context, read=file.read)
            content = _Pieces(plain.through(opened))
            head = formats.read_head(content.read)
            for piece in content.rest():
                out.write(piece)
                progress.advance(len(piece))
    except OSError as error:
        raise NotReadable(path=source, reason=type(error).__name__) from None
    if plain.sized != paper.plain:
        raise BackupDiffers(what="plain")
    write_whole(part / SETTINGS_NAME, head.settings.encode())
    write_whole(part / CARD_NAME, head.card, mode=0o644)
    settings = replace(settings_room.load(part), database=DATABASE_DEFAULT)
    settings.save()
    card = party.read(_signed(dsse.parse(head.card).expect(Kind.PARTY), wanted.card))
    if not card.party == settings.party == paper.party:
        raise BackupDiffers(what="party")
    _put_root_key(wanted, settings)
    return settings


def _put_root_key(wanted: Wanted, settings: Settings) -> None:
    kind = settings.keeper.kind
    if kind not in {KeeperKind.PASSPHRASE, KeeperKind.SHARES}:
        return
    if wanted.root_key is None:
        raise NoRootKey
    name = OPENED_NAME if kind is KeeperKind.SHARES else settings.keeper.file
    write_whole(settings.home / name, _small(wanted.root_key))


def _admit(
    wanted: Wanted,
    statement: Statement,
    paper: Backup,
    settings: Settings,
    *,
    unlock: SecretText,
    clock: Clock,
    progress: Progress,
) -> Restored:
    """Take steps 4 to 7, in the folder that is not yet the home."""
    with open_store(settings.store_url) as store:
        _need_sound(store, paper)
        keeper = keepers.open_keeper(settings.home, settings.keeper, unlock=unlock, now=clock.now)
        try:
            house = _house(settings, store, keeper, paper, clock)
            evidence = _evidence(wanted, house)
            _need_ledger(house, paper, progress)
            again = _weigh(wanted, house, paper, evidence, progress)
            vault.bring_forward(store.transaction, house.ledger, again, now=clock.now, progress=progress)
            if not again.nothing:
                store.compact()
            entry = _note(house, statement, paper, evidence, again)
            with store.reading() as tx:
                mark.advance(tx, house.ledger, settings.home)
        finally:
            keeper.close()
    return Restored(backup=paper, seen=evidence.newest, again=again, entry=entry)


def _need_sound(store: Store, paper: Backup) -> None:
    vitals = store.vitals(deep=True)
    if not vitals.sound or vitals.schema_version != paper.schema:
        raise BackupDiffers(what="database")
    store.migrate()


def _house(settings: Settings, store: Store, keeper: KeyKeeper, paper: Backup, clock: Clock) -> House:
    if keeper.key_id != paper.root_key:
        raise BackupDiffers(what="root_key")
    return wire.house_of(settings, store=store, keeper=keeper, clock=clock)


def _evidence(wanted: Wanted, house: House) -> Evidence:
    """Read what the person gives; each paper is this installation's own, or refused."""
    seen: list[Seen] = []
    for path in wanted.marks:
        found = mark.read_file(path)
        if found is None:
            raise NotReadable(path=path, reason="mark")
        seen.append(Seen(size=found.size, root=found.root))
    for path in wanted.checkpoints:
        head = checkpoints.verify(_small(path), house.ledger.keys.verifier)
        seen.append(Seen(size=head.size, root=head.root))
    lists = []
    for path in wanted.lists:
        paper = _signed(dsse.parse(_small(path)).expect(Kind.ERASURES), wanted.card)
        lists.append(formats.read_erasures(paper))
        if lists[-1].party != house.settings.party:
            raise BackupDiffers(what="party")
    return Evidence(seen=tuple(seen), lists=tuple(lists))


def _need_ledger(house: House, paper: Backup, progress: Progress) -> None:
    """Take step 5."""
    with house.store.reading() as tx:
        if seen_of(tx, house.ledger) != paper.ledger:
            raise BackupDiffers(what="ledger")
        if not fsck.check(tx, house.ledger, progress=progress).clean:
            raise BackupDiffers(what="fsck")


def _weigh(wanted: Wanted, house: House, paper: Backup, evidence: Evidence, progress: Progress) -> Returning:
    """Take step 6: return what has to be erased again. Raises ``WouldResurrect`` unless that was asked for."""
    size = paper.ledger.size
    with house.store.reading() as tx:
        reaching = rule.to_erase(tx, size=size, evidence=evidence, alone=wanted.alone)
        again = vault.returning(
            tx,
            house.ledger,
            subjects=[] if reaching is None else [one.what for one in reaching.subjects if one.entry >= size],
            ended=[] if reaching is None else [one.what for one in reaching.keys if one.entry >= size],
            progress=progress,
        )
    if reaching is not None and not wanted.forward:
        raise WouldResurrect(
            subjects=len(again.subjects),
            scopes=len(again.scopes),
            keys=len(again.keys),
            size=size,
            seen=evidence.newest,
        )
    return again


def _note(house: House, statement: Statement, paper: Backup, evidence: Evidence, again: Returning) -> int:
    event = Event(
        kind=RESTORED,
        payload={
            "backup": paper.backup,
            "digest": statement.digest,
            "size": paper.ledger.size,
            "seen": evidence.newest,
            "subjects": len(again.subjects),
            "scopes": list(again.scopes),
            "keys": [info.key for info in again.keys],
        },
    )
    with house.store.transaction() as tx:
        return house.ledger.append(tx, event, now=house.clock.now())


class _Pieces:
    """Pieces of a stream, of which the first bytes are read by count."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end."""
        while len(self._held) < count and (piece := next(self._pieces, b"")):
            self._held += piece
        found, self._held = self._held[:count], self._held[count:]
        return found

    def rest(self) -> Iterator[bytes]:
        """Yield what is left."""
        yield self._held
        yield from self._pieces


def _signed(statement: Statement, card: PartyCard) -> Statement:
    statement.require({card.name: card.signing})
    return statement


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _small(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(STATEMENT_BYTES_MAX + 1)
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
