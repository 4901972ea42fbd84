"""Out to a buyer and in from a seller: records as the columns of ``formats.part``.

Export opens values in memory and gives columns; sealing them to the buyer is ``handover``'s. Import seals every
value again under this installation's own keys and keeps subjects and tokens, so that the protected copies stay
joined to the vault. A subject's salt is AES-256-CMAC(commit key, bundle ‖ subject): the same bundle made again
has the same commitments, and another bundle tells nothing about this one.

Import invariants: a subject is stored as a whole or not at all; storing it again changes nothing; a subject that is
here with other values, a token that stands for something else here, a token that could hide a value, a value that
the vault would not seal: each is named, and the caller's transaction undoes the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from tigertally.base.fields import BY_CODE, FIELD_RULES, FieldClass
from tigertally.formats import record
from tigertally.formats.part import PartColumns
from tigertally.formats.record import Field
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, sql, tokens, values
from tigertally.vault.errors import (
    NoSuchSubject,
    RecordBroken,
    SadRefused,
    SubjectDiffers,
    TokenClash,
    TokenNotAccepted,
    ValueNotAccepted,
)
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.records import NewRows, digests_of, subject_cipher
from tigertally.vault.sql import RecordRow


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SealedRows:
    """Records as they lie in the vault, each with a value of the wanted classes, in order of subject."""

    rows: Sequence[RecordRow]
    codes: Collection[int]

    @property
    def first(self) -> str:
        """The first subject's id."""
        return spelling.subject_text(self.rows[0].subject)

    @property
    def last(self) -> str:
        """The last subject's id."""
        return spelling.subject_text(self.rows[-1].subject)


def read_rows(tx: Tx, keys: VaultKeys, *, classes: Collection[FieldClass], after: str, limit: int) -> SealedRows | None:
    """Return the next at most ``limit`` subjects with a value of ``classes``, ascending after ``after`` ("": first).

    None when there are no more. Nothing is opened. Raises ``SadRefused``, ``RecordBroken``.
    """
    values.refuse_forbidden(classes)
    codes = frozenset(FIELD_RULES[cls].code for cls in classes)
    found: list[RecordRow] = []
    position = spelling.subject_raw(after) if after else b""
    while len(found) < limit:
        wanted = limit - len(found)
        rows = sql.records_after(tx, scope=keys.scope, after=position, limit=wanted)
        found += [row for row in rows if any(place.code in codes for place in entries.places(row.fields))]
        if len(rows) < wanted:
            break
        position = rows[-1].subject
    if not found:
        return None
    return SealedRows(rows=found, codes=codes)


def open_rows(keys: VaultKeys, found: SealedRows, *, bundle: str) -> PartColumns:
    """Return :func:`read_rows` opened, as rows sorted by (subject, code, slot). Raises ``RecordBroken``."""
    columns = _Columns()
    for row, name in zip(found.rows, spelling.subjects_text([row.subject for row in found.rows]), strict=True):
        columns.add(name, _opened(keys, row, name, found.codes))
    return columns.part(_salts(keys, bundle, columns.order))


def export_part(
    tx: Tx, keys: VaultKeys, *, classes: Collection[FieldClass], after: str, limit: int, bundle: str
) -> PartColumns | None:
    """Return :func:`read_rows` and :func:`open_rows` in one."""
    found = read_rows(tx, keys, classes=classes, after=after, limit=limit)
    return None if found is None else open_rows(keys, found, bundle=bundle)


def check_part(part: PartColumns) -> None:
    """Raise what :func:`import_part` would for this part alone: forbidden classes, values, tokens, clashes in it."""
    _one_to_one(part, _accepted(part))


def import_part(tx: Tx, keys: VaultKeys, *, part: PartColumns, now: datetime) -> int:
    """Seal a part's subjects under our own keys; return how many are new here (the others were here already).

    ``part`` is as ``formats.part.read_part`` gave it. Raises ``SadRefused``, ``ValueNotAccepted``,
    ``TokenNotAccepted``, ``SubjectDiffers``, ``TokenClash``, ``KeyOverAge``, ``KeyWornOut``, ``KeyNotActive``.
    """
    return store_part(tx, keys, ready=prepare_part(keys, part=part), now=now)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadyPart:
    """A part that was checked, digested and packed outside of any transaction, under the scope's keys.

    ``heads`` and ``bodies`` are each subject's record, to be sealed.
    """

    part: PartColumns
    digests: Sequence[bytes]
    heads: Sequence[bytes]
    bodies: Sequence[bytes]


def prepare_part(keys: VaultKeys, *, part: PartColumns) -> ReadyPart:
    """Check, digest and pack a part while another one is stored. Raises like :func:`check_part`."""
    encoded = _accepted(part)
    _one_to_one(part, encoded)
    spelled = [token.encode() for token in part.token]
    runs = _runs(part)
    return ReadyPart(
        part=part,
        digests=digests_of(keys, part.code, encoded),
        heads=[entries.head_of(part.code[run], part.slot[run], spelled[run]) for run in runs],
        bodies=[entries.body_of(encoded[run]) for run in runs],
    )


