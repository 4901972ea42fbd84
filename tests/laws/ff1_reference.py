"""FF1 once more, one value at a time, step by step as SP 800-38G writes algorithm 7: to hold the fast one to.

Shares no line with the product: Python's integers and lists, one AES block at a call, logarithms by counting.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def number_of(numerals: list[int], radix: int) -> int:
    """NUM_radix(X)."""
    total = 0
    for numeral in numerals:
        total = total * radix + numeral
    return total


def numerals_of(number: int, radix: int, length: int) -> list[int]:
    """STR^m_radix(x)."""
    found: list[int] = []
    for _ in range(length):
        number, numeral = divmod(number, radix)
        found.insert(0, numeral)
    assert number == 0
    return found


def encrypt(key: bytes, radix: int, tweak: bytes, plain: list[int]) -> list[int]:
    """FF1.Encrypt(K, T, X)."""

    def ciph(block: bytes) -> bytes:
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # noqa: S305 - what FF1 is made of

    def xor(one: bytes, other: bytes) -> bytes:
        return bytes(a ^ b for a, b in zip(one, other, strict=True))

    n, t = len(plain), len(tweak)
    u = n // 2  # step 1
    v = n - u
    left, right = plain[:u], plain[u:]  # step 2
    bits = 0
    while 2**bits < radix**v:
        bits += 1
    b = (bits + 7) // 8  # step 3
    d = 4 * ((b + 3) // 4) + 4  # step 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256]) + n.to_bytes(4, "big") + t.to_bytes(4, "big")
    for i in range(10):  # step 6
        zeros = bytes((-t - b - 1) % 16)
        q = tweak + zeros + bytes([i]) + number_of(right, radix).to_bytes(b, "big")  # 6.i
        r = bytes(16)
        text = p + q
        for at in range(0, len(text), 16):  # 6.ii
            r = ciph(xor(r, text[at : at + 16]))
        s = r  # 6.iii
        j = 1
        while len(s) < d:
            s += ciph(xor(r, j.to_bytes(16, "big")))
            j += 1
        y = int.from_bytes(s[:d], "big")  # 6.iv
        m = u if i % 2 == 0 else v  # 6.v
        c = (number_of(left, radix) + y) % radix**m  # 6.vi
        left, right = right, numerals_of(c, radix, m)  # 6.vii to 6.ix
    return left + right  # step 7
