"""Canaries: customers who are nobody, planted for a recipient; touching one tells. And what each recipient got.

1. a canary is sealed like any customer, has the classes and the token widths of a real record of its scope, and bears
   no mark: it is known only by a keyed digest of its id, under a key derived from the scope's index key;
2. plantings are facts with a digest over all of a recipient's digests, so a table that was edited is noticed;
3. no company is sold with customers who are nobody: a release and a bundle are refused while canaries stand, so no
   count told to a buyer has them (``docs/adr``); :func:`withdraw` erases them;
4. what recipients got is kept as eight bytes of keyed digest for each token, enough to tell whose file leaked
   (:func:`holders`), nothing without the key; a value that was erased since is not found by it.

Left to others: who may plant, and the alert (``app.verbs.canaries``).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.canon import Json
from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.text import Text
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Fact, Ledger, facts, register_fact
from tigertally.ledger.entries import LOCK
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, tokens
from tigertally.vault.canaries import people, sql
from tigertally.vault.cards import derived_key
from tigertally.vault.errors import AlreadyPlanted, CanariesStand, NoCanaryShape, NotPlanted
from tigertally.vault.index import runs
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import seal_batch
from tigertally.vault.rows import sql as sql_rows

PLANTED: Final = register_fact(
    "vault.canaries", Text("诱饵记录", "canaries"), recipient=str, count=int, refuse=bool, digest=str
)
COUNT_MAX: Final = 1_000
_LABELS: Final = (b"\x00canary|1", b"\x00canary|2")
_SHORT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A canary that somebody came upon: whose it is, and whether it is kept from whoever did."""

    subject: str
    recipient: str
    refuse: bool


def plant(
    tx: Tx, ledger: Ledger, keys: VaultKeys, *, recipient: str, count: int, refuse: bool, actor: str, now: datetime
) -> int:
    """Plant ``count`` canaries for a recipient; return the entry.

    Raises ``AlreadyPlanted``, ``NoCanaryShape`` if no record here has only classes that can be made, and what sealing
    raises.
    """
    tx.lock(f"vault:{keys.scope}")
    tx.lock(LOCK)
    if any(fact.value["recipient"] == recipient for fact in standing(tx, ledger, scope=keys.scope)):
        raise AlreadyPlanted
    shapes = list(islice(_shapes(tx, scope=keys.scope), count))
    if not shapes:
        raise NoCanaryShape
    shapes = [secrets.choice(shapes) for _ in range(count)]
    columns: dict[tuple[FieldClass, int], list[str | None]] = {}
    for at, shape in enumerate(shapes):
        nth: Counter[FieldClass] = Counter()
        for (cls, _), made_up in zip(shape, people.values(shape), strict=True):
            columns.setdefault((cls, nth[cls]), [None] * count)[at] = made_up
            nth[cls] += 1
    first = sql_rows.next_number(tx, scope=keys.scope)
    order = sorted(columns, key=lambda place: (place[0].value, place[1]))
    fields = [(place[0], columns[place]) for place in order]
    made = seal_batch(tx, keys, subjects=[secrets.token_hex(16) for _ in range(count)], fields=fields, now=now)
    new = [raw for _, raw in sql_rows.subjects_after(tx, scope=keys.scope, after=first - 1, limit=count)]
    if made.new_subjects != count or len(new) != count or made.rejected:
        raise NoCanaryShape
    digests = _key(keys).many(new)
    sql.insert_canaries(tx, scope=keys.scope, recipient=recipient, digests=digests)
    value: dict[str, Json] = {
        "recipient": recipient,
        "count": count,
        "refuse": refuse,
        "digest": sha256_hex(b"".join(sorted(digests))),
    }
    entry = facts.state(
        tx, ledger, PLANTED, subject=_name(keys.scope), value=value, start=now, until=None, actor=actor, now=now
    )
    heads = sql_rows.heads_after(tx, scope=keys.scope, after=first - 1, limit=count)
    raws = entries.heads([head for _, head in heads]).token
    give(tx, keys, recipient=recipient, entry=entry, piece=0, raws=raws)
    return entry


def standing(tx: Tx, ledger: Ledger, *, scope: str) -> list[Fact]:
    """Return the plantings that stand. Raises ``LedgerBroken`` if one was taken away."""
    found = facts.read(tx, ledger=ledger, kinds=[PLANTED.name], subjects=[_name(scope)])
    return [fact for fact in found if not fact.withdrawn]


def need_none(tx: Tx, ledger: Ledger, *, scope: str) -> None:
    """Raise ``CanariesStand`` while canaries stand in a scope."""
    planted = standing(tx, ledger, scope=scope)
    if planted:
        raise CanariesStand(recipients=", ".join(sorted(str(fact.value["recipient"]) for fact in planted)))


