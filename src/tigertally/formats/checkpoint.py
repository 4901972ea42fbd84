"""C2SP checkpoints (c2sp.org/tlog-checkpoint): a signed note that says how long a log is and its root.

Three lines: origin, tree size in decimal without leading zeros, base 64 of the root. We write no
extension lines and refuse to read any, since ML-DSA cosignatures do not cover them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tigertally.base.canon import INT_MAX
from tigertally.crypto.merkle import HASH_BYTES
from tigertally.crypto.sign import NoteKey
from tigertally.formats import note
from tigertally.formats.errors import Malformed
from tigertally.formats.note import Note, NoteVerifier
from tigertally.formats.shape import from_b64, to_b64

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Origin, size in leaves, and root hash (32 bytes) of a log at one moment."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text."""
        return f"{self.origin}\n{self.size}\n{to_b64(self.root)}\n"


def sign(checkpoint: Checkpoint, *, key: NoteKey, now: datetime) -> bytes:
    """Return the signed checkpoint's bytes; the key's name is the origin."""
    return note.sign_checkpoint_text(
        checkpoint.text(),
        name=checkpoint.origin,
        key=key,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        now=now,
    ).to_bytes()


def parse(data: bytes) -> tuple[Checkpoint, Note]:
    """Return the checkpoint in ``data`` and its note; signatures are not verified yet."""
    parsed = note.parse(data)
    lines = parsed.text[:-1].split("\n")
    if len(lines) != 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - the three lines
        raise Malformed(what="checkpoint", where="lines")
    root = from_b64(lines[2])
    if root is None or len(root) != HASH_BYTES or int(lines[1]) > INT_MAX:
        raise Malformed(what="checkpoint", where="root")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root), parsed


def verify(data: bytes, verifier: NoteVerifier) -> Checkpoint:
    """Return the checkpoint in ``data`` if it is ``verifier``'s and both signatures hold."""
    return verify_dated(data, verifier)[0]


def verify_dated(data: bytes, verifier: NoteVerifier) -> tuple[Checkpoint, datetime]:
    """Return :func:`verify`'s checkpoint and the instant (whole seconds, UTC) at which it was signed."""
    checkpoint, parsed = parse(data)
    if checkpoint.origin != verifier.name:
        raise Malformed(what="checkpoint", where="origin")
    at = verifier.verify(parsed, origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)
    try:
        return checkpoint, datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(what="checkpoint", where="time") from None
