"""Invented people: names, contacts and password hashes in columns, one entry per customer.

Nobody here exists: names are drawn syllable by syllable, mail addresses end in ``example`` domains (RFC 2606), and
password hashes are random text of the right shape, so no password belongs to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tigertally.testing import numbers
from tigertally.testing.numbers import Rng

SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
    "彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石"
)
SURNAMES_OF_TWO: Final = ("欧阳", "司马", "上官", "诸葛", "夏侯", "令狐")
GIVEN: Final = (
    "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华玉兰红建文辉力鹏飞宇欣怡梓涵浩然子轩雨桐思远晨曦佳琪俊凯嘉诚博雅诗涵一诺志远海燕春梅"
    "雪莹晓东立新国庆永康天佑若兰清雅"
)
PINYIN: Final = (
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang"
).split()
MAIL_DOMAINS: Final = ("example.com", "example.cn", "mail.example.com", "example.net")
_BCRYPT_ALPHABET: Final = np.frombuffer(
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", dtype=np.uint8
)
_HEX_ALPHABET: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Columns of equal length; entry ``i`` of each belongs to customer ``i``. ``email`` may be ``None``."""

    customer_no: list[str] = field(repr=False)
    name: list[str] = field(repr=False)
    national_id: list[str] = field(repr=False)
    mobile: list[str] = field(repr=False)
    email: list[str | None] = field(repr=False)
    password_hash: list[str] = field(repr=False)
    created: list[str] = field(repr=False)


def invent(rng: Rng, count: int) -> People:
    """Return ``count`` customers: distinct numbers, IDs and mobiles; six of ten have mail; one hash of four is MD5."""
    return People(
        customer_no=[f"YS{number:08d}" for number in (rng.permutation(count) + 10_001).tolist()],
        name=names(rng, count),
        national_id=numbers.national_ids(rng, count),
        mobile=numbers.mobiles(rng, count),
        email=_emails(rng, count),
        password_hash=_password_hashes(rng, count),
        created=days(rng, count, first="2016-01-01", last="2025-12-31"),
    )


def names(rng: Rng, count: int) -> list[str]:
    """Return ``count`` Chinese personal names of two to four characters; they repeat as real ones do."""
    families = [*SURNAMES] * 4 + [*SURNAMES_OF_TWO]
    picks = rng.integers(0, len(families), size=count).tolist()
    first = rng.integers(0, len(GIVEN), size=count).tolist()
    second = rng.integers(0, len(GIVEN), size=count).tolist()
    longer = (rng.random(count) < 0.72).tolist()  # noqa: PLR2004 - share of two-syllable given names
    return [
        families[family] + GIVEN[one] + (GIVEN[two] if more else "")
        for family, one, two, more in zip(picks, first, second, longer, strict=True)
    ]


def days(rng: Rng, count: int, *, first: str, last: str) -> list[str]:
    """Return ``count`` dates ``YYYY-MM-DD`` from ``first`` to ``last``."""
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    drawn = start + rng.integers(0, int((end - start).astype(int)) + 1, size=count).astype("timedelta64[D]")
    return [str(day) for day in np.datetime_as_string(drawn, unit="D").tolist()]


def clear_passwords(rng: Rng, count: int) -> list[str]:
    """Return ``count`` passwords as people choose them; for the one file that should never have existed."""
    words = ("yunshan", "Spring", "iloveu", "qwerty", "Panda", "sunny", "Hello", "dragon")
    picks = rng.integers(0, len(words), size=count).tolist()
    years = rng.integers(1960, 2024, size=count).tolist()
    marks = ["!@#."[at] for at in rng.integers(0, 4, size=count).tolist()]
    return [f"{words[word]}{year}{mark}" for word, year, mark in zip(picks, years, marks, strict=True)]


def _emails(rng: Rng, count: int) -> list[str | None]:
    parts = rng.integers(0, len(PINYIN), size=(2, count)).tolist()
    tails = rng.integers(1, 100_000, size=count).tolist()
    domains = rng.integers(0, len(MAIL_DOMAINS), size=count).tolist()
    given = (rng.random(count) < 0.6).tolist()  # noqa: PLR2004 - share of customers with a mail address
    return [
        f"{PINYIN[one]}.{PINYIN[two]}{tail}@{MAIL_DOMAINS[domain]}" if has else None
        for one, two, tail, domain, has in zip(*parts, tails, domains, given, strict=True)
    ]


def _password_hashes(rng: Rng, count: int) -> list[str]:
    bcrypt = numbers.ascii_texts(_BCRYPT_ALPHABET[rng.integers(0, 64, size=(count, 53))])
    legacy = numbers.ascii_texts(_HEX_ALPHABET[rng.integers(0, 16, size=(count, 32))])
    old = (rng.random(count) < 0.25).tolist()  # noqa: PLR2004 - share of accounts never migrated from MD5
    return [md5 if is_old else f"$2b$12${tail}" for tail, md5, is_old in zip(bcrypt, legacy, old, strict=True)]