def store_part(tx: Tx, keys: VaultKeys, *, ready: ReadyPart, now: datetime) -> int:
    """Store what :func:`prepare_part` gave under the same keys. Returns and raises like :func:`import_part`."""
    part, digests = ready.part, ready.digests
    tx.lock(f"vault:{keys.scope}")
    runs = _runs(part)
    names = [part.subject[run.start] for run in runs]
    raws = spelling.subjects_raw(names)
    here = {row.subject: row for row in sql.records_of(tx, scope=keys.scope, subjects=raws)}
    missing: list[int] = []
    for at, raw in enumerate(raws):
        row = here.get(raw)
        if row is None:
            missing.append(at)
        elif not _same(keys, row, names[at], part, runs[at]):
            raise SubjectDiffers(subject=names[at])
    if not missing:
        return 0
    _refuse_clashes(tx, keys, part.token, digests)
    kek = keys.spend(tx, wraps=len(missing), now=now)
    rows = NewRows()
    for at in missing:
        name, run = names[at], runs[at]
        cipher, wrapped = kek.fresh(entries.key_aad(keys.scope, name, keys.active.version))
        stored = entries.sealed_record(
            cipher, scope=keys.scope, subject=name, head=ready.heads[at], body=ready.bodies[at]
        )
        rows.add_record(raws[at], wrapped, stored)
        rows.add_tokens(raws[at], digests[run], part.code[run], part.slot[run], list(part.token[run]))
    return rows.write(tx, scope=keys.scope, key_version=keys.active.version, now=now)


def rows_of(tx: Tx, keys: VaultKeys, *, subjects: Sequence[str]) -> SealedRows:
    """Return the records of ``subjects`` (ascending), for :func:`committed`. Raises ``NoSuchSubject``."""
    raws = spelling.subjects_raw(subjects)
    here = {row.subject: row for row in sql.records_of(tx, scope=keys.scope, subjects=raws)}
    if not raws or len(here) != len(raws):
        raise NoSuchSubject
    return SealedRows(rows=[here[raw] for raw in raws], codes=frozenset(BY_CODE))


def committed(
    keys: VaultKeys, found: SealedRows, *, salts: Sequence[bytes]
) -> tuple[list[bytes], dict[FieldClass, int]]:
    """Return the commitments of records, one salt each, and the values of each class. Needs no database.

    Raises ``NoSuchSubject`` for a record without a value of the wanted classes, ``RecordBroken``.
    """
    counted: Counter[int] = Counter()
    made: list[bytes] = []
    for subject, salt, fields in _fields_of(keys, found, salts=salts):
        counted.update([one.code for one in fields])
        made.append(record.commit(salt, record.encode(subject.encode(), fields)))
    return made, {BY_CODE[code]: count for code, count in sorted(counted.items())}


def commitments_of(
    tx: Tx,
    keys: VaultKeys,
    *,
    subjects: Sequence[str],
    salts: Sequence[bytes],
    classes: Collection[FieldClass] | None = None,
) -> tuple[list[bytes], dict[FieldClass, int]]:
    """Return the commitments of ``subjects`` (ascending) over what is stored here, and the values of each class.

    ``salts`` has one salt per subject, as their part did. With ``classes``, over values of those only. Raises
    ``NoSuchSubject``, ``RecordBroken``.
    """
    return committed(keys, _of_classes(rows_of(tx, keys, subjects=subjects), classes), salts=salts)


def stored_part(
    tx: Tx,
    keys: VaultKeys,
    *,
    subjects: Sequence[str],
    salts: Sequence[bytes],
    classes: Collection[FieldClass] | None = None,
) -> PartColumns:
    """Return what is stored of ``subjects`` (ascending), as a part with these salts. Raises ``NoSuchSubject``."""
    columns = _Columns()
    found = _of_classes(rows_of(tx, keys, subjects=subjects), classes)
    for subject, _, fields in _fields_of(keys, found, salts=salts):
        columns.add(subject, fields)
    return columns.part(list(salts))


def _of_classes(found: SealedRows, classes: Collection[FieldClass] | None) -> SealedRows:
    return found if classes is None else replace(found, codes=frozenset(FIELD_RULES[cls].code for cls in classes))


def _fields_of(
    keys: VaultKeys, found: SealedRows, *, salts: Sequence[bytes]
) -> Iterator[tuple[str, bytes, list[Field]]]:
    """Yield each subject with its salt and its fields of the wanted classes. Raises ``NoSuchSubject`` if without."""
    names = spelling.subjects_text([row.subject for row in found.rows])
    if len(salts) != len(names):
        raise NoSuchSubject
    for row, name, salt in zip(found.rows, names, salts, strict=True):
        fields = _opened(keys, row, name, found.codes)
        if not fields:
            raise NoSuchSubject
        yield name, salt, fields


