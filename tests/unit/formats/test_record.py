"""Records: the bytes that both sides hash. By row, by column, and by hand."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertally.formats import part, record
from tigertally.formats.part import PartColumns
from tigertally.formats.record import Field

SALT = bytes(range(16))


def test_layout_by_hand() -> None:
    made = record.encode(b"sub", [Field(1, 0, b"41", b"70"), Field(5, 2, "虚".encode(), b"")])
    assert made.hex() == (
        "0003" + b"sub".hex() + "0002"
        "01" "00" "00000002" + b"41".hex() + "0002" + b"70".hex() +
        "05" "02" "00000003" + "虚".encode().hex() + "0000"
    )  # fmt: skip
    assert record.commit(SALT, made) == hashlib.sha256(b"tigertally/record/v1\x00" + SALT + made).digest()


FIELD = st.tuples(
    st.integers(0, 255),
    st.integers(0, 255),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    st.text("ab", max_size=3),
)


@given(st.lists(FIELD, min_size=1, max_size=6, unique_by=lambda row: row[:2]))
def test_columns_give_the_same_bytes_as_rows(rows: list[tuple[int, int, str, str]]) -> None:
    rows.sort(key=lambda row: row[:2])
    fields = [Field(code, slot, value.encode(), token.encode()) for code, slot, value, token in rows]
    codes, slots, values, tokens = (list(column) for column in zip(*rows, strict=True))
    for names in (["one"], ["one", "two"]):
        columns = PartColumns(
            subject=[name for name in names for _ in rows],
            salt=[SALT] * len(rows) * len(names),
            code=codes * len(names),
            slot=slots * len(names),
            value=values * len(names),
            token=tokens * len(names),
        )
        assert part.commitments(columns) == [
            record.commit(SALT, record.encode(name.encode(), fields)) for name in names
        ]


@given(st.lists(FIELD, max_size=3), st.lists(FIELD, max_size=3))
def test_different_fields_have_different_bytes(
    left: list[tuple[int, int, str, str]], right: list[tuple[int, int, str, str]]
) -> None:
    """No two field lists run together into the same record."""
    sides = []
    for rows in (left, right):
        unique = {row[:2]: row for row in rows}
        fields = [Field(c, s, v.encode(), t.encode()) for c, s, v, t in (unique[key] for key in sorted(unique))]
        sides.append((fields, record.encode(b"sub", fields)))
    assert (sides[0][0] == sides[1][0]) is (sides[0][1] == sides[1][1])


def test_order_and_repeats_are_mistakes() -> None:
    for fields in ([Field(2, 0, b"", b""), Field(1, 0, b"", b"")], [Field(1, 1, b"", b""), Field(1, 1, b"", b"")]):
        with pytest.raises(ValueError, match="order"):
            record.encode(b"sub", fields)


def test_a_salt_is_needed() -> None:
    with pytest.raises(ValueError, match="salt"):
        record.commit(b"", b"record")
    assert record.commit_many([(SALT, b"a"), (bytes(16), b"a")]) == [
        record.commit(SALT, b"a"),
        record.commit(bytes(16), b"a"),
    ]
    assert record.commit(SALT, b"a") != record.commit(bytes(16), b"a")
