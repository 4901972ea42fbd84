"""Workbooks, databases and dumps: types, joins and structure stay; no clear value is left in any corner of the file."""

from __future__ import annotations

import io
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.hyperlink import Hyperlink
from tests.unit.sealing.counterparts import Tokens

from tigertally.base.fields import FieldClass
from tigertally.sealing import Action, Extent, NotRewritable, PlanField, PlanSource
from tigertally.sealing.rewriters import database, dump, workbook
from tigertally.sealing.rewriters.shield import Shield
from tigertally.testing.workbook import Sheet
from tigertally.testing.workbook import workbook as made_workbook

CARD = "6222021234567890128"
VISA = "4111111111111111"
PAN = FieldClass.PAN


def field(name: str, cls: FieldClass = PAN, action: Action = Action.SEAL, *, spans: bool = False) -> PlanField:
    return PlanField(name=name, cls=cls, action=action, extent=Extent.SPANS if spans else Extent.CELL)


# Workbooks


def sheet_source(table: str, *fields: PlanField, subject: str = "编号") -> PlanSource:
    return PlanSource(object="x.xlsx", kind="xlsx", table=table, fields=fields, subject=subject)


def rewritten_book(data: bytes, shield: Shield, *sources: PlanSource) -> bytes:
    out = io.BytesIO()
    workbook.rewrite(io.BytesIO(data), out, sources, shield, batch_rows=2)
    return out.getvalue()


def cells(data: bytes, sheet: str) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [tuple(row) for row in book[sheet].iter_rows(values_only=True)]


def everything(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def book_by_openpyxl() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "退款"
    rows: list[tuple[str | int | None, ...]] = [
        ("编号", "卡号", "数字卡号", "CVV", "备注", "公式"),
        ("Y1", CARD, int(VISA), 123, f"卡{VISA}退", "=B2"),
        ("Y2", VISA, None, None, "王小明 & <某>", f'="卡"&"{VISA}"'),
        ("Y3", "无", 12, "012", "", 5),
    ]
    for row in rows:
        sheet.append([*row])
    sheet["A2"].comment = Comment(f"见 {CARD}", "客服")
    sheet["B2"].font = Font(bold=True)
    sheet.column_dimensions["B"].width = 33
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


BOOK_SOURCE = sheet_source(
    "退款", field("卡号"), field("数字卡号"), field("CVV", FieldClass.CVV, Action.PURGE), field("备注", spans=True)
)


def test_cells_of_a_workbook_are_replaced_and_the_rest_stays(tokens: Tokens) -> None:
    data = rewritten_book(book_by_openpyxl(), Shield(tokens), BOOK_SOURCE)
    card, visa = tokens.of(PAN, CARD), tokens.of(PAN, VISA)
    assert cells(data, "退款")[1:] == [
        ("Y1", card, int(visa), None, f"卡{visa}退", "=B2"),
        ("Y2", visa, None, None, "王小明 & <某>", f'="卡"&"{visa}"'),
        ("Y3", None, None, None, None, 5),
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(data))["退款"]
    assert sheet["B2"].font.bold
    assert sheet.column_dimensions["B"].width == 33
    assert sheet["A2"].comment.text == f"见 {card}"


def test_no_part_of_a_workbook_keeps_a_value(tokens: Tokens) -> None:
    before = everything(book_by_openpyxl())
    assert CARD in before
    assert VISA in before
    after = everything(rewritten_book(book_by_openpyxl(), Shield(tokens), BOOK_SOURCE))
    assert CARD not in after
    assert VISA not in after
    assert "王小明" in after  # not in the plan


def test_a_string_shared_by_a_planned_and_another_cell_stays_where_it_may() -> None:
    sheet = Sheet(name="一", header=("编号", "姓名", "门店"), columns=(["Y1"], ["王府井"], ["王府井"]))
    source = sheet_source("一", field("姓名", FieldClass.NAME))
    tokens = Tokens()
    data = rewritten_book(made_workbook((sheet,)), Shield(tokens), source)
    assert cells(data, "一")[1] == ("Y1", tokens.of(FieldClass.NAME, "王府井"), "王府井")


def test_sheets_without_a_plan_are_searched(tokens: Tokens) -> None:
    sheets = (
        Sheet(name="一", header=("编号", "卡号"), columns=(["Y1"], [CARD])),
        Sheet(name="二", header=("编号", "说明"), columns=(["Y2"], [f"卡{CARD}"])),
    )
    data = rewritten_book(made_workbook(sheets), Shield(tokens), sheet_source("一", field("卡号")))
    assert CARD not in everything(data)
    assert cells(data, "二")[1] == ("Y2", "卡" + tokens.of(PAN, CARD))


@pytest.mark.parametrize("part", ["xl/pivotCache/pivotCacheRecords1.xml", "xl/media/image1.png", "xl/vbaProject.bin"])
def test_a_part_that_may_hold_copies_of_cells_is_refused(part: str) -> None:
    sheet = Sheet(name="一", header=("编号", "卡号"), columns=(["Y1"], [CARD]))
    data = io.BytesIO(made_workbook((sheet,)))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(part, "x")
    with pytest.raises(NotRewritable):
        rewritten_book(data.getvalue(), Shield(Tokens()), sheet_source("一", field("卡号")))


NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def book_of(rows: str, strings: str | None = None) -> bytes:
    """Return a workbook whose one sheet has these rows, and this string table if given."""
    plain, out = (
        io.BytesIO(made_workbook((Sheet(name="一", header=("编号", "卡号"), columns=(["Y1"], [CARD])),))),
        io.BytesIO(),
    )
    with zipfile.ZipFile(plain) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            data = archive.read(name).decode()
            if name.startswith("xl/worksheets/sheet"):
                data = f"<worksheet {NAMESPACE}><sheetData>{rows}</sheetData></worksheet>"
            if name == "xl/sharedStrings.xml" and strings is not None:
                data = f"<sst {NAMESPACE}>{strings}</sst>"
            made.writestr(name, data)
    return out.getvalue()


HEAD = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>编号</t></is></c><c r="B1" t="inlineStr"><is><t>卡号</t></is></c></row>'
)


