"""The plan: which column, key or text of which object is which field of whom, and what becomes of it.

Invariants of every :class:`Plan` that :func:`mistakes_in` finds nothing wrong with:

1. one source per (object, table); paths are relative, forward, and stay inside the estate;
2. a column or key is one field as a whole, or holds spans of several classes, never both;
3. sensitive authentication data and clear passwords are purged, nothing else (PCI DSS 4.0.1 §3.3.1);
4. the subject column identifies the customer and is not itself a field;
5. free text has no subject: what stands in it is attributed by its value;
6. all sealed fields of one class have the same sort of token, so that equal values have equal tokens.

The file form is in :mod:`tigertally.sealing.planfile`; proposing and checking against an estate in
:mod:`tigertally.sealing.proposal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.text import Lang, Text
from tigertally.vault import FITTING_CLASSES

Estate = Path | str
"""Where what a plan names is: a folder, or the address of a database server."""

PLAN_FORMAT: Final = "tigertally-plan-v1"
MEMBER_MARK: Final = "!/"
MASK: Final = "*"  # stands for the digits of a customer's value in a name that the scan shows

# Kinds of objects that a plan can name, by how their parts are addressed.
TABULAR_KINDS: Final = frozenset({"csv", "tsv", "xlsx", "sqlite", "table", "parquet", "arrow"})
KEYED_KINDS: Final = frozenset({"json", "jsonl"})
READ_KINDS: Final = frozenset({"parquet", "arrow", "table"})  # sealed from, never written again in a copy
TEXT_KINDS: Final = frozenset({"text", "sql"})
ENCODED_KINDS: Final = frozenset({"csv", "tsv", "json", "jsonl", "text", "sql"})
TABLED_KINDS: Final = frozenset({"xlsx", "sqlite"})
ENCODINGS: Final = frozenset({"utf-8", "gb18030", "utf-16-le", "utf-16-be"})
KINDS: Final = TABULAR_KINDS | KEYED_KINDS | TEXT_KINDS

# Classes that are recognised inside other text only behind a word that says what they are.
WORD_CLASSES: Final = frozenset(
    {
        FieldClass.NAME,
        FieldClass.ADDRESS,
        FieldClass.PASSPORT,
        FieldClass.BANK_ACCOUNT,
        FieldClass.PASSWORD_HASH,
        FieldClass.PAYMENT_TOKEN,
        FieldClass.PIN,
        FieldClass.PASSWORD,
        FieldClass.SECRET,
    }
)
# Classes that can be recognised inside other text, by discovery's span finder.
SPAN_CLASSES: Final = WORD_CLASSES | frozenset(
    {
        FieldClass.PAN,
        FieldClass.NATIONAL_ID,
        FieldClass.MOBILE,
        FieldClass.IBAN,
        FieldClass.EMAIL,
        FieldClass.LANDLINE,
        FieldClass.USCC,
        FieldClass.CVV,
        FieldClass.EXPIRY,
        FieldClass.TRACK,
    }
)


class Action(Enum):
    """What becomes of a field. ``KEEP`` is a person's statement that the finding may stay as it is."""

    SEAL = "seal"
    PURGE = "purge"
    KEEP = "keep"


class TokenForm(Enum):
    """What stands in a sealed value's place: the class's own token; one that fits the column; for cards, by FF1."""

    DEFAULT = ""
    FIT = "fit"
    FF1 = "ff1"


