"""Sealing records again, under new subject keys: what a change of suite needs, because a key never changes algorithm.

Values, tokens, places and the index stay as they are; so do commitments, which are made of values. Whoever calls holds
the scope's lock, so that no batch lets a record grow between reading it here and writing it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tigertally.crypto.aead import Cipher
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, sql
from tigertally.vault.errors import RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import subject_cipher
from tigertally.vault.sql import RecordRows


def reseal(tx: Tx, keys: VaultKeys, kek: Cipher, *, subjects: Sequence[bytes]) -> int:
    """Seal these subjects' records under new keys that ``kek``, the active vault key, wraps; return how many.

    Each record is opened in memory and its bytes go straight back under the new key. Raises ``RecordBroken``.
    """
    rows = sql.records_of(tx, scope=keys.scope, subjects=sorted(subjects))
    if len(rows) != len(subjects):
        raise RecordBroken
    names = spelling.subjects_text([row.subject for row in rows])
    heads: list[bytes] = []
    bodies: list[bytes] = []
    for row, name in zip(rows, names, strict=True):
        head, sealed = entries.split(row.fields)
        cipher = subject_cipher(keys, row, name)
        heads.append(head)
        bodies.append(entries.opened_body(cipher, scope=keys.scope, subject=name, head=head, sealed=sealed))
    version = keys.active.version
    wrapped, sealed_anew = kek.seal_each(
        bodies,
        aads=[entries.aad(keys.scope, name, head) for name, head in zip(names, heads, strict=True)],
        key_aads=[entries.key_aad(keys.scope, name, version) for name in names],
    )
    anew = RecordRows(
        subjects=[row.subject for row in rows],
        wrapped=wrapped,
        fields=[head + body for head, body in zip(heads, sealed_anew, strict=True)],
    )
    sql.replace_records(tx, scope=keys.scope, rows=anew, key_version=version)
    return len(rows)
