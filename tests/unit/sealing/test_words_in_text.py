"""Passwords and names in logs, notes and cells: no byte of one is left in a protected copy."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from tests.unit.sealing.counterparts import Tokens, survey

from tigertally.base.fields import FieldClass
from tigertally.sealing import Action, check, propose, protect
from tigertally.sealing.rewriters.shield import Shield

LOG = """\
2026-03-02 08:00:01 INFO login user=li.lei password=Hunter22! result=OK
2026-03-02 08:00:02 INFO body={"user":"li","pwd":"zhao-qian-1","n":1}
2026-03-02 08:00:03 DEBUG GET /login?u=li&password=correct%21horse&next=/ 200
2026-03-02 08:00:04 INFO 客户初始密码为Abc123456，已短信通知
2026-03-02 08:00:05 INFO 姓名：欧阳小红，地址：浙江省杭州市西湖区文三路100号，联系人 李小明
2026-03-02 08:00:06 INFO dsn postgres://app:s3cret-word@db.example.com/shop
2026-03-02 08:00:07 INFO cardholder=WANG FANG mail wang.fang@example.com tel 0571-81234567
2026-03-02 08:00:08 INFO wechat.apiV3Key=8Kd73hJs92kLs0dXq2Wm5Zp1Rt6Yu4Bn pinBlock=A1B2C3D4E5F60718
2026-03-02 08:00:08 INFO 已短信通知 赵子龙 13800138000，钱多多（110101199003077715）
2026-03-02 08:00:09 INFO 密码错误次数：5，password expired, 请输入密码：
"""
CLEAR = (
    "Hunter22", "zhao-qian-1", "correct%21horse", "Abc123456", "欧阳小红", "文三路", "李小明", "s3cret-word",
    "赵子龙", "钱多多", "13800138000", "1101011990", "WANG FANG", "wang.fang@", "81234567", "8Kd73hJs", "A1B2C3D4",
)  # fmt: skip
KEPT = ("user=li.lei", "next=/", "已短信通知", "密码错误次数：5", "password expired", "db.example.com/shop")
PURGED = {FieldClass.PASSWORD, FieldClass.PIN, FieldClass.SECRET, FieldClass.NAME, FieldClass.ADDRESS}


def estate(root: Path) -> None:
    root.mkdir()
    (root / "app.log").write_text(LOG, encoding="utf-8")
    (root / "注释.txt").write_bytes(LOG.encode("gb18030"))
    with zipfile.ZipFile(root / "old.zip", "w") as archive:
        archive.writestr("app.log", LOG)
    with closing(sqlite3.connect(root / "crm.db")) as base:
        base.execute("CREATE TABLE notes (customer_no TEXT, note TEXT)")
        notes = [(f"C{at}", line) for at, line in enumerate(LOG.split("\n"))]
        base.executemany("INSERT INTO notes VALUES (?, ?)", notes)
        base.commit()


def everything(root: Path) -> str:
    """Every reading of every file of a copy."""
    out = []
    for path in root.rglob("*"):
        if path.is_file():
            datas = [path.read_bytes()]
            if datas[0].startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(datas[0])) as archive:
                    datas = [archive.read(name) for name in archive.namelist()]
            out += [data.decode(encoding, "replace") for data in datas for encoding in ("utf-8", "gb18030")]
    return "\n".join(out)


def test_passwords_and_names_in_text_are_gone_from_the_copy(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    estate(root)
    inventory = survey(root)
    plan = propose(inventory, root)
    report = protect(plan, root, out, inventory=inventory, tokens=Tokens(known=frozenset()))
    assert report.left_out == ()
    left = everything(out)
    assert [word for word in CLEAR if word in left] == []
    assert [word for word in KEPT if word not in left] == []
    assert survey(out).findings == ()


def test_the_plan_purges_what_text_does_not_say_the_owner_of(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    estate(root)
    plan = propose(survey(root), root)
    assert {source.object for source in plan.sources} == {"app.log", "注释.txt", "old.zip!/app.log", "crm.db"}
    for source in plan.sources:
        actions = {one.cls: one.action for one in source.fields}
        assert {cls for cls, action in actions.items() if action is Action.PURGE} == PURGED
    assert check(plan, root, survey(root)) == ()


def test_a_name_in_a_cell_nobody_planned_becomes_its_token_or_nothing() -> None:
    tokens = Tokens("李娜")
    shield = Shield(tokens)
    assert shield.unplanned(["姓名：张伟", "姓名：李娜", "普通"]) == [
        f"姓名：{tokens.of(FieldClass.NAME, '张伟')}",
        "姓名：***",
        "普通",
    ]
