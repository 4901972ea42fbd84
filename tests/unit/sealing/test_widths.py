"""What the plan says of tokens: sorts that do not agree, and columns that have no room for them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.sealing.counterparts import survey

from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.sealing import Action, Plan, PlanField, PlanNotValid, PlanSource, TokenForm, check, dump, load, propose
from tigertally.sealing.widths import Room, fits, room_of

F = FieldClass
HEAD = 'format = "tigertally-plan-v1"\n'


def source(kind: str, name: str, fields: dict[str, tuple[str, str]], *, table: str = "t") -> str:
    """A source of a plan file: its columns' classes and sorts of tokens."""
    rows = [f'[[source]]\nobject = "{name}"\nkind = "{kind}"\ntable = "{table}"\nsubject = "no"\n']
    rows += ['encoding = "utf-8"\n'] if kind == "sql" else []
    for column, (cls, sort) in fields.items():
        token = f'token = "{sort}"\n' if sort else ""
        rows.append(f'[[source.field]]\ncolumn = "{column}"\nclass = "{cls}"\naction = "seal"\n{token}')
    return "".join(rows)


def said(text: str, root: Path) -> list[tuple[int, str, bool]]:
    """Line, first word and graveness of every mistake that is about room."""
    found = [(one.line, one.say(Lang.EN), one.grave) for one in check(load(text), root)]
    return [(line, words.split(" ")[0], grave) for line, words, grave in found if "room" in words or "whole" in words]


@pytest.mark.parametrize(
    ("declared", "room"),
    [
        ("varchar(20)", Room(chars=20)),
        ("char( 18 ) NOT NULL DEFAULT ''", Room(chars=18)),
        ('character varying(11) COLLATE "C"', Room(chars=11)),
        ("national character varying(9)", Room(chars=9)),
        ("VARCHAR2(30 CHAR)", Room(chars=30)),
        ("int(11) unsigned", Room(digits=9)),
        ("BIGINT", Room(digits=18)),
        ("decimal(22,2)", Room(digits=20)),
        ("numeric(19)", Room(digits=19)),
        ("int COMMENT 'char(3)'", Room(digits=9)),
        ("varchar", None),
        ("text", None),
        ("timestamp(6)", None),
        ("bytea", None),
        ("", None),
    ],
)
def test_the_room_of_a_type(declared: str, room: Room | None) -> None:
    assert room_of(declared) == room


def test_what_fits() -> None:
    default, fit = TokenForm.DEFAULT, TokenForm.FIT
    assert [fits(F.MOBILE, form, Room(chars=11)) for form in (default, fit)] == [False, True]
    assert [fits(F.MOBILE, form, Room(digits=18)) for form in (default, fit)] == [False, True]
    assert not fits(F.MOBILE, fit, Room(digits=9))
    assert not fits(F.NATIONAL_ID, fit, Room(digits=18))
    assert not fits(F.BANK_ACCOUNT, fit, Room(digits=18))
    assert [fits(F.NAME, form, Room(chars=16)) for form in (default, fit)] == [False, True]
    assert not fits(F.NAME, fit, Room(chars=15))
    assert fits(F.NAME, default, Room(chars=32))
    assert not fits(F.EMAIL, fit, Room(chars=33))
    assert fits(F.PAN, default, Room(digits=18))
    assert fits(F.PAN, TokenForm.FF1, Room(chars=19))


MYSQL = """CREATE TABLE `t` (
 `no` char(10), `id` char(18) NOT NULL COMMENT 'a, (b', `mobile` varchar(11) DEFAULT '', `phone` bigint,
 `name` varchar(10), `mail` varchar(64), `acct` bigint(20), `pan` bigint, `exp` char(5), PRIMARY KEY (`no`));
INSERT INTO `t` VALUES
 ('C1','110101199003070038','13800138000',13800138000,'虚构甲','a@example.cn',1,4111111111111111,'12/29');
"""
POSTGRES = """CREATE TABLE public.t (
    no character varying(10) NOT NULL, id character(18), mobile character varying(11), phone bigint,
    name character varying(10), mail character varying(64), acct numeric(20,0), pan numeric(19,0), exp character(5)
);
COPY public.t (no, id, mobile, phone, name, mail, acct, pan, exp) FROM stdin;
C1\t110101199003070038\t13800138000\t13800138000\t虚构甲\ta@example.cn\t1\t4111111111111111\t12/29
\\.
"""
COLUMNS = {"id": "national_id", "mobile": "mobile", "phone": "mobile", "name": "name", "mail": "email"}
REST = {"acct": "bank_account", "pan": "pan", "exp": "expiry"}


