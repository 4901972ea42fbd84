"""Making new records: values in columns become sealed rows, each under a key of its own, bound to its subject.

Needs the scope's keys and no database. Records of one number of values have heads and associated data of one width, so
these are made as arrays; what is left for each record is two calls of the cipher. Layouts are those of ``entries``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tigertally.crypto.aead import Cipher
from tigertally.crypto.packed import Packed, edges_of
from tigertally.vault import entries, spelling
from tigertally.vault.index.runs import Halves, Numbers


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Values:
    """Values to be sealed: those of one record lie together, by class and slot."""

    codes: npt.NDArray[np.uint8]
    slots: npt.NDArray[np.uint8]
    tokens: Halves
    texts: Packed


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewRows:
    """New records as columns: subjects of 16 bytes and wrapped keys of one width, packed; what is stored of each."""

    subjects: bytes
    wrapped: bytes
    fields: Packed

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def wide(self) -> int:
        """The width of a wrapped key."""
        return len(self.wrapped) // max(1, len(self))

    def take(self, at: Numbers) -> NewRows:
        """Return the rows at these positions, in this order."""
        raws = np.frombuffer(self.subjects, np.uint8).reshape(-1, spelling.RAW_BYTES)
        keys = np.frombuffer(self.wrapped, np.uint8).reshape(len(self), -1) if len(self) else raws
        return NewRows(subjects=raws[at].tobytes(), wrapped=keys[at].tobytes(), fields=self.fields.take(at))

    def joined(self, other: NewRows) -> NewRows:
        """Return these rows and the other ones, of keys of the same width."""
        return NewRows(
            subjects=self.subjects + other.subjects,
            wrapped=self.wrapped + other.wrapped,
            fields=Packed.joined([self.fields, other.fields]),
        )


def make(kek: Cipher, *, scope: str, version: int, subjects: bytes, values: Values, spans: Numbers) -> NewRows:
    """Return new records of ``subjects`` (packed), one for each of ``spans``, which say from and up to which value.

    ``kek`` is version ``version`` of the scope's vault key.
    """
    counts = spans[:, 1] - spans[:, 0]
    raws = np.frombuffer(subjects, np.uint8).reshape(-1, spelling.RAW_BYTES)
    places = entries.places_of(values.codes, values.slots, values.tokens)
    lengths = np.frombuffer(values.texts.lengths.astype(">u4").tobytes(), np.uint8).reshape(-1, 4)
    data, edges = values.texts.data.tobytes(), values.texts.edges
    wrapped: list[bytes] = []
    fields: list[Packed] = []
    order: list[Numbers] = []
    for count in np.unique(counts).tolist():
        chosen = np.flatnonzero(counts == count)
        at = spans[chosen, :1] + np.arange(count)
        heads = entries.heads_of(places[at].reshape(len(chosen), -1))
        sizes = spelling.cut(lengths[at].tobytes(), 4 * count)
        begins, ends = edges[spans[chosen, 0]].tolist(), edges[spans[chosen, 1]].tolist()
        whose = raws[chosen].tobytes()
        keys, sealed = kek.seal_each(
            [size + data[begin:end] for size, begin, end in zip(sizes, begins, ends, strict=True)],
            aads=entries.aads(scope, whose, heads),
            key_aads=entries.key_aads(scope, whose, version),
        )
        pieces = [b""] * (2 * len(chosen))
        pieces[0::2] = spelling.cut(heads.tobytes(), heads.shape[1])
        pieces[1::2] = sealed
        lengths_of = np.fromiter(map(len, sealed), np.int64, len(sealed)) + heads.shape[1]
        wrapped.append(keys)
        fields.append(Packed(data=np.frombuffer(b"".join(pieces), np.uint8), edges=edges_of(lengths_of)))
        order.append(chosen)
    if len(order) == 1:
        return NewRows(subjects=subjects, wrapped=wrapped[0], fields=fields[0])
    where = np.concatenate([np.empty(0, np.int64), *order])
    made = NewRows(subjects=raws[where].tobytes(), wrapped=b"".join(wrapped), fields=Packed.joined(fields))
    return made.take(np.argsort(where))
