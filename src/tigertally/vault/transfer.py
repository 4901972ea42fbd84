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

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import BY_CODE, FIELD_RULES, FieldClass
from tigertally.formats import part as parts
from tigertally.formats import record
from tigertally.formats.part import Column, PartColumns
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, index, rows, spelling, tokens, values
from tigertally.vault.alike import Spelled
from tigertally.vault.batches import digests_of
from tigertally.vault.errors import (
    NoSuchSubject,
    RecordBroken,
    SadRefused,
    SubjectDiffers,
    TokenClash,
    TokenNotAccepted,
    ValueNotAccepted,
)
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.index.runs import Halves
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.making import Values, make
from tigertally.vault.records import subject_cipher
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow

_INDEX_BITS = 24


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
        more = rows.in_order(tx, scope=keys.scope, after=position, limit=wanted)
        if not more:
            break
        found += _holding(more, codes)
        position = more[-1].subject
    if not found:
        return None
    return SealedRows(rows=found, codes=codes)


def open_rows(keys: VaultKeys, found: SealedRows, *, bundle: str) -> PartColumns:
    """Return :func:`read_rows` opened, as rows sorted by (subject, code, slot). Raises ``RecordBroken``."""
    head = bundle.encode() + b"|"
    names = spelling.subjects_text([row.subject for row in found.rows])
    return _opened(keys, found, names, salts=keys.commit.many([head + name.encode() for name in names]))


def export_part(
    tx: Tx, keys: VaultKeys, *, classes: Collection[FieldClass], after: str, limit: int, bundle: str
) -> PartColumns | None:
    """Return :func:`read_rows` and :func:`open_rows` in one."""
    found = read_rows(tx, keys, classes=classes, after=after, limit=limit)
    return None if found is None else open_rows(keys, found, bundle=bundle)


def check_part(part: PartColumns) -> None:
    """Raise what :func:`import_part` would for this part alone: forbidden classes, values, tokens, clashes in it."""
    _check_values(part)
    _check_pairs(part)


def import_part(tx: Tx, keys: VaultKeys, *, part: PartColumns, now: datetime) -> int:
    """Seal a part's subjects under our own keys; return how many are new here (the others were here already).

    ``part`` is as ``formats.part.read_part`` gave it. Raises ``SadRefused``, ``ValueNotAccepted``,
    ``TokenNotAccepted``, ``SubjectDiffers``, ``TokenClash``, ``KeyOverAge``, ``KeyWornOut``, ``KeyNotActive``.
    """
    return store_part(tx, keys, ready=prepare_part(keys, part=part), now=now)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadyPart:
    """A part that was checked, digested and packed outside of any transaction, under the scope's keys.

    ``subjects`` are its customers, ``starts`` the first row of each and the end; ``digests`` and ``tokens`` are by row;
    ``values`` are what their records are made of; ``spelled`` as in ``batches``.
    """

    part: PartColumns
    subjects: Sequence[str]
    starts: Sequence[int]
    digests: Halves
    tokens: Halves
    values: Values
    spelled: Spelled


def prepare_part(keys: VaultKeys, *, part: PartColumns, checked: bool = False) -> ReadyPart:
    """Check, digest and pack a part while another one is stored. Raises like :func:`check_part`.

    ``checked``: that was called with these very rows.
    """
    if not checked:
        check_part(part)
    _, encoded, _ = values.packed(part.arrow("value"))
    raws = tokens.raws(list(part.code), list(part.token))
    codes = part.numbers("code").astype(np.uint8)
    return ReadyPart(
        part=part,
        subjects=part.firsts("subject"),
        starts=[*part.starts(), len(part.subject)],
        digests=digests_of(keys, codes, encoded),
        tokens=raws,
        values=Values(codes=codes, slots=part.numbers("slot").astype(np.uint8), tokens=raws, texts=encoded),
        spelled=alike.spelled(keys, codes=codes, texts=encoded.data.tobytes(), edges=encoded.edges),
    )


