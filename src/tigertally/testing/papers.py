"""The free text of the estate: gateway logs, service notes and the old backup, with leaks and decoys in them.

A card number here stands as people and programs write it: plain, in groups of four with spaces or dashes, 6-13, and
directly against Chinese characters. Most belong to known customers; some to nobody the shop still knows.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.testing import numbers
from tigertally.testing.numbers import Rng
from tigertally.testing.people import People
from tigertally.testing.truth import Recorder
from tigertally.testing.workbook import FIXED_DATE

LOG_PLAIN: Final = "logs/gateway-2026-01.log"
LOG_JSON: Final = "logs/gateway-2026-02.log"
LOG_MIXED: Final = "logs/gateway-2026-03.log"
LOG_GZIP: Final = "logs/gateway-2025-12.log.gz"
NOTES: Final = "notes/客服备忘.txt"
MINUTES: Final = "notes/结算会议纪要.txt"
BACKUP: Final = "backup/old-2023.zip"
DUMP: Final = BACKUP + "!/members.sql"
BACKUP_CSV: Final = BACKUP + "!/绑卡.csv"
BACKUP_NOTE: Final = BACKUP + "!/说明.txt"
INNER_NOTE: Final = BACKUP + "!/2022/older.zip!/补单.txt"

_MS_FIRST: Final = 1_735_660_800_000  # 2025-01-01 00:00 in China
_MS_LAST: Final = 1_774_886_400_000  # 2026-03-31 00:00 in China
_LEAK_SHARE: Final = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the papers draw from: the people, their cards in columns (``owner`` indexes people), cards of nobody."""

    people: People
    owner: list[int]
    number: list[str] = field(repr=False)
    expiry: list[str] = field(repr=False)
    strangers: list[str] = field(repr=False)


