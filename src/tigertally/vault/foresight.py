"""Making records before anything asks the database: by whoever prepares batches, in a process of its own.

Most of what is sealed is new, and making a record of it takes half of the time. So the helper guesses: a customer of
whom neither the scope, when the helper began, nor any batch since has heard is new, and so is a card. It draws such
cards' tokens and makes such customers' records under the vault key. ``records`` holds every guess to what is stored: a
record is used only if its customer is new indeed and its values have these tokens and slots; it makes all others
itself. A key of a record that was made in vain is counted as a use of the vault key and forgotten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tigertally.crypto.packed import Packed
from tigertally.store.tx import Tx
from tigertally.vault import tokens
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.making import NewRows, Values, make

Flags = npt.NDArray[np.bool_]
VALUES_MAX = 255  # of one record
SHARE = 0.7  # of new records are made ahead: so the helper and whoever stores take about as long


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Guess:
    """What was made of a batch: ``rows`` of the customers ``owners``, under ``version`` of the vault key.

    ``tokens`` and ``slots`` are by value, as they were taken to be; zeros where nothing was drawn.
    """

    version: int
    owners: Numbers
    rows: NewRows
    tokens: Halves
    slots: npt.NDArray[np.uint8]


@dataclass(slots=True, repr=False)
class Foresight:
    """What is known of a scope's customers and cards, by the first halves of their digests (64 bits)."""

    _subjects: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    _cards: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    @classmethod
    def of(cls, tx: Tx, keys: VaultKeys) -> Foresight:
        """Return what the scope holds now."""
        keys.known.refresh(tx, scope=keys.scope, kinds=(IndexKind.SUBJECT, IndexKind.CARD))
        return cls(keys.known.beginnings(IndexKind.SUBJECT), keys.known.beginnings(IndexKind.CARD))

    def guess(
        self,
        keys: VaultKeys,
        *,
        subjects: bytes,
        owners: Numbers,
        codes: npt.NDArray[np.uint8],
        marks: Halves,
        texts: Packed,
    ) -> Guess | None:
        """Return the records of a batch's new customers (columns as in ``batches``); None if there are none."""
        whose = runs.halves(subjects)[:, 0]
        is_card = codes == tokens.PAN_CODE
        cards = np.flatnonzero(is_card)
        fresh = ~_among(self._cards, marks[cards, 0])
        new = ~_among(self._subjects, whose)
        self._subjects.append(np.sort(whose))
        self._cards.append(np.unique(marks[cards, 0]))
        counts = np.bincount(owners[owners >= 0], minlength=len(whose))
        stale = owners[cards[~fresh]]
        new[stale[stale >= 0]] = False
        chosen = np.flatnonzero(new & (counts > 0) & (counts <= VALUES_MAX))
        chosen = chosen[: math.ceil(SHARE * len(chosen))]
        if not len(chosen):
            return None
        given = marks.copy()
        given[cards] = 0
        first, number = runs.firsts(marks[cards[fresh]])
        draw = tokens.draw if keys.cards is None else keys.cards.draw
        drawn = draw(texts.take(cards[fresh][first]), taken=lambda made: np.zeros(len(made), np.bool_))
        given[cards[fresh]] = drawn[number]
        slots = within(owners << 8 | codes).astype(np.uint8)
        starts = np.searchsorted(owners[: int(counts.sum())], chosen)
        rows = make(
            keys.ciphers[keys.active.version],
            scope=keys.scope,
            version=keys.active.version,
            subjects=np.frombuffer(subjects, np.uint8).reshape(-1, runs.KEY_BYTES)[chosen].tobytes(),
            values=Values(codes=codes, slots=slots, tokens=given, texts=texts),
            spans=np.stack([starts, starts + counts[chosen]], axis=1),
        )
        return Guess(version=keys.active.version, owners=chosen, rows=rows, tokens=given, slots=slots)


def within(groups: Numbers) -> Numbers:
    """Return the number of each within its group; groups lie together."""
    if not len(groups):
        return groups
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    return runs.ramp(np.diff(starts, append=len(groups)))


def _among(known: list[npt.NDArray[np.uint64]], wanted: npt.NDArray[np.uint64]) -> Flags:
    there = np.zeros(len(wanted), np.bool_)
    order = np.argsort(wanted)
    inorder = wanted[order]
    for one in known:
        if len(one):
            at = np.minimum(np.searchsorted(one, inorder), len(one) - 1)
            there[order] |= one[at] == inorder
    return there