def _opened(keys: VaultKeys, row: RecordRow, subject: str, codes: Collection[int]) -> list[Field]:
    fields = entries.open_record(
        subject_cipher(keys, row, subject), scope=keys.scope, subject=subject, stored=row.fields
    )
    return [one for one in fields if one.code in codes]


def _runs(part: PartColumns) -> list[slice]:
    """Return the rows of each subject."""
    return [slice(*span) for span in pairwise([*part.starts(), len(part.subject)])]


class _Columns:
    """A part's columns while they are gathered. ``order`` is the subjects, once each."""

    __slots__ = ("code", "order", "rows_of", "slot", "subject", "token", "value")

    def __init__(self) -> None:
        self.order: list[str] = []
        self.rows_of: list[int] = []
        self.subject: list[str] = []
        self.code: list[int] = []
        self.slot: list[int] = []
        self.value: list[str] = []
        self.token: list[str] = []

    def add(self, subject: str, fields: Sequence[Field]) -> None:
        """Take in one subject. Raises ``RecordBroken`` for values that are no text."""
        codes, slots, found, spelled = zip(*fields, strict=True)
        self.code += codes
        self.slot += slots
        try:
            self.value += [value.decode() for value in found]
            self.token += [token.decode("ascii") for token in spelled]
        except UnicodeDecodeError:
            raise RecordBroken from None
        self.subject += [subject] * len(fields)
        self.order.append(subject)
        self.rows_of.append(len(fields))

    def part(self, salts: Sequence[bytes]) -> PartColumns:
        repeated: list[bytes] = []
        for salt, count in zip(salts, self.rows_of, strict=True):
            repeated += [salt] * count
        return PartColumns(
            subject=self.subject, salt=repeated, code=self.code, slot=self.slot, value=self.value, token=self.token
        )


def _salts(keys: VaultKeys, bundle: str, subjects: Sequence[str]) -> list[bytes]:
    head = bundle.encode() + b"|"
    return keys.commit.many([head + subject.encode() for subject in subjects])


def _accepted(part: PartColumns) -> list[bytes]:
    """Return the values' bytes if every value and token may be kept. Raises ``SadRefused`` and the others named."""
    by_code: dict[int, list[int]] = {}
    for at, code in enumerate(part.code):
        by_code.setdefault(code, []).append(at)
    for code, positions in by_code.items():
        cls = BY_CODE.get(code)
        if cls is None:
            raise ValueNotAccepted(field=str(code), reason="class")
        column = [part.value[at] for at in positions]
        cells = values.accept([(cls, column)], rows=len(column))
        if values.Rejection.SAD in cells.rejected:
            raise SadRefused(field=cls)
        if len(cells.rows) != len(column):
            reason = next(iter(cells.rejected)).value if cells.rejected else "empty"
            raise ValueNotAccepted(field=cls, reason=reason)
    wrong = tokens.misformed(part.code, part.value, part.token)
    if wrong:
        raise TokenNotAccepted(field=BY_CODE[part.code[wrong[0]]])
    return [value.encode() for value in part.value]


def _one_to_one(part: PartColumns, encoded: Sequence[bytes]) -> None:
    """Raise unless equal values have equal tokens, others others, and no subject has a value twice."""
    heads = {code: bytes((code,)) for code in set(part.code)}
    valued = [heads[code] + value for code, value in zip(part.code, encoded, strict=True)]
    token_of = dict(zip(valued, part.token, strict=True))
    if list(map(token_of.__getitem__, valued)) != part.token or len(set(token_of.values())) != len(token_of):
        raise TokenClash
    if len(set(zip(part.subject, valued, strict=True))) != len(valued):
        raise ValueNotAccepted(field="-", reason="repeated")


def _same(keys: VaultKeys, row: RecordRow, subject: str, part: PartColumns, run: slice) -> bool:
    """Return whether the stored record is what the part says. Raises ``RecordBroken``."""
    there = zip(
        part.code[run], part.slot[run], map(str.encode, part.value[run]), map(str.encode, part.token[run]), strict=True
    )
    return list(there) == _opened(keys, row, subject, frozenset(BY_CODE))


def _refuse_clashes(tx: Tx, keys: VaultKeys, spelled: Sequence[str], digests: Sequence[bytes]) -> None:
    """Raise ``TokenClash`` unless the part's tokens and values pair with each other here too."""
    token_of = dict(zip(digests, spelled, strict=True))
    digest_of = dict(zip(spelled, digests, strict=True))
    for digest, token in sql.tokens_of(tx, scope=keys.scope, digests=sorted(token_of)).items():
        if token_of[digest] != token:
            raise TokenClash
    for token, digest in sql.tokens_taken(tx, scope=keys.scope, tokens=sorted(digest_of)).items():
        if digest_of[token] != digest:
            raise TokenClash
