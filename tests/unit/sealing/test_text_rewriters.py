"""Plain text, delimited files and JSON: what is not replaced keeps its bytes, what is replaced keeps its form."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.sealing.counterparts import Tokens

from tigertally.base.fields import FieldClass
from tigertally.sealing import Action, Extent, NotRewritable, PlanField, PlanSource, SourceNotReadable
from tigertally.sealing.rewriters import delimited, jsontext, plaintext
from tigertally.sealing.rewriters.encoded import TextStream
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.shield import Shield

CARD = "6222021234567890128"
VISA = "4111111111111111"
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
# Text without digits holds no values, so it must come back as it was.
wordy = st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="\x00"), max_size=60)


def field(
    name: str, cls: FieldClass = FieldClass.PAN, action: Action = Action.SEAL, *, spans: bool = False
) -> PlanField:
    return PlanField(name=name, cls=cls, action=action, extent=Extent.SPANS if spans else Extent.CELL)


def text_source(kind: str = "text", encoding: str = "utf-8", *fields: PlanField, subject: str = "") -> PlanSource:
    return PlanSource(
        object="x", kind=kind, encoding=encoding, delimiter="," if kind == "csv" else "", fields=fields, subject=subject
    )


def rewritten(data: bytes, source: PlanSource, shield: Shield) -> bytes:
    out = io.BytesIO()
    if source.kind == "csv":
        delimited.rewrite(io.BytesIO(data), out, source, shield, batch_rows=3)
    elif source.kind == "text":
        plaintext.rewrite(io.BytesIO(data), out, source, shield)
    else:
        jsontext.rewrite(io.BytesIO(data), out, source, shield, batch_rows=3)
    return out.getvalue()


def rows(grids: list[Grid]) -> list[tuple[str | None, ...]]:
    return [row for grid in grids for row in zip(*grid.columns, strict=True)]


@given(wordy, st.sampled_from(ENCODINGS), st.booleans(), st.sampled_from(["text", "csv"]))
def test_what_holds_no_value_keeps_its_bytes(text: str, encoding: str, marked: bool, kind: str) -> None:  # noqa: FBT001
    data = (("\ufeff" if marked else "") + text).encode(encoding)
    try:
        assert rewritten(data, text_source(kind, encoding), Shield(Tokens())) == data
    except NotRewritable:
        assert kind == "csv"
        assert '"' in text


@given(st.lists(st.text(st.sampled_from("ab\r\n\"',1 字")), max_size=8), st.integers(1, 5))
def test_lines_are_the_text(parts: list[str], per_batch: int) -> None:
    text = "".join(parts)
    stream = TextStream(io.BytesIO(text.encode()), encoding="utf-8", object_path="x")
    lines = [line for batch in stream.lines(per_batch=per_batch) for line in batch]
    assert "".join(lines) == text
    assert all("\n" not in line[:-1] for line in lines)


def test_other_bytes_are_refused_not_replaced() -> None:
    for data, encoding in (
        (b"\xff\xfe\xfa", "utf-8"),
        ("卡".encode("utf-16-le")[:-1], "utf-16-le"),
        (b"\x81", "gb18030"),
    ):
        with pytest.raises(SourceNotReadable):
            rewritten(data, text_source("text", encoding), Shield(Tokens()))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_card_against_chinese_characters_is_replaced_in_place(encoding: str, tokens: Tokens) -> None:
    text = f"三月二日 卡号{CARD}金额三十元\r\n卡号4111 1111 1111 1111尾款\r\n"
    data = rewritten(text.encode(encoding), text_source("text", encoding), Shield(tokens)).decode(encoding)
    visa = tokens.of(FieldClass.PAN, VISA)
    grouped = " ".join(visa[at : at + 4] for at in range(0, 16, 4))
    assert data == text.replace(CARD, tokens.of(FieldClass.PAN, CARD)).replace("4111 1111 1111 1111", grouped)


def test_codes_beside_cards_go_even_in_the_next_line_and_window() -> None:
    filler = "x" * 90 + "\n"
    for lines in (0, 11_640, 11_641, 11_642):  # around the end of the first window
        text = filler * lines + f"pan={VISA}\ncvv: 123 ok\n" + filler * 40
        out = rewritten(text.encode(), text_source(), Shield(Tokens(VISA))).decode()
        assert out == text.replace(VISA, "***").replace("cvv: 123", "cvv: ***")


def test_what_the_vault_does_not_know_is_purged_and_counted() -> None:
    shield = Shield(Tokens(VISA))
    out = rewritten(f"a {VISA} b {CARD} c\n".encode(), text_source(), shield).decode()
    assert VISA not in out
    assert out.startswith("a *** b 7")
    assert [(count.cls, count.sealed, count.unknown) for count in shield.counts()] == [(FieldClass.PAN, 1, 1)]


def test_text_actions_are_the_plans(tokens: Tokens) -> None:
    source = text_source("text", "utf-8", field("", FieldClass.MOBILE, Action.KEEP, spans=True))
    out = rewritten(f"手机13800138000卡{VISA}".encode(), source, Shield(tokens)).decode()
    assert "13800138000" in out
    assert VISA not in out


@given(st.lists(st.lists(st.text(st.sampled_from("ab\",\n 字'")), min_size=1, max_size=4), min_size=1, max_size=6))
def test_rows_are_those_of_the_standard_reader(table: list[list[str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(table)
    source = PlanSource(object="x", kind="csv", encoding="utf-8", delimiter=",", header=False)
    grids = list(delimited.read(io.BytesIO(written.getvalue().encode()), source, batch_rows=2))
    width = len(grids[0].names)
    expected = [tuple(row[at] if at < len(row) else None for at in range(width)) for row in table]
    assert rows(grids) == expected


def test_quotes_delimiters_and_line_ends_stay(tokens: Tokens) -> None:
    text = f'编号,卡号,备注\r\n1,"{VISA}","他说""好"",卡{CARD}"\r\n2,{CARD},\r\n\r\n3,n/a,"两\r\n行"\r\n'
    source = text_source("csv", "gb18030", field("卡号"), subject="编号")
    out = rewritten(text.encode("gb18030"), source, Shield(tokens)).decode("gb18030")
    expected = text.replace(VISA, tokens.of(FieldClass.PAN, VISA)).replace(CARD, tokens.of(FieldClass.PAN, CARD))
    assert out == expected.replace("n/a", "")


def test_purged_cells_become_empty_and_kept_ones_stay() -> None:
    text = f"no,cvv,card\n1,123,{VISA}\n2,,{VISA}\n"
    source = text_source("csv", "utf-8", field("cvv", FieldClass.CVV, Action.PURGE), field("card", action=Action.KEEP))
    assert rewritten(text.encode(), source, Shield(Tokens())).decode() == text.replace("123", "")


def test_numbers_in_columns_outside_the_plan_survive_unless_the_vault_knows_them() -> None:
    text = f"no,order,note\n1,{CARD},x\n2,{VISA},y\n3,1,卡{CARD}\n"
    out = rewritten(text.encode(), text_source("csv"), Shield(Tokens(CARD))).decode()
    assert CARD in out.split("\n")[1]
    assert VISA not in out
    assert "卡***" in out


def test_rows_of_another_width_are_searched_as_text() -> None:
    text = f"no,a\n1,x,{CARD}\n2\n"
    out = rewritten(text.encode(), text_source("csv"), Shield(Tokens(CARD))).decode()
    assert out == "no,a\n1,x,***\n2\n"


def test_titles_above_the_header_are_passed_over(tokens: Tokens) -> None:
    text = f"导出报表,,\n,,\n编号,卡号,备注\n1,{VISA},\n"
    source = text_source("csv", "utf-8", field("卡号"), subject="编号")
    grids = list(delimited.read(io.BytesIO(text.encode()), source, batch_rows=8))
    assert rows(grids) == [("1", VISA, "")]
    assert tokens.of(FieldClass.PAN, VISA) in rewritten(text.encode(), source, Shield(tokens)).decode()


def test_a_quote_that_never_closes_is_refused() -> None:
    with pytest.raises(NotRewritable):
        rewritten(b'a,b\n1,"x\n2,y\n', text_source("csv"), Shield(Tokens()))


plain_json = st.recursive(
    st.none() | st.booleans() | st.floats(-1e9, 1e9) | wordy,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(wordy, inner, max_size=3),
    max_leaves=12,
)


@given(plain_json, st.sampled_from([None, 2]), st.booleans())
def test_json_without_values_keeps_its_characters(value: object, indent: int | None, escaped: bool) -> None:  # noqa: FBT001
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    assert rewritten(text.encode(), text_source("json"), Shield(Tokens())).decode() == text


@given(st.text(st.sampled_from('{}[]:,"\\ntrue01.e-u/ '), max_size=24))
@example('"\\1"')
@example('"\\u12"')
@example('"\\u00e9\\/"')
@example("01")
@example("-0.0e+1")
@example("\uff11")
def test_the_grammar_is_the_standard_parsers(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda _: pytest.fail("not JSON"))
        good = True
    except ValueError:
        good = False
    try:
        rewritten(text.encode(), text_source("json"), Shield(Tokens()))
        assert good or not text.strip()
    except SourceNotReadable:
        assert not good


def test_keys_order_and_numbers_stay(tokens: Tokens) -> None:
    text = (
        f'{{"uid": "Y1", "amount": 1.10, "cards": [ {{"no": {VISA}, "cvv":"123"}},{{"no":"{CARD}"}} ],'
        f'"note":"\\u5361{CARD}"}}\n'
    )
    source = text_source(
        "jsonl", "utf-8", field("cards[].no"), field("cards[].cvv", FieldClass.CVV, Action.PURGE), subject="uid"
    )
    out = rewritten((text * 4).encode(), source, Shield(tokens)).decode()
    expected = text.replace(VISA, tokens.of(FieldClass.PAN, VISA)).replace(CARD, tokens.of(FieldClass.PAN, CARD))
    assert out == expected.replace('"123"', "null") * 4
    assert all(isinstance(json.loads(line)["cards"][0]["no"], int) for line in out.splitlines())


def test_each_array_element_is_a_row_with_its_customer() -> None:
    tree = {"list": [{"id": "A", "cards": [{"no": "1", "exp": "x"}, {"no": "2"}]}, {"cards": [{"no": "3"}], "id": "B"}]}
    source = text_source("json", "utf-8", field("list[].cards[].no"), field("list[].cards[].exp"), subject="list[].id")
    grids = list(jsontext.read(io.BytesIO(json.dumps(tree).encode()), source, batch_rows=2))
    assert rows(grids) == [("A", "1", "x"), ("A", "2", None), ("B", "3", None)]
    assert [grid.row for grid in grids] == [0, 2]


def test_a_file_of_records_is_named_from_the_record_on() -> None:
    data = json.dumps([{"id": "A", "no": ["1", "2"]}, {"id": "B", "no": []}]).encode()
    source = text_source("json", "utf-8", field("no[]"), subject="id")
    assert rows(list(jsontext.read(io.BytesIO(data), source, batch_rows=9))) == [("A", "1"), ("A", "2")]


def test_a_card_number_as_a_key_is_replaced_as_well(tokens: Tokens) -> None:
    data = f'{{"by_card": {{"{VISA}": {{"n": 1}}, "{CARD}": {{"n": 2}}}}}}'.encode()
    source = text_source("json", "utf-8", field("by_card.*"))
    out = json.loads(rewritten(data, source, Shield(tokens)))
    assert out == {"by_card": {tokens.of(FieldClass.PAN, VISA): {"n": 1}, tokens.of(FieldClass.PAN, CARD): {"n": 2}}}
    gone = json.loads(rewritten(data, source, Shield(Tokens(VISA, CARD))))
    assert gone == {"by_card": {"***": {"n": 2}}}


def test_a_line_that_is_not_json_is_treated_as_text(tokens: Tokens) -> None:
    data = f'{{"pan":"{VISA}"}}\n{{"pan":"{VISA}","cut\n'.encode()
    out = rewritten(data, text_source("jsonl", "utf-8", field("pan")), Shield(tokens)).decode()
    assert out == data.decode().replace(VISA, tokens.of(FieldClass.PAN, VISA))


def test_grouped_tokens_never_pass_for_a_card() -> None:
    class Awkward(Tokens):
        def of(self, cls: FieldClass, value: str) -> str:
            return "741463" + "4391142757698" if cls is FieldClass.PAN else super().of(cls, value)

    out = rewritten(b"card 622202 8368856427698 x\n", text_source(), Shield(Awkward())).decode()
    assert out == "card 7414634391142757698 x\n"
