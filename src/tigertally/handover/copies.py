"""Known copies: every file or folder outside of the vault that holds a deal's data, and what is to become of it.

Whoever writes one registers it in the same transaction (protected copies, bundle folders, originals that a plan
read). A destruction deletes those whose fate is *delete* and names the others on its certificate. A place is
refused if deleting it would take away what this installation lives on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from tigertally.base.ids import DealId
from tigertally.base.text import Text
from tigertally.handover import deeds, erase, events, sql
from tigertally.handover.deeds import CopyDeed
from tigertally.handover.erase import Identity
from tigertally.handover.errors import CopyProtected, CopySwapped, NoSuchCopy
from tigertally.handover.site import note
from tigertally.handover.sql import PLACE_CHARS_MAX, CopyRow
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx

_COMPANIONS = ("-wal", "-shm", "-journal")


class CopyKind(Enum):
    """What a copy is."""

    ORIGINAL = "original"
    PROTECTED = "protected_copy"
    BUNDLE = "bundle"
    PROCESSOR = "processor_file"
    OTHER = "other"


KIND_TITLES = {
    CopyKind.ORIGINAL: Text("原始数据", "original"),
    CopyKind.PROTECTED: Text("保护副本", "protected copy"),
    CopyKind.BUNDLE: Text("移交包", "bundle"),
    CopyKind.PROCESSOR: Text("处理机构文件", "processor's files"),
    CopyKind.OTHER: Text("其他副本", "other copy"),
}


class Fate(Enum):
    """What a destruction does with a copy."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCopy:
    """A registered copy; ``gone`` is when it was deleted or found absent, ``verified`` whether that was checked."""

    copy: int
    place: Path
    kind: CopyKind
    fate: Fate
    registered: datetime
    gone: datetime | None
    method: str
    verified: bool


def register(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    place: Path,
    kind: CopyKind,
    fate: Fate,
    actor: str,
    now: datetime,
    protected: Sequence[Path] = (),
) -> KnownCopy:
    """Register a copy at an absolute ``place``, links resolved; the same place again notes what lies there now.

    Something else than before is an entry of its own: whoever reads the ledger sees that the copy was exchanged.
    ``protected`` are places that must survive (the installation's home, its database). Raises ``CopyProtected``.
    """
    need_deletable(place, protected=protected, bundle=kind is CopyKind.BUNDLE and is_bundle(tx, deal, place))
    place = place.resolve()
    which = erase.identity_of(place)
    device, inode = (None, None) if which is None else (which.device, which.inode)
    row = next((row for row in sql.read_copies(tx, deal=deal) if row.place == str(place)), None)
    if row is not None:
        if which is not None and row.gone is None and (row.device, row.inode) != (device, inode):
            sql.change_identity(tx, row.id, device=device, inode=inode)
            note(tx, ledger, events.COPY_REIDENTIFIED, deal=deal, actor=actor, now=now, copy=row.id, kind=row.kind)
        return _copy(row)
    sql.insert_copy(
        tx, deal=deal, place=str(place), kind=kind.value, fate=fate.value, now=now, device=device, inode=inode
    )
    made = next(row for row in sql.read_copies(tx, deal=deal) if row.place == str(place))
    note(
        tx,
        ledger,
        events.COPY_REGISTERED,
        deal=deal,
        actor=actor,
        now=now,
        copy=made.id,
        kind=kind.value,
        fate=fate.value,
    )
    return _copy(made)


def known(tx: Tx, ledger: Ledger, *, deal: DealId) -> list[KnownCopy]:
    """Return a deal's copies in order of registration. A row that says *gone* without its entry is not believed."""
    rows = sql.read_copies(tx, deal=deal)
    proved = deeds.of_copies(tx, ledger, deal=deal) if any(row.gone is not None for row in rows) else {}
    return [_copy(row) if _believed(row, proved.get(row.id)) else _there(row) for row in rows]


