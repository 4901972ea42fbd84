"""What labels say."""

from __future__ import annotations

import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.discovery import meaning


@pytest.mark.parametrize(
    ("label", "cls"),
    [
        ("card_no", F.PAN), ("cardNumber", F.PAN), ("PAN", F.PAN), ("order_card_no", F.PAN), ("credit_card", F.PAN),
        ("卡号", F.PAN), ("银行卡号", F.PAN), ("退款卡号", F.PAN), ("订单银行卡号", F.PAN), ("收款账号", F.PAN),
        ("id_card", F.NATIONAL_ID), ("idcard_no", F.NATIONAL_ID), ("身份证号码", F.NATIONAL_ID),
        ("证件号", F.NATIONAL_ID),
        ("mobile", F.MOBILE), ("phoneNumber", F.MOBILE), ("联系电话", F.MOBILE), ("tel", F.MOBILE),
        ("cvv", F.CVV), ("card_cvv2", F.CVV), ("CVN2", F.CVV), ("安全码", F.CVV), ("cvc", F.CVV),
        ("exp", F.EXPIRY), ("expiry_date", F.EXPIRY), ("有效期", F.EXPIRY), ("exp_month", F.EXPIRY),
        ("name", F.NAME), ("姓名", F.NAME), ("持卡人", F.NAME), ("cardholder", F.NAME), ("customer_name", F.NAME),
        ("password", F.PASSWORD), ("user_pwd", F.PASSWORD), ("passwd_hash", F.PASSWORD), ("登录密码", F.PASSWORD),
        ("email", F.EMAIL), ("E-mail", F.EMAIL), ("邮箱", F.EMAIL), ("iban", F.IBAN), ("pin", F.PIN),
    ],
)  # fmt: skip
def test_a_label_speaks_for_a_class(label: str, cls: F) -> None:
    assert meaning(label).field is cls


@pytest.mark.parametrize(
    "label",
    [
        "order_no", "orderId", "trackingNumber", "txn_id", "timestamp", "ts", "uuid", "订单号", "运单号", "流水号",
        "商品名称", "product_name", "company_name", "username", "card_token", "imei", "ICCID", "设备序列号",
        "password_updated_at", "密码修改时间", "customer_no", "客户编号",
    ],
)  # fmt: skip
def test_a_label_speaks_against_numbers_of_customers(label: str) -> None:
    assert meaning(label).against
    assert meaning(label).field is None


def test_numbers_with_luhn_by_design_are_known() -> None:
    assert meaning("device_imei").luhn_by_design
    assert not meaning("order_no").luhn_by_design


@pytest.mark.parametrize("label", ["", "note", "备注", "x1", "amount", "japan", "hotel", "cancelled"])
def test_other_labels_say_nothing(label: str) -> None:
    assert meaning(label).field is None
    assert not meaning(label).against
