"""Laws of FF1: it is the standard's, step for step; it can be undone; it maps a whole domain onto itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.laws import ff1_reference

from tigertally.base.secret import SecretBytes
from tigertally.crypto import numerals
from tigertally.crypto.errors import BadKey, DomainTooSmall, NotNumerals
from tigertally.crypto.ff1 import COLUMN_STEP, DOMAIN_MIN, LENGTH_MAX, Ff1

KEY = bytes(range(32))


@st.composite
def columns(draw: st.DrawFn) -> tuple[bytes, int, list[bytes], list[list[int]]]:
    """A key, a radix, tweaks of one length, and as many values of one length."""
    key = draw(st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
    radix = draw(st.one_of(st.sampled_from([2, 10, 16, 26, 36, 256]), st.integers(2, 256)))
    least = next(length for length in range(2, 64) if radix**length >= DOMAIN_MIN)
    length = draw(st.integers(least, 60))
    count = draw(st.integers(1, 4))
    tweak = draw(st.integers(0, 40))
    tweaks = [draw(st.binary(min_size=tweak, max_size=tweak)) for _ in range(count)]
    numeral = st.one_of(st.integers(0, radix - 1), st.sampled_from([0, radix - 1]))
    rows = [draw(st.lists(numeral, min_size=length, max_size=length)) for _ in range(count)]
    return key, radix, tweaks, rows


@given(columns())
@example((KEY, 10, [b""], [[9] * 16]))
@example((KEY, 10, [bytes(8)], [[9] * 19]))
@example((KEY, 10, [bytes(11)], [[0] * 34]))
@example((KEY, 2, [b"t"], [[1] * LENGTH_MAX]))
@example((KEY, 256, [b"t"], [[255] * 14]))
@settings(max_examples=150, deadline=None)
def test_it_is_the_standards(column: tuple[bytes, int, list[bytes], list[list[int]]]) -> None:
    key, radix, tweaks, values = column
    ff1 = Ff1(SecretBytes(key), radix=radix)
    rows = np.array(values, np.uint8)
    each = np.frombuffer(b"".join(tweaks), np.uint8).reshape(len(tweaks), -1)
    sealed = ff1.encrypt(rows, each)
    assert sealed.tolist() == [
        ff1_reference.encrypt(key, radix, tweak, value) for tweak, value in zip(tweaks, values, strict=True)
    ]
    assert ff1.decrypt(sealed, each).tolist() == values
    assert ff1.encrypt(rows, tweaks[0])[0].tolist() == sealed[0].tolist()


@given(st.integers(2, 256), st.integers(0, 70), st.integers(0), st.integers(1, 5))
def test_numerals_and_numbers_are_the_same(radix: int, length: int, seed: int, count: int) -> None:
    numbers = [(seed + at) % radix**length for at in range(count)]
    rows = np.empty((count, length), np.uint8)
    numerals.from_integers(numbers, radix, rows)
    assert rows.tolist() == [ff1_reference.numerals_of(number, radix, length) for number in numbers]
    assert numerals.to_integers(rows, radix) == numbers


def test_decimal_words_are_exact_to_their_edges() -> None:
    """The fast way divides by multiplying: every four-digit lane there is, and the ends of each length."""
    every = np.arange(10**4, dtype=np.uint64)
    for words, length in ((every, 4), (every * np.uint64(10**4) + every, 8), (every * np.uint64(10**12), 16)):
        rows = np.empty((len(words), length), np.uint8)
        numerals.from_words(words, 10, rows)
        spelled = [int(text) for text in ("".join(map(str, row)) for row in rows.tolist())]
        assert spelled == words.tolist()
        assert numerals.to_words(rows, 10).tolist() == words.tolist()


def test_a_whole_domain_maps_onto_itself() -> None:
    """All 10^6 values of six digits, the smallest domain allowed, are one another's images."""
    rows = np.empty((DOMAIN_MIN, 6), np.uint8)
    numerals.from_words(np.arange(DOMAIN_MIN, dtype=np.uint64), 10, rows)
    ff1 = Ff1(SecretBytes(KEY))
    sealed = ff1.encrypt(rows, b"scope")
    seen = np.zeros(DOMAIN_MIN, np.bool_)
    seen[numerals.to_words(sealed, 10).astype(np.intp)] = True
    assert seen.all()
    assert (ff1.decrypt(sealed, b"scope") == rows).all()
    assert (ff1.encrypt(rows[:1000], b"another") != sealed[:1000]).any(axis=1).mean() > 0.99


@pytest.mark.parametrize("count", [0, 1, COLUMN_STEP - 1, COLUMN_STEP, COLUMN_STEP + 1])
def test_blocks_have_no_seams(count: int) -> None:
    rows = np.random.default_rng(count).integers(0, 10, (count, 16)).astype(np.uint8)
    kept = rows.copy()
    ff1 = Ff1(SecretBytes(KEY))
    sealed = ff1.encrypt(rows)
    assert (rows == kept).all()
    assert (ff1.decrypt(sealed) == rows).all()
    for at in {0, count // 2, count - 1} if count else set():
        assert sealed[at].tolist() == ff1_reference.encrypt(KEY, 10, b"", rows[at].tolist())


def test_what_the_standard_does_not_allow_is_refused() -> None:
    ff1 = Ff1(SecretBytes(KEY))
    with pytest.raises(DomainTooSmall):
        ff1.encrypt(np.zeros((1, 5), np.uint8))
    for bad in (np.full((1, 16), 10, np.uint8), np.zeros((1, 1), np.uint8), np.zeros((1, LENGTH_MAX + 1), np.uint8)):
        with pytest.raises(NotNumerals):
            ff1.decrypt(bad)
    with pytest.raises(ValueError, match="tweaks"):
        ff1.encrypt(np.zeros((2, 16), np.uint8), np.zeros((1, 4), np.uint8))
    with pytest.raises(BadKey):
        Ff1(SecretBytes(bytes(20)))
    with pytest.raises(ValueError, match="radix"):
        Ff1(SecretBytes(KEY), radix=257)
    assert repr(ff1) == "<ff1, radix 10>"