def store_part(tx: Tx, keys: VaultKeys, *, ready: ReadyPart, now: datetime) -> int:
    """Store what :func:`prepare_part` gave under the same keys. Returns and raises like :func:`import_part`."""
    part, names = ready.part, ready.subjects
    tx.lock(f"vault:{keys.scope}")
    raws = spelling.subjects_raw(names)
    held = rows.of_subjects(tx, keys.known, scope=keys.scope, subjects=raws)
    if held:
        _need_same(keys, ready, held)
    here = {row.subject for row in held}
    missing = [at for at, raw in enumerate(raws) if raw not in here]
    if not missing:
        return 0
    new = _refuse_clashes(tx, keys, ready)
    kek = keys.spend(tx, wraps=len(missing), now=now)
    version = keys.active.version
    subjects = b"".join([raws[at] for at in missing])
    made = make(
        kek,
        scope=keys.scope,
        version=version,
        subjects=subjects,
        values=ready.values,
        spans=np.stack([ready.starts[:-1], ready.starts[1:]], axis=1)[missing],
    )
    first = sql_rows.next_number(tx, scope=keys.scope)
    sql_rows.insert_records(tx, scope=keys.scope, first=first, rows=made, key_version=version, now=now)
    rows.index_new(tx, scope=keys.scope, subjects=subjects, first=first)
    counts = np.diff(ready.starts)
    stored = np.repeat(np.isin(np.arange(len(raws)), missing), counts)
    whose = np.repeat(np.arange(first, first + len(missing)), counts[missing])
    index.add(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=ready.tokens[stored], payloads=rows.payloads(whose))
    codes = part.numbers("code")
    for kind, chosen in ((IndexKind.CARD, codes == tokens.PAN_CODE), (IndexKind.OTHER, codes != tokens.PAN_CODE)):
        at = new[chosen[new]]
        index.add(tx, scope=keys.scope, kind=kind, keys=ready.digests[at], payloads=ready.tokens[at])
    alike.remember(tx, scope=keys.scope, found=ready.spelled, given=ready.tokens, stored=stored)
    classes, more = np.unique(codes[stored], return_counts=True)
    sql_index.count_up(tx, scope=keys.scope, held=dict(zip(classes.tolist(), more.tolist(), strict=True)))
    return len(missing)


def rows_of(tx: Tx, keys: VaultKeys, *, subjects: Sequence[str]) -> SealedRows:
    """Return the records of ``subjects`` (ascending), for :func:`committed`. Raises ``NoSuchSubject``."""
    raws = spelling.subjects_raw(subjects)
    here = {row.subject: row for row in rows.of_subjects(tx, keys.known, scope=keys.scope, subjects=raws)}
    if not raws or len(here) != len(raws):
        raise NoSuchSubject
    return SealedRows(rows=[here[raw] for raw in raws], codes=frozenset(BY_CODE))


def committed(
    keys: VaultKeys, found: SealedRows, *, salts: Sequence[bytes]
) -> tuple[list[bytes], dict[FieldClass, int]]:
    """Return the commitments of records, one salt each, and the values of each class. Needs no database.

    Raises ``NoSuchSubject`` for a record without a value of the wanted classes, ``RecordBroken``.
    """
    part = _salted(keys, found, salts=salts)
    return parts.commitments(part), {FieldClass(name): count for name, count in parts.counts(part).items()}


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
    return _salted(keys, _of_classes(rows_of(tx, keys, subjects=subjects), classes), salts=salts)


def _of_classes(found: SealedRows, classes: Collection[FieldClass] | None) -> SealedRows:
    return found if classes is None else replace(found, codes=frozenset(FIELD_RULES[cls].code for cls in classes))


def _salted(keys: VaultKeys, found: SealedRows, *, salts: Sequence[bytes]) -> PartColumns:
    """Return records opened, with these salts. Raises ``NoSuchSubject`` for one without a value of the classes."""
    if len(salts) != len(found.rows) or len(_holding(found.rows, found.codes)) != len(found.rows):
        raise NoSuchSubject
    return _opened(keys, found, spelling.subjects_text([row.subject for row in found.rows]), salts=salts)


def _holding(found: Sequence[RecordRow], codes: Collection[int]) -> list[RecordRow]:
    """Return the records that have a value of these classes."""
    there = entries.heads([row.fields for row in found])
    fitting = np.isin(there.code, sorted(codes))
    having = np.bincount(there.record[fitting], minlength=len(found)).tolist()
    return [row for row, count in zip(found, having, strict=True) if count]


def _opened(keys: VaultKeys, found: SealedRows, names: Sequence[str], *, salts: Sequence[bytes]) -> PartColumns:
    """Return records opened: the rows of the wanted classes. Raises ``RecordBroken``."""
    import pyarrow as pa  # noqa: PLC0415 - loaded only when parts are made or read

    stored = [row.fields for row in found.rows]
    there = entries.heads(stored)
    bodies = [
        entries.opened_body(
            subject_cipher(keys, row, name),
            scope=keys.scope,
            subject=name,
            head=row.fields[:edge],
            sealed=row.fields[edge:],
        )
        for row, name, edge in zip(found.rows, names, there.edges(), strict=True)
    ]
    joined, edges = entries.texts(there, bodies)
    offsets = pa.py_buffer(edges.astype(np.int32).tobytes())
    texts = pa.StringArray.from_buffers(len(edges) - 1, offsets, pa.py_buffer(joined))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raise RecordBroken from None  # the library's own words may quote a value
    chosen = np.flatnonzero(np.isin(there.code, sorted(found.codes)))
    codes = there.code[chosen]
    whose = pa.array(there.record[chosen])
    return PartColumns(
        subject=Column(pa.array(names, pa.string()).take(whose)),
        salt=Column(pa.array(salts, pa.binary(record.SALT_BYTES)).take(whose)),
        code=Column(pa.array(codes)),
        slot=Column(pa.array(there.slot[chosen])),
        value=Column(texts if len(chosen) == len(texts) else texts.take(pa.array(chosen))),
        token=Column(pa.array(tokens.texts(codes, there.token[chosen]), pa.string())),
    )


