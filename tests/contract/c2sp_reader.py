"""Another reader of C2SP logs, written from the documents alone; imports nothing of the product. Not a test itself.

signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles (by HTTP or from a folder), tlog-proof, RFC 6962 §2.1. What
it does not believe it says by :class:`Wrong`. It is slow and plain on purpose.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

Fetch = Callable[[str], bytes]


class Wrong(Exception):  # noqa: N818 - it says what it is
    """It is not what the documents say."""


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class Key:
    """A verifier key of signed-note."""

    name: str
    hashed: bytes
    kind: int
    public: bytes


def key(vkey: str) -> Key:
    name, hashed, data = vkey.split("+", 2)
    raw = base64.b64decode(data, validate=True)
    if bytes.fromhex(hashed) != sha(name.encode() + b"\n" + raw)[:4]:
        raise Wrong("key id")
    return Key(name, bytes.fromhex(hashed), raw[0], raw[1:])


@dataclass(frozen=True)
class Head:
    """A checkpoint somebody signed."""

    origin: str
    size: int
    root: bytes
    signers: frozenset[str]


def checkpoint(note: bytes, keys: Sequence[Key]) -> Head:
    """Verify a checkpoint under the keys; at least one must have signed, none falsely."""
    at = note.rindex(b"\n\n")
    text, lines = note[: at + 1], note[at + 2 :].decode().split("\n")
    if lines.pop() != "":
        raise Wrong("last newline")
    origin, size, root, *_ = text.decode().split("\n")
    if str(int(size)) != size:
        raise Wrong("size")
    seen = set()
    for line in lines:
        dash, name, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        for known in keys:
            if dash == "—" and (known.name, known.hashed) == (name, raw[:4]):
                verify(known, raw[4:], text, origin, int(size), base64.b64decode(root))
                seen.add(f"{name} {known.kind}")
    if not seen:
        raise Wrong("nobody signed")
    return Head(origin, int(size), base64.b64decode(root, validate=True), frozenset(seen))


def verify(known: Key, signature: bytes, text: bytes, origin: str, size: int, root: bytes) -> None:
    try:
        if known.kind == 1:
            Ed25519PublicKey.from_public_bytes(known.public).verify(signature, text)
            return
        stamp, signature = signature[:8], signature[8:]
        if known.kind == 4:
            dated = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n".encode() + text
            Ed25519PublicKey.from_public_bytes(known.public).verify(signature, dated)
        elif known.kind == 6:
            name, log = known.name.encode(), origin.encode()
            message = b"subtree/v1\n\x00" + bytes([len(name)]) + name + stamp + bytes([len(log)]) + log
            message += (0).to_bytes(8, "big") + size.to_bytes(8, "big") + root
            MLDSA44PublicKey.from_public_bytes(known.public).verify(signature, message)
        else:
            raise Wrong("kind of key")
    except InvalidSignature:
        raise Wrong("signature") from None


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 over leaf hashes."""
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return sha(b"\x01" + mth(hashes[:half]) + mth(hashes[half:]))


def number(index: int) -> str:
    digits = f"{index:0{-(-len(str(index)) // 3) * 3}d}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + [groups[-1]])


def resource(kind: str, index: int, width: int) -> str:
    return f"tile/{kind}/{number(index)}" + ("" if width == 256 else f".p/{width}")


class Log:
    """A log read through its tiles."""

    def __init__(self, fetch: Fetch, keys: Sequence[Key]) -> None:
        self.fetch = fetch
        self.head = checkpoint(fetch("checkpoint"), keys)

    def tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of one tile, as wide as the checkpoint's size makes it."""
        count = self.head.size // 256**level
        width = min(256, count - index * 256)
        raw = self.fetch(resource(str(level), index, width))
        if len(raw) != 32 * width:
            raise Wrong("tile length")
        return [raw[at : at + 32] for at in range(0, len(raw), 32)]

    def entries(self) -> list[bytes]:
        """All entries, out of their bundles."""
        found = []
        for index in range(-(-self.head.size // 256)):
            width = min(256, self.head.size - index * 256)
            raw = self.fetch(resource("entries", index, width))
            at = 0
            for _ in range(width):
                length = int.from_bytes(raw[at : at + 2], "big")
                found.append(raw[at + 2 : at + 2 + length])
                at += 2 + length
            if at != len(raw):
                raise Wrong("bundle length")
        return found

    def hashes(self) -> list[bytes]:
        """All leaf hashes, out of level 0."""
        return [item for index in range(-(-self.head.size // 256)) for item in self.tile(0, index)]

    def check(self) -> None:
        """Entries hash to level 0, each level to the one above, and everything to the signed root."""
        hashes = self.hashes()
        if [sha(b"\x00" + entry) for entry in self.entries()] != hashes or mth(hashes) != self.head.root:
            raise Wrong("root")
        level = 1
        while self.head.size // 256**level:
            below = [
                item for index in range(self.head.size // 256**level) for item in [mth(self.tile(level - 1, index))]
            ]
            here = [
                item for index in range(-(-(self.head.size // 256**level) // 256)) for item in self.tile(level, index)
            ]
            if below != here:
                raise Wrong("level")
            level += 1


def proof(data: bytes, entry: bytes, keys: Sequence[Key]) -> Head:
    """Verify a tlog-proof file for an entry; return the checkpoint inside."""
    top, note = data.split(b"\n\n", 1)
    lines = top.decode().split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("first line")
    if lines[0].startswith("extra "):
        lines.pop(0)
    word, index = lines.pop(0).split(" ")
    head = checkpoint(note, keys)
    path = [base64.b64decode(line, validate=True) for line in lines]
    if word != "index" or climb(sha(b"\x00" + entry), int(index), head.size, path) != head.root:
        raise Wrong("path")
    return head


def climb(hashed: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 6962 §2.1.1 turned round: the root that a path leads to."""
    if size == 1:
        if path:
            raise Wrong("path too long")
        return hashed
    half = 1
    while half * 2 < size:
        half *= 2
    *rest, last = path
    if index < half:
        return sha(b"\x01" + climb(hashed, index, half, rest) + last)
    return sha(b"\x01" + last + climb(hashed, index - half, size - half, rest))
