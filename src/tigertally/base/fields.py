"""Field classes: what kind of customer value a place holds, and what follows from it.

Source of the classes: JR/T 0171-2020 (C1–C3), PCI DSS 4.0.1 §3 (CHD/SAD), PIPL art. 28 (sensitive);
where schemes disagree the stricter wins (law facts §7 rule a). ``destiny`` is the only thing a plan
may do with the class: SAD has one destiny, purge (PCI 3.3.1). The numeric ``code`` is part of the
record format and never changes meaning; add, do not reuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from tigertally.base.text import Text


class FieldClass(Enum):
    """Closed set of field classes; the value is the word used in plans, reports and files."""

    PAN = "pan"
    EXPIRY = "expiry"
    NATIONAL_ID = "national_id"
    MOBILE = "mobile"
    NAME = "name"
    PASSWORD_HASH = "password_hash"  # noqa: S105 - a class name
    IBAN = "iban"
    EMAIL = "email"
    ADDRESS = "address"
    BANK_ACCOUNT = "bank_account"
    SCHEME_TXN_ID = "scheme_txn_id"
    PASSPORT = "passport"
    LANDLINE = "landline"
    USCC = "uscc"
    PAYMENT_TOKEN = "payment_token"  # noqa: S105 - a class name
    CVV = "cvv"
    TRACK = "track"
    PIN = "pin"
    PASSWORD = "password"  # noqa: S105 - a class name
    SECRET = "secret"  # noqa: S105 - a class name


class Destiny(Enum):
    """What may become of a value: sealed into the vault, or purged and never kept."""

    SEAL = "seal"
    PURGE = "purge"


class Tier(IntEnum):
    """JR/T 0171-2020 classes; C3 is the strictest."""

    C1 = 1
    C2 = 2
    C3 = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What a field class means. ``code`` is the wire number (0–255)."""

    code: int
    title: Text
    tier: Tier
    pci: str  # "CHD", "SAD" or ""
    sensitive: bool
    destiny: Destiny


FIELD_RULES: Final[dict[FieldClass, FieldRule]] = {
    FieldClass.PAN: FieldRule(
        code=1, title=Text("银行卡号", "card number"), tier=Tier.C2, pci="CHD", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.EXPIRY: FieldRule(
        code=2, title=Text("卡有效期", "card expiry"), tier=Tier.C3, pci="CHD", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.NATIONAL_ID: FieldRule(
        code=3, title=Text("身份证号码", "national ID"), tier=Tier.C2, pci="", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.MOBILE: FieldRule(
        code=4, title=Text("手机号", "mobile number"), tier=Tier.C2, pci="", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.NAME: FieldRule(
        code=5, title=Text("姓名", "name"), tier=Tier.C2, pci="CHD", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.PASSWORD_HASH: FieldRule(
        code=6, title=Text("密码散列", "password hash"), tier=Tier.C3, pci="", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.IBAN: FieldRule(
        code=7, title=Text("国际银行账号", "IBAN"), tier=Tier.C2, pci="", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.EMAIL: FieldRule(
        code=8, title=Text("电子邮箱", "e-mail"), tier=Tier.C2, pci="", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.ADDRESS: FieldRule(
        code=9, title=Text("住址", "address"), tier=Tier.C2, pci="", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.BANK_ACCOUNT: FieldRule(
        code=10, title=Text("银行账户", "bank account"), tier=Tier.C2, pci="", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.SCHEME_TXN_ID: FieldRule(
        code=11,
        title=Text("卡组织交易号", "scheme transaction id"),
        tier=Tier.C1,
        pci="",
        sensitive=False,
        destiny=Destiny.SEAL,
    ),
    FieldClass.PASSPORT: FieldRule(
        code=12, title=Text("护照号码", "passport number"), tier=Tier.C2, pci="", sensitive=True, destiny=Destiny.SEAL
    ),
    FieldClass.LANDLINE: FieldRule(
        code=13, title=Text("固定电话", "fixed line"), tier=Tier.C2, pci="", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.USCC: FieldRule(
        code=14,
        title=Text("统一社会信用代码", "social credit code"),
        tier=Tier.C1,
        pci="",
        sensitive=False,
        destiny=Destiny.SEAL,
    ),
    FieldClass.PAYMENT_TOKEN: FieldRule(
        code=15, title=Text("支付令牌", "payment token"), tier=Tier.C2, pci="", sensitive=False, destiny=Destiny.SEAL
    ),
    FieldClass.CVV: FieldRule(
        code=128,
        title=Text("卡验证码", "card verification code"),
        tier=Tier.C3,
        pci="SAD",
        sensitive=True,
        destiny=Destiny.PURGE,
    ),
    FieldClass.TRACK: FieldRule(
        code=129, title=Text("磁道数据", "track data"), tier=Tier.C3, pci="SAD", sensitive=True, destiny=Destiny.PURGE
    ),
    FieldClass.PIN: FieldRule(
        code=130, title=Text("支付密码块", "PIN"), tier=Tier.C3, pci="SAD", sensitive=True, destiny=Destiny.PURGE
    ),
    FieldClass.PASSWORD: FieldRule(
        code=131, title=Text("明文密码", "clear password"), tier=Tier.C3, pci="", sensitive=True, destiny=Destiny.PURGE
    ),
    FieldClass.SECRET: FieldRule(
        code=132, title=Text("接口密钥", "API key"), tier=Tier.C3, pci="", sensitive=True, destiny=Destiny.PURGE
    ),
}

BY_CODE: Final[dict[int, FieldClass]] = {rule.code: cls for cls, rule in FIELD_RULES.items()}
SEALABLE: Final = frozenset(cls for cls, rule in FIELD_RULES.items() if rule.destiny is Destiny.SEAL)
INTERNAL: Final = frozenset(cls for cls, rule in FIELD_RULES.items() if rule.tier is Tier.C1)
"""Classes that JR/T 0171 puts lowest: they name no customer and open no account."""


def mask(cls: FieldClass, value: str) -> str:
    """Return ``value`` as it may be shown to anyone: PCI 3.4.1 at most, and less for other classes.

    PAN: last four (DESIGN: masked by default, less than PCI allows). National ID: first and last one.
    Mobile: first three, last two. Name: the first character. Everything else: a fixed word.
    """
    stars = "****"
    if cls is FieldClass.PAN or cls is FieldClass.BANK_ACCOUNT or cls is FieldClass.IBAN:
        return stars + value[-4:] if len(value) >= 12 else stars  # noqa: PLR2004
    if cls is FieldClass.NATIONAL_ID:
        return value[:1] + "*" * 16 + value[-1:] if len(value) >= 15 else stars  # noqa: PLR2004
    if cls is FieldClass.MOBILE:
        return value[:3] + "******" + value[-2:] if len(value) >= 11 else stars  # noqa: PLR2004
    if cls is FieldClass.NAME:
        return value[:1] + "**"
    return stars
