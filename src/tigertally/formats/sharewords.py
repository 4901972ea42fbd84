"""A share as words that people read aloud and type: 48 words and four that check them. docs/formats/share.md §4.

Reed–Solomon over GF(2¹²): up to two wrong words, wherever they are, are found by number. They are named, never
replaced: whoever typed them looks at the paper again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

from tigertally.formats.errors import WrongWord, WrongWordCount, WrongWords

SYMBOL_BITS: Final = 12
DATA_WORDS: Final = 48
CHECK_WORDS: Final = 4
WORDS: Final = DATA_WORDS + CHECK_WORDS
DATA_BYTES: Final = DATA_WORDS * SYMBOL_BITS // 8
CONSONANTS: Final = "bdfghklmnprstwyz"
VOWELS: Final = "aeiu"
_ORDER: Final = (1 << SYMBOL_BITS) - 1
_MODULUS: Final = 0x1053  # x^12 + x^6 + x^4 + x + 1, primitive
_SYLLABLES: Final = tuple(consonant + vowel for consonant in CONSONANTS for vowel in VOWELS)
_VALUE: Final = {syllable: value for value, syllable in enumerate(_SYLLABLES)}
# What printed sheets have between words: numbers with a dot, commas, breaks.
_BETWEEN: Final = re.compile(r"(?:\s|,|，|、|\d{1,2}\.?(?=\s|$))+")


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [0] * (2 * _ORDER), [0] * (_ORDER + 1), 1
    for exponent in range(_ORDER):
        powers[exponent] = powers[exponent + _ORDER] = value
        logs[value] = exponent
        value <<= 1
        value ^= _MODULUS if value > _ORDER else 0
    return powers, logs


_POWERS, _LOGS = _tables()


def to_words(data: bytes) -> list[str]:
    """Return the words of 72 bytes."""
    if len(data) != DATA_BYTES:
        raise ValueError(len(data))
    number = int.from_bytes(data, "big")
    symbols = [number >> SYMBOL_BITS * (DATA_WORDS - 1 - at) & _ORDER for at in range(DATA_WORDS)]
    return [_SYLLABLES[symbol >> 6] + _SYLLABLES[symbol & 63] for symbol in [*symbols, *_checks(symbols)]]


def from_words(text: str) -> bytes:
    """Return the bytes whose words ``text`` has, numbered or not, upper or lower case.

    Raises :class:`WrongWord` for one that is no word, :class:`WrongWordCount`, and :class:`WrongWords` with the numbers
    of those that are wrong (none, if more than two are).
    """
    words = [word for word in _BETWEEN.split(text.lower().strip()) if word]
    symbols = [_symbol(word, number) for number, word in enumerate(words, 1)]
    if len(symbols) != WORDS:
        raise WrongWordCount(given=len(symbols), needed=WORDS)
    syndromes = [_evaluate(symbols, power) for power in range(1, CHECK_WORDS + 1)]
    if any(syndromes):
        raise WrongWords(numbers=", ".join(str(number) for number in _located(syndromes)) or "?")
    number = 0
    for symbol in symbols[:DATA_WORDS]:
        number = number << SYMBOL_BITS | symbol
    return number.to_bytes(DATA_BYTES, "big")


def _symbol(word: str, number: int) -> int:
    first, second = _VALUE.get(word[:2]), _VALUE.get(word[2:])
    if first is None or second is None:
        raise WrongWord(number=number)
    return first << 6 | second


def _times(left: int, right: int) -> int:
    return _POWERS[_LOGS[left] + _LOGS[right]] if left and right else 0


def _over(left: int, right: int) -> int:
    return _POWERS[_LOGS[left] - _LOGS[right] + _ORDER] if left else 0


def _generator() -> list[int]:
    """Return the coefficients of the product of x + αᵏ, highest first."""
    made = [1]
    for power in range(1, CHECK_WORDS + 1):
        shifted, scaled = [*made, 0], [0, *(_times(one, _POWERS[power]) for one in made)]
        made = [one ^ two for one, two in zip(shifted, scaled, strict=True)]
    return made


_GENERATOR: Final = _generator()


def _checks(symbols: Sequence[int]) -> list[int]:
    rest = [*symbols, *[0] * CHECK_WORDS]
    for at in range(len(symbols)):
        factor = rest[at]
        for offset, coefficient in enumerate(_GENERATOR):
            rest[at + offset] ^= _times(factor, coefficient)
    return rest[-CHECK_WORDS:]


def _evaluate(symbols: Sequence[int], power: int) -> int:
    total = 0
    for symbol in symbols:
        total = _times(total, _POWERS[power]) ^ symbol
    return total


def _located(syndromes: Sequence[int]) -> list[int]:
    """Return the numbers of one or two wrong words that explain the syndromes; empty if none do."""
    one, two, three, four = syndromes
    places = [_POWERS[WORDS - number] for number in range(1, WORDS + 1)]
    for number, place in enumerate(places, 1):
        if one and (_times(one, place), _times(two, place), _times(three, place)) == (two, three, four):
            return [number]
    for (first, left), (second, right) in itertools.combinations(enumerate(places, 1), 2):
        # S_k = a·leftᵏ + b·rightᵏ: each two syndromes follow from the two before.
        total, product = left ^ right, _times(left, right)
        fits = (
            _times(total, two) ^ _times(product, one) == three and _times(total, three) ^ _times(product, two) == four
        )
        # Neither error may be nothing.
        if fits and _over(_times(one, right) ^ two, total) and _over(_times(one, left) ^ two, total):
            return [first, second]
    return []
