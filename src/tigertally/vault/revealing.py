"""Many clear values at once, by column: what tokens stand for, then the records, then one loop that opens them.

1. :func:`meant` asks the index for all tokens in one pass and opens nothing, so the decision and its entry can name
   classes and counts first. 2. :func:`read_meant` reads the records of a piece and finds each value's place in their
   heads. 3. :func:`open_values` opens a piece; it needs no database, so another process can do it.

The index is a hint and the head the truth, as in ``reading``: a token that its subject's head does not name is asked
for again by itself, and is ``RecordBroken`` or, if its subject was erased meanwhile, gone. Memory: a piece of values,
and some 60 bytes for each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tigertally.access import Action, Decision
from tigertally.base.fields import BY_CODE, FIELD_RULES, FieldClass
from tigertally.store.tx import Tx
from tigertally.vault import entries, fitted, index, rows, spelling, tokens
from tigertally.vault.errors import NoSuchToken, RecordBroken
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.reading import resolve
from tigertally.vault.records import subject_cipher
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow

_CODE_BITS = 8
_OPENING = frozenset({Action.REVEAL_MANY, Action.REWRITE_UNDO})  # to a file; back to where they stood


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Meant:
    """What n different tokens stand for, by position: class code (0: the scope holds none such), 16 bytes, record.

    Records are numbers of theirs. Of the records that share a value it is any one.
    """

    codes: npt.NDArray[np.uint8]
    raws: Halves
    numbers: Numbers

    def counts(self) -> dict[FieldClass, int]:
        """Return how many of each class there are."""
        codes, counts = np.unique(self.codes[self.codes > 0], return_counts=True)
        return {BY_CODE[code]: count for code, count in zip(codes.tolist(), counts.tolist(), strict=True)}

    def unknown(self) -> list[int]:
        """Return the positions of texts that stand for nothing here."""
        found: list[int] = np.flatnonzero(self.codes == 0).tolist()
        return found


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sealed:
    """Records with values to open: ``at`` are positions in the list, ``value`` the number of each one's value in them.

    ``gone`` are positions whose subject is not there any more.
    """

    rows: Sequence[RecordRow]
    at: Numbers
    value: Numbers
    gone: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opened:
    """Clear values, and the positions of the tokens that stand for them."""

    at: list[int]
    values: list[str]
    gone: Sequence[int]


def meant(tx: Tx, keys: VaultKeys, *, texts: Sequence[str]) -> Meant:
    """Return what ``texts`` (all different) stand for: the vault's own tokens, and fitting ones."""
    stored = fitted.all_as_stored(tx, keys, texts=texts)
    codes, raws = tokens.read(stored)
    asked = np.flatnonzero(codes)
    found = index.find(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=raws[asked])
    which, first = np.unique(found.which, return_index=True)
    held = np.zeros(len(texts), np.bool_)
    held[asked[which]] = True
    codes[~held] = 0
    numbers = np.zeros(len(texts), np.int64)
    numbers[asked[which]] = found.payloads[first, 0].astype(np.int64)
    return Meant(codes=codes, raws=raws, numbers=numbers)


def read_meant(tx: Tx, keys: VaultKeys, *, meant: Meant, start: int, stop: int) -> Sealed:
    """Return the records that hold the values of positions ``start`` to ``stop``. Raises ``RecordBroken``."""
    at = start + np.flatnonzero(meant.codes[start:stop])
    numbers = meant.numbers[at]
    code = meant.codes[at].astype(np.uint64)
    gone: list[int] = []
    found, record = _records(tx, keys, numbers)
    value = _values(found, record, code, meant.raws[at])
    astray = np.flatnonzero(value < 0).tolist()
    if astray:
        for one in astray:
            try:
                name = tokens.text(int(code[one]), runs.whole(meant.raws[at[one] : at[one] + 1]))
                place = resolve(tx, scope=keys.scope, token=name)[0]
            except NoSuchToken:
                gone.append(int(at[one]))
                continue
            there = rows.of_subject(tx, scope=keys.scope, subject=spelling.subject_raw(place.subject))
            if there is None:
                raise RecordBroken
            numbers[one] = there.number
        here = ~np.isin(at, gone)
        at, numbers, code = at[here], numbers[here], code[here]
        found, record = _records(tx, keys, numbers)
        value = _values(found, record, code, meant.raws[at])
        if (value < 0).any():
            raise RecordBroken
    return Sealed(rows=found, at=at, value=value, gone=gone)


def open_values(keys: VaultKeys, *, decision: Decision, found: Sealed) -> Opened:
    """Return clear values. ``decision`` is the proof that somebody may see them.

    Raises ``RecordBroken``; ``ValueError`` for a decision that was not allowed or was about something else.
    """
    if not decision.allowed or decision.action not in _OPENING:
        raise ValueError("no decision to reveal many")
    stored = [row.fields for row in found.rows]
    there = entries.heads(stored)
    names = spelling.subjects_text([row.subject for row in found.rows])
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
    joined, bounds = entries.texts(there, bodies)
    starts, stops = bounds[found.value].tolist(), bounds[found.value + 1].tolist()
    try:
        values = [joined[start:stop].decode() for start, stop in zip(starts, stops, strict=True)]
    except UnicodeDecodeError:
        raise RecordBroken from None
    return Opened(at=found.at.tolist(), values=values, gone=found.gone)


def _records(tx: Tx, keys: VaultKeys, numbers: Numbers) -> tuple[list[RecordRow], Numbers]:
    """Return the records of these numbers that are there, and which of them each is (-1: none)."""
    wanted, which = np.unique(numbers, return_inverse=True)
    found = sql_rows.records_at(tx, scope=keys.scope, numbers=wanted.tolist())
    place = {row.number: at for at, row in enumerate(found)}
    record = np.fromiter((place.get(one, -1) for one in wanted.tolist()), np.int64, len(wanted))
    return found, record[which] if len(record) else which


def _values(found: Sequence[RecordRow], record: Numbers, code: npt.NDArray[np.uint64], raws: Halves) -> Numbers:
    """Return which value of all these records each token stands for in its record, -1 where the head has none such."""
    there = entries.heads([row.fields for row in found])
    place = there.record.astype(np.uint64) << np.uint64(_CODE_BITS) | there.code
    number = np.arange(len(place), dtype=np.uint64)
    near = runs.match(runs.entries(there.token, np.stack([place, number], axis=1)), raws)
    out = np.full(len(raws), -1, np.int64)
    wanted = record.astype(np.uint64) << np.uint64(_CODE_BITS) | code
    mine = near.payloads[:, 0] == wanted[near.which]
    out[near.which[mine]] = near.payloads[mine, 1].astype(np.int64)
    return out


def classes_of(meant: Meant) -> list[str]:
    """Return the class of each position as written in files, "" for unknown ones."""
    words = [""] * (1 << _CODE_BITS)
    for cls, rule in FIELD_RULES.items():
        words[rule.code] = cls.value
    return [words[code] for code in meant.codes.tolist()]