def touched(tx: Tx, ledger: Ledger, keys: VaultKeys, *, subjects: Sequence[str]) -> list[Touched]:
    """Return which of ``subjects`` are canaries. Raises ``LedgerBroken`` if what tells them was edited."""
    planted = standing(tx, ledger, scope=keys.scope)
    if not planted or not subjects:
        return []
    known = _known(tx, keys.scope, planted)
    refuse = {str(fact.value["recipient"]): fact.value["refuse"] is True for fact in planted}
    digests = _key(keys).many([spelling.subject_raw(one) for one in subjects])
    return [
        Touched(subject=subject, recipient=known[digest], refuse=refuse[known[digest]])
        for subject, digest in zip(subjects, digests, strict=True)
        if digest in known
    ]


def names(tx: Tx, *, scope: str, numbers: Sequence[int]) -> dict[int, SubjectId]:
    """Return the subjects of these records, by number."""
    found = sql_rows.subjects_at(tx, scope=scope, numbers=numbers)
    return {number: SubjectId(spelling.subject_text(raw)) for number, raw in found}


def withdraw(tx: Tx, ledger: Ledger, keys: VaultKeys, *, recipient: str, actor: str, now: datetime) -> list[SubjectId]:
    """Let a recipient's canaries stand no more; return who they are, to be erased. Raises ``NotPlanted``."""
    planted = standing(tx, ledger, scope=keys.scope)
    mine = next((fact for fact in planted if fact.value["recipient"] == recipient), None)
    if mine is None:
        raise NotPlanted
    known = _known(tx, keys.scope, planted)
    found: list[bytes] = []
    after = -1
    while rows := sql_rows.subjects_after(tx, scope=keys.scope, after=after, limit=BATCH_ROWS):
        digests = _key(keys).many([raw for _, raw in rows])
        found += [raw for (_, raw), one in zip(rows, digests, strict=True) if known.get(one) == recipient]
        after = rows[-1][0]
    sql.delete_canaries(tx, scope=keys.scope, recipient=recipient)
    facts.withdraw(tx, ledger, entry=mine.entry, reason="withdrawn", actor=actor, now=now)
    return [SubjectId(one) for one in spelling.subjects_text(found)] if found else []


def give(tx: Tx, keys: VaultKeys, *, recipient: str, entry: int, piece: int, raws: npt.NDArray[np.uint64]) -> None:
    """Keep that a recipient got the values of these tokens (halves, shape (n, 2)) by an entry of the ledger."""
    packed = np.unique(_short(keys, raws)).astype(">u8").tobytes()
    sql.insert_given(tx, scope=keys.scope, recipient=recipient, entry=entry, piece=piece, digests=packed)


def holders(tx: Tx, keys: VaultKeys, *, raws: npt.NDArray[np.uint64]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return, by recipient, which of these tokens they got."""
    asked = _short(keys, raws)
    out: dict[str, npt.NDArray[np.bool_]] = {}
    for recipient, packed in sql.read_given(tx, scope=keys.scope):
        mine = np.isin(asked, np.frombuffer(packed, ">u8").astype(np.uint64))
        out[recipient] = out[recipient] | mine if recipient in out else mine
    return out


def _known(tx: Tx, scope: str, planted: Sequence[Fact]) -> dict[bytes, str]:
    known = sql.read_canaries(tx, scope=scope)
    for fact in planted:
        mine = sorted(digest for digest, recipient in known.items() if recipient == fact.value["recipient"])
        if sha256_hex(b"".join(mine)) != fact.value["digest"]:
            raise LedgerBroken(index=fact.entry, what="canaries")
    return {one: whose for one, whose in known.items() if whose in {fact.value["recipient"] for fact in planted}}


def _shapes(tx: Tx, *, scope: str) -> Iterator[people.Shape]:
    """Yield the shapes of records, from a random one on, of two values or more that can all be made."""
    last = sql_rows.next_number(tx, scope=scope)
    for after in (secrets.randbelow(last + 1) - 1, -1):
        there = entries.heads(
            [head for _, head in sql_rows.heads_after(tx, scope=scope, after=after, limit=BATCH_ROWS)]
        )
        texts = tokens.texts(there.code, there.token)
        edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(there.counts)]).tolist()
        for start, stop in pairwise(edges):
            shape = [(BY_CODE[int(there.code[at])], len(texts[at])) for at in range(start, stop)]
            if len(shape) > 1 and people.can_make([cls for cls, _ in shape]):
                yield shape


def _key(keys: VaultKeys) -> ColumnMac:
    return ColumnMac(derived_key(keys.index, _LABELS))


def _short(keys: VaultKeys, raws: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    packed = runs.whole(raws)
    made = _key(keys).column([packed[at : at + 16] for at in range(0, len(packed), 16)])
    return np.ascontiguousarray(made[:, :_SHORT]).view(">u8").reshape(-1).astype(np.uint64)


def _name(scope: str) -> str:
    return f"canaries:{scope}"
