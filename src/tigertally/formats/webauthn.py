"""What an authenticator answers (W3C Web Authentication level 3): registration and assertion, parsed and verified.

Answers are the JSON that browsers make (``PublicKeyCredential.toJSON``). Verified as §7.1 and §7.2 say: 1. client data
of the right type, challenge and origin, not from another origin's frame; 2. authenticator data for the host, with the
user present and verified, without extensions; 3. registration: attestation "none", a key of an algorithm that was
asked for; 4. assertion: the signature over authenticator data and the digest of client data. Everything that is not
exactly that is ``Malformed`` or ``SignatureInvalid``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tigertally.crypto.digest import same, sha256
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.passkeys import EDDSA, ES256, is_key, verifies
from tigertally.formats.errors import Malformed

BYTES_MAX: Final = 65_536
CREDENTIAL_BYTES_MAX: Final = 1023
_PRESENT, _VERIFIED, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x40, 0x80
_HEAD_BYTES: Final = 37
_AAGUID_BYTES: Final = 16
_COORDINATE_BYTES: Final = 32
_DEPTH_MAX: Final = 4

Cbor = int | bytes | str | dict[int | str, "Cbor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A registered key: its id (base64url), algorithm (COSE), public key and signature counter."""

    id: str
    algorithm: int
    key: bytes
    count: int


def to_url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def host_of(origin: str) -> str:
    """Return the host of an origin ``https://host[:port]``, or of ``http://localhost``; ``Malformed`` else."""
    parts = urlsplit(origin)
    try:
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
        whole = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        raise _wrong("origin") from None
    if not secure or not parts.hostname or origin != whole:
        raise _wrong("origin")
    return parts.hostname


def site_of(origin: str) -> str:
    """Return what has the same keys: an https origin, its port included; for ``http://localhost`` any port.

    On the loopback interface a page has whatever port was free. Whom an answer was given to is the origin's matter,
    with its port (§7.2 step 13), wherever a key came from. Raises ``Malformed``.
    """
    return "http://localhost" if host_of(origin) == "localhost" and origin.startswith("http:") else origin


def registered(answer: bytes, *, challenge: bytes, origin: str) -> Credential:
    """Return the credential that a registration made. Raises ``Malformed``."""
    ident, response = _response(answer)
    _client_data(response, kind="webauthn.create", challenge=challenge, origin=origin)
    body, rest = _cbor(_bytes(response, "attestationObject"), 0)
    if rest or not isinstance(body, dict) or body.keys() != {"fmt", "attStmt", "authData"}:
        raise _wrong("attestationObject")
    data = body["authData"]
    if body["fmt"] != "none" or body["attStmt"] != {} or not isinstance(data, bytes):
        raise _wrong("attestation")
    count = _authenticator(data, origin=origin, attested=True)
    at = _HEAD_BYTES + _AAGUID_BYTES
    length = int.from_bytes(data[at : at + 2], "big")
    found = data[at + 2 : at + 2 + length]
    if not 1 <= length <= CREDENTIAL_BYTES_MAX or len(found) != length or to_url(found) != ident:
        raise _wrong("credentialId")
    cose, rest = _cbor(data[at + 2 + length :], 0)
    if rest or not isinstance(cose, dict):
        raise _wrong("publicKey")
    algorithm, key = _key(cose)
    return Credential(id=ident, algorithm=algorithm, key=key, count=count)


def asserted(answer: bytes, *, credential: Credential, challenge: bytes, origin: str) -> int:
    """Return the counter of an assertion by ``credential``.

    Raises ``Malformed``; ``SignatureInvalid`` also if the counter did not rise: a copy of the key may exist (§6.1.1).
    """
    ident, response = _response(answer)
    if ident != credential.id:
        raise _wrong("id")
    client = _client_data(response, kind="webauthn.get", challenge=challenge, origin=origin)
    data = _bytes(response, "authenticatorData")
    count = _authenticator(data, origin=origin, attested=False)
    signed = data + sha256(client)
    if not verifies(credential.algorithm, credential.key, _bytes(response, "signature"), signed):
        raise SignatureInvalid
    if (count or credential.count) and count <= credential.count:
        raise SignatureInvalid
    return count


def ident_of(answer: bytes) -> str:
    """Return which credential an answer says it is of. Raises ``Malformed``."""
    return _response(answer)[0]


def _wrong(where: str) -> Malformed:
    return Malformed(what="webauthn", where=where)


