"""Plan files: TOML text that a person edits, to and from :class:`~tigertally.sealing.plan.Plan`.

The form is ``docs/formats/plan.md``. :func:`dump` writes it by template, with the evidence of each field as a comment;
:func:`load` reads it with the standard TOML parser and answers a bad file with every mistake and its line, not just
the first one. ``load(dump(plan))`` gives the same plan except for lines and evidence.

Lines: the parser does not tell them, so a scan of headers and keys finds them. It need not understand multi-line
strings, because a plan has none (they are refused).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.sealing.errors import PlanNotValid
from tigertally.sealing.plan import (
    ENCODINGS,
    KEYED_KINDS,
    NO_FIELDS,
    PLAN_FORMAT,
    TABLED_KINDS,
    TEXT_KINDS,
    Action,
    Extent,
    Plan,
    PlanField,
    PlanMistake,
    PlanSource,
    TokenForm,
    mistake,
    mistakes_in,
)

PLAN_CHARS_MAX: Final = 4 * 1024 * 1024

_HEADER: Final = re.compile(r"\s*\[\[\s*source\s*(\.\s*field\s*)?\]\]")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_\-]+)[\"']?\s*=")
_AT_LINE: Final = re.compile(r"at line (\d+)")
_ROOT_KEYS: Final = frozenset({"format", "source"})
_SOURCE_KEYS: Final = frozenset({"object", "table", "kind", "encoding", "delimiter", "header", "subject", "field"})
_FIELD_KEYS: Final = frozenset({"column", "key", "class", "action", "spans", "token"})

_PREFACE: Final = f"""\
# 虎符封存计划 / Tigertally plan。可编辑；检查 (check)：tigertally plan check PLAN ROOT；格式：docs/formats/plan.md
# action: seal = 封存并换成令牌 (into the vault, a token in its place)
#         purge = 清除，不保存 (removed, never kept); CVV、磁道、PIN、明文密码只能 purge
#         keep = 保持原样 (left as it is: you state that it is not customer data, or may stay)
# token: 不写即默认 (left out: tok_…, random for cards); "fit" = 与原值同宽 (as wide as the value); "ff1" = 卡号 (cards)
format = "{PLAN_FORMAT}"
"""


def dump(plan: Plan) -> str:
    """Return the file of ``plan``."""
    return _PREFACE + "".join(_source_text(source) for source in plan.sources)


def load(text: str) -> Plan:
    """Return the plan of a file; :class:`PlanNotValid` with every mistake for any other text."""
    lines = _Lines.of(text[: PLAN_CHARS_MAX + 1])
    if len(text) > PLAN_CHARS_MAX:
        raise PlanNotValid(mistakes=(mistake(0, _TOO_LONG),))
    if lines.multiline:
        raise PlanNotValid(mistakes=tuple(mistake(line, _MULTILINE) for line in lines.multiline))
    try:
        tree: Mapping[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        at = _AT_LINE.search(str(problem))
        line = int(at.group(1)) if at else lines.last
        raise PlanNotValid(mistakes=(mistake(line, _SYNTAX),)) from None
    reader = _Reader(lines)
    plan = reader.plan(tree)
    found = [*reader.mistakes, *(mistakes_in(plan) if not reader.mistakes else _beyond(reader, plan))]
    if found:
        raise PlanNotValid(mistakes=tuple(sorted(found, key=lambda one: one.line)))
    return plan


def _beyond(reader: _Reader, plan: Plan) -> list[PlanMistake]:
    """Return the plan's own mistakes in the sources that could be read at all, so that one edit can mend all."""
    bad = {one.line for one in reader.mistakes}
    return [
        one
        for one in mistakes_in(plan)
        if one.line not in bad and not (one.what is NO_FIELDS and one.line in reader.unread)
    ]


def _source_text(source: PlanSource) -> str:
    rows = ["", "[[source]]", f"object = {_quote(source.object)}"]
    if source.table or source.kind in TABLED_KINDS:
        rows.append(f"table = {_quote(source.table)}")
    rows.append(f"kind = {_quote(source.kind)}")
    if source.encoding:
        rows.append(f"encoding = {_quote(source.encoding)}")
    if source.delimiter:
        rows.append(f"delimiter = {_quote(source.delimiter)}")
    if source.kind not in KEYED_KINDS and not source.is_text and not source.header:
        rows.append("header = false")
    if not source.subject:
        rows.append("# 没有客户列: 按值归属 / no customer column: values are attributed by what they are")
    rows.append(f"subject = {_quote(source.subject)}")
    for one in source.fields:
        rows += _field_rows(source, one)
    return "\n".join(rows) + "\n"


