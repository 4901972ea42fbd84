"""An estate whose every sensitive value is known, with kinds that the generated shop lacks, and the search for them.

Not a test itself. All values are invented; IBANs, cards and IDs only satisfy their check digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tests.leaks.search import WINDOW, Needles

from tigertally.base.fields import FieldClass
from tigertally.testing import numbers
from tigertally.testing.estate import build
from tigertally.testing.truth import Truth

CUSTOMERS = 120
EXTRA = 12
EXTRA_CSV = "extra/合作渠道.csv"
TRACKS_LOG = "extra/terminal.log"
CLASSES = (
    FieldClass.PAN,
    FieldClass.NATIONAL_ID,
    FieldClass.MOBILE,
    FieldClass.NAME,
    FieldClass.EMAIL,
    FieldClass.PASSWORD,
    FieldClass.PASSWORD_HASH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """All values by label, and one of each for typing into the wrong places."""

    values: dict[str, frozenset[str]] = field(repr=False)
    card: str = field(repr=False)
    stranger: str = field(repr=False)
    name: str = field(repr=False)
    mail: str = field(repr=False)
    password: str = field(repr=False)
    iban: str = field(repr=False)
    national_id: str = field(repr=False)

    def needles(self) -> Needles:
        """The search for all of them."""
        return Needles.of(self.values)


def plant(root: Path, passphrases: frozenset[str] = frozenset()) -> Canaries:
    """Write the shop's estate and the extra files under ``root``; ``passphrases`` are looked for with their values."""
    truth = build(root, customers=CUSTOMERS, seed=7)
    values = {cls.value: truth.values(cls) for cls in CLASSES}
    rng = np.random.default_rng(77)
    taken = values[FieldClass.PAN.value]
    cards = [card for card in numbers.card_numbers(rng, EXTRA * 2) if card not in taken][:EXTRA]
    names = [f"欧阳虚{numeral}" for numeral in "甲乙丙丁戊己庚辛壬癸子丑"]
    mails = [f"canary.person{at}.obviously@invented.example" for at in range(EXTRA)]
    ibans = [_iban("DE", f"{50010517_0000000000 + at * 7919:018d}") for at in range(EXTRA)]
    secrets = [f"Clear-Canary-Pass-{at:03d}!" for at in range(EXTRA)]
    codes = [f"{100 + at * 61}" for at in range(EXTRA)]
    people = zip(names, cards, ibans, mails, secrets, codes, strict=True)
    rows = [f"X{at:08d},{','.join(one)}" for at, one in enumerate(people)]
    head = "客户编号,姓名,卡号,IBAN,邮箱,密码,安全码"
    (root / "extra").mkdir()
    (root / EXTRA_CSV).write_text("\r\n".join([head, *rows]) + "\r\n", encoding="gb18030", newline="")
    tracks = [f"%B{card}^CANARY/INVENTED{at:02d}^2912101{at:011d}?" for at, card in enumerate(cards)]
    second = [f";{card}=2912101{at:011d}?" for at, card in enumerate(cards)]
    lines = [
        f"2026-01-0{at % 9 + 1} swipe {one} {two}" for at, (one, two) in enumerate(zip(tracks, second, strict=True))
    ]
    (root / TRACKS_LOG).write_text("\n".join(lines) + "\n")
    values |= {
        FieldClass.PAN.value: taken | frozenset(cards),
        FieldClass.NAME.value: frozenset(name for name in values["name"] if len(name) * 3 > WINDOW) | frozenset(names),
        FieldClass.EMAIL.value: values["email"] | frozenset(mails),
        FieldClass.PASSWORD.value: values["password"] | frozenset(secrets),
        "iban": frozenset(ibans),
        "passphrase": passphrases,
        "track": frozenset([*tracks, *second, *[track[1:-1] for track in second]]),
        "cvv": _codes_in_place(truth) | {f"Pass-{at:03d}!,{code}" for at, code in enumerate(codes)},
    }
    return Canaries(
        values=values,
        card=cards[0],
        stranger=min(truth.strangers),
        name=names[0],
        mail=mails[0],
        password=secrets[0],
        iban=ibans[0],
        national_id=min(values["national_id"]),
    )


def _codes_in_place(truth: Truth) -> frozenset[str]:
    """Three digits are everywhere; a verification code is looked for with the words before it."""
    codes = truth.values(FieldClass.CVV)
    return frozenset(form for code in codes for form in (f"cvv={code} ", f'"cvv":"{code}"', f"安全码{code},"))


def _iban(country: str, account: str) -> str:
    digits = "".join(str(int(letter, 36)) for letter in account + country + "00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"
