"""Exact places of customer values in a text."""

from __future__ import annotations

import pytest

from tigertally.base.fields import FieldClass
from tigertally.data.issuers import luhn_ok
from tigertally.discovery import find_spans

PAN, ID, MOBILE, IBAN = FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.IBAN
EMAIL, LANDLINE, USCC = FieldClass.EMAIL, FieldClass.LANDLINE, FieldClass.USCC
CVV, EXPIRY, TRACK = FieldClass.CVV, FieldClass.EXPIRY, FieldClass.TRACK


def spans(text: str) -> list[tuple[FieldClass, str, str]]:
    """Class, what stands there, and its one spelling."""
    data = text.encode()
    found = find_spans(data)
    places = zip(found.start.tolist(), found.stop.tolist(), strict=True)
    written = [data[start:stop].decode() for start, stop in places]
    return list(zip(found.classes(), written, found.values(), strict=True))


@pytest.mark.parametrize(
    ("text", "cls", "value"),
    [
        ("pay 4111111111111111 now", PAN, "4111111111111111"),
        ("卡号4111111111111111金额100元", PAN, "4111111111111111"),
        ("4111 1111 1111 1111", PAN, "4111111111111111"),
        ("4111-1111-1111-1111", PAN, "4111111111111111"),
        ("卡4111　1111　1111　1111。", PAN, "4111111111111111"),
        ("卡号：４１１１１１１１１１１１１１１１", PAN, "4111111111111111"),
        ("6205500000000000004", PAN, "6205500000000000004"),
        ("6205 5000 0000 0000 004", PAN, "6205500000000000004"),
        ("620550 0000000000004", PAN, "6205500000000000004"),
        ("2223003122003222", PAN, "2223003122003222"),
        ("3782 822463 10005", PAN, "378282246310005"),
        ("3056 930902 5904", PAN, "30569309025904"),
        ("2024-07-16 5555555555554444 40.69", PAN, "5555555555554444"),
        ("2024-07-16 5555 5555 5555 4444 12", PAN, "5555555555554444"),
        ("2024 5555 5555 5555 4444", PAN, "5555555555554444"),
        ('{"msg":"a\\n4111111111111111"}', PAN, "4111111111111111"),
        ('"\\u53614111111111111111"', PAN, "4111111111111111"),
        ('"\\u5361\\u53f74111 1111 1111 1111"', PAN, "4111111111111111"),
        ('"\\u53fa4111111111111111"', PAN, "4111111111111111"),
        ('"\\u53f7138-0013-8000"', MOBILE, "13800138000"),
        ("amount.4111111111111111", PAN, "4111111111111111"),
        ("4111111111111111.00", PAN, "4111111111111111"),
        ("身份证11010119900307002X号", ID, "11010119900307002X"),
        ("11010119900307002x", ID, "11010119900307002X"),
        ("110101 19900307 002X", ID, "11010119900307002X"),
        ("电话13800138000", MOBILE, "13800138000"),
        ("+8613800138000", MOBILE, "13800138000"),
        ("138-0013-8000", MOBILE, "13800138000"),
        ("138 0013 8000", MOBILE, "13800138000"),
        ("008613800138000", MOBILE, "13800138000"),
        ("IBAN DE89370400440532013000.", IBAN, "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 00", IBAN, "DE89370400440532013000"),
        ("GB82 WEST 1234 5698 7654 32", IBAN, "GB82WEST12345698765432"),
        # URLs and forms
        ("/pay?card%3D4111111111111111&x=1", PAN, "4111111111111111"),
        ("q=%204111111111111111", PAN, "4111111111111111"),
        ("q=%224111111111111111%22", PAN, "4111111111111111"),
        ("q=%25204111111111111111", PAN, "4111111111111111"),
        ("q=%253D4111111111111111", PAN, "4111111111111111"),
        ("q=%D54111111111111111", PAN, "4111111111111111"),
        ("q=4111%201111%201111%201111", PAN, "4111111111111111"),
        ("q=4111%2D1111%2d1111%2D1111", PAN, "4111111111111111"),
        ("q=4111+1111+1111+1111&r=1", PAN, "4111111111111111"),
        ("tel=%2B8613800138000", MOBILE, "13800138000"),
        ("tel=138%200013%208000", MOBILE, "13800138000"),
        ("id=%2011010119900307002X", ID, "11010119900307002X"),
        ("100%4111111111111111", PAN, "4111111111111111"),
        # blanks and dashes of other kinds, and what has no width
        ("4111\u00a01111\u00a01111\u00a01111", PAN, "4111111111111111"),
        ("4111\u20091111\u20091111\u20091111", PAN, "4111111111111111"),
        ("4111\u202f1111\u202f1111\u202f1111", PAN, "4111111111111111"),
        ("4111\u30001111\u30001111\u30001111", PAN, "4111111111111111"),
        ("4111\u20131111\u20131111\u20131111", PAN, "4111111111111111"),
        ("4111\u22121111\u22121111\u22121111", PAN, "4111111111111111"),
        ("41\u200b11111111\ufeff111111", PAN, "4111111111111111"),
        ("4111\u00ad1111\u00ad1111\u00ad1111", PAN, "4111111111111111"),
        ("4111&nbsp;1111&nbsp;1111&nbsp;1111", PAN, "4111111111111111"),
        ('"4111\\u00a01111\\u00a01111\\u00a01111"', PAN, "4111111111111111"),
        ("4111.1111.1111.1111", PAN, "4111111111111111"),
        ("138.0013.8000", MOBILE, "13800138000"),
        # fixed lines, addresses, credit codes
        ("电话010-62345678转801", LANDLINE, "01062345678"),
        ("0571 8123456", LANDLINE, "05718123456"),
        ("mail:Li.Lei+shop@mail.example.com.", EMAIL, "Li.Lei+shop@mail.example.com"),
        ("联系li@example.cn办理", EMAIL, "li@example.cn"),
        ('"a\\nli@example.cn"', EMAIL, "li@example.cn"),
        ("13800138000@example.com", EMAIL, "13800138000@example.com"),
        ("代码91350211M000100Y46。", USCC, "91350211M000100Y46"),
    ],
)
def test_a_value_is_found_whole_and_alone(text: str, cls: FieldClass, value: str) -> None:
    assert [(found, spelled) for found, _, spelled in spans(text)] == [(cls, value)]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # Luhn
        "x4111111111111111",
        "4111111111111111x",
        "_4111111111111111",
        "0.4111111111111111",  # a decimal
        "84111111111111111",  # inside a longer run
        "4200002024071641111111111111",  # an order id of 28 digits
        "4111 1111 1111 1111 1111 1111 1111",  # groups of something else
        "4111  1111  1111  1111",  # two blanks
        "4111-1111 1111-1111",  # mixed separators
        "1700000000000",  # milliseconds
        "20240716123456",
        "7111111111111119",  # passes Luhn in no issued range
        "110101199003077711",  # MOD 11-2
        "110101199013077714",  # no month 13
        "990101199003077711",  # no such province
        "12800138000",
        "DE89370400440532013001",  # mod 97
        "XX89370400440532013000",
        "cvv 123, exp 12/27",  # no card near
        "1234.5678.9012.3456.7890",
        "4111.1111.1111.1111.2",  # dots that go on
        "411111.1111111111111",  # a decimal
        "0716-1234567890",
        "0071-12345678",
        "91350211M000100Y47",  # MOD 31
        "91000000M000100Y43",  # no such region
        "lodash@4.17.21",
        "image@2x.png",
        "postgres://app@db.example.com/x",
        "user@localhost",
        "0",
        "",
    ],
)
def test_what_only_looks_like_a_value_is_not(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张伟 13800138000", "张伟"),
        ("13800138000，李小明，已核对", "李小明"),
        ("欧阳小红：11010119900307002X", "欧阳小红"),
        ("('王芳','4111111111111111')", "王芳"),
        ("联系电话13800138000", None),
        ("卡 4111111111111111 金额 100", None),
        ("4111111111111111 支付成功", None),
        ("4111111111111111 安全码 123", None),
        ("13800138000 江苏", None),
        ("张伟\n13800138000", None),
        ("本公司客户张伟 13800138000", None),  # where does the name begin?
    ],
)
def test_a_name_right_beside_a_number_is_found(text: str, name: str | None) -> None:
    assert [value for cls, _, value in spans(text) if cls is FieldClass.NAME] == ([name] if name else [])


