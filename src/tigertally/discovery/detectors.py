"""Detectors as data: one TOML file each, read into what the finder of words and the columns use.

A file says which class it finds, where the rule comes from, how sure a find is, and gives examples that must and must
not be found; :mod:`tigertally.discovery.own` refuses a file that breaks them. The format is docs/formats/detector.md.
Three ways to find something, any of which a file may have:

1. ``[text]``: literals (prefixes of keys, labels such as 密码) that one pass over the bytes finds, and an expression
   that is tried only there; with labels, what may stand between a label and its value is ours (:mod:`.gaps`);
2. ``[column]``: an RE2 expression of whole cells, and words of a header;
3. ``[kernel]``: numbers with a check digit, which the core finds; the file documents and tests them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.discovery.checks import CHECKS
from tigertally.discovery.errors import BadDetector
from tigertally.discovery.gaps import SHORT_TAILS, behind_label
from tigertally.discovery.inventory import Confidence
from tigertally.discovery.words import LITERAL_BYTES_MIN, Words, word_table

FILES_MAX: Final = 1_000
_TOP: Final = frozenset({"class", "detail", "source", "score", "check", "text", "column", "kernel", "match", "miss"})
_TEXT: Final = frozenset({"labels", "literals", "value", "quoted", "strong", "reject", "blank"})
_COLUMN: Final = frozenset({"headers", "shape", "share", "score"})
_KERNEL: Final = frozenset({"context"})
_EXAMPLE: Final = frozenset({"text", "value", "cell"})
_NO_CELLS: Final = pa.array([""], pa.large_string())
_USED: Final[list[Detectors]] = []
_WORD: Final = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text or a cell; ``value`` is what must be found in the text, empty for what must not be."""

    text: str = ""
    value: str = ""
    cell: str = ""