@pytest.mark.parametrize(
    "row",
    [
        f'<row><c r="A2"><v>1</v></c><c r="B2" t="inlineStr"><is><t><![CDATA[{CARD}]]></t></is></c></row>',
        f"<row><c r='A2'><v>1</v></c><c r='B2' t='inlineStr'><is><t>{CARD}</t></is></c></row>",
        f'<row><c r="B2" t="inlineStr"><!-- --><is><t>{CARD}</t></is></c></row>',
        f'<row><c r="B2" t="inlineStr"><is><ü>{CARD}</ü></is></c></row>',
        f'<row><c r="B2" t="b"><v>{CARD}</v></c></row>',
        f'<row><c r="B2"><w>{CARD}</w></c></row>',
        f'<row><x-y:c r="B2"><v>{CARD}</v></x-y:c></row>',
        f'<row>{CARD}<c r="B2"><v>1</v></c></row>',
        f'<x-y:row><c r="B2"><v>{CARD}</v></c></x-y:row>',
        f'<row><c r="B2"><v>{CARD}</v></row>',
    ],
)
def test_cells_that_are_not_understood_keep_the_workbook_out(row: str, tokens: Tokens) -> None:
    data = book_of(HEAD + row)
    source = sheet_source("一", field("卡号"))
    with pytest.raises(NotRewritable):
        rewritten_book(data, Shield(tokens), source)
    with pytest.raises(NotRewritable):
        list(workbook.read(io.BytesIO(data), source, batch_rows=9))


def test_strings_that_are_not_understood_keep_the_workbook_out(tokens: Tokens) -> None:
    for item in (f"<si><t><![CDATA[{CARD}]]></t></si>", f"<si t='1'><t>{CARD}</t></si>", f"<si><t>{CARD}</t>"):
        with pytest.raises(NotRewritable):
            rewritten_book(book_of(HEAD, item), Shield(tokens), sheet_source("一", field("卡号")))


