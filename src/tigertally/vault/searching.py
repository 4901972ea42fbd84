"""Searching without reading: by what the index and the heads of records say already. Nothing is opened here.

A card token keeps the last four digits, so cards are found by them from the index of cards, and need no index of their
own that would show more. Equal values have equal tokens, so values that several subjects hold are counted from heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.limits import BATCH_ROWS
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, index, normal, spelling, tokens
from tigertally.vault.errors import BadTail, RecordBroken
from tigertally.vault.index import runs
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.rows import sql as sql_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Values of one class: ``different`` ones, and how many of those more than one subject holds.

    ``respelled`` are the names or numbers of which there are several spellings (``normal``).
    """

    different: int
    shared: int
    respelled: int = 0


def find_tail(tx: Tx, *, scope: str, tail: str) -> list[SubjectId]:
    """Return the subjects with a card that ends in ``tail`` (four digits), ascending. Raises ``BadTail``.

    Reads the index of cards once: 32 bytes a card.
    """
    if len(tail) != tokens.TAIL_DIGITS or not (tail.isascii() and tail.isdigit()):
        raise BadTail
    pieces = index.scan(tx, scope=scope, kind=IndexKind.CARD)
    cards = [piece[tokens.ending(piece[:, 2:], int(tail)), 2:] for piece in pieces]
    found = index.find(
        tx, scope=scope, kind=IndexKind.TOKEN, keys=np.concatenate([np.empty((0, 2), np.uint64), *cards])
    )
    numbers = np.unique(found.payloads[:, 0]).tolist()
    raws = sorted(subject for _, subject in sql_rows.subjects_at(tx, scope=scope, numbers=numbers))
    if len(raws) != len(numbers):
        raise RecordBroken
    return [SubjectId(name) for name in spelling.subjects_text(raws)] if raws else []


def shared(tx: Tx, *, scope: str) -> dict[FieldClass, Shared]:
    """Return, by class, how many different values there are and how many of them several subjects hold.

    Some 40 bytes of memory for each value. Raises ``RecordBroken``.
    """
    codes: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []
    held: list[runs.Halves] = [np.empty((0, 2), np.uint64)]
    after = -1
    while found := sql_rows.heads_after(tx, scope=scope, after=after, limit=BATCH_ROWS):
        there = entries.heads([head for _, head in found])
        codes.append(there.code)
        held.append(there.token)
        after = found[-1][0]
    code, token = np.concatenate([np.empty(0, np.uint8), *codes]), np.concatenate(held)
    out: dict[FieldClass, Shared] = {}
    for one in np.unique(code).tolist():
        if one not in BY_CODE:
            raise RecordBroken
        # A subject holds a value once, so what stands twice is held by two.
        mine = token[code == one]
        first, number = runs.firsts(mine)
        times = np.bincount(number, minlength=len(first))
        respelled = alike.several(tx, scope=scope, held=mine[first]) if BY_CODE[one] in normal.RULES else 0
        out[BY_CODE[one]] = Shared(different=len(first), shared=int((times > 1).sum()), respelled=respelled)
    return out