class Expression:
    """A regular expression that is compiled when it is first asked: most texts ask few of them."""

    __slots__ = ("_made", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._made: re.Pattern[str] | None = None

    def made(self) -> re.Pattern[str]:
        """Return it compiled. Raises ``re.error``."""
        if self._made is None:
            self._made = re.compile(self.text)
        return self._made


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """How a detector finds values in running text. ``literals`` as the core looks for them; ``labels`` as written."""

    literals: tuple[tuple[bytes, str], ...]  # what is looked for, in lower case, and the label that it stands for
    labelled: bool
    expression: Expression
    quoted: Expression
    strong: Expression | None
    reject: Expression | None
    blank: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """How a detector knows a column: cells of one shape, under a header with one of the words (none: any header)."""

    headers: tuple[str, ...]
    shape: str
    share: float
    score: Confidence

    def under(self, header: str) -> bool:
        """Return whether ``header`` has one of the words."""
        plain = "".join(_WORD.findall(header)).lower()
        return not self.headers or any(word in plain for word in self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One file. ``name`` is the file's name without ``.toml``."""

    name: str
    cls: FieldClass
    detail: str
    source: str
    score: Confidence
    check: Callable[[str], bool] | None
    text: TextRule | None
    column: ColumnRule | None
    context: tuple[str, ...]
    matches: tuple[Example, ...]
    misses: tuple[Example, ...]
    digest: str  # SHA-256 of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectors:
    """All detectors of a scan; ``of_literal``: which of them wait for a literal of ``words``, with its label."""

    all: tuple[Detector, ...]
    words: Words
    of_literal: tuple[tuple[tuple[int, str], ...], ...] = field(repr=False)


@cache
def built_in() -> Detectors:
    """Return our own detectors. Reads ``data/detectors`` once."""
    return compiled(read(resources.files("tigertally.data").joinpath("detectors"), proving=False))


@contextmanager
def using(held: Detectors) -> Iterator[None]:
    """Let every search of this process, in whichever thread, ask ``held`` instead of our own detectors for a while."""
    _USED.append(held)
    try:
        yield
    finally:
        _USED.remove(held)


def active() -> Detectors:
    """Return the detectors that searches ask."""
    return _USED[-1] if _USED else built_in()


def read(folder: Traversable, *, proving: bool = True) -> list[Detector]:
    """Return the detectors in the ``*.toml`` files of ``folder``, by name. Raises :class:`BadDetector`.

    Without ``proving`` expressions are compiled when they are first asked.
    """
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    if len(files) > FILES_MAX:
        raise BadDetector(file=folder.name, why=Text("文件过多", "too many files"))
    return [_detector(entry.name, entry.read_bytes(), proving=proving) for entry in files]


def compiled(detectors: Iterable[Detector]) -> Detectors:
    """Return detectors with the table of their literals."""
    held = tuple(detectors)
    waiting: dict[bytes, list[tuple[int, str]]] = {}
    for index, detector in enumerate(held):
        for literal, label in detector.text.literals if detector.text else ():
            waiting.setdefault(literal, []).append((index, label))
    literals = tuple(sorted(waiting))
    return Detectors(all=held, words=word_table(literals), of_literal=tuple(tuple(waiting[one]) for one in literals))


def fits_cell(rule: ColumnRule, cell: str) -> bool:
    """Return whether ``cell`` has the shape of a column detector."""
    return bool(pc.match_substring_regex(pa.array([cell], pa.large_string()), rule.shape)[0].as_py())


def _detector(name: str, raw: bytes, *, proving: bool) -> Detector:
    reader = _Reader(file=name, proving=proving)
    try:
        top = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise reader.wrong(Text("不是 TOML", "it is not TOML")) from None
    reader.known(top, _TOP)
    cls = next((one for one in FieldClass if one.value == top.get("class")), None)
    if cls is None:
        raise reader.wrong(Text("未知的 class", "unknown class"))
    check = reader.word(top, "check", "")
    if check and check not in CHECKS:
        raise reader.wrong(Text("未知的 check", "unknown check"))
    return Detector(
        name=name.removesuffix(".toml"),
        cls=cls,
        detail=reader.word(top, "detail", ""),
        source=reader.word(top, "source"),
        score=reader.score(top),
        check=CHECKS[check] if check else None,
        text=reader.text_rule(top["text"]) if "text" in top else None,
        column=reader.column_rule(top["column"]) if "column" in top else None,
        context=reader.words(top.get("kernel", {}), "context", allowed=_KERNEL),
        matches=reader.examples(top, "match"),
        misses=reader.examples(top, "miss"),
        digest=sha256_hex(raw),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads the values of one file, naming the file in each complaint."""

    file: str
    proving: bool

    def wrong(self, what: Text) -> BadDetector:
        return BadDetector(file=self.file, why=what)

    def known(self, table: object, allowed: frozenset[str]) -> dict[str, object]:
        if not isinstance(table, dict):
            raise self.wrong(Text("应为表", "a table is needed"))
        if set(table) - allowed:
            raise self.wrong(Text("有未知的键", "it has an unknown key"))
        return table

    def word(self, table: dict[str, object], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(Text(f"{key} 应为文字", f"{key} must be text"))
        return value

    def words(self, table: object, key: str, *, allowed: frozenset[str]) -> tuple[str, ...]:
        value = self.known(table, allowed).get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(Text(f"{key} 应为文字列表", f"{key} must be a list of texts"))
        return tuple(value)

    def score(self, table: dict[str, object], default: str = "likely") -> Confidence:
        word = self.word(table, "score", default)
        if word not in {tier.value for tier in Confidence}:
            raise self.wrong(Text("未知的 score", "unknown score"))
        return Confidence(word)

    def expression(self, table: dict[str, object], key: str) -> Expression | None:
        text = self.word(table, key, "")
        made = Expression(text) if text else None
        if made is not None and self.proving:
            try:
                made.made()
            except re.error:
                raise self.wrong(Text(f"{key} 不是正则表达式", f"{key} is no regular expression")) from None
        return made

    def text_rule(self, table: object) -> TextRule:
        held = self.known(table, _TEXT)
        labels, literals = self.words(held, "labels", allowed=_TEXT), self.words(held, "literals", allowed=_TEXT)
        value = self.expression(held, "value")
        if bool(labels) == bool(literals) or value is None:
            raise self.wrong(
                Text("需要 value，以及 labels 或 literals 之一", "value is needed, and either labels or literals")
            )
        short = [one for one in labels + literals if len(one.encode()) < LITERAL_BYTES_MIN]
        long = [one for one in labels + literals if one not in short]
        if any(len(one.encode()) < LITERAL_BYTES_MIN - 1 for one in short) or (short and literals):
            raise self.wrong(Text("词太短", "a word is too short"))
        entered = {one: one for one in long} | {one + tail: one for one in short for tail in SHORT_TAILS}
        return TextRule(
            literals=tuple((one.lower().encode(), label) for one, label in entered.items()),
            labelled=bool(labels),
            expression=Expression(behind_label(value.text)) if labels else value,
            quoted=self.expression(held, "quoted") or value,
            strong=self.expression(held, "strong"),
            reject=self.expression(held, "reject"),
            blank=held.get("blank", False) is True,
        )

    def column_rule(self, table: object) -> ColumnRule:
        held = self.known(table, _COLUMN)
        share = held.get("share", 50)
        if not isinstance(share, int) or not 1 <= share <= 100:  # noqa: PLR2004
            raise self.wrong(Text("share 应为百分数", "share must be a percentage"))
        shape = self.word(held, "shape")
        try:
            if self.proving:
                pc.match_substring_regex(_NO_CELLS, shape)
        except pa.ArrowInvalid:
            raise self.wrong(Text("shape 不是 RE2 表达式", "shape is no RE2 expression")) from None
        return ColumnRule(
            headers=self.words(held, "headers", allowed=_COLUMN),
            shape=shape,
            share=share / 100,
            score=self.score(held),
        )

    def examples(self, top: dict[str, object], key: str) -> tuple[Example, ...]:
        value = top.get(key, [])
        if not isinstance(value, list) or not value:
            raise self.wrong(Text(f"缺少 [[{key}]] 例子", f"examples [[{key}]] are missing"))
        held = [self.known(one, _EXAMPLE) for one in value]
        return tuple(
            Example(text=self.word(one, "text", ""), value=self.word(one, "value", ""), cell=self.word(one, "cell", ""))
            for one in held
        )
