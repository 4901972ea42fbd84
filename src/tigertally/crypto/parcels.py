"""Parcels: files sealed for parties without an installation of ours, in OpenPGP (RFC 9580, RFC 4880) or age.

1. a recipient's key is judged before anything is sealed to it: RSA from 4096 bits, Curve25519 and Curve448, the NIST
   curves and the composite post-quantum keys pass; DSA, ElGamal, shorter RSA, revoked or expired keys, keys with
   secrets in them and SSH keys are refused by name. *Every* key of a certificate is judged, for the library may seal
   to any of them;
2. what is sealed streams through a process of its own (``parcelling``), for the OpenPGP library keeps the interpreter
   to itself while it works: memory does not grow with the file, and clear bytes are in a pipe only;
3. a parcel that was not closed is not one: the helper's exit is looked at, and its words are not repeated.

The libraries are Sequoia (``pysequoia``) and rage (``pyrage``), an extra: without them nothing is sealed this way.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import IO, Final

from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.errors import ParcelFailed, ParcelsUnavailable, RecipientRefused

KEY_BYTES_MAX: Final = 65_536
RSA_BITS_MIN: Final = 4_096
_AGE: Final = b"age1"
_RSA: Final = frozenset({"RSAEncryptSign", "RSAEncrypt", "RSASign"})
_MODERN: Final = frozenset(
    {
        *("ECDH", "ECDSA", "EdDSA", "X25519", "X448", "Ed25519", "Ed448"),
        *("MLDSA65_Ed25519", "MLDSA87_Ed448", "MLKEM768_X25519", "MLKEM1024_X448"),
        *("SLHDSA128s", "SLHDSA128f", "SLHDSA256s"),
    }
)
# RFC 9580 section 9.2: P-256, P-384, P-521, Ed25519Legacy, Curve25519Legacy; each with its length before it.
_CURVES: Final = frozenset(
    bytes.fromhex(text)
    for text in ("2a8648ce3d030107", "2b81040022", "2b81040023", "2b06010401da470f01", "2b060104019755010501")
)
_CURVED: Final = frozenset({"ECDH", "ECDSA", "EdDSA"})
_V4, _V6 = 4, 6


class ParcelKind(Enum):
    """How a parcel is sealed; the value ends the file's name."""

    OPENPGP = "pgp"
    AGE = "age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A judged public key. ``fingerprint`` is what two persons compare: OpenPGP's, or age's recipient itself."""

    kind: ParcelKind
    fingerprint: str
    data: bytes

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the key as given."""
        return sha256_hex(self.data)


def read_recipient(data: bytes, *, now: datetime) -> Recipient:
    """Return the one key in ``data``: an OpenPGP certificate (armoured or not) or an age recipient.

    Raises ``RecipientRefused`` with the reason, ``ParcelsUnavailable``.
    """
    if len(data) > KEY_BYTES_MAX:
        raise RecipientRefused(reason="size")
    if data.lstrip().startswith(b"ssh-"):
        raise RecipientRefused(reason="ssh")
    return _age(data.strip()) if data.lstrip().startswith(_AGE) else _openpgp(data, now=now)


def _age(text: bytes) -> Recipient:
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ImportError:
        raise ParcelsUnavailable from None
    try:
        found = str(pyrage.x25519.Recipient.from_str(text.decode("ascii")))
    except (pyrage.RecipientError, UnicodeDecodeError):
        raise RecipientRefused(reason="age") from None
    return Recipient(kind=ParcelKind.AGE, fingerprint=found, data=found.encode())


def _openpgp(data: bytes, *, now: datetime) -> Recipient:
    try:
        import pysequoia  # noqa: PLC0415 - an extra
        from pysequoia.packet import PacketPile  # noqa: PLC0415 - an extra
    except ImportError:
        raise ParcelsUnavailable from None
    try:
        (cert,) = pysequoia.Cert.split_bytes(data)
        packets = list(PacketPile.from_bytes(data))
        revoked, until = cert.is_revoked, cert.expiration
    except Exception:  # noqa: BLE001 - the library raises plain exceptions whose words quote their input
        raise RecipientRefused(reason="malformed") from None
    if any(".Secret" in str(packet.tag) for packet in packets):
        raise RecipientRefused(reason="secret")
    if revoked:
        raise RecipientRefused(reason="revoked")
    if until is not None and until <= now:
        raise RecipientRefused(reason="expired")
    for packet in packets:
        if packet.key_algorithm is not None and str(packet.tag).endswith(("PublicKey", "PublicSubkey")):
            _judge(str(packet.key_algorithm).rpartition(".")[2], packet.body)
    try:
        # A first, empty parcel: refused if no key of the certificate may be sealed to.
        pysequoia.encrypt(b"", recipients=[cert])
    except Exception:  # noqa: BLE001 - as above
        raise RecipientRefused(reason="no_encryption_key") from None
    return Recipient(kind=ParcelKind.OPENPGP, fingerprint=str(cert.fingerprint), data=bytes(cert))


def _judge(algorithm: str, body: bytes) -> None:
    """Raise ``RecipientRefused`` unless a key packet is strong enough. Layout: RFC 9580 section 5.5.2."""
    version = body[0] if body else 0
    if version not in {_V4, _V6}:
        raise RecipientRefused(reason="version")
    material = body[6 if version == _V4 else 10 :]
    if algorithm in _RSA:
        if int.from_bytes(material[:2], "big") < RSA_BITS_MIN:
            raise RecipientRefused(reason="rsa_short")
    elif algorithm not in _MODERN:
        raise RecipientRefused(reason="algorithm")
    elif algorithm in _CURVED and material[1 : 1 + material[0]] not in _CURVES:
        raise RecipientRefused(reason="curve")


@contextmanager
def sealing(recipient: Recipient, out: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give a stream; what is written to it is in ``out``, sealed, when the block ends. Raises ``ParcelFailed``."""
    with _helper(f"seal-{recipient.kind.value}", recipient.data, out) as stream:
        yield stream


@contextmanager
def _helper(act: str, key: bytes, out: IO[bytes]) -> Iterator[IO[bytes]]:
    command = [sys.executable, "-I", "-m", "tigertally.crypto.parcelling", act]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and room
        command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, env={}
    ) as child:
        stream = child.stdin
        if stream is None:
            raise ParcelFailed
        try:
            stream.write(len(key).to_bytes(4, "big") + key)
            yield stream
            stream.close()
        except BrokenPipeError:
            child.kill()
            raise ParcelFailed from None
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0:
            raise ParcelFailed
