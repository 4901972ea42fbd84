"""Sealing records again, under new subject keys: what a change of suite needs, because a key never changes algorithm.

Values, tokens, places and the index stay as they are; so do commitments, which are made of values. Whoever calls holds
the scope's lock, so that no batch lets a record grow between reading it here and writing it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tigertally.crypto.aead import Cipher
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import subject_cipher
from tigertally.vault.rows import packed
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import GROUP, Group


def reseal(tx: Tx, keys: VaultKeys, kek: Cipher, *, groups: Sequence[Group]) -> int:
    """Seal the records of whole groups under new keys that ``kek``, the active vault key, wraps; return how many.

    Each record is opened in memory and its bytes go straight back under the new key. Raises ``RecordBroken``.
    """
    numbers = [number for one in groups for number in range(one.number * GROUP, (one.number + 1) * GROUP)]
    rows = sql_rows.records_at(tx, scope=keys.scope, numbers=numbers)
    subjects = b"".join([row.subject for row in rows])
    heads: list[bytes] = []
    bodies: list[bytes] = []
    names = spelling.subjects_text([row.subject for row in rows])
    for row, name in zip(rows, names, strict=True):
        head, sealed = entries.split(row.fields)
        cipher = subject_cipher(keys, row, name)
        heads.append(head)
        bodies.append(entries.opened_body(cipher, scope=keys.scope, subject=name, head=head, sealed=sealed))
    version = keys.active.version
    wrapped, sealed_anew = kek.seal_each(
        bodies,
        aads=[entries.aad(keys.scope, name, head) for name, head in zip(names, heads, strict=True)],
        key_aads=entries.key_aads(keys.scope, subjects, version),
    )
    fields = [head + body for head, body in zip(heads, sealed_anew, strict=True)]
    sql_rows.replace_fields(
        tx, scope=keys.scope, numbers=[row.number for row in rows], fields=fields, grown=None
    )  # what they say, and so their version, stays
    wide = len(wrapped) // max(1, len(rows))
    key_of = {row.number: key for row, key in zip(rows, packed.cut(wrapped, wide), strict=True)}
    sql_rows.replace_groups(
        tx,
        scope=keys.scope,
        groups=[
            Group(
                number=one.number,
                key_version=version,
                wide=wide,
                data=b"".join(
                    [key_of.get(one.number * GROUP + at, bytes(wide)) for at in range(len(one.data) // one.wide)]
                ),
            )
            for one in groups
        ],
    )
    return len(rows)
