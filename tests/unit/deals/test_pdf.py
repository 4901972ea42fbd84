"""The PDF of an agreement: the same bytes each time, its digest on every page, nothing of it left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pypdfium2
from tests.vectors import world

from tigertally import deals
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId

CODED = {b"1": "utf-16-be", b"2": "ascii"}
DIGEST = "0123456789abcdef" * 4


def made(*, purposes: tuple[str, ...] = ("refund",), signers: tuple[str, ...] = ()) -> bytes:
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    agreement = deals.draft(
        deal=DealId("dea_" + "0" * 26),
        seller=world.seller().card,
        buyer=world.buyer().card,
        classes=(FieldClass.PAN, FieldClass.NAME),
        purposes=purposes,
        start=start,
        until=start + timedelta(days=300),
        destroy_within_days=10,
        penalty_cny=1_000_000,
        agreement=world.agreement().agreement,
    )
    names = (world.seller().card.name, world.buyer().card.name)
    return deals.agreement_pdf(agreement, digest=DIGEST, seller=names[0], buyer=names[1], signers=signers)


def said(content: bytes) -> list[str]:
    """Every line that a page shows."""
    lines = []
    for line in content.split(b"\n"):
        runs = re.findall(rb"/F([12]) [0-9]+ Tf [0-9.]+ Tz <([0-9A-F]+)> Tj", line)
        lines.append("".join(bytes.fromhex(run.decode()).decode(CODED[font]) for font, run in runs))
    return [line for line in lines if line]


def test_every_page_has_the_digest_and_no_word_is_lost() -> None:
    data = made(signers=("Zhao Li (fictional)", "钱（虚构）"))
    assert data == made(signers=("Zhao Li (fictional)", "钱（虚构）"))
    pages = re.findall(rb"stream\n(.*?)\nendstream", data, re.DOTALL)
    with pypdfium2.PdfDocument(data) as document:
        assert len(document) == len(pages) > 1
        for page in document:
            assert DIGEST in page.get_textpage().get_text_range().replace("\r\n", "")
        assert "客户信息保密协议" in document[0].get_textpage().get_text_range()
    for number, page in enumerate(pages, 1):
        assert said(page)[-1] == f"SHA-256 {DIGEST}    {number} / {len(pages)}"
    text = "".join(line for page in pages for line in said(page)[:-1])
    for words in ("保密范围与期限", "Zhao Li (fictional)", "钱（虚构）", world.buyer().card.name, "1000000", "refund"):
        assert words in text


def test_what_would_break_out_of_a_string_or_a_line_does_not() -> None:
    data = made(purposes=(") Tj ET endstream <41> Tj \x1b[2J\u202e 😀", "x" * 400))
    with pypdfium2.PdfDocument(data) as document:
        assert len(document) > 1
    shown = [line for page in re.findall(rb"stream\n(.*?)\nendstream", data, re.DOTALL) for line in said(page)]
    assert max(sum(1 if " " <= char <= "~" else 2 for char in line) for line in shown) <= 96
    assert "\x1b" not in "".join(shown)
    assert "😀" in "".join(shown)
