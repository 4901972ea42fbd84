"""Laws of canonical JSON: one byte string per value, and no other is read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tigertally.base import canon
from tigertally.base.canon import INT_MAX, Json
from tigertally.base.errors import Problem

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(VALUES)
def test_reading_gives_the_value_back(value: Json) -> None:
    assert canon.loads(canon.dumps(value)) == value


@given(VALUES)
def test_other_json_readers_agree(value: Json) -> None:
    assert json.loads(canon.dumps(value)) == value


@given(st.dictionaries(TEXTS, LEAVES, min_size=2, max_size=6), st.randoms())
def test_the_order_of_making_does_not_matter(value: dict[str, Json], random: object) -> None:
    names = list(value)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert canon.dumps({name: value[name] for name in names}) == canon.dumps(value)


@given(st.dictionaries(TEXTS, LEAVES, min_size=2, max_size=6))
def test_names_are_in_utf16_order(value: dict[str, Json]) -> None:
    names = list(json.loads(canon.dumps(value)))
    units = [[int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)] for raw in
             (name.encode("utf-16-be") for name in names)]  # fmt: skip
    assert units == sorted(units)


@given(st.binary(max_size=60))
def test_what_is_read_is_written_the_same(data: bytes) -> None:
    try:
        value = canon.loads(data)
    except Problem:
        return
    assert canon.dumps(value) == data


@given(VALUES)
def test_any_other_spelling_is_refused(value: Json) -> None:
    for text in (json.dumps(value, indent=1), json.dumps(value, ensure_ascii=True), json.dumps(value)):
        data = text.encode()
        if data != canon.dumps(value):
            try:
                canon.loads(data)
            except Problem:
                continue
            raise AssertionError(text)


@given(st.binary(max_size=40) | VALUES.map(canon.dumps) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_the_short_way_and_the_long_way_agree(data: bytes) -> None:
    """Most bytes are checked by the library's own ordering; it must answer as ours does."""
    try:
        value = json.loads(data.decode(), parse_float=_refuse, parse_constant=_refuse)
        long_way = canon.dumps(value) == data
    except (ValueError, Problem):
        long_way = False
    try:
        canon.loads(data)
        short_way = True
    except Problem:
        short_way = False
    assert short_way is long_way


def _refuse(_: str) -> float:
    raise ValueError


def test_names_outside_the_basic_plane_take_the_long_way() -> None:
    """Sorted by code points, which is what the library would accept."""
    astral = '{"\ufb33":1,"\U0001f600":2}'.encode()
    try:
        canon.loads(astral)
    except Problem:
        return
    raise AssertionError
