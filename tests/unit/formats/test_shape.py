"""Strict reading: asked for, checked, nothing left over, and no value in a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum

import pytest

from tigertally.base.canon import Json
from tigertally.base.text import Lang
from tigertally.formats.errors import Malformed
from tigertally.formats.shape import Reader, from_b64, json_counts, parse_canonical, to_b64


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


GOOD: tuple[tuple[Callable[[Reader], object], Json, object], ...] = (
    (lambda r: r.text("a"), "x", "x"),
    (lambda r: r.text("a", empty=True), "", ""),
    (lambda r: r.integer("a"), 0, 0),
    (lambda r: r.integer("a", minimum=-5, maximum=-5), -5, -5),
    (lambda r: r.flag("a"), False, False),
    (lambda r: r.digest("a"), "0" * 64, "0" * 64),
    (lambda r: r.hexbytes("a", length=2), "00ff", b"\x00\xff"),
    (lambda r: r.b64("a"), "AP8=", b"\x00\xff"),
    (lambda r: r.instant("a"), "2026-01-31T08:00:00.000000Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    (lambda r: r.ident("a", "pty"), "pty_" + "0" * 26, "pty_" + "0" * 26),
    (lambda r: r.choice("a", Colour), "red", Colour.RED),
    (lambda r: r.choices("a", Colour), ["blue", "red"], (Colour.BLUE, Colour.RED)),
    (lambda r: r.choices("a", Colour), [], ()),
    (lambda r: r.texts("a"), ["x", ""], ("x", "")),
    (lambda r: r.counts("a"), {"x": 0}, {"x": 0}),
    (lambda r: r.json("a"), None, None),
    (lambda r: r.const("a", "x"), "x", None),
)

BAD: tuple[tuple[Callable[[Reader], object], Json], ...] = (
    (lambda r: r.text("a"), ""),
    (lambda r: r.text("a"), 1),
    (lambda r: r.text("a"), None),
    (lambda r: r.text("a", chars_max=2), "abc"),
    (lambda r: r.integer("a"), True),
    (lambda r: r.integer("a"), "1"),
    (lambda r: r.integer("a"), -1),
    (lambda r: r.integer("a", maximum=3), 4),
    (lambda r: r.flag("a"), 1),
    (lambda r: r.digest("a"), "0" * 63),
    (lambda r: r.digest("a"), "A" * 64),
    (lambda r: r.digest("a"), "g" * 64),
    (lambda r: r.digest("a"), 0),
    (lambda r: r.hexbytes("a", length=2), "00f"),
    (lambda r: r.hexbytes("a", length=2), "00FF"),
    (lambda r: r.b64("a"), "AP8"),
    (lambda r: r.b64("a"), "AP9="),
    (lambda r: r.b64("a"), "A P8="),
    (lambda r: r.b64("a"), "é==="),
    (lambda r: r.b64("a"), []),
    (lambda r: r.instant("a"), "2026-01-31"),
    (lambda r: r.instant("a"), 0),
    (lambda r: r.ident("a", "pty"), "dea_" + "0" * 26),
    (lambda r: r.ident("a", "pty"), 1),
    (lambda r: r.choice("a", Colour), "green"),
    (lambda r: r.choice("a", Colour), ["red"]),
    (lambda r: r.choices("a", Colour), ["red", "blue"]),
    (lambda r: r.choices("a", Colour), ["red", "red"]),
    (lambda r: r.choices("a", Colour), ["green"]),
    (lambda r: r.texts("a"), "x"),
    (lambda r: r.texts("a"), [1]),
    (lambda r: r.texts("a", chars_max=1), ["xx"]),
    (lambda r: r.counts("a"), {"x": -1}),
    (lambda r: r.counts("a"), {"x": True}),
    (lambda r: r.counts("a"), []),
    (lambda r: r.body("a"), []),
    (lambda r: r.bodies("a"), {}),
    (lambda r: r.bodies("a"), [1]),
    (lambda r: r.const("a", "x"), "y"),
)


@pytest.mark.parametrize(("ask", "value", "found"), GOOD)
def test_what_is_asked_for_is_given(ask: Callable[[Reader], object], value: Json, found: object) -> None:
    reader = Reader({"a": value}, what="sample")
    assert ask(reader) == found
    reader.end()


@pytest.mark.parametrize(("ask", "value"), BAD)
def test_what_is_not_right_is_refused(ask: Callable[[Reader], object], value: Json) -> None:
    with pytest.raises(Malformed):
        ask(Reader({"a": value}, what="sample"))


@pytest.mark.parametrize("ask", [ask for ask, _, _ in GOOD])
def test_what_is_missing_or_asked_twice_is_refused(ask: Callable[[Reader], object]) -> None:
    with pytest.raises(Malformed):
        ask(Reader({}, what="sample"))


def test_nothing_is_left_over() -> None:
    reader = Reader({"a": 1, "b": 2}, what="sample")
    reader.integer("a")
    assert reader.has("b")
    with pytest.raises(Malformed):
        reader.end()


def test_the_message_tells_the_place_and_not_the_value() -> None:
    reader = Reader({"outer": [{"pan": "4111111111111111"}]}, what="sample")
    with pytest.raises(Malformed) as caught:
        reader.bodies("outer")[0].integer("pan")
    said = caught.value.say(Lang.EN)
    assert "body.outer[0].pan" in said
    assert "4111" not in said


def test_only_objects_are_read() -> None:
    values: tuple[Json, ...] = (None, 1, "x", [], True)
    for value in values:
        with pytest.raises(Malformed):
            Reader(value, what="sample")


def test_base64_has_one_spelling() -> None:
    for length in range(5):
        data = bytes(range(length))
        assert from_b64(to_b64(data)) == data
    assert from_b64("") == b""
    assert to_b64(b"\xfb\xff") == "+/8="
    assert from_b64("-_8=") is None


def test_helpers() -> None:
    assert json_counts({"x": 1}) == {"x": 1}
    assert parse_canonical(b'{"a":1}', what="sample") == {"a": 1}
    with pytest.raises(Malformed):
        parse_canonical(b'{"a": 1}', what="sample")