def _field_rows(source: PlanSource, one: PlanField) -> list[str]:
    rows = [""]
    if one.evidence:
        rows.append("  # " + _one_line(one.evidence))
    rows.append("  [[source.field]]")
    if one.name:
        rows.append(f"  {'key' if source.kind in KEYED_KINDS else 'column'} = {_quote(one.name)}")
    rows += [f'  class = "{one.cls.value}"', f'  action = "{one.action.value}"']
    if one.extent is Extent.SPANS and not source.is_text:
        rows.append("  spans = true")
    if one.token is not TokenForm.DEFAULT:
        rows.append(f'  token = "{one.token.value}"')
    return rows


def _quote(text: str) -> str:
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found.group()):04x}", out) + '"'


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Where things stand: the line of each source, of each field, and of each key in them (first line is 1)."""

    sources: list[int]
    fields: list[list[int]]
    keys: dict[tuple[int, int, str], int]
    multiline: list[int]
    last: int

    @classmethod
    def of(cls, text: str) -> _Lines:
        sources: list[int] = []
        fields: list[list[int]] = []
        keys: dict[tuple[int, int, str], int] = {}
        multiline: list[int] = []
        number = 0
        for number, row in enumerate(text.split("\n"), start=1):
            if '"""' in row or "'''" in row:
                multiline.append(number)
            if header := _HEADER.match(row):
                if header.group(1) is None:
                    sources.append(number)
                    fields.append([])
                elif fields:
                    fields[-1].append(number)
            elif key := _KEY.match(row):
                place = (len(sources) - 1, len(fields[-1]) - 1 if fields else -1, key.group(1))
                keys.setdefault(place, number)
        return cls(sources=sources, fields=fields, keys=keys, multiline=multiline, last=number)

    def of_key(self, source: int, one: int, key: str) -> int:
        """Return the line of ``key`` in field ``one`` (-1: none) of ``source`` (-1: none), or of what holds it."""
        return self.keys.get((source, one, key), self.of_field(source, one))

    def of_field(self, source: int, one: int) -> int:
        if source < 0 or source >= len(self.sources):
            return 1
        if one < 0 or one >= len(self.fields[source]):
            return self.sources[source]
        return self.fields[source][one]


