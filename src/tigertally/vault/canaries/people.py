"""People who are nobody: values of plausible shape for canaries, as many classes and as wide as given records have.

Which numbers, and why nobody's (``docs/LIMITS.md``): card numbers begin with 400000 (16 digits; the schemes' published
test numbers) or 620000 (other lengths), which no issuer in our tables has; national IDs have the code of a whole city
(``…0100``), while IDs are issued by districts; mobiles begin with 154, which is not allotted; e-mails are at
example.com; password hashes are of no password. As far as we know: no register was asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from tigertally.base.fields import FieldClass

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文建国海燕晓宇欣怡子涵梓轩"
_CITIES: Final = ("1301", "1401", "2101", "2201", "2301", "3201", "3301", "3401", "3501", "3601", "3701", "4101",
                  "4201", "4301", "4401", "4501", "5101", "5201", "5301", "6101")  # fmt: skip
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_FIRST_BIRTH, _BIRTH_DAYS = date(1958, 1, 1), 17_000
_BCRYPT: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_VISA_DIGITS: Final = 16

Shape = Sequence[tuple[FieldClass, int]]
"""The values of one record: class, and width where a token shows it (cards)."""


def can_make(classes: Sequence[FieldClass]) -> bool:
    """Return whether every class can be made."""
    return bool(classes) and set(classes) <= _MAKERS.keys()


def values(shape: Shape) -> list[str]:
    """Return a made-up value for each place of a record."""
    return [_MAKERS[cls](width) for cls, width in shape]


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _card(width: int) -> str:
    body = ("400000" if width == _VISA_DIGITS else "620000") + _digits(width - 7)
    total = sum(sum(divmod(int(one) * (2 - at % 2), 10)) for at, one in enumerate(reversed(body)))
    return body + str(-total % 10)


def _national_id(_: int) -> str:
    born = _FIRST_BIRTH + timedelta(days=secrets.randbelow(_BIRTH_DAYS))
    body = f"{secrets.choice(_CITIES)}00{born:%Y%m%d}{_digits(3)}"
    return body + _CHECKS[sum(int(one) * weight for one, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def _name(_: int) -> str:
    return secrets.choice(_SURNAMES) + "".join(secrets.choice(_GIVEN) for _ in range(1 + (secrets.randbelow(3) > 0)))


def _email(_: int) -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(7)) + f"{_digits(3)}@example.com"


def _hash(_: int) -> str:
    """Bcrypt's form; of no password."""
    return "$2b$12$" + "".join(secrets.choice(_BCRYPT) for _ in range(21)) + secrets.choice(".Oeu") + _tail()


def _tail() -> str:
    return "".join(secrets.choice(_BCRYPT) for _ in range(30)) + secrets.choice(_BCRYPT[::4])


_MAKERS: Final[Mapping[FieldClass, Callable[[int], str]]] = {
    FieldClass.PAN: _card,
    FieldClass.NATIONAL_ID: _national_id,
    FieldClass.NAME: _name,
    FieldClass.MOBILE: lambda _: "154" + _digits(8),
    FieldClass.EMAIL: _email,
    FieldClass.PASSWORD_HASH: _hash,
    FieldClass.EXPIRY: lambda _: f"{1 + secrets.randbelow(12):02d}/{27 + secrets.randbelow(5)}",
}
