"""Customers' payment passwords: sealed as the hashes they came as, checked, weak ones made anew when seen.

Invariants: no hash leaves this room but as what it says of itself (algorithm and cost); checking takes a decision that
was allowed; the work is the same whether there is such a customer, such a hash, or neither: every check does one
Argon2id at our cost beside whatever is stored, and what it made is the new hash if one is wanted. Whatever fits and is
no Argon2id of enough cost is replaced (``replacing``), so that the weak hash is gone from the record.

Counting tries is ``guessing``; who may ask, the entry before the answer, and its hour, are the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tigertally.access import Action, Decision
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.crypto import passwords
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.crypto.passwords import Strength
from tigertally.store.tx import Tx
from tigertally.vault import entries, reading, rows, spelling
from tigertally.vault.errors import NoSuchToken
from tigertally.vault.fitted import as_stored
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import subject_cipher
from tigertally.vault.replacing import replace_value
from tigertally.vault.rows import sql as sql_rows

CODE = FIELD_RULES[FieldClass.PASSWORD_HASH].code


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What hashes say of themselves."""

    algorithm: str
    cost: str
    strength: Strength


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Hashes:
    """A customer's stored hashes, by slot, with their tokens; of nobody if ``subject`` is None."""

    subject: SubjectId | None
    held: tuple[tuple[int, bytes, passwords.Stored], ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checked:
    """What a check came to: the hash that fits (slot, token, what it says), and a new one if that is to be replaced."""

    fits: tuple[int, bytes, passwords.Stored] | None
    new: SecretText | None


def hashes_of(tx: Tx, keys: VaultKeys, *, decision: Decision, whom: str) -> Hashes:
    """Return what is stored of a subject, or of the one whom a token stands for; nothing if that is nobody or several.

    Raises ``BadId``, ``RecordBroken``; ``ValueError`` for a decision that was not allowed or about something else.
    """
    if not decision.allowed or decision.action is not Action.PASSWORD_VERIFY:
        raise ValueError("no decision to verify a password")
    nobody = Hashes(subject=None, held=())
    if whom.startswith(spelling.PREFIX):
        subject = SubjectId(whom)
    else:
        try:
            places = reading.resolve(tx, scope=keys.scope, token=as_stored(tx, keys, token=whom))
        except NoSuchToken:
            return nobody
        if len({place.subject for place in places}) > 1:
            return nobody
        subject = places[0].subject
    row = rows.of_subject(tx, scope=keys.scope, subject=spelling.subject_raw(subject))
    if row is None:
        return nobody
    fields = entries.open_record(
        subject_cipher(keys, row, subject), scope=keys.scope, subject=subject, stored=row.fields
    )
    held = [
        (place.slot, place.token, passwords.read(field.value.decode("utf-8", "replace")))
        for place, field in zip(entries.places(row.fields), fields, strict=True)
        if place.code == CODE
    ]
    return Hashes(subject=subject, held=tuple(held))


def check(hashes: Hashes, candidate: SecretText, *, cost: Argon2Cost = DEFAULT_COST) -> Checked:
    """Hold a password to the stored hashes. Needs no database, and takes about as long with hashes as without."""
    right = [one for one in hashes.held if passwords.fits(candidate, one[2])]
    current = any(one[2].current for one in hashes.held)
    made = None if current else SecretText(passwords.remade(candidate, cost=cost))
    if not right:
        return Checked(fits=None, new=None)
    best = next((one for one in right if not one[2].current), right[0])
    if best[2].current:
        return Checked(fits=best, new=None)
    return Checked(fits=best, new=made or SecretText(passwords.remade(candidate, cost=cost)))


def holds_still(tx: Tx, keys: VaultKeys, *, hashes: Hashes, checked: Checked) -> bool:
    """Return whether the hash that fits is the customer's still; locks the scope, so that it stays so in ``tx``."""
    if hashes.subject is None or checked.fits is None:
        return False
    tx.lock(f"vault:{keys.scope}")
    row = rows.of_subject(tx, scope=keys.scope, subject=spelling.subject_raw(hashes.subject))
    slot, token, _ = checked.fits
    return row is not None and entries.Place(CODE, slot, token) in entries.places(row.fields)


def upgrade(tx: Tx, keys: VaultKeys, *, hashes: Hashes, checked: Checked, now: datetime) -> tuple[int, int] | None:
    """Put the new hash, if there is one, in the place of the one that fits; return slot and version of the record."""
    if hashes.subject is None or checked.fits is None or checked.new is None:
        return None
    return replace_value(
        tx,
        keys,
        subject=hashes.subject,
        cls=FieldClass.PASSWORD_HASH,
        slot=checked.fits[0],
        value=checked.new,
        now=now,
    )


def kinds(tx: Tx, keys: VaultKeys, *, progress: Progress = SILENT) -> Mapping[Kind, int]:
    """Return how many hashes of a scope say what of themselves; opens each record that has one.

    Raises ``RecordBroken``.
    """
    progress.begin(Text("查看密码散列", "looking at password hashes"), None)
    found: Counter[Kind] = Counter()
    after = -1
    while heads := sql_rows.heads_after(tx, scope=keys.scope, after=after, limit=BATCH_ROWS):
        there = entries.heads([head for _, head in heads])
        having = sorted(set(there.record[there.code == CODE].tolist()))
        for row in sql_rows.records_at(tx, scope=keys.scope, numbers=[heads[at][0] for at in having]):
            subject = spelling.subject_text(row.subject)
            cipher = subject_cipher(keys, row, subject)
            for field in entries.open_record(cipher, scope=keys.scope, subject=subject, stored=row.fields):
                if field.code == CODE:
                    said = passwords.read(field.value.decode("utf-8", "replace"))
                    found[Kind(algorithm=said.algorithm, cost=said.cost, strength=said.strength)] += 1
        after = heads[-1][0]
        progress.advance(len(heads))
    return found
