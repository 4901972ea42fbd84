"""SM2 (GB/T 32918-2016, curve of part 5): signatures, and sealing to a public key, in the layouts of ``guomi-1``.

docs/formats/suite.md.
1. public key = ``version ‖ suite ‖ x(32) ‖ y(32)``; its id is SM3 of that;
2. signature = ``version ‖ suite ‖ r(32) ‖ s(32)`` over SM3 with the signer's id of GM/T 0009 (``1234567812345678``);
3. sealed = ``version ‖ suite ‖ C1: x(32) ‖ y(32) ‖ C3(32) ‖ C2(16) ‖ sealed value``: SM2 carries a fresh SM4 key, under
   which the content is sealed as any value of the suite, bound to what carries the key and to ``info``.

The arithmetic is GmSSL's, in C, by the extra ``guomi``; without it every function here is :class:`SuiteUnavailable`.
GmSSL writes lines about what it refuses to standard error: places in its source, no content. SM2 is not safe against
quantum computers and stands here for those who must have it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher, key_bytes, new_key
from tigertally.crypto.digest import sm3
from tigertally.crypto.errors import BadKey, DecryptionFailed, SignatureInvalid, SuiteUnavailable
from tigertally.crypto.suites import Suite, check_header

SUITE: Final = Suite.GUOMI_1
NUMBER_BYTES: Final = 32
PUBLIC_BYTES: Final = 2 + 2 * NUMBER_BYTES
SIGNATURE_BYTES: Final = 2 + 2 * NUMBER_BYTES
SECRET_BYTES: Final = 3 * NUMBER_BYTES
CARRIED_BYTES: Final = 3 * NUMBER_BYTES + 16
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_PROBE: Final = b"tigertally/v1/sm2"


class Sm2Public:
    """Somebody's public key: verifies what they signed, seals what they may read."""

    __slots__ = ("_point", "raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PUBLIC_BYTES or raw[:2] != SUITE.header:
            raise BadKey
        gmssl = _gmssl()
        self.raw = raw
        self._point = raw[2:]
        try:  # GmSSL looks at the point when it is used: whatever it answers, it must be on the curve
            gmssl.sm2_verify(self._point, _PROBE, encode_dss_signature(1, 1))
        except gmssl.GmsslInnerError:
            raise BadKey from None

    @property
    def key_id(self) -> str:
        """SM3 of the public bytes, as 64 hex digits."""
        return sm3(self.raw).hex()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return if the signature verifies; else raise :class:`SignatureInvalid`."""
        if len(signature) != SIGNATURE_BYTES or signature[:2] != SUITE.header:
            raise SignatureInvalid
        gmssl = _gmssl()
        r, s = (int.from_bytes(half, "big") for half in (signature[2:34], signature[34:]))
        try:
            good = gmssl.sm2_verify(self._point, message, encode_dss_signature(r, s))
        except gmssl.GmsslInnerError:
            raise SignatureInvalid from None
        if good is not True:
            raise SignatureInvalid

    def seal(self, plaintext: bytes, *, info: bytes) -> bytes:
        """Return ``plaintext`` sealed to the holder of the private key. ``info`` names the purpose, never empty."""
        if not info:
            raise ValueError("info must name the purpose")
        with new_key(SUITE) as key:
            carried = _from_der(_gmssl().sm2_encrypt(self._point, key.expose()))
            return SUITE.header + carried + Cipher(key, SUITE).seal(plaintext, carried + info)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sm2Public) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class Sm2Key:
    """A private key, kept with its public half: ``d(32) ‖ x(32) ‖ y(32)``."""

    __slots__ = ("public", "secret")

    def __init__(self, secret: SecretBytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise BadKey
        self.secret = secret
        self.public = Sm2Public(SUITE.header + secret.expose()[NUMBER_BYTES:])
        try:
            self.public.verify(_PROBE, self.sign(_PROBE))  # halves that do not belong together sign nothing
        except SignatureInvalid:
            raise BadKey from None

    @classmethod
    def generate(cls) -> Sm2Key:
        """Return a fresh key. Raises :class:`SuiteUnavailable`."""
        public, private = _gmssl().sm2_key_generate()
        return cls(SecretBytes(private + public))

    def sign(self, message: bytes) -> bytes:
        """Return the signature over ``message``. Raises :class:`BadKey` for a number that is no key."""
        gmssl, raw = _gmssl(), self.secret.expose()
        try:
            r, s = decode_dss_signature(gmssl.sm2_sign(raw[:NUMBER_BYTES], raw[NUMBER_BYTES:], message))
        except gmssl.GmsslInnerError:
            raise BadKey from None
        return SUITE.header + r.to_bytes(NUMBER_BYTES, "big") + s.to_bytes(NUMBER_BYTES, "big")

    def open(self, sealed: bytes, *, info: bytes) -> SecretBytes:
        """Return what was sealed to us under ``info``; any doubt raises :class:`DecryptionFailed`."""
        check_header(sealed, SUITE)
        carried, value = sealed[2 : 2 + CARRIED_BYTES], sealed[2 + CARRIED_BYTES :]
        if len(carried) != CARRIED_BYTES:
            raise DecryptionFailed
        gmssl = _gmssl()
        try:
            key = gmssl.sm2_decrypt(self.secret.expose()[:NUMBER_BYTES], _to_der(carried))
        except gmssl.GmsslInnerError:
            raise DecryptionFailed from None
        if len(key) != key_bytes(SUITE):
            raise DecryptionFailed
        with SecretBytes(key) as opened:
            return SecretBytes(Cipher(opened, SUITE).open(value, carried + info))

    def __repr__(self) -> str:
        return "<sm2 key>"


def _gmssl() -> ModuleType:
    try:
        import gmssl_pyx  # noqa: PLC0415 - an extra
    except ImportError:
        raise SuiteUnavailable(what="SM2") from None
    return gmssl_pyx  # type: ignore[no-any-return]


def _to_der(carried: bytes) -> bytes:
    """Return C1 ‖ C3 ‖ C2 as GM/T 0009 §7.2 has it: SEQUENCE of x, y, C3, C2. Always shorter than 128 bytes."""
    x, y, check, text = carried[:32], carried[32:64], carried[64:96], carried[96:]
    body = b"".join([_integer(x), _integer(y), bytes([_OCTETS, len(check)]), check, bytes([_OCTETS, len(text)]), text])
    return bytes([_SEQUENCE, len(body)]) + body


def _integer(number: bytes) -> bytes:
    shortest = number.lstrip(b"\x00")
    if not shortest or shortest[0] >> 7:
        shortest = b"\x00" + shortest
    return bytes([_INTEGER, len(shortest)]) + shortest


def _from_der(der: bytes) -> bytes:
    """Return what GmSSL made, as C1 ‖ C3 ‖ C2; held to be the one spelling of it."""
    at, parts = 2, []
    while at < len(der):
        length = der[at + 1]
        parts.append(der[at + 2 : at + 2 + length])
        at += 2 + length
    x, y, check, text = parts
    numbers = b"".join(int.from_bytes(one, "big").to_bytes(NUMBER_BYTES, "big") for one in (x, y))
    carried = numbers + check + text
    if len(carried) != CARRIED_BYTES or _to_der(carried) != der:
        raise DecryptionFailed
    return carried
