"""A note per batch, written before the batch: where it ends, keyed digests of its cells, and moulds of odd ones.

It is sealed and bound to its job and number. So a batch that was killed after the other database committed is known
again, and what is put back can be held against what stood there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.sealing.inplace import sql
from tigertally.sealing.live.ports import Key
from tigertally.store.tx import Tx
from tigertally.vault import Aside

_LENGTH_BYTES: Final = 4
Digests = npt.NDArray[np.uint64]
Moulds = dict[tuple[Key, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is kept of a batch: moulds by key and column; ``were`` cells were tokens before anything was written.

    Notes of the first round (``first``) cover the table from its first key on, without a gap.
    """

    upto: Key = field(repr=False)
    first: bool
    were: int
    digests: Digests = field(repr=False)
    moulds: Moulds = field(repr=False)

    def with_earlier(self, earlier: Note | None) -> Note:
        """Return this note with what a run that was killed had kept of the same batch."""
        if earlier is None:
            return self
        return Note(
            upto=self.upto,
            first=self.first,
            were=earlier.were,
            digests=np.union1d(self.digests, earlier.digests),
            moulds=earlier.moulds | self.moulds,
        )


def put(tx: Tx, aside: Aside, *, job: str, seq: int, note: Note) -> None:
    """Keep a note."""
    moulds: list[Json] = [[[*key], at, shape] for (key, at), shape in note.moulds.items()]
    head = canon.dumps({"first": note.first, "moulds": moulds, "upto": [*note.upto], "were": note.were})
    body = len(head).to_bytes(_LENGTH_BYTES, "big") + head + note.digests.astype(">u8").tobytes()
    sql.put(tx, job=job, seq=seq, note=aside.seal(body, about=_about(job, seq)))


def get(tx: Tx, aside: Aside, *, job: str, seq: int) -> Note | None:
    """Return a note, if there is one."""
    sealed = sql.get(tx, job=job, seq=seq)
    if sealed is None:
        return None
    body = aside.open(sealed, about=_about(job, seq))
    edge = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
    head = cast("dict[str, list[list[list[str | int]]]]", canon.loads(body[_LENGTH_BYTES:edge]))
    return Note(
        upto=cast("Key", tuple(head["upto"])),
        first=bool(head["first"]),
        were=cast("int", head["were"]),
        digests=np.frombuffer(body[edge:], ">u8").astype(np.uint64),
        moulds={(tuple(key), cast("int", at)): cast("str", shape) for key, at, shape in head["moulds"]},
    )


def digests(aside: Aside, keys: Sequence[Key], column: int, cells: Sequence[str]) -> Digests:
    """Return the keyed digest of each cell at its place."""
    if not cells:
        return np.empty(0, np.uint64)
    texts = [canon.dumps([column, [*key], cell]).decode() for key, cell in zip(keys, cells, strict=True)]
    return aside.digests(texts)


def sealed_key(aside: Aside, key: Key | None, *, job: str) -> str:
    """Return a key as a job's cursor may hold it: a table's key can be somebody's number."""
    return "" if key is None else aside.seal(canon.dumps([*key]), about=f"{job}|after").hex()


def opened_key(aside: Aside, sealed: str, *, job: str) -> Key | None:
    """Return the key of a cursor."""
    if not sealed:
        return None
    return tuple(cast("list[str | int]", canon.loads(aside.open(bytes.fromhex(sealed), about=f"{job}|after"))))


def _about(job: str, seq: int) -> str:
    return f"{job}|{seq}"
