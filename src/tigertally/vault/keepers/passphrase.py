"""The root key in a file sealed by a passphrase (Argon2id → AES-256-GCM; docs/formats/keyfile.md).

Invariants: the file is made whole or not at all, readable by its owner only; it is never overwritten; the
passphrase is asked for once and not kept. Whoever loses the file or the passphrase has lost every record, so
a copy of the file belongs in another place before anything is sealed (docs/OPERATE.md).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import aead, kdf
from tigertally.crypto.errors import BadKey
from tigertally.crypto.kdf import Argon2Cost
from tigertally.formats import keyfile
from tigertally.formats.errors import Malformed
from tigertally.vault.errors import KeeperUnavailable, KeyFileExists, NoKeyFile
from tigertally.vault.keepers.rooted import Rooted

PURPOSE: Final = "root"
FILE_BYTES_MAX: Final = 4096


def create(
    path: Path, *, passphrase: SecretText, cost: Argon2Cost = kdf.DEFAULT_COST, root: SecretBytes | None = None
) -> Rooted:
    """Make a root key (or take the one given), store it at ``path`` (mode 0600), return its keeper.

    Raises :class:`KeyFileExists`; :class:`KeeperUnavailable` if the file cannot be written;
    ``WeakParameters`` for a cost out of range.
    """
    if path.exists():
        raise KeyFileExists
    root = aead.new_key() if root is None else root
    data = keyfile.seal(root, purpose=PURPOSE, passphrase=passphrase, cost=cost).to_bytes()
    try:
        _write_new(path, data)
    except FileExistsError:
        raise KeyFileExists from None
    except OSError as error:
        raise KeeperUnavailable(reason=type(error).__name__) from None
    return Rooted(root)


def open_file(path: Path, *, passphrase: SecretText) -> Rooted:
    """Return the keeper of the root key at ``path``.

    Raises :class:`NoKeyFile`, ``Malformed`` for another file, ``WrongPassphrase``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        raise NoKeyFile from None
    parsed = keyfile.parse(data)
    if parsed.purpose != PURPOSE:
        raise Malformed(what="keyfile", where="purpose")
    try:
        return Rooted(parsed.open(passphrase))
    except BadKey:
        raise Malformed(what="keyfile", where="sealed") from None


def _write_new(path: Path, data: bytes) -> None:
    """Write beside, then link into place: a link never replaces a file, and a crash leaves no half one."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
