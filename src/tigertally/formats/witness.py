"""The C2SP witness protocol (c2sp.org/tlog-witness): the request, what a witness must answer, and why.

``add-checkpoint``: ``old N``, consistency proof lines (base 64, at most 63), an empty line, the checkpoint. The
answer, in this order: 400 malformed; 404 unknown origin; 403 none of the log's keys signed; 400 the old size is
above the new; 409 with the size that was cosigned last, if it is not the old size, or if the size is the same and
the root another; 422 the proof does not hold; 200 with the cosignatures. Pure: remembering is the caller's, and must be
done, atomically with :func:`consider`, before the answer goes out.

We refuse checkpoints with extension lines (400): ML-DSA cosignatures do not cover them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.crypto import merkle
from tigertally.crypto.digest import same
from tigertally.formats import checkpoint as notes
from tigertally.formats import note as signed_notes
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey
from tigertally.formats.errors import Malformed
from tigertally.formats.note import Signature
from tigertally.formats.policy import log_signed
from tigertally.formats.shape import from_b64, to_b64

PROOF_LINES_MAX: Final = 63
REQUEST_BYTES_MAX: Final = NOTE_BYTES_MAX + 8 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request: the size last cosigned, the proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def to_bytes(self) -> bytes:
        """Return the request's body."""
        lines = [f"old {self.old}", *(to_b64(item) for item in self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer: a status; with 409 the ``size`` cosigned last; with 200 the checkpoint to cosign.

    ``contradicts``: the log signed what does not fit to what was cosigned; the request may be proof of it.
    """

    status: int
    why: str
    size: int = 0
    checkpoint: Checkpoint | None = None
    contradicts: bool = False


def parse(body: bytes) -> AddCheckpoint:
    """Return the request in ``body``; :class:`Malformed` otherwise."""
    head, blank, tail = body.partition(b"\n\n")
    if not blank or len(body) > REQUEST_BYTES_MAX:
        raise Malformed(what="witness request", where="layout")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed(what="witness request", where="ascii") from None
    found = _OLD.fullmatch(lines[0])
    proof = [from_b64(line) for line in lines[1:]]
    hashes = tuple(item for item in proof if item is not None and len(item) == merkle.HASH_BYTES)
    if found is None or len(hashes) != len(proof) or len(proof) > PROOF_LINES_MAX:
        raise Malformed(what="witness request", where="lines")
    return AddCheckpoint(old=int(found.group(1)), proof=hashes, checkpoint=tail)


def consider(  # noqa: PLR0911 - one way out per answer of the specification
    body: bytes, *, keys_of: Callable[[str], Collection[VKey]], last_of: Callable[[str], Checkpoint | None]
) -> Answer:
    """Return the answer to ``body`` for a witness that trusts ``keys_of(origin)`` and cosigned ``last_of(origin)``."""
    try:
        request = parse(body)
        new, note = notes.parse(request.checkpoint)
    except Malformed as problem:
        return Answer(status=400, why=f"malformed: {problem.details['where']}")
    keys = keys_of(new.origin)
    if not keys:
        return Answer(status=404, why="unknown log")
    if not log_signed(keys, note, new):
        return Answer(status=403, why="not signed by the log")
    if request.old > new.size:
        return Answer(status=400, why="the old size is above the new")
    last = last_of(new.origin) or Checkpoint(origin=new.origin, size=0, root=merkle.EMPTY_ROOT)
    if request.old != last.size:
        return Answer(status=409, why="another size was cosigned last", size=last.size)
    if new.size == last.size and not same(new.root, last.root):
        return Answer(status=409, why="another root of this size was cosigned", size=last.size, contradicts=True)
    if last.size == 0:
        proved = not request.proof
    else:
        proved = merkle.verify_consistency(
            old=last.size, new=new.size, old_root=last.root, new_root=new.root, proof=request.proof
        )
    if not proved:
        return Answer(status=422, why="the consistency proof does not hold", contradicts=True)
    return Answer(status=200, why="", checkpoint=new)


def signature_lines(signatures: Collection[Signature]) -> bytes:
    """Return the body of a 200 answer."""
    return b"".join(item.line().encode() for item in signatures)


def take(answer: bytes, *, checkpoint: bytes, keys: Collection[VKey]) -> tuple[Signature, ...]:
    """Return the cosignatures in a witness's answer that verify under ``keys``; others are ignored.

    Raises :class:`Malformed`, ``SignatureInvalid``.
    """
    signed, _ = notes.parse(checkpoint)
    note = signed_notes.parse(signed.text().encode() + b"\n" + answer)
    known = {(key.name, key.key_id) for key in keys if key.signed_at(note, signed) is not None}
    return tuple(item for item in note.signatures if (item.name, item.key_id) in known)