def test_an_id_that_passes_as_a_card_is_an_id() -> None:
    gansu = next(
        number
        for serial in range(1000)
        for number in [_with_check(f"62010219900307{serial:03d}")]
        if number.isdigit() and luhn_ok(number)
    )
    assert spans(gansu) == [(ID, gansu, gansu)]


def _with_check(body: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def test_the_longest_shape_wins() -> None:
    # The first sixteen digits pass by themselves; the card has nineteen.
    card = next(
        head + tail
        for head in ("6200000000000005",)
        for tail in (f"{number:03d}" for number in range(1000))
        if luhn_ok(head + tail)
    )
    grouped = f"{card[:4]} {card[4:8]} {card[8:12]} {card[12:16]} {card[16:]}"
    assert spans(card) == [(PAN, card, card)]
    assert spans(grouped) == [(PAN, grouped, card)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("card=4111111111111111 cvv=123", "123"),
        ("card=4111111111111111 CVV2: 1234", "1234"),
        ('{"pan":"4111111111111111","cvv":"012"}', "012"),
        ("卡号4111111111111111，安全码为：456", "456"),
        ("<cvc>987</cvc><pan>4111111111111111</pan>", "987"),
        ("cardCvv=321;pan=4111111111111111", "321"),
    ],
)
def test_a_code_beside_a_card_is_found(text: str, code: str) -> None:
    assert (CVV, code, code) in spans(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111 cvv=12345",
        "4111111111111111 recvv=123",
        "4111111111111111 cvv=123abc",
        "4111111111111111 cvv=1.23",
        "4111111111111111" + " " * 300 + "cvv=123",
    ],
)
def test_what_is_no_code_of_the_card_is_left(text: str) -> None:
    assert [cls for cls, _, _ in spans(text)] == [PAN]


