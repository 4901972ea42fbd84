"""The group that shares are committed in: NIST P-256, whose order is prime, so every point is of full order.

Source: FIPS 186-5 / SP 800-186 §3.2.1.3; point encoding of SEC 1 v2 §2.3.3 (compressed, 33 bytes).

Secret scalars are multiplied by OpenSSL only, in constant time (:func:`times_base`, :func:`times`); its interface
gives the x-coordinate of a product with any other point than the base, so the sign is found from a second product.
Arithmetic in Python (:func:`add`, :func:`multiply`) is for public points and public scalars: its time depends on them.
``None`` is the point at infinity.
"""

from __future__ import annotations

import secrets
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey

Point: TypeAlias = tuple[int, int]
MaybePoint: TypeAlias = Point | None

P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G: Final[Point] = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SCALAR_BYTES: Final = 32
POINT_BYTES: Final = 33
_H_LABEL: Final = b"tigertally/v1/pedersen-h\x00"
_EVEN, _ODD = 2, 3


def new_scalar() -> int:
    """Return a random scalar from 1 to N-1."""
    return secrets.randbelow(N - 1) + 1


def encode(point: Point) -> bytes:
    """Return the compressed encoding (33 bytes)."""
    x, y = point
    return bytes([_ODD if y & 1 else _EVEN]) + x.to_bytes(SCALAR_BYTES, "big")


def decode(raw: bytes) -> Point:
    """Return the point that has this encoding; :class:`BadKey` for any other bytes, infinity included."""
    if len(raw) != POINT_BYTES or raw[0] not in (_EVEN, _ODD):
        raise BadKey
    x = int.from_bytes(raw[1:], "big")
    y = _root(x) if x < P else None
    if y is None:
        raise BadKey
    return (x, y if y & 1 == raw[0] & 1 else P - y)


def add(left: MaybePoint, right: MaybePoint) -> MaybePoint:
    """Return the sum of two public points."""
    if left is None or right is None:
        return right if left is None else left
    (x1, y1), (x2, y2) = left, right
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    elif (y1 + y2) % P == 0:
        return None
    else:
        slope = 3 * (x1 * x1 - 1) * pow(2 * y1, -1, P) % P
    x3 = (slope * slope - x1 - x2) % P
    return (x3, (slope * (x1 - x3) - y1) % P)


def multiply(scalar: int, point: MaybePoint) -> MaybePoint:
    """Return a public point times a public scalar."""
    total: MaybePoint = None
    for bit in f"{scalar % N:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def times_base(scalar: int) -> MaybePoint:
    """Return the base point times a secret scalar."""
    if scalar % N == 0:
        return None
    numbers = ec.derive_private_key(scalar % N, ec.SECP256R1()).public_key().public_numbers()
    return (numbers.x, numbers.y)


def times(scalar: int, point: Point) -> MaybePoint:
    """Return a public point times a secret scalar."""
    scalar %= N
    if scalar == 0:
        return None
    if scalar == N - 1:
        return (point[0], P - point[1])
    public = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    x, beyond = (
        int.from_bytes(ec.derive_private_key(part, ec.SECP256R1()).exchange(ec.ECDH(), public), "big")
        for part in (scalar, scalar + 1)
    )
    y = _root(x)
    if y is None:
        raise BadKey
    after = add((x, y), point)
    return (x, y) if after is not None and after[0] == beyond else (x, P - y)


def _root(x: int) -> int | None:
    """Return a y with (x, y) on the curve, if there is one. P ≡ 3 mod 4."""
    square = (x * x * x - 3 * x + _B) % P
    y = pow(square, (P + 1) // 4, P)
    return y if y * y % P == square else None


def _second_base() -> Point:
    """Return H, of which nobody knows the logarithm: the first hash of a label and a counter that is an x, y even."""
    for counter in range(256):
        x = int.from_bytes(sha256(_H_LABEL + bytes([counter])), "big")
        y = _root(x) if x < P else None
        if y is not None:
            return (x, P - y if y & 1 else y)
    raise BadKey  # once in 2^256 labels


H: Final[Point] = _second_base()