@pytest.mark.parametrize("text", [MYSQL, POSTGRES], ids=["mysql", "postgresql"])
def test_a_dump_refuses_what_would_not_load(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.sql").write_text(text, encoding="utf-8")
    plain = HEAD + source("sql", "x.sql", {name: (cls, "") for name, cls in {**COLUMNS, **REST}.items()})
    lines = {column: plain.split("\n").index(f'column = "{column}"') for column in [*COLUMNS, *REST]}
    assert said(plain, tmp_path) == [
        (lines[column], column, True) for column in ("id", "mobile", "phone", "name", "acct", "exp")
    ]
    words = {one.line: one.say(Lang.EN) for one in check(load(plain), tmp_path) if one.grave}
    assert 'token = "fit"' in words[lines["mobile"]]
    assert "no token" in words[lines["exp"]]
    assert "no token" in words[lines["name"]]  # ten characters are too few for any

    fitted = {name: (cls, "fit") for name, cls in COLUMNS.items()}
    better = HEAD + source("sql", "x.sql", {**fitted, "acct": ("bank_account", "fit"), "pan": ("pan", "ff1")})
    assert [(column, grave) for _, column, grave in said(better, tmp_path)] == [("name", True), ("acct", True)]


def test_a_proposal_has_tokens_that_fit_where_others_would_not_load(tmp_path: Path) -> None:
    names = ["王小明", "李娜", "张伟"] * 20
    rows = "".join(f"('C{at}','{name}','4111111111111111'),\n" for at, name in enumerate(names))
    head = (
        "CREATE TABLE `t` (`customer_no` char(10), `real_name` varchar(20), `card` char(19));\nINSERT INTO `t` VALUES\n"
    )
    (tmp_path / "x.sql").write_text(head + rows[:-2] + ";\n", encoding="utf-8")
    plan = propose(survey(tmp_path), tmp_path)
    sorts = {(one.cls, one.token) for source in plan.sources for one in source.fields if one.cls in {F.NAME, F.PAN}}
    assert sorts == {(F.NAME, TokenForm.FIT), (F.PAN, TokenForm.DEFAULT)}
    assert not [one for one in check(load(dump(plan)), tmp_path) if one.grave]


def test_sqlite_keeps_lengths_as_notes_unless_strict(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as base:
        base.execute("CREATE TABLE t (no TEXT, id CHAR(18), mobile VARCHAR(11), phone INTEGER)")
        base.execute("CREATE TABLE s (no TEXT, id INTEGER, mobile TEXT, phone INTEGER) STRICT")
        base.commit()
    columns = {"id": ("national_id", ""), "mobile": ("mobile", ""), "phone": ("mobile", "")}
    loose = HEAD + source("sqlite", "x.db", columns)
    assert [one[1:] for one in said(loose, tmp_path)] == [("id", False), ("mobile", False)]
    strict = HEAD + source("sqlite", "x.db", columns, table="s")
    assert [one[1:] for one in said(strict, tmp_path)] == [("id", True), ("phone", True)]
    fit = {name: (cls, "fit") for name, (cls, _) in columns.items()}
    assert said(HEAD + source("sqlite", "x.db", fit), tmp_path) == []
    assert [one[1:] for one in said(HEAD + source("sqlite", "x.db", fit, table="s"), tmp_path)] == [("id", True)]


def test_sorts_of_tokens_come_back_from_the_file() -> None:
    fields = tuple(
        PlanField(name=f"c{at}", cls=cls, action=Action.SEAL, token=form)
        for at, (cls, form) in enumerate(
            [(F.PAN, TokenForm.FF1), (F.MOBILE, TokenForm.FIT), (F.NAME, TokenForm.DEFAULT)]
        )
    )
    plan = Plan(sources=(PlanSource(object="x.db", kind="sqlite", table="t", subject="no", fields=fields),))
    assert [one.token for one in load(dump(plan)).sources[0].fields] == [one.token for one in fields]


@pytest.mark.parametrize(
    ("fields", "line", "words"),
    [
        ({"a": ("mobile", "fit"), "b": ("mobile", "")}, 12, "line 7"),
        ({"a": ("expiry", "fit")}, 7, "no tokens of the sort"),
        ({"a": ("mobile", "ff1")}, 7, "these have: pan"),
        ({"a": ("pan", "fit")}, 7, "no tokens of the sort"),
        ({"a": ("pan", "ff3")}, 11, "fit or ff1"),
    ],
)
def test_what_the_plan_may_not_ask_for(fields: dict[str, tuple[str, str]], line: int, words: str) -> None:
    with pytest.raises(PlanNotValid) as caught:
        load(HEAD + source("sqlite", "x.db", fields))
    assert [one.line for one in caught.value.mistakes] == [line]
    assert words in caught.value.mistakes[0].say(Lang.EN)


def test_what_is_not_sealed_has_no_token() -> None:
    text = HEAD + source("sqlite", "x.db", {"a": ("mobile", "fit")}).replace('"seal"', '"purge"')
    with pytest.raises(PlanNotValid) as caught:
        load(text)
    assert "only what is sealed" in caught.value.mistakes[0].say(Lang.EN)