class Extent(Enum):
    """How much of a cell the field is: all of it, or spans inside other text."""

    CELL = "cell"
    SPANS = "spans"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanField:
    """One field of a source. ``name`` is the column or dotted key; empty in free text.

    ``evidence`` is the comment written above it (masked examples only); ``line`` is 0 unless read from a file.
    """

    name: str
    cls: FieldClass
    action: Action
    extent: Extent = Extent.CELL
    token: TokenForm = TokenForm.DEFAULT
    evidence: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSource:
    """One table, sheet or file. ``table`` is empty where the kind has none; ``encoding`` where bytes are not text."""

    object: str
    kind: str
    table: str = ""
    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    subject: str = ""
    fields: tuple[PlanField, ...] = ()
    line: int = 0

    @property
    def is_text(self) -> bool:
        """Whether fields are spans of free text; a dump's tables have columns."""
        return self.kind in TEXT_KINDS and not self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All sources, in the order of the file."""

    sources: tuple[PlanSource, ...]

    def of_object(self, path: str) -> tuple[PlanSource, ...]:
        """Return the sources whose object is ``path``: several for databases and workbooks."""
        return tuple(source for source in self.sources if source.object == path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMistake:
    """One thing wrong with a plan, at a line (0: the plan as a whole). ``grave`` ones stop the work."""

    line: int
    what: Text
    details: tuple[tuple[str, str | int], ...] = ()
    grave: bool = True

    def say(self, lang: Lang) -> str:
        """Return the sentence in ``lang``."""
        return self.what.render(lang, **dict(self.details))


def mistake(line: int, what: Text, /, **details: str | int) -> PlanMistake:
    """Return a grave mistake with its details in the order given."""
    return PlanMistake(line=line, what=what, details=tuple(details.items()))


def advice(line: int, what: Text, /, **details: str | int) -> PlanMistake:
    """Return a remark that does not stop the work."""
    return PlanMistake(line=line, what=what, details=tuple(details.items()), grave=False)


def mistakes_in(plan: Plan) -> tuple[PlanMistake, ...]:
    """Return everything wrong with ``plan`` by itself (invariants 1 to 6), by line; empty when it can be followed."""
    found: list[PlanMistake] = []
    seen: dict[tuple[str, str], int] = {}
    for source in plan.sources:
        key = (source.object, source.table)
        if key in seen:
            found.append(mistake(source.line, _TWICE, object=source.object, first=seen[key]))
        seen.setdefault(key, source.line)
        found += _source_mistakes(source)
        found += _field_mistakes(source)
    found += _token_mistakes(plan)
    return tuple(sorted(found, key=lambda one: one.line))


def allowed_actions(cls: FieldClass) -> frozenset[Action]:
    """Return what a plan may do with ``cls``: purge only for SAD and clear passwords."""
    if FIELD_RULES[cls].destiny is Destiny.PURGE:
        return frozenset({Action.PURGE})
    return frozenset(Action)


def stays_inside(path: str) -> bool:
    """Return whether ``path`` (members after ``!/``) is relative and never leaves its folder or archive."""
    for part in path.split(MEMBER_MARK):
        pure = PurePosixPath(part)
        if not part or pure.is_absolute() or "\x00" in part or "\\" in part or str(pure) != part:
            return False
        if any(step == ".." for step in pure.parts) or (len(part) > 1 and part[1] == ":"):
            return False
    return True


def _source_mistakes(source: PlanSource) -> list[PlanMistake]:
    found: list[PlanMistake] = []
    if not stays_inside(source.object):
        found.append(mistake(source.line, _OUTSIDE))
    if source.kind not in KINDS:
        found.append(mistake(source.line, _KIND, kind=source.kind, known=", ".join(sorted(KINDS))))
    if source.kind in TABLED_KINDS and not source.table:
        found.append(mistake(source.line, _NO_TABLE, object=source.object))
    if source.kind not in TABLED_KINDS | {"sql"} and source.table:
        found.append(mistake(source.line, _TABLE_IN_FILE, object=source.object))
    if source.kind in ENCODED_KINDS and not source.encoding:
        found.append(mistake(source.line, _NO_ENCODING, object=source.object))
    if source.kind in {"csv", "tsv"} and len(source.delimiter) != 1:
        found.append(mistake(source.line, _DELIMITER, object=source.object))
    if source.is_text and source.subject:
        found.append(mistake(source.line, _SUBJECT_IN_TEXT, object=source.object))
    if not source.fields:
        found.append(mistake(source.line, NO_FIELDS, object=source.object))
    return found


def _field_mistakes(source: PlanSource) -> list[PlanMistake]:
    found: list[PlanMistake] = []
    whole: dict[str, int] = {}
    spans: dict[tuple[str, FieldClass], int] = {}
    for one in source.fields:
        if one.action not in allowed_actions(one.cls):
            found.append(mistake(one.line, _PURGE_ONLY, field=FIELD_RULES[one.cls].title.zh, cls=one.cls.value))
        if source.subject and one.name == source.subject:
            found.append(mistake(one.line, _SUBJECT_IS_FIELD, column=one.name))
        if source.is_text != (one.name == ""):
            found.append(mistake(one.line, _NAME_IN_TEXT if source.is_text else _NO_NAME, object=source.object))
        if (source.is_text or one.extent is Extent.SPANS) and one.cls not in SPAN_CLASSES:
            found.append(mistake(one.line, _NOT_A_SPAN, cls=one.cls.value))
        as_spans = one.extent is Extent.SPANS or source.is_text
        earlier = whole.get(one.name) if not as_spans else spans.get((one.name, one.cls), whole.get(one.name))
        if not as_spans and earlier is None:
            earlier = next((line for (name, _), line in spans.items() if name == one.name), None)
        if earlier is not None:
            found.append(mistake(one.line, _FIELD_TWICE, column=one.name or one.cls.value, first=earlier))
        if as_spans:
            spans.setdefault((one.name, one.cls), one.line)
        else:
            whole.setdefault(one.name, one.line)
    return found


def _token_mistakes(plan: Plan) -> list[PlanMistake]:
    found: list[PlanMistake] = []
    first: dict[FieldClass, PlanField] = {}
    for one in (one for source in plan.sources for one in source.fields):
        if one.action is not Action.SEAL:
            if one.token is not TokenForm.DEFAULT:
                found.append(mistake(one.line, _TOKEN_OF_NOTHING))
            continue
        able = FITTING_CLASSES if one.token is TokenForm.FIT else {FieldClass.PAN}
        if one.token is not TokenForm.DEFAULT and one.cls not in able:
            known = ", ".join(sorted(cls.value for cls in able))
            found.append(mistake(one.line, _NO_SUCH_TOKEN, cls=one.cls.value, token=one.token.value, known=known))
        elif one.token is not first.setdefault(one.cls, one).token:
            found.append(mistake(one.line, _TOKENS_DIFFER, cls=one.cls.value, first=first[one.cls].line))
    return found


_TOKEN_OF_NOTHING: Final = Text("只有 seal 的字段才有 token", "only what is sealed has a token")
_NO_SUCH_TOKEN: Final = Text(
    '{cls} 没有 token = "{token}" 这种令牌；可用于：{known}',
    '{cls} has no tokens of the sort "{token}"; these have: {known}',
)
_TOKENS_DIFFER: Final = Text(
    "{cls} 的 token 与第 {first} 行不同；同一类字段的令牌必须一致，否则无法关联",
    "the token of {cls} is not that of line {first}: fields of one class have one sort, or joins break",
)
_TWICE: Final = Text(
    "{object} 已在第 {first} 行出现；每个对象的每张表只能写一次",
    "{object} is already in line {first}; each table of each object is written once",
)
_OUTSIDE: Final = Text(
    "object 必须是扫描目录内的相对路径，不能含 .. 或反斜杠",
    "object must be a relative path inside the scanned folder, without .. or backslashes",
)
_KIND: Final = Text("不认识的类型 {kind}；可用：{known}", "unknown kind {kind}; known: {known}")
_NO_TABLE: Final = Text("{object} 有多张表，请写明 table", "{object} has tables: say which in table")
_TABLE_IN_FILE: Final = Text("{object} 没有表，请删去 table", "{object} has no tables: remove table")
_NO_ENCODING: Final = Text("{object} 缺少 encoding", "{object} needs an encoding")
_DELIMITER: Final = Text("{object} 的 delimiter 应为一个字符", "the delimiter of {object} must be one character")
_SUBJECT_IN_TEXT: Final = Text(
    '自由文本没有客户列；请写 subject = ""', 'free text has no customer column: write subject = ""'
)
NO_FIELDS: Final = Text("{object} 没有任何 [[source.field]]", "{object} has no [[source.field]]")
_PURGE_ONLY: Final = Text(
    "{field} ({cls}) 只能 purge，任何时候都不得保存", "{cls} may only be purged: it is never kept, in any form"
)
_SUBJECT_IS_FIELD: Final = Text(
    "{column} 是客户列，不能同时作为字段", "{column} is the customer column and cannot be a field as well"
)
_NAME_IN_TEXT: Final = Text(
    "{object} 是自由文本，字段不写 column 或 key", "{object} is free text: its fields have no column or key"
)
_NO_NAME: Final = Text("字段缺少 column 或 key", "the field needs a column or key")
_NOT_A_SPAN: Final = Text("{cls} 无法在文本中逐处识别", "{cls} cannot be recognised inside text")
_FIELD_TWICE: Final = Text("{column} 已在第 {first} 行定义", "{column} is already defined in line {first}")