@pytest.mark.parametrize("date", ["12/27", "12-27", "1227", "2712", "12/2027", "2027-12", "202712", "122027", "1/27"])
def test_a_labelled_expiry_date_beside_a_card_is_found(date: str) -> None:
    assert (EXPIRY, date, date) in spans(f"pan 4111111111111111 expiry_date={date}, next")
    assert (EXPIRY, date, date) in spans(f"4111111111111111 有效期{date}")


@pytest.mark.parametrize("date", ["13/27", "2027-12-01", "12/27/2024", "00/27", "1712345678"])
def test_another_date_is_no_expiry_date(date: str) -> None:
    assert [cls for cls, _, _ in spans(f"pan 4111111111111111 exp={date}")] == [PAN]


def test_track_data_is_one_span() -> None:
    one, two = "%B4111111111111111^DOE/JANE^27121010000000000?", ";4111111111111111=27121010000000000?"
    assert spans(f"{one}{two}") == [(TRACK, one, one), (TRACK, two, two)]


def test_spans_of_full_width_text_lie_in_the_original_bytes() -> None:
    text = "客户１３８００１３８０００，卡４１１１-１１１１-１１１１-１１１１；安全码：１２３。"
    assert [written for _, written, _ in spans(text)] == [
        "１３８００１３８０００",
        "４１１１-１１１１-１１１１-１１１１",
        "１２３",
    ]


def test_a_token_is_found_by_nobody() -> None:
    tokens = [f"7{number:014d}" for number in range(0, 10**14, 10**12 + 7)]
    for body in tokens:
        wrong = next(str(digit) for digit in range(10) if not luhn_ok(f"{body}{digit}"))
        assert spans(f"card_no={body}{wrong}") == []


def test_the_columns_do_not_print_values() -> None:
    assert "4111" not in repr(find_spans(b"4111111111111111"))
