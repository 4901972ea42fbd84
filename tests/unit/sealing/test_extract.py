"""Values come out in their one spelling, with their customer, resumable, and never those that are purged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from tests.unit.sealing.counterparts import Estate

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.discovery import scan
from tigertally.sealing import (
    Action,
    Columns,
    Extent,
    Plan,
    PlanField,
    PlanSource,
    SourceNotReadable,
    dump,
    load,
    propose,
    protect,
    read,
)
from tigertally.testing import papers


def taken(columns: list[Columns]) -> list[tuple[object, ...]]:
    """Every value with its subject, class and slot."""
    return [
        (subject, one.cls, one.slot, value)
        for batch in columns
        for one in batch.fields
        for subject, value in zip(batch.subjects, one.values, strict=True)
        if value is not None
    ]


def every(estate: Estate) -> list[tuple[object, ...]]:
    return [
        row
        for index in range(len(estate.plan.sources))
        for row in taken(list(read(estate.plan, estate.root, source_index=index)))
    ]


def test_everything_that_may_be_sealed_is_read(estate: Estate) -> None:
    rows = every(estate)
    for cls, rule in FIELD_RULES.items():
        values = {value for _, its, _, value in rows if its is cls}
        if rule.destiny is Destiny.PURGE:
            assert values == set()
        elif cls is FieldClass.EXPIRY:
            assert values <= estate.truth.values(cls)
        else:
            assert values == estate.truth.values(cls), cls


def test_columns_name_the_right_customer(estate: Estate) -> None:
    owned = {(subject, value) for subject, cls, _, value in every(estate) if cls is FieldClass.PAN and subject}
    assert len(owned) > 300
    assert {value: subject for subject, value in owned} == {card: estate.truth.owners[str(card)] for _, card in owned}
    assert {estate.truth.owners[str(card)] == subject for subject, card in owned} == {True}


def test_text_has_no_customer_and_counts_what_it_purges(estate: Estate) -> None:
    index = next(at for at, source in enumerate(estate.plan.sources) if source.object == papers.NOTES)
    batches = list(read(estate.plan, estate.root, source_index=index))
    assert {subject for batch in batches for subject in batch.subjects} == {""}
    truth = estate.truth
    purged = sum(truth.count(cls, object=papers.NOTES) for cls in (FieldClass.CVV, FieldClass.EXPIRY))
    assert sum(batch.purged for batch in batches) == purged > 0
    cards = [row for row in taken(batches) if row[1] is FieldClass.PAN]
    assert len(cards) == truth.count(FieldClass.PAN, object=papers.NOTES)


@pytest.mark.parametrize("batch_rows", [7, 8192])
def test_reading_on_from_where_a_batch_ended_gives_the_rest(estate: Estate, batch_rows: int) -> None:
    kinds = set()
    for index, source in enumerate(estate.plan.sources):
        whole = list(read(estate.plan, estate.root, source_index=index, batch_rows=batch_rows))
        assert [batch.row for batch in whole] == sorted({batch.row for batch in whole})
        half = len(whole) // 2
        start = whole[half - 1].next_row if half else 0
        rest = list(read(estate.plan, estate.root, source_index=index, batch_rows=batch_rows, start_row=start))
        assert Counter(taken(whole[:half] + rest)) == Counter(taken(whole))
        assert list(read(estate.plan, estate.root, source_index=index, start_row=whole[-1].next_row)) == []
        kinds.add(source.kind)
    assert kinds == {"sqlite", "csv", "jsonl", "sql", "xlsx", "text"}


def test_starting_within_a_batch_gives_exactly_the_rest(estate: Estate) -> None:
    index = next(at for at, source in enumerate(estate.plan.sources) if source.object == "passwords-old.csv")
    rows = taken(list(read(estate.plan, estate.root, source_index=index)))
    assert taken(list(read(estate.plan, estate.root, source_index=index, start_row=3))) == rows[3:]


def test_what_is_no_value_of_its_class_is_rejected_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "no,card,note\n1,4111111111111111,卡6222021234567890128和4111111111111111\n2,n/a,\n3,,\n"
    )
    source = PlanSource(
        object="a.csv", kind="csv", encoding="utf-8", delimiter=",", subject="no",
        fields=(
            PlanField(name="card", cls=FieldClass.PAN, action=Action.SEAL),
            PlanField(name="note", cls=FieldClass.PAN, action=Action.SEAL, extent=Extent.SPANS),
        ),
    )  # fmt: skip
    (batch,) = read(Plan(sources=(source,)), tmp_path, source_index=0)
    assert (batch.rejected, batch.purged, batch.next_row) == (1, 0, 3)
    assert taken([batch]) == [
        ("1", FieldClass.PAN, "card", "4111111111111111"),
        ("1", FieldClass.PAN, "note", "6222021234567890128"),
        ("1", FieldClass.PAN, "note", "4111111111111111"),
    ]


def test_links_and_missing_objects_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("no,card\n1,4111111111111111\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "folder").symlink_to(tmp_path)
    for path in ("link.csv", "folder/real.csv", "none.csv", "real.csv!/x"):
        source = PlanSource(object=path, kind="csv", encoding="utf-8", delimiter=",", fields=(
            PlanField(name="card", cls=FieldClass.PAN, action=Action.SEAL),))  # fmt: skip
        with pytest.raises(SourceNotReadable):
            list(read(Plan(sources=(source,)), tmp_path, source_index=0))


def test_values_do_not_show_in_a_repr(estate: Estate) -> None:
    batch = next(read(estate.plan, estate.root, source_index=0))
    shown = repr(batch)
    assert not any(value in shown for _, _, _, value in taken([batch]) if isinstance(value, str) and len(value) > 5)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "stream"])
def test_arrow_and_parquet_are_read_in_pieces_and_left_out_of_a_copy(tmp_path: Path, kind: str) -> None:
    table = pa.table(
        {
            "customer_no": [f"C{at}" for at in range(50)],
            "card": pa.array([4111111111111111, 5500000000000004] * 25, pa.int64()),
            "mobile": pa.array(["13800138000", None] * 25).dictionary_encode(),
            "more": [[{"x": at}] for at in range(50)],
        }
    )
    root = tmp_path / "estate"
    root.mkdir()
    path = root / f"payments.{kind}"
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=20)
    else:
        writing = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with writing(path, table.schema) as file:
            file.write_table(table, max_chunksize=20)
    fields = (
        PlanField(name="card", cls=FieldClass.PAN, action=Action.SEAL),
        PlanField(name="mobile", cls=FieldClass.MOBILE, action=Action.SEAL),
    )
    name = "parquet" if kind == "parquet" else "arrow"
    plan = Plan(sources=(PlanSource(object=path.name, kind=name, subject="customer_no", fields=fields),))
    assert load(dump(plan)).sources[0].kind == name
    pieces = list(read(plan, root, source_index=0, batch_rows=8, start_row=3))
    assert sum(len(piece.subjects) for piece in pieces) == 47
    assert pieces[0].subjects[0] == "C3"
    assert [column.values[:2] for column in pieces[0].fields] == [
        ["5500000000000004", "4111111111111111"],
        [None, "13800138000"],
    ]
    if kind == "stream":
        return
    inventory = scan(root, clock=SystemClock())
    assert {one.name for one in propose(inventory, root).sources[0].fields} == {"card", "mobile"}
    report = protect(plan, root, tmp_path / "out", inventory=inventory, tokens=lambda _, values: values)
    assert [one.path for one in report.left_out] == [path.name]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceNotReadable):
        list(read(plan, root, source_index=0))
