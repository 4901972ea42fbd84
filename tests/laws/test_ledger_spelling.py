"""The fast spelling of payloads and leaves is ``base.canon``'s, byte for byte, and so is what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from tigertally.base import canon, clock
from tigertally.base.canon import INT_MAX, Json, NotCanonical
from tigertally.base.text import Text
from tigertally.formats import leaf as leaves
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import Leaf
from tigertally.ledger import Event, EventKind, register_event, spelling

# Names whose order differs between UTF-8, code points and UTF-16, and ones that must be escaped.
NAMES = ("a", "A", "b", "\u00e9", "\ufb33", "\U0001f600", '"', "\\", "\x07", "中")
KINDS = [register_event(f"law.spelling.{'abcdef'[size]}", Text("", ""), *NAMES[: size * 2]) for size in range(6)]

ANY_TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Z", "C", "M")))  # lone surrogates too
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([INT_MAX, -INT_MAX, INT_MAX + 1])
    | ANY_TEXT
    | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=12,
)


def nested(depth: int) -> Json:
    """A list inside of a list and so on."""
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


def spelled(kind: EventKind, payload: dict[str, Json]) -> bytes | None:
    try:
        (body,) = spelling.payload_bytes([Event(kind=kind, payload=payload)])
    except NotCanonical:
        return None
    return body


def by_canon(payload: dict[str, Json]) -> bytes | None:
    try:
        return canon.dumps(payload)
    except NotCanonical:
        return None


@given(st.sampled_from(KINDS), st.data())
def test_payloads_are_spelled_as_canon_spells_them(kind: EventKind, data: st.DataObject) -> None:
    drawn = {name: data.draw(VALUES) for name in sorted(kind.members)}
    payload = cast("dict[str, Json]", drawn)  # floats too: they must be refused
    expected = by_canon(payload)
    assert spelled(kind, payload) == expected
    if expected is not None:
        assert canon.dumps(canon.loads(expected)) == expected


def test_depth_is_counted_alike() -> None:
    kind = KINDS[1]
    for depth in range(28, 36):
        payload: dict[str, Json] = {"a": nested(depth), "A": 1}
        assert spelled(kind, payload) == by_canon(payload)
    assert spelled(kind, {"a": nested(20), "A": 1}) is not None
    assert spelled(kind, {"a": nested(40), "A": 1}) is None


PSEUDONYMS = st.binary(min_size=16, max_size=16).map(bytes.hex)
LEAVES = st.builds(
    Leaf,
    at=st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    kind=st.from_regex(r"[a-z]{1,20}\.[a-z_]{1,20}\.[a-z_]{1,20}", fullmatch=True),
    actor=st.just("") | PSEUDONYMS,
    about=st.lists(PSEUDONYMS, max_size=4).map(tuple),
    commitment=st.binary(min_size=32, max_size=32),
)


@given(LEAVES)
def test_leaves_are_spelled_as_the_format_spells_them(leaf: Leaf) -> None:
    raw = spelling.leaf_bytes(
        at=clock.to_text(leaf.at),
        kind=leaf.kind,
        actor=leaf.actor,
        about=leaf.about,
        commitment=leaf.commitment.hex(),
    )
    assert raw == leaf.to_bytes()
    assert spelling.read_leaf(raw) == leaves.parse(raw) == leaf


def outcome(raw: bytes, *, fast: bool) -> Leaf | None:
    try:
        return spelling.read_leaf(raw) if fast else leaves.parse(raw)
    except Malformed:
        return None


@given(LEAVES, st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
@example(
    Leaf(at=datetime(2026, 2, 28, tzinfo=UTC), kind="a.b.c", actor="", about=(), commitment=bytes(32)),
    31,
    b"30",
    2,
)
def test_what_is_read_fast_is_what_the_format_reads(leaf: Leaf, at: int, new: bytes, cut: int) -> None:
    raw = leaf.to_bytes()
    edited = raw[:at] + new + raw[at + cut :]
    assert outcome(edited, fast=True) == outcome(edited, fast=False)


def test_impossible_instants_are_malformed_both_ways() -> None:
    leaf = Leaf(
        at=datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), kind="a.b.c", actor="", about=(), commitment=bytes(32)
    )
    raw = leaf.to_bytes()
    for old, new in (
        (b"02-28", b"02-30"),
        (b"02-28", b"13-01"),
        (b"23:59:59", b"24:00:00"),
        (b":59.", b":60."),
        (b"2026", b"0000"),
    ):
        edited = raw.replace(old, new)
        assert edited != raw
        assert outcome(edited, fast=True) is None
        assert outcome(edited, fast=False) is None
