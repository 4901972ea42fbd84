"""What a destruction would destroy, readable and with a digest, before two persons say yes to exactly that.

A plan names the ground (the accepted receipt's digest, or a dead deal), the keys, how many customers and values,
every known copy with its fate, and what nothing here can reach. :func:`make` has no effects. The digest is bound
into the approval, and :mod:`destruction` runs a plan only if making it again gives the same digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.formats import certificate as certificates
from tigertally.formats.certificate import DestroyedKey, Ground
from tigertally.formats.shape import Reader, json_counts, parse_canonical
from tigertally.formats.statement import Kind
from tigertally.handover import copies, papers, receipt, sql
from tigertally.handover.copies import CopyKind, Fate
from tigertally.handover.errors import DestructionBegun, LastCopy, NoGround, NothingToUnwind, SellerKeeps
from tigertally.handover.terms import DEAD, Terms
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx
from tigertally.vault import KeyState

NOT_COVERED: Final = (
    Text(
        "数据库和磁盘的备份、快照、副本（复制库、预写日志归档）",
        "backups, snapshots and replicas of database and disks",
    ),
    Text(
        "文件系统或固态盘为其自身目的移动或保留的数据块",
        "blocks that a file system or solid-state disk moved or kept for its own purposes",
    ),
    Text("根密钥的其他备份（可打开旧备份中的密钥）", "other copies of the root key, which open keys in old backups"),
    Text("有权人员此前已读取、打印或导出的内容", "what people with permission have read, printed or exported before"),
    Text("未在此登记的副本", "copies that were never registered here"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCopy:
    """A registered copy that was still there when the plan was made."""

    copy: int
    place: str
    kind: CopyKind
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class DestructionPlan:
    """What would be destroyed. ``receipt`` is a digest, "" for a dead deal; ``not_covered`` is zh and en."""

    deal: DealId
    scope: str
    ground: Ground
    receipt: str
    subjects: int
    values: Mapping[str, int]
    keys: tuple[DestroyedKey, ...]
    copies: tuple[PlannedCopy, ...]
    not_covered: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """Return canonical JSON; :func:`parse` reads it back."""
        keys: list[Json] = [{"key": k.key, "purpose": k.purpose, "version": k.version} for k in self.keys]
        known: list[Json] = [
            {"copy": c.copy, "place": c.place, "kind": c.kind.value, "fate": c.fate.value} for c in self.copies
        ]
        return canon.dumps(
            {
                "deal": self.deal,
                "scope": self.scope,
                "ground": self.ground.value,
                "receipt": self.receipt,
                "subjects": self.subjects,
                "values": json_counts(self.values),
                "keys": keys,
                "copies": known,
                "not_covered": list(self.not_covered),
            }
        )

    def digest(self) -> str:
        """Return SHA-256 (hex) of the plan: what two persons approve."""
        return sha256_hex(self.to_bytes())

    def doomed(self) -> tuple[PlannedCopy, ...]:
        """Return the copies that would be deleted."""
        return tuple(item for item in self.copies if item.fate is Fate.DELETE)


def plan(tx: Tx, ledger: Ledger, *, terms: Terms, now: datetime) -> DestructionPlan:
    """Return what a destruction in this deal would destroy. Raises :func:`ground_of`'s, ``DestructionBegun``."""
    if sql.read_destruction(tx, terms.deal) is not None:
        raise DestructionBegun
    return make(tx, ledger, terms=terms, now=now)


def make(tx: Tx, ledger: Ledger, *, terms: Terms, now: datetime) -> DestructionPlan:
    """Return the plan as the vault and the register stand now. Raises ``NoGround``."""
    ground, receipt_digest = ground_of(tx, terms=terms, now=now)
    subjects, values = vault.counts(tx, scope=terms.scope)
    keys = tuple(
        DestroyedKey(key=info.key, purpose=info.purpose.value, version=info.version)
        for info in vault.list_keys(tx, scope=terms.scope)
        if info.state is not KeyState.DESTROYED
    )
    there = tuple(
        PlannedCopy(copy=item.copy, place=str(item.place), kind=item.kind, fate=item.fate)
        for item in copies.known(tx, ledger, deal=terms.deal)
        if item.gone is None
    )
    return DestructionPlan(
        deal=terms.deal,
        scope=terms.scope,
        ground=ground,
        receipt=receipt_digest,
        subjects=subjects,
        values=_named(values),
        keys=keys,
        copies=there,
        not_covered=_not_covered(there),
    )


def ground_of(tx: Tx, *, terms: Terms, now: datetime) -> tuple[Ground, str]:
    """Return why this side may destroy.

    Raises ``NoGround``, ``SellerKeeps``, ``NothingToUnwind``, ``LastCopy``, the receipt's flaws.
    The seller destroys against a receipt while the deal lives: in a dead deal the seller stays whole. The buyer
    destroys what it received only when the deal is dead.
    """
    dead = terms.stage == DEAD
    if terms.side is Side.BUYER:
        if not dead:
            raise NoGround
        _need_received(tx, terms)
        return Ground.DEAL_DEAD, ""
    if dead:
        raise SellerKeeps
    accepted = receipt.accepted(tx, terms=terms, now=now)
    if accepted is None:
        raise NoGround
    return Ground.RECEIPT, accepted[0].digest


def _need_received(tx: Tx, terms: Terms) -> None:
    """Raise unless the buyer received something, and what it would erase is not the last copy."""
    if not sql.read_bundles(tx, deal=terms.deal):
        raise NothingToUnwind
    theirs = papers.last(tx, deal=terms.deal, kind=Kind.CERTIFICATE)
    if theirs is not None and certificates.read(theirs).ground is Ground.RECEIPT:
        raise LastCopy


def parse(data: bytes) -> DestructionPlan:
    """Return a stored plan."""
    reader = Reader(parse_canonical(data, what="plan"), what="plan")
    found = DestructionPlan(
        deal=DealId(reader.ident("deal", "dea")),
        scope=reader.text("scope"),
        ground=reader.choice("ground", Ground),
        receipt=reader.text("receipt", empty=True),
        subjects=reader.integer("subjects"),
        values=reader.counts("values"),
        keys=tuple(
            DestroyedKey(key=item.text("key"), purpose=item.text("purpose"), version=item.integer("version"))
            for item in reader.bodies("keys")
        ),
        copies=tuple(
            PlannedCopy(
                copy=item.integer("copy"),
                place=item.text("place", chars_max=sql.PLACE_CHARS_MAX),
                kind=item.choice("kind", CopyKind),
                fate=item.choice("fate", Fate),
            )
            for item in reader.bodies("copies")
        ),
        not_covered=reader.texts("not_covered"),
    )
    reader.end()
    return found


def _named(values: Mapping[FieldClass, int]) -> dict[str, int]:
    return {cls.value: count for cls, count in sorted(values.items(), key=lambda item: item[0].value) if count}


def _not_covered(there: tuple[PlannedCopy, ...]) -> tuple[str, ...]:
    """Return both languages of what is out of reach, and the kinds of copies that stay by choice."""
    kept = [copies.KIND_TITLES[item.kind] for item in there if item.fate is Fate.KEEP]
    chosen = [
        Text(f"按选择保留的副本：{title.zh}（{count} 份）", f"copies kept by choice: {title.en} ({count})")
        for title, count in ((title, kept.count(title)) for title in dict.fromkeys(kept))
    ]
    return tuple(f"{item.zh} / {item.en}" for item in (*chosen, *NOT_COVERED))
