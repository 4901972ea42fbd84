"""The roll: which entries stand under a name, so that a row which was taken away is missed when it is read.

A *name* is a pair such as a kind of fact and its subject. Under each the roll has a hash chain over the indexes of
the entries that were counted under it: ``link' = SHA-256(link ‖ index)``, from 32 zero bytes. The links lie in a
tree: buckets by the first three hexadecimal digits of the subject's pseudonym, three levels of 16 above. Its root is
in the ledger's head, and the head is sealed with the installation's key together with the size and the frontier. So
who edits the database without the key can put back the roll, the head and the rows of an earlier moment only all at
once: the whole ledger goes back, which the mark beside the database and checkpoints kept elsewhere tell.

Nodes that are read are proved to the head first, also before they are written: an edit is never blessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from tigertally.crypto.digest import KeyedDigest, same, sha256
from tigertally.ledger import sql
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx

Name: TypeAlias = tuple[str, str]

LINK_BYTES: Final = 32
NOTHING: Final = bytes(LINK_BYTES)
DEPTH: Final = 3
_KEY_BYTES: Final = 16
_ROW_BYTES: Final = _KEY_BYTES + LINK_BYTES
_FAN: Final = "0123456789abcdef"
_BUCKET: Final = b"\x00"
_NODE: Final = b"\x01"


def fold(indexes: Iterable[int], link: bytes = NOTHING) -> bytes:
    """Return the chain's link after ``indexes``, which ascend."""
    for index in indexes:
        link = sha256(link + index.to_bytes(8, "big"))
    return link


class Roll:
    """The parts of the roll that some names need, proved to ``root``."""

    __slots__ = ("_bodies", "_keys", "_names", "_size", "_tx", "root")

    def __init__(self, tx: Tx, key: KeyedDigest, names: Sequence[Name], *, root: bytes, size: int) -> None:
        """Read and prove. ``size`` only tells where it broke. Raises :class:`LedgerBroken`."""
        self._tx = tx
        self._size = size
        self.root = root
        subjects = list(dict.fromkeys(subject for _, subject in names))
        spelled = [f"subject|{subject}" for subject in subjects] + [f"{kind}|{subject}" for kind, subject in names]
        digests = key.many([f"ledger|roll|{text}".encode() for text in spelled])
        buckets = {subject: digest.hex()[:DEPTH] for subject, digest in zip(subjects, digests, strict=False)}
        rows = [digest[:_KEY_BYTES] for digest in digests[len(subjects) :]]
        self._names = {name: (buckets[name[1]], row) for name, row in zip(names, rows, strict=True)}
        self._keys = sorted({bucket[:depth] for bucket in buckets.values() for depth in range(DEPTH + 1)})
        self._bodies = sql.read_roll(tx, self._keys)
        self._prove()

    def _prove(self) -> None:
        for prefix in self._keys:
            body = self._bodies.get(prefix)
            wanted = self.root if not prefix else self._child(prefix)
            if not same(_digest(prefix, body), wanted):
                raise LedgerBroken(index=self._size, what="roll")

    def _child(self, prefix: str) -> bytes:
        above = self._bodies.get(prefix[:-1])
        at = int(prefix[-1], 16) * LINK_BYTES
        return NOTHING if above is None else above[at : at + LINK_BYTES]

    def link(self, name: Name) -> bytes:
        """Return the link of ``name``; :data:`NOTHING` if nothing was counted under it."""
        bucket, key = self._names[name]
        return _rows(self._bodies.get(bucket)).get(key, NOTHING)

    def write(self, links: Mapping[Name, bytes]) -> bytes:
        """Store new links of names that were read; return the new root."""
        touched: dict[str, dict[bytes, bytes]] = {}
        for name, link in links.items():
            bucket, key = self._names[name]
            touched.setdefault(bucket, _rows(self._bodies.get(bucket)))[key] = link
        new: dict[str, bytes] = {}
        for bucket, rows in touched.items():
            new[bucket] = b"".join(key + rows[key] for key in sorted(rows))
        for depth in range(DEPTH, 0, -1):
            for prefix in [found for found in new if len(found) == depth]:
                above = new.get(prefix[:-1]) or self._bodies.get(prefix[:-1]) or NOTHING * len(_FAN)
                at = int(prefix[-1], 16) * LINK_BYTES
                new[prefix[:-1]] = above[:at] + _digest(prefix, new[prefix]) + above[at + LINK_BYTES :]
        sql.write_roll(self._tx, new, known=self._bodies.keys())
        self._bodies.update(new)
        self.root = _digest("", new[""]) if new else self.root
        return self.root


def _rows(body: bytes | None) -> dict[bytes, bytes]:
    found = body or b""
    return {
        found[at : at + _KEY_BYTES]: found[at + _KEY_BYTES : at + _ROW_BYTES] for at in range(0, len(found), _ROW_BYTES)
    }


def _digest(prefix: str, body: bytes | None) -> bytes:
    if body is None:
        return NOTHING
    return sha256((_BUCKET if len(prefix) == DEPTH else _NODE) + body)


def whole(tx: Tx, *, root: bytes) -> int | None:
    """Return how many names the stored roll has if all of it is what ``root`` says; else None. For ``fsck``."""
    bodies = sql.read_roll(tx, None)
    names = 0
    wanted = {"": root}
    for prefix in sorted(bodies, key=lambda found: (len(found), found)):
        body = bodies[prefix]
        if len(prefix) > DEPTH or not same(_digest(prefix, body), wanted.pop(prefix, NOTHING)):
            return None
        if len(prefix) == DEPTH:
            names += len(body) // _ROW_BYTES
            continue
        for at, digit in enumerate(_FAN):
            child = body[at * LINK_BYTES : (at + 1) * LINK_BYTES]
            if child != NOTHING:
                wanted[prefix + digit] = child
    return names if not any(link != NOTHING for link in wanted.values()) else None
