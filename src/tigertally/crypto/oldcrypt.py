"""Old password hashes by iterated digests: SHA-crypt, MD5-crypt and phpass. To verify, never to make.

Written from Drepper's *Unix crypt using SHA-256 and SHA-512* (0.6), from what crypt(5) says of ``$1$`` and ``$apr1$``,
and from phpass' portable hashes. All spell bytes in the same 64 letters, the lowest six bits first. Every function
returns the last part of the stored text, which the caller compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

LETTERS: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHA_ROUNDS: Final = 5_000  # where the text names none
SHA_ROUNDS_MIN: Final = 1_000
MD5_ROUNDS: Final = 1_000


def sha_crypt(algorithm: str, password: bytes, salt: bytes, *, rounds: int) -> str:
    """Return the hash of SHA-crypt; ``algorithm`` is ``sha256`` or ``sha512``. Steps as the specification numbers."""
    made = getattr(hashlib, algorithm)
    width = made().digest_size
    other = made(password + salt + password).digest()  # 4–8
    first = password + salt + _repeated(other, len(password))  # 1–3, 9, 10
    left = len(password)
    while left:  # 11
        first += other if left & 1 else password
        left >>= 1
    state = made(first).digest()  # 12
    word = _repeated(made(password * len(password)).digest(), len(password))  # 13–16
    grain = _repeated(made(salt * (16 + state[0])).digest(), len(salt))  # 17–20
    for turn in range(rounds):  # 21
        begin, end = (word, state) if turn & 1 else (state, word)
        state = made(begin + (grain if turn % 3 else b"") + (word if turn % 7 else b"") + end).digest()
    third = width // 3
    at, places = (0, third, 2 * third), []
    for _ in range(third):
        places.append(at)
        one, two, three = at
        at = (two + 1, three + 1, one + 1) if algorithm == "sha512" else (three + 1, one + 1, two + 1)
    spelled = [_spelled((state[one] << 16) | (state[two] << 8) | state[three], 4) for one, two, three in places]
    return "".join(spelled) + (_spelled(state[63], 2) if width == 64 else _spelled(state[31] << 8 | state[30], 3))  # noqa: PLR2004


def md5_crypt(password: bytes, salt: bytes, *, magic: bytes) -> str:
    """Return the hash of MD5-crypt; ``magic`` is ``$1$`` or ``$apr1$``."""
    state = _md5(password, salt, password)
    first = password + magic + salt + _repeated(state, len(password))
    left = len(password)
    while left:
        first += b"\x00" if left & 1 else password[:1]
        left >>= 1
    state = _md5(first)
    for turn in range(MD5_ROUNDS):
        begin, end = (password, state) if turn & 1 else (state, password)
        state = _md5(begin, salt if turn % 3 else b"", password if turn % 7 else b"", end)
    places = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
    spelled = [_spelled((state[one] << 16) | (state[two] << 8) | state[three], 4) for one, two, three in places]
    return "".join(spelled) + _spelled(state[11], 2)


def phpass(password: bytes, salt: bytes, *, rounds: int) -> str:
    """Return the hash of phpass' portable form."""
    state = _md5(salt, password)
    for _ in range(rounds):
        state = _md5(state, password)
    pieces = [state[at : at + 3] for at in range(0, len(state), 3)]
    return "".join(_spelled(int.from_bytes(piece, "little"), len(piece) + 1) for piece in pieces)


def _md5(*pieces: bytes) -> bytes:
    return hashlib.md5(b"".join(pieces), usedforsecurity=False).digest()


def _repeated(pattern: bytes, length: int) -> bytes:
    return (pattern * (length // len(pattern) + 1))[:length]


def _spelled(number: int, letters: int) -> str:
    places: Iterable[int] = range(0, 6 * letters, 6)
    return "".join(LETTERS[number >> place & 63] for place in places)
