"""Reading: finding subjects, masked views, and the one way to a clear value.

Invariants: masking happens here, so what leaves masked was never whole outside of this room; a clear value leaves
only as :class:`SecretText`, and only for a decision that was *allowed* and about revealing. Whether the decision is
in the ledger before is the caller's affair (``app.verbs``). Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.access import Action, Decision
from tigertally.base.fields import BY_CODE, FIELD_RULES, FieldClass, mask
from tigertally.base.ids import SubjectId
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.secret import SecretText
from tigertally.crypto import passwords
from tigertally.formats.record import Field
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, index, rows, spelling, tokens, values
from tigertally.vault.batches import digests_of
from tigertally.vault.errors import CardTooShort, NoSuchSubject, NoSuchToken, RecordBroken
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import subject_cipher
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow

BIN_DIGITS: Final = 6
_HIDDEN_MIN: Final = 4


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
    given, held = _tokens_of(tx, keys, code, [encoded for _, encoded in pairs])
    spelled = tokens.texts(np.full(len(pairs), code, np.uint8), given)
    found = {value: text for (value, _), text, here in zip(pairs, spelled, held.tolist(), strict=True) if here}
    return [found.get(value) if value else None for value in column]


def recognise(tx: Tx, keys: VaultKeys, *, texts: Sequence[str]) -> tuple[runs.Halves, npt.NDArray[np.bool_]]:
    """Return the token (16 bytes) of each text that is a value or a token of the scope, and which are."""
    codes, raws = tokens.read(texts)
    at = np.flatnonzero(codes)
    held = np.zeros(len(texts), np.bool_)
    held[at[np.unique(index.find(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=raws[at]).which)]] = True
    for code in sql_index.read_tally(tx, scope=keys.scope):
        left = [one for one in np.flatnonzero(~held).tolist() if texts[one] and values.encode(texts[one])]
        encoded = [values.encode(texts[one]) or b"" for one in left]
        given, known = _tokens_of(tx, keys, code, encoded)
        where = np.array(left, np.int64)[known]
        raws[where], held[where] = given[known], True
    return raws, held


def find(tx: Tx, keys: VaultKeys, *, cls: FieldClass, value: str) -> list[SubjectId]:
    """Return the subjects that hold ``value``, or what is the same but for its spelling (``normal``), ascending.

    Raises ``SadRefused``, ``RecordBroken``.
    """
    values.refuse_forbidden([cls])
    if not values.encode(value):
        return []
    code = FIELD_RULES[cls].code
    asked = [encoded for one in alike.spellings(cls, value) if (encoded := values.encode(one))]
    given, held = _tokens_of(tx, keys, code, asked)
    wanted = np.concatenate([given[held], alike.others(tx, keys, cls=cls, value=value)])
    found = {place.subject for raw in wanted for place in _places(tx, keys.scope, code, runs.whole(raw))}
    return sorted(found)


def resolve(tx: Tx, *, scope: str, token: str) -> list[Place]:
    """Return the places that ``token`` stands for (several if subjects share the value), by subject.

    Each place is held to the subject's record, whose values are bound to their tokens: an entry of the index that
    was pointed at somebody else is :class:`RecordBroken`. Raises ``NoSuchToken``.
    """
    meant = tokens.raw(token)
    if meant is None:
        raise NoSuchToken
    is_card, raw = meant
    found = [
        place
        for place in _places(tx, scope, None, raw)
        if (place.cls is FieldClass.PAN) == is_card and tokens.text(FIELD_RULES[place.cls].code, raw) == token
    ]
    if not found:
        raise NoSuchToken
    return found


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
    return SecretText(_open(tx, keys, place))


def open_bin(tx: Tx, keys: VaultKeys, *, decision: Decision, place: Place) -> SecretText:
    """Return the first six digits of a card: with the last four, the most that may be shown (PCI DSS 3.4.1).

    Its token shows the last four, so a card of which these ten would leave less than four is :class:`CardTooShort`.
    Raises like :func:`open_value`.
    """
    if not decision.allowed or decision.action is not Action.REVEAL_PART or place.cls is not FieldClass.PAN:
        raise ValueError("no decision to reveal a card's first digits")
    card = _open(tx, keys, place)
    if len(card) < BIN_DIGITS + tokens.TAIL_DIGITS + _HIDDEN_MIN:
        raise CardTooShort
    return SecretText(card[:BIN_DIGITS])


def _open(tx: Tx, keys: VaultKeys, place: Place | str) -> str:
    token = place if isinstance(place, str) else ""
    where = resolve(tx, scope=keys.scope, token=place)[0] if isinstance(place, str) else place
    code = FIELD_RULES[where.cls].code
    row = _record(tx, keys, where.subject)
    for one in _opened(keys, row, where.subject):
        if (one.code, one.slot) == (code, where.slot):
            if token and one.token != token.encode():
                raise RecordBroken
            return _text(one.value)
    if token:
        raise RecordBroken
    raise NoSuchSubject


def counts(tx: Tx, *, scope: str) -> tuple[int, dict[FieldClass, int]]:
    """Return how many subjects a scope holds, and how many values of each class. Raises ``RecordBroken``."""
    held = sql_index.read_tally(tx, scope=scope)
    return sql_rows.count_records(tx, scope=scope), {_class(code): count for code, count in held.items()}


def count_holders(tx: Tx, *, scope: str, classes: Collection[FieldClass]) -> int:
    """Return how many subjects have at least one value of ``classes``: those that an export of them would hold."""
    codes = frozenset(FIELD_RULES[cls].code for cls in classes)
    if codes.issuperset(sql_index.read_tally(tx, scope=scope)):
        return sql_rows.count_records(tx, scope=scope)  # every record has a value, and all values are of these classes
    total, after = 0, -1
    while found := sql_rows.heads_after(tx, scope=scope, after=after, limit=BATCH_ROWS):
        there = entries.heads([head for _, head in found])
        total += len(np.unique(there.record[np.isin(there.code, sorted(codes))]))
        after = found[-1][0]
    return total


def holders(tx: Tx, *, scope: str, cls: FieldClass) -> Iterator[SubjectId]:
    """Yield the subjects that have a value of ``cls``, in the order in which they came. Nothing is opened."""
    after = -1
    while found := sql_rows.heads_after(tx, scope=scope, after=after, limit=BATCH_ROWS):
        there = entries.heads([head for _, head in found])
        having = np.unique(there.record[there.code == FIELD_RULES[cls].code]).tolist()
        numbers = [found[at][0] for at in having]
        there_are = sql_rows.subjects_at(tx, scope=scope, numbers=numbers)
        yield from map(SubjectId, spelling.subjects_text([subject for _, subject in sorted(there_are)]))
        after = found[-1][0]


def _tokens_of(
    tx: Tx, keys: VaultKeys, code: int, encoded: Sequence[bytes]
) -> tuple[runs.Halves, npt.NDArray[np.bool_]]:
    """Return the token of each value of one class, and which of them somebody holds."""
    known = keys.known
    kind = IndexKind.CARD if code == tokens.PAN_CODE else IndexKind.OTHER
    known.refresh(tx, scope=keys.scope, kinds=(kind,))
    codes = [code] * len(encoded)
    given, held = np.zeros((len(encoded), 2), np.uint64), np.zeros(len(encoded), np.bool_)
    if known.has(kind):
        held, given = known.tokens_of(kind, digests_of(keys, codes, encoded))
    if kind is IndexKind.CARD:
        return given, held
    known.refresh(tx, scope=keys.scope, kinds=(IndexKind.TOKEN,))
    given = np.where(held[:, None], given, tokens.derive(keys.token, codes, encoded))
    return given, held | known.has_tokens_like(given)


def _places(tx: Tx, scope: str, code: int | None, raw: bytes) -> list[Place]:
    """Return where a token (16 bytes) stands, by subject. Raises ``RecordBroken`` if a record knows nothing of it."""
    found = index.find(tx, scope=scope, kind=IndexKind.TOKEN, keys=runs.halves(raw))
    numbers = np.unique(found.payloads[:, 0]).tolist()
    records = sql_rows.records_at(tx, scope=scope, numbers=numbers)
    if len(records) != len(numbers):
        raise RecordBroken
    places: list[Place] = []
    for row in sorted(records, key=lambda row: row.subject):
        mine = [one for one in entries.places(row.fields) if one.token == raw and code in {None, one.code}]
        if not mine:
            raise RecordBroken
        name = SubjectId(spelling.subject_text(row.subject))
        places += [Place(subject=name, cls=_class(one.code), slot=one.slot) for one in mine]
    return places


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
            masked=_shown(_class(one.code), _text(one.value)),
        )
        for one in _opened(keys, row, subject)
    ]
    return MaskedRecord(subject=subject, fields=tuple(shown))


def _shown(cls: FieldClass, value: str) -> str:
    """Return what anyone may see of a value; of a password's hash its algorithm and cost."""
    return passwords.read(value).named if cls is FieldClass.PASSWORD_HASH else mask(cls, value)


def _record(tx: Tx, keys: VaultKeys, subject: str) -> RecordRow:
    found = rows.of_subject(tx, scope=keys.scope, subject=spelling.subject_raw(subject))
    if found is None:
        raise NoSuchSubject
    return found


def _class(code: int) -> FieldClass:
    cls = BY_CODE.get(code)
    if cls is None:
        raise RecordBroken
    return cls


def _texts(raws: Sequence[bytes]) -> list[str]:
    return spelling.subjects_text(raws) if raws else []
