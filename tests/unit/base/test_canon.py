"""Canonical JSON: spellings by hand, after the rules of RFC 8785."""

from __future__ import annotations

import pytest

from tigertally.base.canon import INT_MAX, Json, NotCanonical, dumps, loads


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (None, b"null"),
        (True, b"true"),
        ([], b"[]"),
        ({}, b"{}"),
        ([1, "a", None], b'[1,"a",null]'),
        ({"b": 1, "a": {"d": [], "c": False}}, b'{"a":{"c":false,"d":[]},"b":1}'),
        (INT_MAX, b"9007199254740991"),
        (-INT_MAX, b"-9007199254740991"),
        ("虎符", '"虎符"'.encode()),
        ('\b\t\n\f\r"\\/', rb'"\b\t\n\f\r\"\\/"'),
        ("\x00\x0b\x1f\x7f", b'"\\u0000\\u000b\\u001f\x7f"'),
        ("\u2028", '"\u2028"'.encode()),
        # a member outside the basic plane sorts by its surrogates, before U+FB33
        ({"\ufb33": 1, "\U0001f600": 2, "1": 3, "\r": 4}, '{"\\r":4,"1":3,"\U0001f600":2,"\ufb33":1}'.encode()),
        # names that are prefixes of others, and the empty name
        ({"aa": 1, "a": 2, "": 3, "B": 4}, b'{"":3,"B":4,"a":2,"aa":1}'),
    ],
)  # fmt: skip
def test_spelling(value: Json, spelled: bytes) -> None:
    assert dumps(value) == spelled
    assert loads(spelled) == value


@pytest.mark.parametrize(
    "value", [1.0, INT_MAX + 1, -INT_MAX - 1, "\ud800", {"\udc00": 1}, {1: 2}, (1,), b"x", {"a": {1, 2}}, [1.5]]
)
def test_what_has_no_canonical_bytes(value: object) -> None:
    with pytest.raises(NotCanonical):
        dumps(value)  # type: ignore[arg-type]


def test_depth_is_bounded_both_ways() -> None:
    deep: Json = 0
    for _ in range(32):
        deep = [deep]
    assert loads(dumps(deep)) == deep
    with pytest.raises(NotCanonical):
        dumps([deep])
    with pytest.raises(NotCanonical):
        loads(b"[" * 100_000 + b"]" * 100_000)


def test_a_problem_tells_nothing_of_the_bytes() -> None:
    with pytest.raises(NotCanonical) as caught:
        loads(b'{"pan":"4111111111111111",}')
    assert "4111" not in repr(caught.value)
    assert caught.value.__cause__ is None
