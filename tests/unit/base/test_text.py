"""Sentences in two languages; what is put into them is made safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tigertally.base.fields import FieldClass
from tigertally.base.text import SAFE_CHARS_MAX, Lang, Text, safe


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("order 4111111111111111 failed", "order … failed"),
        ("4111 1111 1111 1111", "…"),
        ("4111-1111-1111-1111x", "…x"),
        ("卡号6222021234567890123尾", "卡号…尾"),
        ("１１０１０１１９９００３０７１２３", "…"),
        ("12345678", "12345678"),
        (123456789012, "123456789012"),
        (FieldClass.PAN, "pan"),
        (Path("a/b.txt"), "a/b.txt"),
        (b"4111111111111111", "<bytes>"),
        (None, "<NoneType>"),
        (["4111111111111111"], "<list>"),
        ("a\nb\x1b[31mc", "a·b·[31mc"),
        ("\u202egnp.exe", "·gnp.exe"),
    ],
)
def test_safe(value: object, shown: str) -> None:
    assert safe(value) == shown


def test_safe_is_bounded() -> None:
    assert len(safe("x" * 10_000)) == SAFE_CHARS_MAX


def test_render_fills_both_languages_safely() -> None:
    text = Text("第 {line} 行：{what}", "line {line}: {what}")
    assert text.render(Lang.EN, line=3, what="4111111111111111") == "line 3: …"
    assert text.render(Lang.ZH, line=3, what="坏") == "第 3 行：坏"
