"""C2SP signed notes (c2sp.org/signed-note): text plus signature lines, and the keys that verify them.

1. text ends in a newline; a blank line; then ``— <name> <base64(key id ‖ signature)>`` lines;
2. valid UTF-8, no control characters but newline; names without spaces or plus;
3. key id = SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4];
4. unknown signatures are ignored; a known key whose signature fails rejects the note; a note with no
   verified signature is rejected.

We sign with Ed25519 (0x01) and, beside it, ML-DSA-44 (0x06, c2sp.org/tlog-cosignature: a timestamped
signature over origin, size and root). A :class:`NoteVerifier` that knows both keys demands both.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.sign import (
    ED25519_BYTES,
    ED25519_PUBLIC_BYTES,
    MLDSA44_BYTES,
    MLDSA44_PUBLIC_BYTES,
    NoteKey,
    ed25519_ok,
    mldsa44_ok,
)
from tigertally.formats.errors import Malformed
from tigertally.formats.shape import from_b64, to_b64

TYPE_ED25519: Final = 0x01
TYPE_MLDSA44: Final = 0x06
SIGNATURES_MAX: Final = 64
NAME_BYTES_MAX: Final = 255
_NAME: Final = re.compile(r"[^\s+]+")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: name, 32-bit key id, signature bytes."""

    name: str
    key_id: int
    raw: bytes

    def line(self) -> str:
        """Return the line with its newline."""
        return f"— {self.name} {to_b64(self.key_id.to_bytes(4, 'big') + self.raw)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A parsed note. Nothing in ``text`` may be believed before a verifier says so."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Return the note's bytes."""
        return (self.text + "\n" + "".join([found.line() for found in self.signatures])).encode()


def parse(data: bytes) -> Note:
    """Return the note in ``data``; :class:`Malformed` otherwise."""
    if len(data) > NOTE_BYTES_MAX:
        raise Malformed(what="note", where="size")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Malformed(what="note", where="utf-8") from None
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not text or _CONTROL.search(whole) or not tail.endswith("\n"):
        raise Malformed(what="note", where="layout")
    signatures = []
    for line in tail[:-1].split("\n"):
        found = _LINE.fullmatch(line)
        raw = from_b64(found.group(2)) if found else None
        if found is None or raw is None or len(raw) < 5:  # noqa: PLR2004 - key id and something
            raise Malformed(what="note", where="signature line")
        signatures.append(Signature(name=found.group(1), key_id=int.from_bytes(raw[:4], "big"), raw=raw[4:]))
    keys = {(sig.name, sig.key_id) for sig in signatures}
    if len(keys) != len(signatures) or len(signatures) > SIGNATURES_MAX:
        raise Malformed(what="note", where="signatures")
    note = Note(text=text + "\n", signatures=tuple(signatures))
    if note.to_bytes() != data:
        raise Malformed(what="note", where="spelling")
    return note


def is_name(name: str) -> bool:
    """Return whether ``name`` can be a key's name and, in a cosignature, an origin: 1 to 255 bytes."""
    return bool(_NAME.fullmatch(name)) and not _CONTROL.search(name) and len(name.encode()) <= NAME_BYTES_MAX


def key_id_of(name: str, kind: int, public: bytes) -> int:
    """Return the 32-bit key id of a note key."""
    return int.from_bytes(sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVerifier:
    """A log's two public note keys under one name; verifying demands both signatures."""

    name: str
    classic: bytes
    lattice: bytes

    def vkeys(self) -> tuple[str, str]:
        """Return both keys in the C2SP vkey spelling."""
        keys = ((TYPE_ED25519, self.classic), (TYPE_MLDSA44, self.lattice))
        spelled = [
            f"{self.name}+{key_id_of(self.name, kind, raw):08x}+{to_b64(bytes([kind]) + raw)}" for kind, raw in keys
        ]
        return spelled[0], spelled[1]

    @classmethod
    def parse(cls, vkeys: tuple[str, ...]) -> NoteVerifier:
        """Return the verifier that :meth:`vkeys` spelled; ``BadKey`` otherwise."""
        raws: list[bytes] = []
        names: set[str] = set()
        for vkey in vkeys:
            name, _, rest = vkey.partition("+")
            names.add(name)
            raws.append(from_b64(rest.partition("+")[2]) or b"")
        lengths = [1 + ED25519_PUBLIC_BYTES, 1 + MLDSA44_PUBLIC_BYTES]
        if [len(raw) for raw in raws] != lengths or len(names) != 1 or not is_name(next(iter(names))):
            raise BadKey
        verifier = cls(name=names.pop(), classic=raws[0][1:], lattice=raws[1][1:])
        if verifier.vkeys() != tuple(vkeys):
            raise BadKey
        return verifier

    def verify(self, note: Note, *, origin: str, size: int, root: bytes) -> int:
        """Check both signatures on a checkpoint note; return the signed POSIX time.

        Raises ``SignatureInvalid`` if either is missing or wrong.
        """
        classic_id = key_id_of(self.name, TYPE_ED25519, self.classic)
        lattice_id = key_id_of(self.name, TYPE_MLDSA44, self.lattice)
        classic_seen = False
        at: int | None = None
        for sig in note.signatures:
            if (sig.name, sig.key_id) == (self.name, classic_id):
                if len(sig.raw) != ED25519_BYTES or not ed25519_ok(self.classic, note.text.encode(), sig.raw):
                    raise SignatureInvalid
                classic_seen = True
            elif (sig.name, sig.key_id) == (self.name, lattice_id):
                if len(sig.raw) != 8 + MLDSA44_BYTES:
                    raise SignatureInvalid
                at = int.from_bytes(sig.raw[:8], "big")
                message = cosigned_message(name=self.name, at=at, origin=origin, size=size, root=root)
                if not mldsa44_ok(self.lattice, message, sig.raw[8:]):
                    raise SignatureInvalid
        if not classic_seen or at is None:
            raise SignatureInvalid
        return at


def verifier_of(name: str, key: NoteKey) -> NoteVerifier:
    """Return the public half of ``key`` under ``name``."""
    return NoteVerifier(name=name, classic=key.classic_public, lattice=key.lattice_public)


def cosigned_message(*, name: str, at: int, origin: str, size: int, root: bytes) -> bytes:
    """Return the bytes an ML-DSA-44 cosignature signs (tlog-cosignature, ``cosigned_message``)."""
    cosigner, log = name.encode(), origin.encode()
    return (
        b"subtree/v1\n\x00"
        + bytes([len(cosigner)])
        + cosigner
        + struct.pack(">Q", at)
        + bytes([len(log)])
        + log
        + struct.pack(">QQ", 0, size)
        + root
    )


def sign_checkpoint_text(
    text: str, *, name: str, key: NoteKey, origin: str, size: int, root: bytes, now: datetime
) -> Note:
    """Return ``text`` as a note signed by both keys of ``key`` under ``name``."""
    at = int(now.timestamp())
    lattice = key.sign_lattice(cosigned_message(name=name, at=at, origin=origin, size=size, root=root))
    return Note(
        text=text,
        signatures=(
            Signature(
                name=name,
                key_id=key_id_of(name, TYPE_ED25519, key.classic_public),
                raw=key.sign_classic(text.encode()),
            ),
            Signature(
                name=name,
                key_id=key_id_of(name, TYPE_MLDSA44, key.lattice_public),
                raw=struct.pack(">Q", at) + lattice,
            ),
        ),
    )
