from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sealing.counterparts import Estate

from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.text import Lang
from tigertally.sealing import Action, Extent, Plan, PlanField, PlanNotValid, PlanSource, dump, load
from tigertally.sealing.plan import mistakes_in, stays_inside

ROOT = Path(__file__).parents[3]
HEAD = 'format = "tigertally-plan-v1"\n'
GOOD = (
    HEAD
    + """
[[source]]
object = "a/客户.csv"
kind = "csv"
encoding = "gb18030"
delimiter = ","
subject = "客户编号"

  [[source.field]]
  column = "卡号"
  class = "pan"
  action = "seal"
"""
)


def bare(plan: Plan) -> Plan:
    """The plan without what a file does not carry: lines and evidence."""
    sources = [
        replace(source, line=0, fields=tuple(replace(one, line=0, evidence="") for one in source.fields))
        for source in plan.sources
    ]
    return Plan(sources=tuple(sources))


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PlanNotValid) as caught:
        load(text)
    return [(one.line, one.say(Lang.EN)) for one in caught.value.mistakes]


def test_a_proposed_plan_comes_back_from_its_file(estate: Estate) -> None:
    assert len(estate.plan.sources) > 10
    assert bare(load(dump(estate.plan))) == bare(estate.plan)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(names, min_size=1, max_size=4, unique=True), names)
def test_any_column_name_survives_the_file(columns: list[str], subject: str) -> None:
    fields = tuple(
        PlanField(name=name, cls=FieldClass.PAN, action=Action.SEAL, evidence="x\ny")
        for name in columns
        if name != subject
    )
    if not fields:
        return
    plan = Plan(sources=(PlanSource(object="x.db", table=columns[0], kind="sqlite", subject=subject, fields=fields),))
    assert bare(load(dump(plan))) == bare(plan)


def test_it_carries_no_value_of_the_estate(estate: Estate) -> None:
    text = dump(estate.plan)
    for cls in (FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.PASSWORD):
        assert not any(value in text for value in estate.truth.values(cls))


def test_every_mistake_is_told_with_its_line() -> None:
    text = GOOD.replace('encoding = "gb18030"', 'encoding = "rot13"').replace('class = "pan"', 'class = "card"')
    text = text.replace('action = "seal"', 'action = "burn"').replace('delimiter = ","', 'colour = "red"')
    lines = [line for line, _ in mistakes(text)]
    assert lines == sorted(lines)
    told = dict(mistakes(text))
    assert "unknown encoding" in told[6]
    assert "unknown key colour" in told[7]
    assert "class is missing or unknown" in told[12]
    assert "action must be" in told[13]


def test_mistakes_speak_chinese_too() -> None:
    with pytest.raises(PlanNotValid) as caught:
        load(GOOD.replace('action = "seal"', 'action = "burn"'))
    assert caught.value.mistakes[0].say(Lang.ZH) == "action 应为 seal、purge 或 keep"
    assert "1" in caught.value.say(Lang.ZH)


@pytest.mark.parametrize("cls", [cls for cls, rule in FIELD_RULES.items() if rule.destiny is Destiny.PURGE])
@pytest.mark.parametrize("action", ["seal", "keep"])
def test_what_must_be_purged_can_be_nothing_else(cls: FieldClass, action: str) -> None:
    text = GOOD.replace('class = "pan"', f'class = "{cls.value}"')
    assert load(text.replace('"seal"', '"purge"')).sources[0].fields[0].action is Action.PURGE
    assert "may only be purged" in mistakes(text.replace('"seal"', f'"{action}"'))[0][1]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x.csv",
        "a/../../x",
        "a\\b.csv",
        "C:/x.csv",
        "a.zip!/../x",
        "a.zip!/",
        "!/a",
        "./a",
        "a//b",
        "a\0b",
    ],
)
def test_paths_stay_in_the_estate(path: str) -> None:
    assert not stays_inside(path)
    quoted = path.replace("\\", "\\\\").replace("\0", "\\u0000")
    assert mistakes(GOOD.replace("a/客户.csv", quoted))[0][0] == 3


