"""C2SP tlog-proof files (c2sp.org/tlog-proof@v1): one entry's inclusion proof with its checkpoint.

``c2sp.org/tlog-proof@v1``, an optional ``extra`` line (here: base 64 of the leaf), ``index N``, the hashes
from the leaf's sibling up, an empty line, the checkpoint verbatim. ``extra`` is not authenticated by
itself: the verifier hashes it and checks the hash against the proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.crypto import merkle
from tigertally.crypto.merkle import HASH_BYTES
from tigertally.formats import checkpoint
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.errors import Malformed
from tigertally.formats.note import NoteVerifier
from tigertally.formats.shape import from_b64, to_b64

_HEAD: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})")
HASHES_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """A parsed proof: leaf bytes (or b"" if absent), index, audit path, checkpoint bytes."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        lines = [_HEAD]
        if self.leaf:
            lines.append("extra " + to_b64(self.leaf))
        lines.append(f"index {self.index}")
        lines += [to_b64(item) for item in self.path]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def verify(self, verifier: NoteVerifier, *, leaf: bytes | None = None) -> Checkpoint | None:
        """Return the checkpoint if the leaf (given, or the one inside) is proved under it; None if not.

        Raises if the checkpoint itself is malformed or wrongly signed.
        """
        signed = checkpoint.verify(self.checkpoint, verifier)
        proved = merkle.verify_inclusion(
            hashed_leaf=merkle.leaf_hash(self.leaf if leaf is None else leaf),
            index=self.index,
            size=signed.size,
            proof=self.path,
            root=signed.root,
        )
        return signed if proved else None


def parse(data: bytes) -> TlogProof:
    """Return the proof in ``data``; :class:`Malformed` unless it is spelled as ``to_bytes`` would."""
    head, blank, tail = data.partition(b"\n\n")
    if not blank or len(data) > 2 * NOTE_BYTES_MAX:
        raise Malformed(what="proof", where="layout")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed(what="proof", where="ascii") from None
    leaf: bytes | None = b""
    if len(lines) > 1 and lines[1].startswith("extra "):
        leaf = from_b64(lines.pop(1)[6:])
    found = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    path = [from_b64(line) for line in lines[2:]]
    if lines[0] != _HEAD or leaf is None or found is None or len(path) > HASHES_MAX:
        raise Malformed(what="proof", where="lines")
    hashes = tuple(item for item in path if item is not None and len(item) == HASH_BYTES)
    if len(hashes) != len(path):
        raise Malformed(what="proof", where="hashes")
    parsed = TlogProof(leaf=leaf, index=int(found.group(1)), path=hashes, checkpoint=tail)
    if parsed.to_bytes() != data:
        raise Malformed(what="proof", where="spelling")
    checkpoint.parse(tail)
    return parsed