def _response(answer: bytes) -> tuple[str, Mapping[str, object]]:
    if len(answer) > BYTES_MAX:
        raise _wrong("size")
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError):
        raise _wrong("JSON") from None
    if not isinstance(body, dict) or body.get("type") != "public-key":
        raise _wrong("type")
    ident, response = body.get("id"), body.get("response")
    if not isinstance(ident, str) or ident != body.get("rawId") or not isinstance(response, dict):
        raise _wrong("id")
    return ident, response


def _bytes(response: Mapping[str, object], name: str) -> bytes:
    text = response.get(name)
    if not isinstance(text, str):
        raise _wrong(name)
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(name) from None
    if to_url(found) != text:
        raise _wrong(name)
    return found


def _client_data(response: Mapping[str, object], *, kind: str, challenge: bytes, origin: str) -> bytes:
    raw = _bytes(response, "clientDataJSON")
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _wrong("clientDataJSON") from None
    if not isinstance(body, dict) or body.get("type") != kind:
        raise _wrong("clientData.type")
    given = body.get("challenge")
    if not isinstance(given, str) or not same(given.encode(), to_url(challenge).encode()):
        raise _wrong("challenge")
    if body.get("origin") != origin or body.get("crossOrigin", False) is not False or "topOrigin" in body:
        raise _wrong("origin")
    return raw


def _authenticator(data: bytes, *, origin: str, attested: bool) -> int:
    if len(data) < _HEAD_BYTES or (not attested and len(data) != _HEAD_BYTES):
        raise _wrong("authenticatorData")
    if not same(data[:32], sha256(host_of(origin).encode())):
        raise _wrong("rpIdHash")
    flags = data[32]
    if not flags & _PRESENT or not flags & _VERIFIED or flags & _EXTENDED or bool(flags & _ATTESTED) is not attested:
        raise _wrong("flags")
    return int.from_bytes(data[33:_HEAD_BYTES], "big")


def _key(cose: Mapping[int | str, Cbor]) -> tuple[int, bytes]:
    """Return algorithm and public key of a COSE key (RFC 9053) with exactly the members that its kind has."""
    algorithm, x, y = cose.get(3), cose.get(-2), cose.get(-3)
    key = b""
    if isinstance(x, bytes) and len(x) == _COORDINATE_BYTES:
        if algorithm == EDDSA and cose == {1: 1, 3: EDDSA, -1: 6, -2: x}:
            key = x
        elif isinstance(y, bytes) and len(y) == _COORDINATE_BYTES and cose == {1: 2, 3: ES256, -1: 1, -2: x, -3: y}:
            key = b"\x04" + x + y
    if not isinstance(algorithm, int) or not is_key(algorithm, key):
        raise _wrong("publicKey")
    return algorithm, key


def _cbor(data: bytes, depth: int) -> tuple[Cbor, bytes]:
    """Return one item of CBOR (RFC 8949) and what follows: integers, strings and maps of definite, shortest length."""
    if not data or depth > _DEPTH_MAX:
        raise _wrong("CBOR")
    major, low = data[0] >> 5, data[0] & 31
    number, rest = _argument(low, data[1:])
    if major in (0, 1):
        return (number if major == 0 else -1 - number), rest
    if major in (2, 3):
        if len(rest) < number:
            raise _wrong("CBOR")
        found, rest = rest[:number], rest[number:]
        try:
            return (found if major == 2 else found.decode("utf-8")), rest  # noqa: PLR2004 - RFC 8949 §3.1
        except UnicodeDecodeError:
            raise _wrong("CBOR") from None
    if major != 5:  # noqa: PLR2004
        raise _wrong("CBOR")
    body: dict[int | str, Cbor] = {}
    for _ in range(number):
        name, rest = _cbor(rest, depth + 1)
        value, rest = _cbor(rest, depth + 1)
        if not isinstance(name, int | str) or name in body:
            raise _wrong("CBOR")
        body[name] = value
    return body, rest


def _argument(low: int, rest: bytes) -> tuple[int, bytes]:
    if low < 24:  # noqa: PLR2004 - RFC 8949 §3
        return low, rest
    size = {24: 1, 25: 2, 26: 4}.get(low, 0)
    number = int.from_bytes(rest[:size], "big")
    least = {1: 24, 2: 1 << 8, 4: 1 << 16}.get(size, 0)
    if not size or len(rest) < size or number < least:
        raise _wrong("CBOR")
    return number, rest[size:]