def write_all(root: Path, rng: Rng, sample: Sample, recorder: Recorder) -> None:
    """Write logs, notes and the backup under ``root``."""
    lines = len(sample.people.name) * 3 // 4
    for path, make, count in (
        (LOG_PLAIN, _plain_lines, lines),
        (LOG_JSON, _json_lines, lines),
        (LOG_MIXED, _mixed_lines, lines),
        (LOG_GZIP, _plain_lines, lines // 2),
    ):
        data = ("\n".join(make(rng, sample, recorder, path, count)) + "\n").encode()
        _write(root / path, gzip.compress(data, 6, mtime=0) if path.endswith(".gz") else data)
    _write(root / NOTES, _notes(rng, sample, recorder).encode())
    _write(root / MINUTES, b"\xff\xfe" + _minutes(rng, sample, recorder).encode("utf-16-le"))
    _write(root / BACKUP, _backup(rng, sample, recorder))


def millis(rng: Rng, count: int) -> list[str]:
    """Return ``count`` millisecond timestamps as digits. A decoy."""
    return [str(stamp) for stamp in rng.integers(_MS_FIRST, _MS_LAST, size=count).tolist()]


def compact_days(rng: Rng, count: int) -> list[str]:
    """Return ``count`` days ``YYYYMMDD`` of 2025 and early 2026."""
    days = np.datetime64("2025-01-01") + rng.integers(0, 454, size=count).astype("timedelta64[D]")
    return [str(day).replace("-", "") for day in np.datetime_as_string(days, unit="D").tolist()]


def remarks(rng: Rng, cards: list[str]) -> tuple[list[str], list[str]]:
    """Return a service remark per customer and the card numbers that leaked into one in fifty of them."""
    harmless = ("", "", "", "老客户", "会员日已回访", "要求开具发票, 抬头为公司", '偏好"自提"', "投诉已结案")
    picks = rng.integers(0, len(harmless), size=len(cards)).tolist()
    leaks = (rng.random(len(cards)) < 0.02).tolist()  # noqa: PLR2004 - one in fifty
    texts = [
        f"来电核对卡号{card}尾款未退" if leak else harmless[pick]
        for card, pick, leak in zip(cards, picks, leaks, strict=True)
    ]
    return texts, [card for card, leak in zip(cards, leaks, strict=True) if leak]


def _written(rng: Rng, cards: list[str]) -> list[str]:
    """Return each card number as somebody would type it."""
    styles = rng.integers(0, 6, size=len(cards)).tolist()
    return [_in_groups(card, style) for card, style in zip(cards, styles, strict=True)]


def _in_groups(card: str, style: int) -> str:
    if style == 1 or style == 2:  # noqa: PLR1714, PLR2004 - spaces or dashes
        return " -"[style - 1].join(card[at : at + 4] for at in range(0, len(card), 4))
    if style == 3 and len(card) == 19:  # noqa: PLR2004 - as printed on many debit cards
        return f"{card[:6]} {card[6:]}"
    return card


def _leaks(rng: Rng, sample: Sample, count: int) -> list[int]:
    """Return per line: index of a leaked card, -1 for none, -2-k for stranger k."""
    picks = rng.integers(0, len(sample.number), size=count)
    strangers = -2 - rng.integers(0, len(sample.strangers), size=count)
    leaked = np.where(rng.random(count) < 0.9, picks, strangers)  # noqa: PLR2004 - nine of ten are customers'
    return [int(at) for at in np.where(rng.random(count) < _LEAK_SHARE, leaked, -1).tolist()]


def _card_at(sample: Sample, at: int) -> str:
    return sample.number[at] if at >= 0 else sample.strangers[-2 - at]


def _stamps(rng: Rng, count: int) -> list[str]:
    instants = np.sort(rng.integers(0, 31 * 86_400_000, size=count)) + np.datetime64("2026-01-01T00:00:00.000")
    return [str(text).replace("T", " ") for text in np.datetime_as_string(instants, unit="ms").tolist()]


def _plain_lines(rng: Rng, sample: Sample, recorder: Recorder, path: str, count: int) -> list[str]:
    leaks = _leaks(rng, sample, count)
    cards = [_card_at(sample, at) for at in leaks if at != -1]
    shown = iter(_written(rng, cards))
    orders, stamps = numbers.order_numbers(rng, compact_days(rng, count)), _stamps(rng, count)
    traces, costs = numbers.snowflakes(rng, count), rng.integers(2, 900, size=count).tolist()
    codes = iter(numbers.texts(numbers.drawn(rng, len(cards), 3)))
    recorded: list[str] = []
    lines = []
    for at, order, stamp, trace, cost in zip(leaks, orders, stamps, traces, costs, strict=True):
        if at == -1:
            lines.append(f"{stamp} INFO  gateway.pay trace={trace} order={order} result=OK cost={cost}ms")
        elif cost % 9 == 0:
            code = next(codes)
            recorded.append(code)
            lines.append(f"{stamp} DEBUG gateway.pay trace={trace} order={order} pan={next(shown)} cvv={code} raw dump")
        else:
            lines.append(f"{stamp} WARN  gateway.pay 订单{order}卡号{next(shown)}扣款失败, 重试 cost={cost}ms")
    recorder.wrote(path, FieldClass.PAN, cards)
    recorder.wrote(path, FieldClass.CVV, recorded)
    recorder.lures(path, [*orders, *traces])
    return lines


def _json_lines(rng: Rng, sample: Sample, recorder: Recorder, path: str, count: int) -> list[str]:
    leaks = _leaks(rng, sample, count)
    cards = [_card_at(sample, at) for at in leaks if at != -1]
    orders, stamps = numbers.order_numbers(rng, compact_days(rng, count)), millis(rng, count)
    costs = rng.integers(2, 900, size=count).tolist()
    codes = iter(numbers.texts(numbers.drawn(rng, len(cards), 3)))
    recorded: list[str] = []
    lines = []
    for at, order, stamp, cost in zip(leaks, orders, stamps, costs, strict=True):
        head = f'{{"ts":{stamp},"level":"INFO","order":"{order}","cost_ms":{cost}'
        if at == -1:
            lines.append(head + "}")
        elif cost % 9 == 0:
            code = next(codes)
            recorded.append(code)
            lines.append(f'{head},"req":{{"pan":"{_card_at(sample, at)}","cvv":"{code}"}}}}')
        else:
            lines.append(f'{head},"req":{{"pan":"{_card_at(sample, at)}"}}}}')
    recorder.wrote(path, FieldClass.PAN, cards)
    recorder.wrote(path, FieldClass.CVV, recorded)
    recorder.lures(path, [*orders, *stamps])
    return lines


def _mixed_lines(rng: Rng, sample: Sample, recorder: Recorder, path: str, count: int) -> list[str]:
    plain = _plain_lines(rng, sample, recorder, path, count - count // 2)
    structured = _json_lines(rng, sample, recorder, path, count // 2)
    order = rng.permutation(count).tolist()
    both = plain + structured
    return [both[at] for at in order]


def _notes(rng: Rng, sample: Sample, recorder: Recorder) -> str:
    count = max(60, len(sample.people.name) // 100)
    at = rng.integers(0, len(sample.number), size=count).tolist()
    cards = [sample.number[card] for card in at]
    parcels, devices = numbers.tracking_numbers(rng, count), numbers.imeis(rng, count)
    codes = numbers.texts(numbers.drawn(rng, count, 3))
    mobiles = [sample.people.mobile[sample.owner[card]] for card in at]
    identities = [sample.people.national_id[sample.owner[card]] for card in at]
    amounts = rng.integers(10, 5_000, size=count).tolist()
    lines = ["云杉优选 客服备忘(内部)", ""]
    for row, shown in enumerate(_written(rng, cards)):
        name = sample.people.name[sample.owner[at[row]]]
        lines.append(
            f"{row % 28 + 1}日 {name}来电,卡号{shown}金额{amounts[row]}元未到账,快递{parcels[row]}已签收。"
            if row % 3
            else f"{row % 28 + 1}日 {name},手机{mobiles[row]},身份证{identities[row]},设备{devices[row]},卡号{shown},"
            f"{'安全码' + codes[row] if row % 2 else '有效期' + sample.expiry[at[row]]},待核实。"
        )
    thirds = range(0, count, 3)
    recorder.wrote(NOTES, FieldClass.PAN, cards)
    recorder.wrote(NOTES, FieldClass.MOBILE, [mobiles[row] for row in thirds])
    recorder.wrote(NOTES, FieldClass.NATIONAL_ID, [identities[row] for row in thirds])
    recorder.wrote(NOTES, FieldClass.CVV, [codes[row] for row in thirds if row % 2])
    recorder.wrote(NOTES, FieldClass.EXPIRY, [sample.expiry[at[row]] for row in thirds if row % 2 == 0])
    recorder.lures(NOTES, [*parcels, *devices])
    return "\n".join(lines) + "\n"


def _minutes(rng: Rng, sample: Sample, recorder: Recorder) -> str:
    at = rng.integers(0, len(sample.number), size=12).tolist()
    cards = [sample.number[card] for card in at]
    recorder.wrote(MINUTES, FieldClass.PAN, cards)
    body = [f"第{row + 1}项:持卡人账户{card}重复扣款,财务复核后退回原卡。" for row, card in enumerate(cards)]
    return "\r\n".join(["云杉优选 结算会议纪要", *body, "散会。"]) + "\r\n"


def _backup(rng: Rng, sample: Sample, recorder: Recorder) -> bytes:
    count = max(30, len(sample.people.name) // 5)
    at = rng.integers(0, len(sample.number), size=count).tolist()
    cards = [sample.number[card] for card in at]
    older = sample.strangers[:4]
    recorder.wrote(BACKUP_CSV, FieldClass.PAN, cards)
    recorder.wrote(BACKUP_CSV, FieldClass.EXPIRY, [sample.expiry[card] for card in at])
    recorder.wrote(INNER_NOTE, FieldClass.PAN, older)
    rows = [
        f"{sample.people.customer_no[sample.owner[card]]},{sample.number[card]},{sample.expiry[card]}" for card in at
    ]
    inner = _zip([("补单.txt", "".join(f"补单卡号{card}金额0.01元\n" for card in older).encode("gb18030"))])
    return _zip(
        [
            ("members.sql", _dump(sample, recorder, at).encode()),
            ("绑卡.csv", ("客户编号,卡号,有效期\r\n" + "\r\n".join(rows) + "\r\n").encode("gb18030")),
            ("说明.txt", "2023年迁移前的备份,迁移完成后应删除。\n".encode()),
            ("2022/older.zip", inner),
        ]
    )


def _dump(sample: Sample, recorder: Recorder, at: list[int]) -> str:
    folk = sample.people
    owners = [sample.owner[card] for card in at]
    values = [
        f"('{folk.customer_no[owner]}','{folk.name[owner]}','{folk.national_id[owner]}','{folk.mobile[owner]}',"
        f"'{sample.number[card]}')"
        for owner, card in zip(owners, at, strict=True)
    ]
    recorder.wrote(DUMP, FieldClass.NAME, [folk.name[owner] for owner in owners])
    recorder.wrote(DUMP, FieldClass.NATIONAL_ID, [folk.national_id[owner] for owner in owners])
    recorder.wrote(DUMP, FieldClass.MOBILE, [folk.mobile[owner] for owner in owners])
    recorder.wrote(DUMP, FieldClass.PAN, [sample.number[card] for card in at])
    head = (
        "-- dump of members, 2023-06-30\nCREATE TABLE `members` (`customer_no` char(10), `name` varchar(32), "
        "`national_id` char(18), `mobile` char(11), `card_no` varchar(19));\n"
    )
    insert = "INSERT INTO `members` (`customer_no`,`name`,`national_id`,`mobile`,`card_no`) VALUES\n"
    batches = [",\n".join(values[start : start + 500]) for start in range(0, len(values), 500)]
    return head + "".join(f"{insert}{batch};\n" for batch in batches)


def _zip(members: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, FIXED_DATE), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