def decide(tx: Tx, ledger: Ledger, *, deal: DealId, copy: int, fate: Fate, actor: str, now: datetime) -> None:
    """Change what is to become of a copy that is still there. Raises ``NoSuchCopy``."""
    found = _present(tx, ledger, deal=deal, copy=copy)
    if found.fate is fate:
        return
    sql.change_fate(tx, copy, fate=fate.value)
    note(
        tx,
        ledger,
        events.COPY_REGISTERED,
        deal=deal,
        actor=actor,
        now=now,
        copy=copy,
        kind=found.kind.value,
        fate=fate.value,
    )


def at(tx: Tx, ledger: Ledger, *, deal: DealId, copy: int) -> Identity:
    """Return what lies at a copy's place now. Raises ``NoSuchCopy`` if it is deleted or nothing is there."""
    found = _present(tx, ledger, deal=deal, copy=copy)
    which = erase.identity_of(found.place)
    if which is None:
        raise NoSuchCopy
    return which


def reidentify(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    copy: int,
    expected: Identity,
    actor: str,
    now: datetime,
    protected: Sequence[Path] = (),
) -> KnownCopy:
    """Note that what lies at a copy's place now, which must be ``expected``, is that copy.

    Raises ``NoSuchCopy``, ``CopyProtected``, ``CopySwapped``.
    """
    found = _present(tx, ledger, deal=deal, copy=copy)
    bundle = found.kind is CopyKind.BUNDLE and is_bundle(tx, deal, found.place)
    need_deletable(found.place, protected=protected, bundle=bundle)
    if at(tx, ledger, deal=deal, copy=copy) != expected:
        raise CopySwapped(name=found.place.name, reason="identity")
    sql.change_identity(tx, copy, device=expected.device, inode=expected.inode)
    note(tx, ledger, events.COPY_REIDENTIFIED, deal=deal, actor=actor, now=now, copy=copy, kind=found.kind.value)
    return found


def _present(tx: Tx, ledger: Ledger, *, deal: DealId, copy: int) -> KnownCopy:
    found = next((item for item in known(tx, ledger, deal=deal) if item.copy == copy and item.gone is None), None)
    if found is None:
        raise NoSuchCopy
    return found


def is_bundle(tx: Tx, deal: DealId, place: Path) -> bool:
    """Return whether ``place`` is the folder of a bundle that this deal wrote or received."""
    real = place.resolve()
    return any(Path(row.folder).resolve() == real for row in sql.read_bundles(tx, deal=deal))


def which(tx: Tx, *, deal: DealId, copy: int) -> Identity | None:
    """Return which file or folder a copy was when it was registered last, None if nothing was there."""
    row = next((row for row in sql.read_copies(tx, deal=deal) if row.id == copy), None)
    if row is None or row.device is None or row.inode is None:
        return None
    return Identity(device=row.device, inode=row.inode)


def need_deletable(place: Path, *, protected: Sequence[Path], bundle: bool = False) -> None:
    """Raise ``CopyProtected`` for a place whose deletion would take more away than a copy.

    That is a place that is, holds or lies in a protected one; a ``bundle`` may lie in one. With a database file its
    companions (write-ahead log, shared memory, journal) are protected too.
    """
    name = place.name or str(place)
    if not place.is_absolute() or len(str(place)) > PLACE_CHARS_MAX:
        raise CopyProtected(name=name, reason="path")
    real = place.resolve()
    if real in {Path(real.anchor), Path.home().resolve()}:
        raise CopyProtected(name=name, reason="root")
    for item in protected:
        kept = item.resolve()
        inside = kept in real.parents and not bundle
        companion = real.parent == kept.parent and real.name in {kept.name + suffix for suffix in _COMPANIONS}
        if kept == real or real in kept.parents or inside or companion:
            raise CopyProtected(name=name, reason="installation")


def _believed(row: CopyRow, deed: CopyDeed | None) -> bool:
    return row.gone is None or (deed is not None and (row.method, row.verified) == (deed.method, deed.verified))


def _there(row: CopyRow) -> KnownCopy:
    return replace(_copy(row), gone=None, method="", verified=False)


def _copy(row: CopyRow) -> KnownCopy:
    return KnownCopy(
        copy=row.id,
        place=Path(row.place),
        kind=CopyKind(row.kind),
        fate=Fate(row.fate),
        registered=row.registered,
        gone=row.gone,
        method=row.method,
        verified=row.verified,
    )