def _check_values(part: PartColumns) -> None:
    """Raise unless every value and token may be kept: ``SadRefused``, ``ValueNotAccepted``, ``TokenNotAccepted``."""
    import pyarrow as pa  # noqa: PLC0415 - loaded only when parts are made or read

    codes, value = part.numbers("code"), part.arrow("value")
    for code in np.unique(codes).tolist():
        cls = BY_CODE.get(code)
        if cls is None:
            raise ValueNotAccepted(field=str(code), reason="class")
        column = value.take(pa.array(np.flatnonzero(codes == code))).to_pylist()
        cells = values.accept([(cls, column)], rows=len(column))
        if values.Rejection.SAD in cells.rejected:
            raise SadRefused(field=cls)
        if len(cells.rows) != len(column):
            reason = next(iter(cells.rejected)).value if cells.rejected else "empty"
            raise ValueNotAccepted(field=cls, reason=reason)
    wrong = tokens.misformed(list(part.code), list(part.value), list(part.token))
    if wrong:
        raise TokenNotAccepted(field=BY_CODE[part.code[wrong[0]]])


def _check_pairs(part: PartColumns) -> None:
    """Raise unless equal values have equal tokens, others others, and no subject has a value twice."""
    import pyarrow as pa  # noqa: PLC0415 - loaded only when parts are made or read

    code = part.arrow("code").cast(pa.int64()).to_numpy()
    value = part.arrow("value").dictionary_encode().indices.to_numpy()
    # By its bytes: the index knows nothing of what a token's text begins with.
    _, token = runs.firsts(tokens.raws(list(part.code), list(part.token)))
    which = code << _INDEX_BITS | value
    pairs = len(_distinct(which, token))
    if not pairs == len(np.unique(which)) == len(np.unique(token)):
        raise TokenClash
    whose = np.repeat(np.arange(len(part.starts())), np.diff(part.starts(), append=len(code)))
    if len(_distinct(which, whose)) != len(code):
        raise ValueNotAccepted(field="-", reason="repeated")


def _distinct(which: npt.NDArray[np.int64], beside: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the distinct pairs of two numbers, the second below 2^24: a part has not so many rows."""
    return np.unique(which << _INDEX_BITS | beside)


def _need_same(keys: VaultKeys, ready: ReadyPart, there: Sequence[RecordRow]) -> None:
    """Raise ``SubjectDiffers`` unless the records that are here are what the part says; ``RecordBroken``."""
    here = sorted(there, key=lambda row: row.subject)
    names = spelling.subjects_text([row.subject for row in here])
    place = {name: at for at, name in enumerate(ready.subjects)}
    held = _opened(
        keys, SealedRows(rows=here, codes=frozenset(BY_CODE)), names, salts=[bytes(record.SALT_BYTES)] * len(here)
    )
    starts = [*held.starts(), len(held.subject)]
    for name, (start, stop) in zip(names, pairwise(starts), strict=True):
        theirs = slice(ready.starts[place[name]], ready.starts[place[name] + 1])
        for column in ("code", "slot", "value", "token"):
            if getattr(held, column)[start:stop] != getattr(ready.part, column)[theirs]:
                raise SubjectDiffers(subject=name)


def _refuse_clashes(tx: Tx, keys: VaultKeys, ready: ReadyPart) -> npt.NDArray[np.int64]:
    """Raise ``TokenClash`` unless the part's tokens and values pair with each other here too.

    Return the rows, each value once, whose pairs are new here.
    """
    import pyarrow as pa  # noqa: PLC0415 - loaded only when parts are made or read

    known = keys.known
    known.refresh(tx, scope=keys.scope, kinds=(IndexKind.TOKEN, IndexKind.CARD, IndexKind.OTHER))
    first, _ = runs.firsts(ready.digests)
    digests, given = ready.digests[first], ready.tokens[first]
    is_card = ready.part.numbers("code")[first] == tokens.PAN_CODE
    fresh = np.ones(len(first), np.bool_)
    for kind, chosen in ((IndexKind.CARD, np.flatnonzero(is_card)), (IndexKind.OTHER, np.flatnonzero(~is_card))):
        held, found = known.tokens_of(kind, digests[chosen])
        if (found[held] != given[chosen[held]]).any():
            raise TokenClash
        fresh[chosen[held]] = False
    # Values of ours, sealed from our own sources, have the tokens that we derive and stand in no list of pairs.
    own = np.flatnonzero(fresh & ~is_card)
    mine = ready.part.arrow("value").take(pa.array(first[own])).cast(pa.binary()).to_pylist()
    derived = tokens.derive(keys.token, ready.part.numbers("code")[first[own]].tolist(), mine)
    # Our own that come back have their tokens already, unless a seller gave one of those to another value.
    back = (derived == given[own]).all(axis=1)
    if known.foreign_tokens_like(derived[back]).any():
        raise TokenClash
    fresh[own[back]] = False
    for asked in (given[fresh], derived[~back]):
        like = asked[known.has_tokens_like(asked)]
        if len(like) and len(index.find(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=like).which):
            raise TokenClash
    return first[fresh]