def test_empty_and_logical_cells_are_understood(tokens: Tokens) -> None:
    row = (
        '<row r="2"><c r="A2"><v>7</v></c><c r="B2" t="str"><f>C2</f><v></v></c><c r="C2" t="b"><v>1</v></c>'
        '<c r="D2" t="e"><v>#DIV/0!</v></c><c r="E2" t="inlineStr"><is><t/></is></c><c r="F2" s="1"/></row><row r="3"/>'
    )
    data = rewritten_book(book_of(HEAD + row), Shield(tokens), sheet_source("一", field("卡号")))
    assert row in everything(data)


def test_hostile_sheets_take_no_longer_than_their_length(tokens: Tokens) -> None:
    began = time.perf_counter()
    for rows, strings in (("<row>" * 100_000, None), (HEAD, "<si>" * 100_000), ("<row>" + "<c>" * 100_000, None)):
        with pytest.raises(NotRewritable):
            rewritten_book(book_of(rows, strings), Shield(tokens), sheet_source("一", field("卡号")))
    assert time.perf_counter() - began < 5


def test_links_lose_whom_they_are_for(tokens: Tokens) -> None:
    book = openpyxl.load_workbook(io.BytesIO(book_by_openpyxl()))
    sheet = book["退款"]
    sheet["E3"].hyperlink = Hyperlink(
        ref="E3", target="mailto:li.wei@example.com", tooltip="li.wei@example.com", display="li.wei@example.com"
    )
    sheet["E4"].hyperlink = f"https://pay.example/?pan={CARD}"
    out = io.BytesIO()
    book.save(out)
    assert "li.wei@example.com" in everything(out.getvalue())
    data = rewritten_book(out.getvalue(), Shield(tokens), BOOK_SOURCE)
    assert "li.wei" not in everything(data)
    assert CARD not in everything(data)
    assert "about:blank" in everything(data)
    assert openpyxl.load_workbook(io.BytesIO(data))["退款"]["E3"].hyperlink is not None


def test_rows_of_a_sheet_under_a_title() -> None:
    sheet = Sheet(name="一", header=("退款明细", "", ""), columns=(["编号", "Y1"], ["卡号", CARD], ["金额", 1.5]))
    source = sheet_source("一", field("卡号"))
    grids = list(workbook.read(io.BytesIO(made_workbook((sheet,))), source, batch_rows=9))
    assert grids[0].names == ("编号", "卡号", "金额")
    assert [column[0] for column in grids[0].columns] == ["Y1", CARD, "1.5"]


# Databases

SCHEMA = f"""
CREATE TABLE people (no TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT);
CREATE TABLE cards (id INTEGER PRIMARY KEY AUTOINCREMENT, no TEXT, pan TEXT NOT NULL UNIQUE, cvv INTEGER NOT NULL);
CREATE TABLE paid (no TEXT, pan BIGINT, amount REAL, raw BLOB);
CREATE TABLE pairs (pan TEXT, day TEXT, PRIMARY KEY (pan, day)) WITHOUT ROWID;
CREATE TABLE strictly (no TEXT, pan INTEGER NOT NULL, phone INTEGER) STRICT;
CREATE TABLE audit (what TEXT);
CREATE INDEX by_pan ON paid (pan);
CREATE TRIGGER spy AFTER INSERT ON cards BEGIN INSERT INTO audit VALUES (new.pan); END;
CREATE VIEW joined AS SELECT p.no, c.id FROM paid p JOIN cards c ON CAST(p.pan AS TEXT) = c.pan;
INSERT INTO people VALUES ('Y1', '王小明', '卡{CARD}'), ('Y2', '李小红', '无');
INSERT INTO cards VALUES (7, 'Y1', '{CARD}', 123), (9, 'Y2', '{VISA}', 456);
INSERT INTO cards VALUES (12, 'Y2', 'bad', 7), (13, 'Y2', 'worse', 8);
INSERT INTO paid VALUES ('Y1', {CARD}, 1.5, '卡{VISA}'), ('Y2', {VISA}, NULL, x'ff00'), ('Y2', NULL, 2, NULL);
INSERT INTO pairs VALUES ('{CARD}', '2026-01-01'), ('{CARD}', '2026-01-02');
INSERT INTO strictly VALUES ('Y1', {VISA}, 13800138000), ('Y2', 5, NULL);
DELETE FROM audit;
DELETE FROM cards WHERE id = 12;
PRAGMA user_version = 42;
"""
SOURCES = (
    PlanSource(
        object="x.db",
        kind="sqlite",
        table="people",
        subject="no",
        fields=(field("name", FieldClass.NAME), field("note", spans=True)),
    ),
    PlanSource(
        object="x.db",
        kind="sqlite",
        table="cards",
        subject="no",
        fields=(field("pan"), field("cvv", FieldClass.CVV, Action.PURGE)),
    ),
    PlanSource(object="x.db", kind="sqlite", table="paid", subject="no", fields=(field("pan"),)),
    PlanSource(object="x.db", kind="sqlite", table="pairs", fields=(field("pan"),)),
    PlanSource(
        object="x.db",
        kind="sqlite",
        table="strictly",
        subject="no",
        fields=(field("pan"), field("phone", FieldClass.MOBILE)),
    ),
)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
    return path


