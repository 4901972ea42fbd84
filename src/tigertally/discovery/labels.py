"""What a label says about the number or text behind it: a column's header, a key, the word before a number.

Labels are evidence, not proof. Each field class has words that speak for it; some words speak for
another number (order, tracking, time); a few announce numbers that pass the Luhn check by design (IMEI,
ICCID), and nothing counts against those. ASCII words are compared as tokens of the label, Chinese words
as parts of it. The last decisive word of a Chinese label wins: 订单银行卡号 is a card number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tigertally.base.fields import FieldClass

LABEL_CHARS_MAX: Final = 80
_TOKENS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a label speaks for (None: nothing), against numbers of customers, or for a number with Luhn by design."""

    field: FieldClass | None
    against: bool = False
    luhn_by_design: bool = False


_NOTHING: Final = Meaning(field=None)

# Long lists, one word after the other; joined to alternatives below.
_CARD_WORDS: Final = (
    "cardno cardnum ^pan$ cardpan$ customerpan$ ^panno ^pannum creditcard debitcard bankcard bankno ccnum ^cc$ ccno"
)
_OTHER_WORDS: Final = (
    "order trade txn trans trace track waybill express logistic ship parcel invoice batch serial seq stamp time date"
    " ^ts$ token uuid guid snowflake session request reqid msg nonce sign hash barcode sku ean isbn device merchant"
    " terminal refno ^ref$ voucher ticket bill customerno customerid userno userid memberno memberid ^uid$ ^id$"
)
_NAME_WORDS: Final = (
    "^name$ fullname realname truename custname customername personname ^firstname ^lastname ^givenname ^familyname"
    " surname ^contact$ consignee receiver$ payee$ payer$ ^xm$ xingming buyer$ owner$ holder$"
)
_NAMES_OF_THINGS: Final = (
    "productname goodsname itemname companyname corpname cityname shopname storename brandname filename hostname"
    " columnname tablename bankname deptname classname nickname username"
)


def _any(words: str) -> str:
    return "|".join(words.split())


# ASCII words as they stand in the joined tokens ("card_no" → "cardno"); first match wins, so the order matters.
_LATIN: Final[tuple[tuple[re.Pattern[str], Meaning], ...]] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"imei|meid|iccid|esn$|^sn$", Meaning(field=None, against=True, luhn_by_design=True)),
        (r"^cvv|^cvc|^cvn|cvv2?$|cvc2?$|cvn2?$|securitycode|cardverification|^cid$", Meaning(field=FieldClass.CVV)),
        (r"(?:id|identity)card|idno$|idnum|nationalid|residentid|identityno|certno|certnum|^sfz|sfzh|^ric$",
         Meaning(field=FieldClass.NATIONAL_ID)),
        (r"^exp$|expiry|expiration|expire|expdate|validthru|cardexp|^exp(?:month|year|mm|yy)",
         Meaning(field=FieldClass.EXPIRY)),
        (r"^pin$|pinblock|cardpin|paypin", Meaning(field=FieldClass.PIN)),
        (r"trackdata|magstripe", Meaning(field=FieldClass.TRACK)),
        (r"passw|^pwd|pwd$|^pass$|userpass|passhash|pwdhash|loginpass|paypass", Meaning(field=FieldClass.PASSWORD)),
        (r"iban", Meaning(field=FieldClass.IBAN)),
        (r"e?mail", Meaning(field=FieldClass.EMAIL)),
        (r"cardholder|holdername|nameoncard|accountname|acctname|payername", Meaning(field=FieldClass.NAME)),
        (_any(_CARD_WORDS), Meaning(field=FieldClass.PAN)),
        (r"mobile|phone|^tel|^cell|msisdn|contactno", Meaning(field=FieldClass.MOBILE)),
        (_any(_OTHER_WORDS), Meaning(field=None, against=True)),
        (_any(_NAMES_OF_THINGS), Meaning(field=None, against=True)),
        (r"card$|account|acct", Meaning(field=FieldClass.PAN)),
        (_any(_NAME_WORDS), Meaning(field=FieldClass.NAME)),
    )
)  # fmt: skip

_HAN: Final[tuple[tuple[str, Meaning], ...]] = tuple(
    (word, meaning)
    for words, meaning in (
        ("安全码 校验码 验证值 后三位 卡背面", Meaning(field=FieldClass.CVV)),
        ("身份证 证件号 证件编号 公民身份号码", Meaning(field=FieldClass.NATIONAL_ID)),
        ("有效期 到期日 到期年月", Meaning(field=FieldClass.EXPIRY)),
        ("密码 口令", Meaning(field=FieldClass.PASSWORD)),
        ("邮箱 电子邮件", Meaning(field=FieldClass.EMAIL)),
        ("持卡人 姓名 户名 收货人 收件人 联系人 付款人 收款人 客户名 真实名 法人", Meaning(field=FieldClass.NAME)),
        ("卡号 银行卡 信用卡 储蓄卡 借记卡 卡片号 付款卡 退款卡 刷卡 银联", Meaning(field=FieldClass.PAN)),
        ("手机 电话 联系方式", Meaning(field=FieldClass.MOBILE)),
        ("订单 单号 运单 快递 物流 流水 交易号 时间 日期 序列号 批次 发票 条码 编号 会员号 串号 商户 终端 凭证",
         Meaning(field=None, against=True)),
        ("商品 产品 公司 企业 城市 地区 部门 银行名 开户行 品牌 店铺 昵称 用户名 颜色 类目",
         Meaning(field=None, against=True)),
        ("账号 帐号 账户 帐户 卡", Meaning(field=FieldClass.PAN)),
    )
    for word in words.split()
)  # fmt: skip
_NOT_PASSWORD: Final = re.compile(
    r"updat|reset|hint|expir|time|date|count|policy|chang|error|fail|algo|type|salt", re.IGNORECASE
)
_NOT_PASSWORD_HAN: Final = ("时间", "提示", "次数", "更新", "修改", "错误", "类型")


@lru_cache(maxsize=8_192)
def meaning(label: str) -> Meaning:
    """Return what ``label`` speaks for. Pure; asks only the words above."""
    label = label[-LABEL_CHARS_MAX:]
    found = _latin(label) if label.isascii() else _han(label)
    if found.field is FieldClass.PASSWORD and (
        _NOT_PASSWORD.search(label) or any(word in label for word in _NOT_PASSWORD_HAN)
    ):
        return Meaning(field=None, against=True)
    return found


def _latin(label: str) -> Meaning:
    joined = "".join(_TOKENS.findall(label)).lower()
    for pattern, found in _LATIN:
        if pattern.search(joined):
            return found
    return _NOTHING


def _han(label: str) -> Meaning:
    best, where = _NOTHING, (-1, 0)
    for word, found in _HAN:
        place = label.rfind(word)
        if place >= 0 and (place + len(word), len(word)) > where:
            best, where = found, (place + len(word), len(word))
    if best is _NOTHING:
        return _latin(label)
    return best
