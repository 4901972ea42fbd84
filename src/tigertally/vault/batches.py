"""Batches: columns of customers, checked, digested and put in order, before anything asks a database.

What is done here needs keys only, so it is done ahead, in another process (``sealing``). ``records`` stores the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FieldClass
from tigertally.vault import alike, tokens, values
from tigertally.vault.alike import Spelled
from tigertally.vault.index import runs
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
    tokens of others. ``spelled`` says which values a search finds by another spelling.
    """

    subjects: bytes
    owners: Numbers
    codes: npt.NDArray[np.uint8]
    texts: bytes
    edges: Numbers
    marks: Halves
    spelled: Spelled
    attributed: int
    accepted: int
    rejected: Mapping[Rejection, int]

    def value(self, at: int) -> bytes:
        """Return one value's bytes."""
        return self.texts[self.edges[at] : self.edges[at + 1]]


def prepare_batch(
    keys: VaultKeys, *, subjects: Sequence[str], fields: Sequence[tuple[FieldClass, Sequence[str | None]]]
) -> Batch:
    """Check and digest a batch (shapes and problems as in ``records.seal_batch``) while another one is stored."""
    cells = values.accept(fields, rows=len(subjects))
    number = {customer: at for at, customer in enumerate(dict.fromkeys(filter(None, subjects)))}
    owner_of_row = np.fromiter((number.get(one, NOBODY) for one in subjects), np.int64, len(subjects))
    owners = owner_of_row[np.array(cells.rows, np.int64)]
    codes = np.array(cells.codes, np.uint8)
    marks = _marks(keys, cells.codes, cells.values)
    order = _once_each(np.where(owners >= 0, owners, len(number)) << 8 | codes, marks)
    kept = [cells.values[at] for at in order.tolist()]
    # A customer's key is the source's own text, whatever it is; different texts must stay different.
    customers = [_SOURCE_TAG + customer.encode("utf-8", "surrogatepass") for customer in number]
    texts, edges = b"".join(kept), edges_of(np.fromiter(map(len, kept), np.int64, len(kept)))
    return Batch(
        subjects=keys.index.column(customers).tobytes(),
        owners=owners[order],
        codes=codes[order],
        texts=texts,
        edges=edges,
        marks=marks[order],
        spelled=alike.spelled(keys, codes=codes[order], texts=texts, edges=edges),
        attributed=int((owners[order] >= 0).sum()),
        accepted=len(cells.rows),
        rejected=cells.rejected,
    )


def digests_of(keys: VaultKeys, codes: Sequence[int], encoded: Sequence[bytes]) -> Halves:
    """Return the keyed digest of each value of class ``code``: how equal values are found."""
    heads = {code: bytes((code,)) for code in set(codes)}
    return runs.halves(keys.index.column([heads[code] + value for code, value in zip(codes, encoded, strict=True)]))


def edges_of(lengths: Numbers) -> Numbers:
    """Return where pieces of these lengths begin when one follows another, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _marks(keys: VaultKeys, codes: Sequence[int], encoded: Sequence[bytes]) -> Halves:
    """Return what values are told apart by: the digest of a card, the token of any other."""
    marks = np.zeros((len(codes), 2), np.uint64)
    cards = [at for at, code in enumerate(codes) if code == tokens.PAN_CODE]
    others = [at for at, code in enumerate(codes) if code != tokens.PAN_CODE]
    marks[cards] = digests_of(keys, [codes[at] for at in cards], [encoded[at] for at in cards])
    marks[others] = tokens.derive(keys.token, [codes[at] for at in others], [encoded[at] for at in others])
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
