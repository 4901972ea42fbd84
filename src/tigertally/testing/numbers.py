"""Numbers of test data, made in bulk: card numbers, national IDs, mobiles, and numbers that only look like them.

Everything here is drawn from a seeded generator and belongs to nobody. Card numbers are issuer prefixes plus
random digits plus the Luhn digit (ISO/IEC 7812-1 annex B); national IDs follow GB 11643-1999 (region, birth date,
sequence, MOD 11-2 of ISO 7064); decoys are what a scanner must not take for either.

Digits are ``uint8`` arrays of shape (count, width) with values 0..9 until :func:`texts` turns them into str.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Digits = npt.NDArray[np.uint8]
Rng = np.random.Generator

# Issuer prefix, total length, weight. UnionPay debit cards have 19 digits, most UnionPay credit cards 16.
CARD_SHAPES: Final = (
    ("622202", 19, 9),
    ("621226", 19, 5),
    ("622848", 19, 8),
    ("621700", 19, 7),
    ("622700", 19, 4),
    ("621661", 19, 5),
    ("622588", 16, 6),
    ("622609", 16, 4),
    ("622580", 16, 6),
    ("622230", 16, 6),
    ("625912", 16, 5),
    ("628288", 16, 3),
    ("438088", 16, 5),
    ("436718", 16, 4),
    ("451461", 16, 4),
    ("518710", 16, 4),
    ("552245", 16, 3),
    ("532450", 16, 3),
    ("222740", 16, 2),
    ("251023", 16, 1),
    ("270412", 16, 1),
)

# County-level codes of GB/T 2260, from all parts of the country; 62xxxx (Gansu) is there on purpose.
REGIONS: Final = (
    "110101 110102 110105 110106 110108 110112 110114 120101 120104 120110 130102 130203 130304 130402 130602 "
    "140105 140203 150102 150202 210102 210106 210202 210211 220102 220104 230102 230103 310101 310104 310105 "
    "310110 310112 310115 320102 320106 320205 320305 320402 320505 320508 330102 330106 330108 330203 330302 "
    "340102 340104 340202 350102 350203 350502 360102 360103 370102 370202 370203 370602 410102 410105 410302 "
    "420102 420106 420111 420502 430102 430104 430105 440103 440104 440106 440303 440304 440305 440402 440604 "
    "450102 450103 450302 460105 460106 500103 500105 500112 510104 510105 510107 510703 520102 520103 530102 "
    "530103 540102 610102 610103 610113 620102 620103 620402 620502 630102 640104 650102 650103 650104"
).split()

MOBILE_PREFIXES: Final = (
    "130 131 132 133 134 135 136 137 138 139 150 151 152 153 155 156 157 158 159 166 173 175 176 177 178 180 181 "
    "182 183 184 185 186 187 188 189 191 195 198 199"
).split()

_MOD_11_2_WEIGHTS: Final = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_MOD_11_2_CHECKS: Final = np.frombuffer(b"10X98765432", dtype=np.uint8)


def drawn(rng: Rng, count: int, width: int) -> Digits:
    """Return ``count`` rows of ``width`` random digits."""
    return rng.integers(0, 10, size=(count, width), dtype=np.uint8)


def texts(digits: Digits) -> list[str]:
    """Return each row of digits as text."""
    return ascii_texts(digits + np.uint8(48))


def ascii_texts(codes: Digits) -> list[str]:
    """Return each row of ASCII codes as text; all rows have the same width."""
    width = codes.shape[1]
    flat = np.ascontiguousarray(codes).tobytes().decode("ascii")
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def prefixed(prefixes: list[str], rest: Digits) -> Digits:
    """Return rows of ``rest`` with the digits of ``prefixes`` (equal widths) in front."""
    head = np.frombuffer("".join(prefixes).encode("ascii"), dtype=np.uint8) - np.uint8(48)
    return np.hstack([head.reshape(len(prefixes), -1), rest])


def luhn_digit(digits: Digits) -> Digits:
    """Return the column of digits (count, 1) that makes each row valid by Luhn when appended."""
    odd = digits[:, ::-1].astype(np.int64)
    odd[:, 0::2] = odd[:, 0::2] * 2
    total = np.where(odd > 9, odd - 9, odd).sum(axis=1)  # noqa: PLR2004 - decimal digits
    digit: Digits = ((10 - total % 10) % 10).astype(np.uint8).reshape(-1, 1)
    return digit


def card_numbers(rng: Rng, count: int) -> list[str]:
    """Return ``count`` distinct card numbers in the mix of :data:`CARD_SHAPES`, order random."""
    weights = np.array([weight for _, _, weight in CARD_SHAPES], dtype=np.float64)
    picks = rng.choice(len(CARD_SHAPES), size=count + count // 50 + 16, p=weights / weights.sum())
    made: list[str] = []
    for shape, (prefix, length, _) in enumerate(CARD_SHAPES):
        wanted = int((picks == shape).sum())
        body = prefixed([prefix] * wanted, drawn(rng, wanted, length - 7)) if wanted else None
        if body is not None:
            made += texts(np.hstack([body, luhn_digit(body)]))
    distinct = list(dict.fromkeys(made))
    return [distinct[at] for at in rng.permutation(len(distinct))[:count].tolist()]


def national_ids(rng: Rng, count: int) -> list[str]:
    """Return ``count`` distinct 18-character national IDs of people born 1955 to 2004."""
    wanted = count + count // 50 + 16
    regions = [REGIONS[at] for at in rng.integers(0, len(REGIONS), size=wanted).tolist()]
    days = np.datetime64("1955-01-01") + rng.integers(0, 18_262, size=wanted).astype("timedelta64[D]")
    births = [str(day).replace("-", "") for day in np.datetime_as_string(days, unit="D").tolist()]
    body = prefixed([region + birth for region, birth in zip(regions, births, strict=True)], drawn(rng, wanted, 3))
    check = _MOD_11_2_CHECKS[(body.astype(np.int64) * _MOD_11_2_WEIGHTS).sum(axis=1) % 11].reshape(-1, 1)
    return list(dict.fromkeys(ascii_texts(np.hstack([body + np.uint8(48), check]))))[:count]


def mobiles(rng: Rng, count: int) -> list[str]:
    """Return ``count`` distinct 11-digit mobile numbers."""
    wanted = count + count // 50 + 16
    prefixes = [MOBILE_PREFIXES[at] for at in rng.integers(0, len(MOBILE_PREFIXES), size=wanted).tolist()]
    return list(dict.fromkeys(texts(prefixed(prefixes, drawn(rng, wanted, 8)))))[:count]


def expiries(rng: Rng, count: int) -> list[str]:
    """Return ``count`` expiries ``MM/YY`` between 2024 and 2031."""
    months = rng.integers(0, 96, size=count).tolist()
    return [f"{month % 12 + 1:02d}/{24 + month // 12:02d}" for month in months]


def order_numbers(rng: Rng, days: list[str]) -> list[str]:
    """Return a 16-digit order number per day ``YYYYMMDD``: the date and eight random digits. A decoy."""
    return texts(prefixed(days, drawn(rng, len(days), 8)))


def imeis(rng: Rng, count: int) -> list[str]:
    """Return ``count`` IMEIs: 15 digits, valid by Luhn by design (3GPP TS 23.003 annex B). A decoy."""
    body = prefixed(
        [("860123", "861987", "352099")[at] for at in rng.integers(0, 3, size=count).tolist()], drawn(rng, count, 8)
    )
    return texts(np.hstack([body, luhn_digit(body)]))


def tracking_numbers(rng: Rng, count: int) -> list[str]:
    """Return ``count`` parcel numbers of three carriers' shapes. A decoy."""
    tails = texts(drawn(rng, count, 11))
    heads = ("SF1", "78", "YT8")
    return [heads[at] + tail for at, tail in zip(rng.integers(0, 3, size=count).tolist(), tails, strict=True)]


def snowflakes(rng: Rng, count: int) -> list[str]:
    """Return ``count`` 19-digit snowflake identifiers of the years 2024 to 2026. A decoy."""
    millis = rng.integers(440_000_000_000, 470_000_000_000, size=count)
    return [str(value) for value in ((millis << 22) | rng.integers(0, 1 << 22, size=count)).tolist()]
