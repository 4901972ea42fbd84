"""FF1: encryption that keeps length and alphabet, by column (NIST SP 800-38G, algorithms 7 and 8).

1. radix 2 to 256, length 2 to :data:`LENGTH_MAX` numerals, AES-128, -192 or -256, a tweak of any length up to
   :data:`TWEAK_BYTES_MAX`: one for the column or one per value;
2. a domain of fewer than 10^6 values is refused (SP 800-38G revision 1, second draft, makes that a requirement); FF3,
   withdrawn there, is not here;
3. each of the ten rounds is one call of AES for a block of values small enough for the cache. Where both halves of a
   value are below 2^56, the arithmetic is of machine words; else of Python's integers, tens of times slower.

Deterministic, and no integrity: equal values under one key and tweak are equal afterwards, and any text of the
alphabet decrypts. A tweak is no secret; let it name where a value belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from tigertally.base.secret import SecretBytes
from tigertally.crypto import numerals
from tigertally.crypto.errors import BadKey, DomainTooSmall, NotNumerals
from tigertally.crypto.numerals import Numerals, Words

DOMAIN_MIN: Final = 10**6
LENGTH_MAX: Final = 255
TWEAK_BYTES_MAX: Final = 65_535
KEY_BYTES: Final = frozenset({16, 24, 32})
ROUNDS: Final = 10
BLOCK_BYTES: Final = 16
# Values at a time: their blocks, before and after the cipher, stay in a second-level cache of 1 MiB.
COLUMN_STEP: Final = 8_192

_RADICES: Final = range(2, 257)
_LENGTHS: Final = range(2, LENGTH_MAX + 1)
_BIG: Final = np.dtype(">u8")
_ONE_WORD_BYTES: Final = 8

Blocks: TypeAlias = npt.NDArray[np.uint8]
Tweaks: TypeAlias = bytes | Blocks


@dataclass(frozen=True, slots=True)
class _Shape:
    """What depends on radix and lengths only; names as in the standard."""

    radix: int
    length: int
    tweak_bytes: int

    @property
    def u(self) -> int:
        return self.length // 2

    @property
    def v(self) -> int:
        return self.length - self.u

    @property
    def b(self) -> int:
        return _whole((self.radix**self.v - 1).bit_length(), 8)

    @property
    def d(self) -> int:
        return 4 * _whole(self.b, 4) + 4

    @property
    def padding(self) -> int:
        return (-self.tweak_bytes - self.b - 1) % BLOCK_BYTES

    def modulus(self, turn: int) -> int:
        """Return what the half that round ``turn`` changes is counted modulo."""
        modulus: int = self.radix ** (self.v if turn % 2 else self.u)
        return modulus

    def first_block(self) -> bytes:
        """Return P."""
        head = bytes((1, 2, 1)) + self.radix.to_bytes(3, "big") + bytes((ROUNDS, self.u % 256))
        return head + self.length.to_bytes(4, "big") + self.tweak_bytes.to_bytes(4, "big")


class Ff1:
    """FF1 under one key and radix. Raises ``BadKey`` unless the key has 16, 24 or 32 bytes."""

    __slots__ = ("_cipher", "_radix")

    def __init__(self, key: SecretBytes, *, radix: int = 10) -> None:
        if len(key) not in KEY_BYTES:
            raise BadKey
        if radix not in _RADICES:
            raise ValueError("radix")
        # FF1 is made of single blocks; nothing is encrypted with the bare cipher.
        self._cipher = Cipher(algorithms.AES(key.expose()), modes.ECB())  # noqa: S305
        self._radix = radix

    def __repr__(self) -> str:
        return f"<ff1, radix {self._radix}>"

    def encrypt(self, rows: Numerals, tweak: Tweaks = b"") -> Numerals:
        """Return ``rows``, shape (n, length), encrypted row by row; ``tweak`` is one, or rows of n of one length.

        Raises :class:`DomainTooSmall`, :class:`NotNumerals`.
        """
        return self._apply(rows, tweak, range(ROUNDS), forward=True)

    def decrypt(self, rows: Numerals, tweak: Tweaks = b"") -> Numerals:
        """Undo :meth:`encrypt`; the same shapes and errors."""
        return self._apply(rows, tweak, range(ROUNDS - 1, -1, -1), forward=False)

    def _apply(self, rows: Numerals, tweak: Tweaks, turns: range, *, forward: bool) -> Numerals:
        count, length = rows.shape
        width = len(tweak) if isinstance(tweak, bytes) else tweak.shape[1]
        if length not in _LENGTHS or width > TWEAK_BYTES_MAX:
            raise NotNumerals
        if not isinstance(tweak, bytes) and len(tweak) != count:
            raise ValueError("tweaks and rows differ in number")
        if self._radix**length < DOMAIN_MIN:
            raise DomainTooSmall
        if rows.size and int(rows.max()) >= self._radix:
            raise NotNumerals
        shape = _Shape(self._radix, length, width)
        out: Numerals = np.empty((count, length), np.uint8)
        ecb = self._cipher.encryptor()
        work = _words if numerals.fits_word(self._radix, shape.v) else _integers
        for start in range(0, count, COLUMN_STEP):
            chosen = slice(start, start + COLUMN_STEP)
            tweaks = np.frombuffer(tweak, np.uint8)[None, :] if isinstance(tweak, bytes) else tweak[chosen]
            work(ecb, shape, rows[chosen], tweaks, out[chosen], turns, forward=forward)
        return out


def _whole(amount: int, unit: int) -> int:
    return -(-amount // unit)


def _encrypted(ecb: CipherContext, blocks: Blocks) -> Blocks:
    """Return each block of 16 bytes encrypted by itself."""
    made = np.empty(blocks.size + BLOCK_BYTES, np.uint8)
    ecb.update_into(blocks.data.cast("B"), made.data)
    return made[: blocks.size].reshape(-1, BLOCK_BYTES)


def _prefixed(ecb: CipherContext, shape: _Shape, tweaks: Blocks) -> tuple[Blocks, Blocks]:
    """Return the chain's state before the blocks that change from round to round, and those blocks without the change.

    Shapes (n, 16) and (n, 16·k), n being 1 for one tweak: P and what fills whole blocks of the tweak is the same in all
    rounds. The last b + 1 bytes, zero here, are for the round's number and the other half.
    """
    kept = (shape.tweak_bytes + shape.padding) // BLOCK_BYTES * BLOCK_BYTES
    fixed = np.zeros((len(tweaks), shape.tweak_bytes + shape.padding + shape.b + 1), np.uint8)
    fixed[:, : shape.tweak_bytes] = tweaks
    first = np.frombuffer(shape.first_block(), np.uint8)
    state = np.repeat(_encrypted(ecb, first), len(tweaks), axis=0)
    for at in range(0, kept, BLOCK_BYTES):
        state = _encrypted(ecb, state ^ fixed[:, at : at + BLOCK_BYTES])
    return state, fixed[:, kept:]


def _words(
    ecb: CipherContext, shape: _Shape, rows: Numerals, tweaks: Blocks, out: Numerals, turns: range, *, forward: bool
) -> None:
    """Run the rounds in machine words. Both halves are below 2^56, so what changes is one word of one block."""
    left, right = (numerals.to_words(half, shape.radix) for half in (rows[:, : shape.u], rows[:, shape.u :]))
    state, fixed = _prefixed(ecb, shape, tweaks)
    base = (state ^ fixed).view(_BIG)
    blocks = np.empty((len(rows), 2), _BIG)
    blocks[:, 0] = base[:, 0]
    low = base[:, 1].astype(np.uint64)
    low = low[0] if len(low) == 1 else low
    made = np.empty((len(rows) + 1) * BLOCK_BYTES, np.uint8)
    answer = made[: len(rows) * BLOCK_BYTES].reshape(-1, BLOCK_BYTES)
    spare = np.empty(len(rows), np.uint64)
    given, taken = blocks.view(np.uint8).data.cast("B"), made.data
    for turn in turns:
        target, source = (right, left) if turn % 2 else (left, right)
        np.bitwise_xor(source, low ^ np.uint64(turn << 8 * shape.b), out=spare)
        blocks[:, 1] = spare
        ecb.update_into(given, taken)
        modulus = np.uint64(shape.modulus(turn))
        drawn = _remainder(answer, shape.d, shape.modulus(turn))
        if forward:
            target += drawn
            np.subtract(target, modulus, out=spare)
        else:
            target -= drawn
            np.add(target, modulus, out=spare)
        # Whichever of the two is out of range has wrapped around to the larger number.
        np.minimum(target, spare, out=target)
    numerals.from_words(left, shape.radix, out[:, : shape.u])
    numerals.from_words(right, shape.radix, out[:, shape.u :])


def _remainder(answer: Blocks, width: int, modulus: int) -> Words:
    """Return the first ``width`` bytes, 8 or 12, of each block as a number modulo ``modulus``, at most 2^56."""
    found = _modulo(answer[:, :_ONE_WORD_BYTES].view(_BIG)[:, 0].astype(np.uint64), modulus)
    if width == _ONE_WORD_BYTES:
        return found
    # The other 32 bits come as many at a time as a word has room for above the modulus.
    rest = answer[:, _ONE_WORD_BYTES:width].view(">u4")[:, 0].astype(np.uint64)
    step = 32 if modulus <= 1 << 32 else 16 if modulus <= 1 << 48 else 8
    for shift in range(32 - step, -1, -step):
        found <<= np.uint64(step)
        found |= (rest >> np.uint64(shift)) & np.uint64((1 << step) - 1)
        found = _modulo(found, modulus)
    return found


def _modulo(words: Words, modulus: int) -> Words:
    # Dividing by one number is fast in numpy; taking the remainder is not (0.5 and 2 ns a word).
    words -= words // np.uint64(modulus) * np.uint64(modulus)
    return words


def _integers(
    ecb: CipherContext, shape: _Shape, rows: Numerals, tweaks: Blocks, out: Numerals, turns: range, *, forward: bool
) -> None:
    """Run the rounds in Python's integers; the cipher still works by column."""
    count, b, d = len(rows), shape.b, shape.d
    halves = [numerals.to_integers(half, shape.radix) for half in (rows[:, : shape.u], rows[:, shape.u :])]
    state, fixed = _prefixed(ecb, shape, tweaks)
    chain = np.repeat(fixed, count, axis=0) if len(fixed) == 1 else fixed.copy()
    for turn in turns:
        target, source = (1, 0) if turn % 2 else (0, 1)
        chain[:, -b - 1] = turn
        chain[:, -b:] = np.frombuffer(b"".join([n.to_bytes(b, "big") for n in halves[source]]), np.uint8).reshape(-1, b)
        answer = state
        for at in range(0, chain.shape[1], BLOCK_BYTES):
            answer = _encrypted(ecb, answer ^ chain[:, at : at + BLOCK_BYTES])
        stream = _lengthened(ecb, answer, d)
        modulus, sign = shape.modulus(turn), 1 if forward else -1
        drawn = [int.from_bytes(stream[at : at + d], "big") for at in range(0, count * d, d)]
        halves[target] = [(n + sign * y) % modulus for n, y in zip(halves[target], drawn, strict=True)]
    numerals.from_integers(halves[0], shape.radix, out[:, : shape.u])
    numerals.from_integers(halves[1], shape.radix, out[:, shape.u :])


def _lengthened(ecb: CipherContext, answer: Blocks, width: int) -> bytes:
    """Return S: the first ``width`` bytes of R, CIPH(R xor 1), CIPH(R xor 2), … of each row, packed."""
    counters = [number.to_bytes(BLOCK_BYTES, "big") for number in range(1, _whole(width, BLOCK_BYTES))]
    more = [_encrypted(ecb, answer ^ np.frombuffer(counter, np.uint8)) for counter in counters]
    return np.concatenate([answer, *more], axis=1)[:, :width].tobytes()
