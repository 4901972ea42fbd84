"""Batches: columns of customers, checked, digested and put in order, before anything asks a database.

What is done here needs keys only, so it is done ahead, in another process (``sealing``). ``records`` stores the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FieldClass
from tigertally.crypto.packed import Packed
from tigertally.vault import alike, tokens, values
from tigertally.vault.alike import Spelled
from tigertally.vault.foresight import Foresight, Guess
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.values import Rejection

NOBODY = -1
_SOURCE_TAG = b"\x00source\x00"  # class codes begin at 1: no value's digest is a source's


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Batch:
    """A batch made ready outside of any transaction, under the scope's keys; its values by owner and class.

    ``subjects`` are the customers, 16 bytes each. ``owners`` number them, -1 for values without one, which come after
    the first ``attributed``; the other columns have its length, each owner's value once. ``texts`` are the values'
    bytes, one after another, ``edges`` where each begins and the last ends. ``marks`` are the digests of cards, the
    tokens of others. ``guess`` is what was made of it already. ``spelled`` says which values a search finds by another
    spelling.
    """

    subjects: bytes
    owners: Numbers
    codes: npt.NDArray[np.uint8]
    texts: bytes
    edges: Numbers
    marks: Halves
    spelled: Spelled
    guess: Guess | None
    attributed: int
    accepted: int
    rejected: Mapping[Rejection, int]

    def packed(self) -> Packed:
        """Return all values as a column."""
        return Packed(data=np.frombuffer(self.texts, np.uint8), edges=self.edges)

    def value(self, at: int) -> bytes:
        """Return one value's bytes."""
        return self.texts[self.edges[at] : self.edges[at + 1]]


def prepare_batch(
    keys: VaultKeys,
    *,
    subjects: values.Column,
    fields: Sequence[tuple[FieldClass, values.Column]],
    foresight: Foresight | None = None,
) -> Batch:
    """Check and digest a batch (shapes and problems as in ``records.seal_batch``) while another one is stored.

    With ``foresight`` the records of customers that are taken to be new are made too.
    """
    cells = values.accept(fields, rows=len(subjects))
    owner_of_row, customers = _customers(subjects)
    owners = owner_of_row[cells.rows]
    marks = _marks(keys, cells.codes, cells.values)
    order = _once_each(np.where(owners >= 0, owners, len(customers)) << 8 | cells.codes, marks)
    kept = cells.values.take(order)
    texts = kept.data.tobytes()
    columns = (owners[order], cells.codes[order], marks[order])
    whose = keys.index.packed(customers, head=_SOURCE_TAG).tobytes()
    guess = None
    if foresight is not None:
        guess = foresight.guess(keys, subjects=whose, owners=columns[0], codes=columns[1], marks=columns[2], texts=kept)
    return Batch(
        subjects=whose,
        owners=columns[0],
        codes=columns[1],
        texts=texts,
        edges=kept.edges,
        marks=columns[2],
        guess=guess,
        spelled=alike.spelled(keys, codes=columns[1], texts=texts, edges=kept.edges),
        attributed=int((columns[0] >= 0).sum()),
        accepted=len(cells.rows),
        rejected=cells.rejected,
    )


def digests_of(
    keys: VaultKeys, codes: Sequence[int] | npt.NDArray[np.uint8], encoded: Sequence[bytes] | Packed
) -> Halves:
    """Return the keyed digest of each value of class ``code``: how equal values are found."""
    packed = encoded if isinstance(encoded, Packed) else Packed.of(encoded)
    return tokens.keyed(keys.index, np.asarray(codes, np.uint8), packed)


def _customers(subjects: values.Column) -> tuple[Numbers, Packed]:
    """Return the number of each row's customer (-1: none), and the customers' keys, in the order they first come.

    A customer's key is the source's own text, whatever it is; different texts must stay different.
    """
    import pyarrow as pa  # noqa: PLC0415 - loaded only when there are columns

    try:
        cells = pa.array(subjects, pa.string())
    except UnicodeEncodeError:
        number = {customer: at for at, customer in enumerate(dict.fromkeys(filter(None, subjects)))}
        rows = np.fromiter((number.get(one or "", NOBODY) for one in subjects), np.int64, len(subjects))
        return rows, Packed.of([customer.encode("utf-8", "surrogatepass") for customer in number])
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    coded = cells.dictionary_encode()
    owner = coded.indices.fill_null(NOBODY).to_numpy(zero_copy_only=False).astype(np.int64)
    there, customers, _ = values.packed(coded.dictionary)
    if len(there) < len(coded.dictionary):  # an empty key names nobody
        numbers = np.full(len(coded.dictionary) + 1, NOBODY)
        numbers[there] = np.arange(len(there))
        owner = numbers[owner]
    return owner, customers


def _marks(keys: VaultKeys, codes: npt.NDArray[np.uint8], encoded: Packed) -> Halves:
    """Return what values are told apart by: the digest of a card, the token of any other."""
    marks = np.zeros((len(codes), 2), np.uint64)
    is_card = codes == tokens.PAN_CODE
    for chosen, mark in ((np.flatnonzero(is_card), keys.index), (np.flatnonzero(~is_card), keys.token)):
        marks[chosen] = tokens.keyed(mark, codes[chosen], encoded.take(chosen))
    return marks


def _once_each(rank: Numbers, marks: Halves) -> Numbers:
    """Return the positions in order of rank, those of one rank as they came, each mark of a rank once."""
    order = np.argsort(rank, kind="stable")
    inorder = rank[order]
    same = inorder[1:] == inorder[:-1]
    if not same.any():
        return order
    crowded = order[np.append(same, False) | np.append(False, same)]
    again = crowded[np.lexsort((marks[crowded, 1], marks[crowded, 0], rank[crowded]))]
    repeated = (rank[again[1:]] == rank[again[:-1]]) & (marks[again[1:]] == marks[again[:-1]]).all(axis=1)
    drop = np.zeros(len(rank), np.bool_)
    drop[again[1:][repeated]] = True
    return order[~drop[order]]
