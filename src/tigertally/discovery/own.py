"""Detectors that a user adds: a folder of files, each of which must find its own examples before it is used."""

from __future__ import annotations

from pathlib import Path

from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import Text
from tigertally.discovery.detectors import Detector, Detectors, built_in, compiled, fits_cell, read
from tigertally.discovery.errors import BadDetector
from tigertally.discovery.finder import find_words

_NOTHING = Text("没有 [text] 也没有 [column]", "it has neither [text] nor [column]")
_TWICE = Text("与内置检测器同名", "one of our own has this name")
_NOT_FOUND = Text("找不到自己的第 {number} 个例子", "it does not find its own example {number}")
_FOUND = Text("找到了不该找到的第 {number} 个例子", "it finds what it must not, example {number}")


def own_detectors(folder: Path) -> Detectors:
    """Return our detectors and those in ``folder``. Raises :class:`BadDetector` for a file that will not do."""
    if not folder.is_dir():
        raise BadDetector(file=folder.name, why=Text("不是文件夹", "it is no folder"))
    added = read(folder)
    known = {one.name for one in built_in().all}
    for one in added:
        if one.name in known:
            raise _bad(one, _TWICE)
        _prove(one)
    return compiled([*built_in().all, *added])


def _prove(one: Detector) -> None:
    if one.text is None and one.column is None:
        raise _bad(one, _NOTHING)
    alone = compiled([one])
    for wanted, examples in ((True, one.matches), (False, one.misses)):
        for number, example in enumerate(examples, 1):
            if example.cell:
                found = one.column is not None and fits_cell(one.column, example.cell)
            else:
                found = _finds(alone, one, example.text, example.value if wanted else None)
            if found is not wanted:
                raise _bad(one, _NOT_FOUND if wanted else _FOUND, number)


def _finds(alone: Detectors, one: Detector, text: str, value: str | None) -> bool:
    data = text.encode()
    hits = find_words(data, alone)
    written = [data[start:stop].decode() for start, stop in zip(hits.start.tolist(), hits.stop.tolist(), strict=True)]
    same = bool((hits.kind == FIELD_RULES[one.cls].code).all())
    return bool(written) and same and (value is None or written == [value])


def _bad(one: Detector, what: Text, number: int = 0) -> BadDetector:
    why = Text(what.zh.format(number=number), what.en.format(number=number))
    return BadDetector(file=f"{one.name}.toml", why=why)
