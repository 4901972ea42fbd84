"""Key files: a secret sealed by a passphrase (Argon2id → AES-256-GCM). docs/formats/keyfile.md.

Canonical JSON: ``format``, ``purpose``, ``kdf`` (memory_kib, passes, lanes, salt), ``sealed``. Everything
but ``sealed`` is associated data, so cost and purpose cannot be edited.
"""

from __future__ import annotations

from dataclasses import dataclass

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import kdf
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite, WeakParameters
from tigertally.crypto.kdf import Argon2Cost
from tigertally.formats.errors import WrongPassphrase
from tigertally.formats.shape import Reader, parse_canonical, to_b64

FORMAT = "tigertally-keyfile-v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A parsed key file; ``sealed`` opens with the passphrase only."""

    purpose: str
    cost: Argon2Cost
    salt: bytes
    sealed: bytes

    def _head(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "purpose": self.purpose,
            "kdf": {
                "name": "argon2id",
                "memory_kib": self.cost.memory_kib,
                "passes": self.cost.passes,
                "lanes": self.cost.lanes,
                "salt": to_b64(self.salt),
            },
        }

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return canon.dumps({**self._head(), "sealed": to_b64(self.sealed)})

    def open(self, passphrase: SecretText) -> SecretBytes:
        """Return the secret; :class:`WrongPassphrase` if it does not open."""
        key = kdf.stretch(passphrase, salt=self.salt, cost=self.cost)
        try:
            return Cipher(key).unwrap(self.sealed, canon.dumps(self._head()))
        except (DecryptionFailed, UnknownSuite):
            raise WrongPassphrase from None


def seal(secret: SecretBytes, *, purpose: str, passphrase: SecretText, cost: Argon2Cost = kdf.DEFAULT_COST) -> KeyFile:
    """Return ``secret`` sealed by ``passphrase`` for ``purpose`` (a short ASCII word)."""
    salt = kdf.new_salt()
    head = KeyFile(purpose=purpose, cost=cost, salt=salt, sealed=b"")
    key = kdf.stretch(passphrase, salt=salt, cost=cost)
    sealed = Cipher(key).wrap(secret, canon.dumps(head._head()))  # noqa: SLF001 - same room
    return KeyFile(purpose=purpose, cost=cost, salt=salt, sealed=sealed)


def parse(data: bytes) -> KeyFile:
    """Return the key file in ``data``; ``Malformed`` otherwise."""
    reader = Reader(parse_canonical(data, what="keyfile"), what="keyfile", where="file")
    reader.const("format", FORMAT)
    purpose = reader.text("purpose", chars_max=40)
    inner = reader.body("kdf")
    inner.const("name", "argon2id")
    cost = Argon2Cost(
        memory_kib=inner.integer("memory_kib"), passes=inner.integer("passes"), lanes=inner.integer("lanes")
    )
    salt = inner.b64("salt")
    inner.end()
    sealed = reader.b64("sealed")
    reader.end()
    try:
        cost.check()
    except WeakParameters:
        raise reader.wrong("kdf") from None
    if len(salt) != kdf.SALT_BYTES:
        raise reader.wrong("kdf.salt")
    return KeyFile(purpose=purpose, cost=cost, salt=salt, sealed=sealed)
