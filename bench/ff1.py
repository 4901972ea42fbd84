"""FF1 over columns of card numbers on one core, beside the package ``ff3`` and beside AES alone.

Rates are of processor time: other work on the machine is not our speed. A column of digits goes in and one comes out;
the row *as text* is lists of Python strings both ways. ``ff3`` (the withdrawn FF3-1: same task, eight rounds), if
``make peers`` has installed it, is called value by value, as it offers no other way.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bench.run import Row
from tigertally.base.fields import FieldClass
from tigertally.crypto.aead import new_key
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.ff1 import BLOCK_BYTES, COLUMN_STEP, ROUNDS, Ff1
from tigertally.crypto.numerals import Numerals
from tigertally.testing import numbers
from tigertally.vault.cards import CardTokens
from tigertally.vault.fitting import FittingTokens

CARDS = 200_000
TWEAK = b"scope|pan|16"
_PEERS = Path("build/peers/bin/python")
_FF3 = """
import random, time
from ff3 import FF3Cipher
cipher = FF3Cipher("2B7E151628AED2A6ABF7158809CF4F3C2B7E151628AED2A6ABF7158809CF4F3C", "D8E7920AFA330A")
plain = [str(random.randrange(10**15, 10**16)) for _ in range(3000)]
start = time.process_time(); sealed = list(map(cipher.encrypt, plain)); middle = time.process_time()
assert list(map(cipher.decrypt, sealed)) == plain
print(len(plain) / (middle - start), len(plain) / (time.process_time() - middle))
"""


def rows() -> list[Row]:
    """Return the rows; about four seconds."""
    ff1 = Ff1(new_key())
    cards = _digits(16)
    sealed = ff1.encrypt(cards, TWEAK)
    assert (ff1.decrypt(sealed, TWEAK) == cards).all()
    texts = [bytes(row).decode() for row in cards + np.uint8(48)]
    long, longer = _digits(19), _digits(40)[: CARDS // 20]
    each = np.frombuffer(secrets.token_bytes(8 * CARDS), np.uint8).reshape(CARDS, 8)
    theirs = _peer()
    aes = _rate(CARDS, _blocks_alone)
    tokens = CardTokens(ColumnMac(new_key()))
    cards[:, 0] = 4
    ids = numbers.national_ids(np.random.default_rng(3), CARDS // 4)
    fitting = FittingTokens(ColumnMac(new_key()))
    return [
        _row("ff1 encrypt, 16 digits", _rate(CARDS, lambda: ff1.encrypt(cards, TWEAK)), "ff3", theirs[0]),
        _row("ff1 decrypt, 16 digits", _rate(CARDS, lambda: ff1.decrypt(sealed, TWEAK)), "ff3", theirs[1]),
        _row("ff1 encrypt, 16 digits beside AES", _rate(CARDS, lambda: ff1.encrypt(cards, TWEAK)),
             "its AES blocks alone", aes),
        _row("ff1 encrypt, 16 digits, a tweak each", _rate(CARDS, lambda: ff1.encrypt(cards, each)), "ff3", theirs[0]),
        _row("ff1 encrypt, 16 digits, as text", _rate(CARDS, lambda: _as_text(ff1, texts)), "ff3", theirs[0]),
        _row("card tokens by ff1, 16 digits", _rate(CARDS, lambda: tokens.tokens(cards)), "ff3", theirs[0]),
        _row("fitting tokens, IDs as text", _rate(len(ids), lambda: fitting.spell(FieldClass.NATIONAL_ID, ids, ids)),
             "ff3", theirs[0]),
        _row("ff1 encrypt, 19 digits", _rate(CARDS, lambda: ff1.encrypt(long, TWEAK)), None, None),
        _row("ff1 encrypt, 40 digits", _rate(len(longer), lambda: ff1.encrypt(longer, TWEAK)), None, None),
    ]  # fmt: skip


def _row(name: str, value: float, peer: str | None, peer_value: float | None) -> Row:
    return {
        "name": name,
        "value": round(value),
        "unit": "values/s",
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value),
        "ratio": None if peer_value is None else round(value / peer_value, 3),
    }


def _digits(length: int) -> Numerals:
    return np.random.default_rng(length).integers(0, 10, (CARDS, length)).astype(np.uint8)


def _as_text(ff1: Ff1, texts: list[str]) -> list[str]:
    digits = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(-1, 16) - np.uint8(48)
    joined = (ff1.encrypt(digits, TWEAK) + np.uint8(48)).tobytes().decode("ascii")
    return [joined[at : at + 16] for at in range(0, len(joined), 16)]


def _blocks_alone() -> None:
    """Encrypt as many blocks as the rounds of the column do, in pieces of the same size."""
    ecb = Cipher(algorithms.AES(secrets.token_bytes(32)), modes.ECB()).encryptor()  # noqa: S305 - what FF1 is made of
    blocks = np.zeros(COLUMN_STEP * BLOCK_BYTES, np.uint8)
    out = np.empty(len(blocks) + BLOCK_BYTES, np.uint8)
    for _ in range(ROUNDS * CARDS // COLUMN_STEP):
        ecb.update_into(blocks.data, out.data)


def _rate(count: int, work: Callable[[], object], *, rounds: int = 5) -> float:
    """Return values per second of processor time, the best of some rounds."""
    timings = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        timings.append(time.process_time() - start)
    return count / min(timings)


def _peer() -> tuple[float | None, float | None]:
    """Return the peer's values per second, encrypting and decrypting; nothing if it is not there."""
    if not _PEERS.exists():
        return None, None
    run = subprocess.run([str(_PEERS), "-c", _FF3], capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        return None, None
    encrypt, decrypt = map(float, run.stdout.split())
    return encrypt, decrypt