class _Reader:
    """Turns the parsed tree into a plan and notes every mistake on the way."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self.mistakes: list[PlanMistake] = []
        self.unread: set[int] = set()  # lines of sources with a field that could not be read

    def plan(self, tree: Mapping[str, object]) -> Plan:
        self._known(tree, _ROOT_KEYS, -1, -1)
        if tree.get("format") != PLAN_FORMAT:
            self._note(-1, -1, "format", _FORMAT, format=PLAN_FORMAT)
        sources = self._tables(tree.get("source", []), -1, "source")
        return Plan(sources=tuple(self._source(at, source) for at, source in enumerate(sources)))

    def _source(self, at: int, tree: Mapping[str, object]) -> PlanSource:
        self._known(tree, _SOURCE_KEYS, at, -1)
        for key in ("object", "kind", "subject"):
            if key not in tree:
                self._note(at, -1, key, _MISSING, key=key)
        header = tree.get("header", True)
        if not isinstance(header, bool):
            self._note(at, -1, "header", _NOT_BOOL, key="header")
        encoding = self._text(tree, "encoding", at, -1)
        if encoding and encoding not in ENCODINGS:
            self._note(at, -1, "encoding", _ENCODING, known=", ".join(sorted(ENCODINGS)))
        fields = self._tables(tree.get("field", []), at, "field")
        kind, table = self._text(tree, "kind", at, -1), self._text(tree, "table", at, -1)
        return PlanSource(
            object=self._text(tree, "object", at, -1),
            kind=kind,
            table=table,
            encoding=encoding,
            delimiter=self._text(tree, "delimiter", at, -1),
            header=header is True,
            subject=self._text(tree, "subject", at, -1),
            fields=tuple(
                made
                for number, one in enumerate(fields)
                if (made := self._field(at, number, one, in_text=kind in TEXT_KINDS and not table)) is not None
            ),
            line=self._lines.of_field(at, -1),
        )

    def _field(self, at: int, number: int, tree: Mapping[str, object], *, in_text: bool) -> PlanField | None:
        self._known(tree, _FIELD_KEYS, at, number)
        if "column" in tree and "key" in tree:
            self._note(at, number, "key", _COLUMN_AND_KEY)
        spans = tree.get("spans", False)
        if not isinstance(spans, bool):
            self._note(at, number, "spans", _NOT_BOOL, key="spans")
        cls, action = self._class(tree, at, number), self._action(tree, at, number)
        if cls is None or action is None:
            self.unread.add(self._lines.of_field(at, -1))
            return None
        return PlanField(
            name=self._text(tree, "column", at, number) or self._text(tree, "key", at, number),
            cls=cls,
            action=action,
            extent=Extent.SPANS if spans is True or in_text else Extent.CELL,
            token=self._token(tree, at, number),
            line=self._lines.of_field(at, number),
        )

    def _class(self, tree: Mapping[str, object], at: int, number: int) -> FieldClass | None:
        word = tree.get("class")
        found = next((cls for cls in FieldClass if cls.value == word), None)
        if found is None:
            self._note(at, number, "class", _CLASS, known=", ".join(cls.value for cls in FieldClass))
        return found

    def _action(self, tree: Mapping[str, object], at: int, number: int) -> Action | None:
        word = tree.get("action")
        found = next((action for action in Action if action.value == word), None)
        if found is None:
            self._note(at, number, "action", _ACTION)
        return found

    def _token(self, tree: Mapping[str, object], at: int, number: int) -> TokenForm:
        word = tree.get("token")
        found = next((form for form in TokenForm if form.value and form.value == word), None)
        if found is None and word is not None:
            self._note(at, number, "token", _TOKEN)
        return found or TokenForm.DEFAULT

    def _text(self, tree: Mapping[str, object], key: str, at: int, number: int) -> str:
        value = tree.get(key, "")
        if isinstance(value, str):
            return value
        self._note(at, number, key, _NOT_TEXT, key=key)
        return ""

    def _tables(self, value: object, at: int, key: str) -> list[Mapping[str, object]]:
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            return value
        self._note(at, -1, key, _NOT_TABLES, key=key)
        return []

    def _known(self, tree: Mapping[str, object], known: frozenset[str], at: int, number: int) -> None:
        for key in tree:
            if key not in known:
                self._note(at, number, key, _UNKNOWN_KEY, key=key, known=", ".join(sorted(known)))

    def _note(self, at: int, number: int, at_key: str, what: Text, /, **details: str | int) -> None:
        self.mistakes.append(mistake(self._lines.of_key(at, number, at_key), what, **details))


_TOO_LONG: Final = Text("计划文件过大", "the plan file is too large")
_MULTILINE: Final = Text("计划文件不使用多行字符串", "a plan has no multi-line strings")
_SYNTAX: Final = Text("不是有效的 TOML", "not valid TOML")
_FORMAT: Final = Text("第一项应为 format = {format}", "the file must say format = {format}")
_MISSING: Final = Text("缺少 {key}", "{key} is missing")
_NOT_BOOL: Final = Text("{key} 应为 true 或 false", "{key} must be true or false")
_NOT_TEXT: Final = Text("{key} 应为带引号的文字", "{key} must be quoted text")
_NOT_TABLES: Final = Text("{key} 应写成 [[{key}]] 段", "{key} must be written as [[{key}]] sections")
_UNKNOWN_KEY: Final = Text("不认识的键 {key}；可用：{known}", "unknown key {key}; known: {known}")
_ENCODING: Final = Text("不认识的编码；可用：{known}", "unknown encoding; known: {known}")
_COLUMN_AND_KEY: Final = Text("column 与 key 只能写一个", "write column or key, not both")
_CLASS: Final = Text("class 缺失或不认识；可用：{known}", "class is missing or unknown; known: {known}")
_TOKEN: Final = Text("token 应为 fit 或 ff1，默认则不写", "token must be fit or ff1, or left out")
_ACTION: Final = Text("action 应为 seal、purge 或 keep", "action must be seal, purge or keep")