def protected(path: Path, tokens: Tokens, *sources: PlanSource) -> Path:
    target = path.with_name("copy.db")
    database.copy_file(path, target, sources or SOURCES, Shield(tokens), batch_rows=2)
    return target


def asked(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_a_database_keeps_types_joins_and_row_ids(original: Path, tokens: Tokens) -> None:
    copy = protected(original, tokens)
    card, visa = tokens.of(PAN, CARD), tokens.of(PAN, VISA)
    assert asked(copy, "SELECT id, pan FROM cards") == [(7, card), (9, visa), (13, "purged-1")]
    assert asked(copy, "SELECT rowid, pan, amount FROM paid") == [
        (1, int(card), 1.5),
        (2, int(visa), None),
        (3, None, 2.0),
    ]
    assert asked(copy, "SELECT DISTINCT typeof(pan) FROM paid WHERE pan IS NOT NULL") == [("integer",)]
    assert asked(copy, "SELECT * FROM joined") == asked(original, "SELECT * FROM joined") != []
    assert asked(copy, "SELECT pan, day FROM pairs") == [(card, "2026-01-01"), (card, "2026-01-02")]
    assert asked(copy, "SELECT name, note FROM people WHERE no = 'Y1'") == [
        (tokens.of(FieldClass.NAME, "王小明"), f"卡{card}")
    ]
    assert asked(copy, "SELECT sql FROM sqlite_schema") == asked(original, "SELECT sql FROM sqlite_schema")
    assert asked(copy, "PRAGMA user_version") == [(42,)]
    assert asked(copy, "SELECT seq FROM sqlite_sequence WHERE name = 'cards'") == [(13,)]
    assert asked(copy, "PRAGMA integrity_check") == [("ok",)]


def test_purged_values_leave_something_where_null_is_not_allowed(original: Path, tokens: Tokens) -> None:
    copy = protected(original, tokens)
    assert asked(copy, "SELECT DISTINCT cvv FROM cards") == [("",)]
    assert asked(copy, "SELECT pan, phone FROM strictly") == [(int(tokens.of(PAN, VISA)), None), (-1, None)]


def test_triggers_do_not_run_and_no_page_keeps_a_value(original: Path, tokens: Tokens) -> None:
    copy = protected(original, tokens)
    assert asked(copy, "SELECT * FROM audit") == []
    raw = copy.read_bytes()
    for value in (CARD, VISA, "王小明", "李小红"):
        assert value.encode() in original.read_bytes()
        assert value.encode() not in raw
        if value.isdigit():
            assert int(value).to_bytes(8, "big") not in raw
    assert asked(copy, "SELECT raw FROM paid") == [(f"卡{tokens.of(PAN, VISA)}",), (b"\xff\x00",), (None,)]
    assert not list(copy.parent.glob("*-journal")) + list(copy.parent.glob("*-wal"))


def test_virtual_tables_and_values_in_the_schema_are_refused(original: Path) -> None:
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("CREATE VIRTUAL TABLE found USING fts5(body)")
    with pytest.raises(NotRewritable):
        protected(original, Tokens())
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("DROP TABLE found")
        connection.execute(f"CREATE TABLE odd (a TEXT DEFAULT '{VISA}')")
    original.with_name("copy.db").unlink()
    with pytest.raises(NotRewritable):
        protected(original, Tokens())


def test_statistics_are_left_behind(original: Path, tokens: Tokens) -> None:
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("ANALYZE")
    assert asked(original, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'") == [(1,)]
    copy = protected(original, tokens)
    assert asked(copy, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'") == [(0,)]


def test_a_database_in_memory_even_one_in_wal_mode(original: Path, tokens: Tokens) -> None:
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    image = database.copy_bytes(original.read_bytes(), SOURCES, Shield(tokens), batch_rows=3)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(image)
        assert connection.execute("SELECT count(*) FROM joined").fetchone() == (2,)
    assert VISA.encode() not in image


# Dumps

DUMP = f"""-- a dump; INSERT INTO is a word here too
CREATE TABLE `members` (`no` char(10), `name` varchar(32), `pan` char(19), KEY `k` (`no`));
INSERT INTO `members` VALUES ('Y1','王''小(明','{CARD}'),('Y2', NULL ,{VISA}),
 ('Y3', N'O\\'Neil, 李', 'x') ;
insert into other (no, name) values ('Y1', '王''小(明');
COPY public.people (no, name) FROM stdin;
Y1\t王\\t小
Y2\t\\N
\\.
INSERT INTO members (name, no) VALUES ('赵六', 'Y4') ON CONFLICT DO NOTHING;
"""
DUMP_TEXT = PlanSource(object="x.sql", kind="sql", encoding="utf-8", fields=(field("", spans=True),))
MEMBERS = PlanSource(
    object="x.sql",
    kind="sql",
    table="members",
    encoding="utf-8",
    subject="no",
    fields=(field("name", FieldClass.NAME),),
)
PEOPLE = PlanSource(
    object="x.sql", kind="sql", table="people", encoding="utf-8", subject="no", fields=(field("name", FieldClass.NAME),)
)


def rewritten_dump(text: str, tokens: Tokens, *sources: PlanSource) -> str:
    out = io.BytesIO()
    dump.rewrite(io.BytesIO(text.encode()), out, sources or (DUMP_TEXT, MEMBERS, PEOPLE), Shield(tokens))
    return out.getvalue().decode()


def test_a_dump_is_rewritten_by_column_and_as_text(tokens: Tokens) -> None:
    wang, neil, zhao, tabbed = (tokens.of(FieldClass.NAME, one) for one in ("王'小(明", "O'Neil, 李", "赵六", "王t小"))
    expected = (
        DUMP.replace("'王''小(明','", f"'{wang}','")
        .replace("N'O\\'Neil, 李'", f"N'{neil}'")
        .replace("'赵六'", f"'{zhao}'")
        .replace("王\\t小", tabbed)
        .replace(CARD, tokens.of(PAN, CARD))
        .replace(VISA, tokens.of(PAN, VISA))
    )
    assert rewritten_dump(DUMP, tokens) == expected


def test_rows_of_a_dump_have_their_customer() -> None:
    grids = list(dump.read(io.BytesIO(DUMP.encode()), MEMBERS, batch_rows=2))
    rows = [dict(zip(grid.names, row, strict=True)) for grid in grids for row in zip(*grid.columns, strict=True)]
    assert [(row["no"], row["name"]) for row in rows] == [
        ("Y1", "王'小(明"),
        ("Y2", None),
        ("Y3", "O'Neil, 李"),
        ("Y4", "赵六"),
    ]
    assert [grid.row for grid in grids] == [0, 2, 3]


def test_a_long_dump_is_followed_across_pieces(tokens: Tokens) -> None:
    rows = ",\n".join(f"('Y{at}','王小{'明红刚'[at % 3]}','x')" for at in range(60_000))
    text = f"INSERT INTO members (no, name, pan) VALUES\n{rows};\n"
    out = rewritten_dump(text, tokens)
    assert "王" not in out
    assert out.count("tok_") == 60_000
    assert (
        sum(len(grid.columns[0]) for grid in dump.read(io.BytesIO(text.encode()), MEMBERS, batch_rows=8192)) == 60_000
    )


def test_a_dump_whose_rows_cannot_be_followed_is_refused() -> None:
    for text in ("INSERT INTO members VALUES ('Y1','王小明", "COPY members (no, name) FROM stdin;\nY1\t王\n"):
        with pytest.raises(NotRewritable):
            rewritten_dump(text, Tokens())