@pytest.mark.parametrize(
    ("edit", "line", "words"),
    [
        (("format", "fromat"), 1, "the file must say format"),
        (("plan-v1", "plan-v2"), 1, "the file must say format"),
        (('subject = "客户编号"', 'subject = "卡号"'), 10, "the customer column"),
        (('subject = "客户编号"\n', ""), 3, "subject is missing"),
        (('kind = "csv"', 'kind = "docx"'), 3, "unknown kind"),
        (('kind = "csv"', 'kind = "xlsx"'), 3, "say which in table"),
        (('kind = "csv"', 'kind = "csv"\ntable = "x"'), 3, "has no tables"),
        (('encoding = "gb18030"', ""), 3, "needs an encoding"),
        (('delimiter = ","', 'delimiter = ",,"'), 3, "one character"),
        (('delimiter = ","', "delimiter = 3"), 7, "quoted text"),
        (('delimiter = ","', 'header = "yes"'), 7, "true or false"),
        (('column = "卡号"', 'column = "卡号"\n  key = "x"'), 12, "not both"),
        (('column = "卡号"\n', "\n"), 10, "needs a column or key"),
        (('class = "pan"', 'class = "scheme_txn_id"\n  spans = true'), 10, "cannot be recognised inside text"),
        (('object = "a/客户.csv"', 'object = """a'), 4, "multi-line"),
        (('kind = "csv"', "kind = csv"), 5, "not valid TOML"),
        (('kind = "csv"', 'kind = "csv"\nkind = "tsv"'), 6, "not valid TOML"),
        (("[[source.field]]", "[source.field]"), 3, "sections"),
    ],
)
def test_hostile_plans(edit: tuple[str, str], line: int, words: str) -> None:
    assert edit[0] in GOOD
    told = mistakes(GOOD.replace(*edit))
    assert any(words in said for _, said in told), told
    assert any(at == line for at, said in told if words in said), told


def test_the_same_table_twice_and_the_same_column_twice() -> None:
    source = GOOD.removeprefix(HEAD)
    told = mistakes(HEAD + source + source)
    assert told == [(15, "a/客户.csv is already in line 3; each table of each object is written once")]
    field = source[source.index("  [[source.field]]") :]
    assert mistakes(HEAD + source + field) == [(14, "卡号 is already defined in line 10")]


def test_spans_of_two_classes_may_share_a_column_but_not_with_a_whole_field() -> None:
    spans = '  [[source.field]]\n  column = "备注"\n  class = "{}"\n  action = "seal"\n  spans = true\n'
    plan = load(GOOD + spans.format("pan") + spans.format("mobile"))
    assert [one.extent for one in plan.sources[0].fields] == [Extent.CELL, Extent.SPANS, Extent.SPANS]
    whole = spans.format("name").replace("  spans = true\n", "")
    assert len(mistakes(GOOD + spans.format("pan") + whole)) == 1
    assert len(mistakes(GOOD + spans.format("pan") + spans.format("pan"))) == 1


def test_text_has_no_subject_and_no_columns() -> None:
    text = HEAD + '[[source]]\nobject = "a.log"\nkind = "text"\nencoding = "utf-8"\nsubject = ""\n'
    field = '[[source.field]]\nclass = "pan"\naction = "seal"\n'
    assert load(text + field).sources[0].fields[0].extent is Extent.SPANS
    assert "no customer column" in mistakes(text.replace('subject = ""', 'subject = "x"') + field)[0][1]
    assert "have no column or key" in mistakes(text + field + 'column = "x"\n')[0][1]


def tried(text: str) -> Plan | PlanNotValid:
    try:
        return load(text)
    except PlanNotValid as problem:
        return problem


@given(st.text(max_size=200))
def test_no_text_brings_it_down(text: str) -> None:
    outcome = tried(HEAD + text)
    assert isinstance(outcome, Plan) or outcome.mistakes


@given(st.integers(0, len(GOOD) - 1), st.characters(exclude_categories=["Cs"]))
def test_a_changed_character_is_a_mistake_or_another_good_plan(at: int, character: str) -> None:
    outcome = tried(GOOD[:at] + character + GOOD[at + 1 :])
    if isinstance(outcome, Plan):
        assert mistakes_in(outcome) == ()
    else:
        assert outcome.mistakes
        assert all(0 <= one.line <= GOOD.count("\n") + 2 for one in outcome.mistakes)


def test_the_documented_example_is_a_good_plan() -> None:
    page = (ROOT / "docs/formats/plan.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert examples
    plan = load(examples[0])
    assert len(plan.sources) >= 3
