"""One value of one customer in place of another: a new version of the record, in which the old value is no more.

Invariants: it is one transaction of the caller's; the record keeps the value's place (class and slot), so what names
the place goes on meaning it; the new value is sealed, given a token and found like any that ``records`` seals; the old
token leads here no longer, and where nobody else holds the value nothing leads to it or from it: the token is dead.
Who may do so, and the entry in the ledger (which is the history: when, by whom, which class, never the value), are the
caller's affair.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.secret import SecretText
from tigertally.crypto.packed import Packed
from tigertally.formats.record import Field
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, index, rows, spelling, tokens
from tigertally.vault.batches import digests_of, prepare_batch
from tigertally.vault.entries import Place
from tigertally.vault.errors import NoSuchSubject, RecordFull, SameValue, SeveralValues, ValueNotAccepted
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import store_batch, subject_cipher
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow


def replace_value(
    tx: Tx, keys: VaultKeys, *, subject: SubjectId, cls: FieldClass, slot: int | None, value: SecretText, now: datetime
) -> tuple[int, int]:
    """Replace a customer's value of ``cls`` (in ``slot``, or the only one); return its slot and the record's version.

    Raises ``NoSuchSubject``, :class:`SeveralValues`, :class:`SameValue`, :class:`RecordFull`, ``SadRefused``,
    ``ValueNotAccepted``, and like ``records.seal_batch``.
    """
    code = FIELD_RULES[cls].code
    raw = spelling.subject_raw(subject)
    batch = prepare_batch(keys, subjects=[""], fields=[(cls, [value.expose()])])
    if not batch.accepted:
        reasons = [reason.value for reason in batch.rejected]
        raise ValueNotAccepted(field=cls, reason=reasons[0] if reasons else "empty")
    tx.lock(f"vault:{keys.scope}")
    before = _row(tx, keys, raw)
    slots = [one.slot for one in entries.places(before.fields) if one.code == code]
    if slot is None and len(slots) > 1:
        raise SeveralValues(slots=",".join(map(str, slots)))
    if not slots or (slot is not None and slot not in slots):
        raise NoSuchSubject
    at = slots[0] if slot is None else slot
    held = {one.token for one in entries.places(before.fields)}
    owned = replace(batch, subjects=raw, owners=np.zeros(1, np.int64), attributed=1)
    sealed = store_batch(tx, keys, batch=owned, now=now)
    if sealed.known_fields:
        raise SameValue
    if not sealed.new_fields:
        raise RecordFull
    grown = _row(tx, keys, raw)
    (new,) = [one for one in entries.places(grown.fields) if one.token not in held]
    _put(tx, keys, grown, subject, code=code, old=at, new=new.slot)
    return at, sql_rows.version_of(tx, scope=keys.scope, number=grown.number)


def _row(tx: Tx, keys: VaultKeys, raw: bytes) -> RecordRow:
    found = rows.of_subject(tx, scope=keys.scope, subject=raw)
    if found is None:
        raise NoSuchSubject
    return found


def _put(tx: Tx, keys: VaultKeys, row: RecordRow, subject: str, *, code: int, old: int, new: int) -> None:
    """Take the value in slot ``old`` out of a record, and put the one in ``new`` there."""
    cipher = subject_cipher(keys, row, subject)
    there = entries.open_record(cipher, scope=keys.scope, subject=subject, stored=row.fields)
    values = dict(zip(entries.places(row.fields), there, strict=True))
    ((gone, lost),) = [item for item in values.items() if (item[0].code, item[0].slot) == (code, old)]
    del values[gone]
    moved = {
        Place(one.code, old if (one.code, one.slot) == (code, new) else one.slot, one.token): field
        for one, field in values.items()
    }
    kept = sorted(moved)
    head = entries.head_of(b"".join(bytes((one.code, one.slot)) + one.token for one in kept))
    texts = [moved[one].value for one in kept]
    body = entries.body_of(b"".join(len(one).to_bytes(4, "big") for one in texts), b"".join(texts))
    stored = head + cipher.seal(body, entries.aad(keys.scope, subject, head))
    sql_rows.replace_fields(tx, scope=keys.scope, numbers=[row.number], fields=[stored])
    index.forget_value(tx, scope=keys.scope, number=row.number, token=gone.token, leading=_leading(keys, code, lost))
    sql_index.count_up(tx, scope=keys.scope, held={code: -1})


def _leading(keys: VaultKeys, code: int, lost: Field) -> list[tuple[IndexKind, runs.Halves]]:
    """Return the keys under which the index leads to the token of a value."""
    kind = IndexKind.CARD if code == tokens.PAN_CODE else IndexKind.OTHER
    codes, texts = np.array([code], np.uint8), Packed.of([lost.value])
    found = alike.spelled(keys, codes=codes, texts=lost.value, edges=texts.edges)
    return [
        (kind, digests_of(keys, codes, texts)),
        *((IndexKind.ALIKE, one.reshape(1, 2)) for one in found.tokens),
    ]
