"""Reading: finding subjects, masked views, and the one way to a clear value.

Invariants: masking happens here, so what leaves masked was never whole outside of this room; a clear value leaves
only as :class:`SecretText`, and only for a decision that was *allowed* and about revealing. Whether the decision is
in the ledger before is the caller's affair (``app.verbs``). Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tigertally.access import Action, Decision
from tigertally.base.fields import BY_CODE, FIELD_RULES, FieldClass, mask
from tigertally.base.ids import SubjectId
from tigertally.base.secret import SecretText
from tigertally.formats.record import Field
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, sql, values
from tigertally.vault.errors import NoSuchSubject, NoSuchToken, RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import digests_of, subject_cipher
from tigertally.vault.sql import RecordRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value is: one field of one subject."""

    subject: SubjectId
    cls: FieldClass
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedField:
    """A field as anyone may see it."""

    cls: FieldClass
    slot: int
    token: str
    masked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedRecord:
    """A subject's fields, masked, by class and slot."""

    subject: SubjectId
    fields: tuple[MaskedField, ...]


def lookup(tx: Tx, keys: VaultKeys, *, cls: FieldClass, column: Sequence[str]) -> list[str | None]:
    """Return the token of each value of a column, None where the scope does not hold it. Raises ``SadRefused``."""
    values.refuse_forbidden([cls])
    code = FIELD_RULES[cls].code
    different = [value for value in dict.fromkeys(column) if value]
    pairs = [(value, encoded) for value in different if (encoded := values.encode(value)) is not None]
    digests = digests_of(keys, [code] * len(pairs), [encoded for _, encoded in pairs])
    known = sql.tokens_of(tx, scope=keys.scope, digests=sorted(digests))
    tokens = {value: known.get(digest) for (value, _), digest in zip(pairs, digests, strict=True)}
    return [tokens.get(value) for value in column]


def find(tx: Tx, keys: VaultKeys, *, cls: FieldClass, value: str) -> list[SubjectId]:
    """Return the subjects that hold ``value``, ascending. Raises ``SadRefused``."""
    values.refuse_forbidden([cls])
    encoded = values.encode(value)
    if not encoded:
        return []
    (digest,) = digests_of(keys, [FIELD_RULES[cls].code], [encoded])
    return [SubjectId(text) for text in _texts(sql.subjects_holding(tx, scope=keys.scope, digest=digest))]


def resolve(tx: Tx, *, scope: str, token: str) -> list[Place]:
    """Return the places that ``token`` stands for (several if subjects share the value), by subject.

    Each place is held to the subject's record, whose values are bound to their tokens: a row of the token table
    that was pointed at somebody else is :class:`RecordBroken`. Raises ``NoSuchToken``.
    """
    found = sql.places_of(tx, scope=scope, spelled=token)
    if not found:
        raise NoSuchToken
    subjects = sorted({subject for subject, _, _ in found})
    records = {row.subject: row for row in sql.records_of(tx, scope=scope, subjects=subjects)}
    places: list[Place] = []
    for subject, code, slot in found:
        if subject not in records or (code, slot, token) not in _bound(records[subject]):
            raise RecordBroken
        places.append(Place(subject=SubjectId(spelling.subject_text(subject)), cls=_class(code), slot=slot))
    return places


def view(tx: Tx, keys: VaultKeys, *, whom: str) -> list[MaskedRecord]:
    """Return the masked record of a subject (``sub_…``), or of every subject that a token stands for.

    Raises ``NoSuchSubject``, ``NoSuchToken``, ``RecordBroken``.
    """
    if whom.startswith(spelling.PREFIX):
        subjects = [SubjectId(whom)]
    else:
        subjects = list(dict.fromkeys(place.subject for place in resolve(tx, scope=keys.scope, token=whom)))
    return [_masked(tx, keys, subject) for subject in subjects]


def open_value(tx: Tx, keys: VaultKeys, *, decision: Decision, place: Place | str) -> SecretText:
    """Return one clear value: of a place, or of a token. ``decision`` is the proof that somebody may see it.

    Raises ``NoSuchSubject``, ``NoSuchToken``, ``RecordBroken``; ``ValueError`` for a decision that was not allowed
    or was about something else, which is a programmer's error.
    """
    if not decision.allowed or decision.action is not Action.REVEAL:
        raise ValueError("no decision to reveal")
    token = place if isinstance(place, str) else ""
    where = resolve(tx, scope=keys.scope, token=place)[0] if isinstance(place, str) else place
    code = FIELD_RULES[where.cls].code
    row = _record(tx, keys, where.subject)
    for one in _opened(keys, row, where.subject):
        if (one.code, one.slot) == (code, where.slot):
            if token and one.token != token.encode():
                raise RecordBroken
            return SecretText(_text(one.value))
    if token:
        raise RecordBroken
    raise NoSuchSubject


def counts(tx: Tx, *, scope: str) -> tuple[int, dict[FieldClass, int]]:
    """Return how many subjects a scope holds, and how many values of each class. Raises ``RecordBroken``."""
    total, by_code = sql.count_values(tx, scope=scope, codes=sorted(BY_CODE))
    if total != sum(by_code.values()):
        raise RecordBroken
    return sql.count_records(tx, scope=scope), {BY_CODE[code]: count for code, count in by_code.items()}


def count_holders(tx: Tx, *, scope: str, classes: Collection[FieldClass]) -> int:
    """Return how many subjects have at least one value of ``classes``: those that an export of them would hold."""
    return sql.count_holders(tx, scope=scope, codes=sorted(FIELD_RULES[cls].code for cls in classes))


def _opened(keys: VaultKeys, row: RecordRow, subject: str) -> list[Field]:
    return entries.open_record(subject_cipher(keys, row, subject), scope=keys.scope, subject=subject, stored=row.fields)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RecordBroken from None


def _masked(tx: Tx, keys: VaultKeys, subject: SubjectId) -> MaskedRecord:
    row = _record(tx, keys, subject)
    shown = [
        MaskedField(
            cls=_class(one.code),
            slot=one.slot,
            token=_text(one.token),
            masked=mask(_class(one.code), _text(one.value)),
        )
        for one in _opened(keys, row, subject)
    ]
    return MaskedRecord(subject=subject, fields=tuple(shown))


def _bound(row: RecordRow) -> set[tuple[int, int, str]]:
    return {(place.code, place.slot, _text(place.token)) for place in entries.places(row.fields)}


def _record(tx: Tx, keys: VaultKeys, subject: str) -> RecordRow:
    rows = sql.records_of(tx, scope=keys.scope, subjects=[spelling.subject_raw(subject)])
    if not rows:
        raise NoSuchSubject
    return rows[0]


def _class(code: int) -> FieldClass:
    cls = BY_CODE.get(code)
    if cls is None:
        raise RecordBroken
    return cls


def _texts(raws: Sequence[bytes]) -> list[str]:
    return spelling.subjects_text(raws) if raws else []
