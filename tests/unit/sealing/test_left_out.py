"""What discovery can read and the protected copy cannot write again is left out of it, and listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.discovery import makers
from tests.unit.sealing.counterparts import Tokens, survey

from tigertally.sealing import Plan, propose, protect

CARD = "4111111111111111"
LINE = f"客户王小明，卡号：{CARD}，谢谢\n"
HOLDERS = {
    "a.tar": makers.tarred({"x/a.csv": f"客户编号,卡号\n1,{CARD}\n".encode() * 20}),
    "a.tar.xz": makers.xz(makers.tarred({"a.txt": LINE.encode()})),
    "a.7z": makers.sevenzip({"a.txt": LINE.encode()}),
    "a.docx": makers.docx([LINE]),
    "b.docx": makers.docx(["no customer"], more={"word/embeddings/a.txt": LINE}),
    "a.pdf": makers.pdf([LINE]),
    "a.eml": makers.mail("no customer", attached={"a.txt": LINE.encode()}),
    "a.xml": f"<?xml version='1.0'?><all><card_no>{CARD}</card_no></all>".encode(),
    "a.html": f"<html><p>{LINE}</p></html>".encode(),
    "a.xls": makers.xls([["客户编号", "卡号"], *[list[str | float](["1", CARD]) for _ in range(20)]]),
    "big5.txt": f"客戶資料：王小明先生，信用卡號碼：{CARD}，謝謝您的惠顧\n".encode("big5") * 9,
    "z.zip": makers.zipped({"a.tar": makers.tarred({"a.txt": LINE.encode()}), "plain.txt": "nothing"}),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_nothing_of_it_is_copied_and_it_is_listed(tmp_path: Path, name: str) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    (root / name).write_bytes(HOLDERS[name])
    (root / "clean.pdf").write_bytes(makers.pdf(["nothing in it"]))
    inventory = survey(root)
    assert inventory.findings
    plan = propose(inventory, root)
    assert plan == Plan(sources=())
    report = protect(plan, root, tmp_path / "copy", inventory=inventory, tokens=Tokens())
    assert {one.path.split("!/")[0] for one in report.left_out} == {name}
    kept = {one.path for one in report.objects}
    assert kept == ({"clean.pdf", "z.zip"} if name == "z.zip" else {"clean.pdf"})
