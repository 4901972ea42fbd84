"""What a scan says: objects with their coverage, findings with their evidence, totals.

Invariants: no clear value is held here (examples went through :func:`tigertally.base.fields.mask`, names
and paths through :mod:`tigertally.discovery.naming`); every object of the tree has one report; a finding
names an object that has a report. The written form is :mod:`tigertally.discovery.report`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang, Text

RULESET: Final = "2026.2"


class Status(Enum):
    """How an object ended. Only ``SCANNED`` may be read as "all of it was seen"."""

    SCANNED = "scanned"
    PARTLY = "partly"
    SKIPPED = "skipped"
    FAILED = "failed"


class Kind(Enum):
    """How an object was read."""

    TEXT = "text"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    SQL = "sql"
    XML = "xml"
    HTML = "html"
    RTF = "rtf"
    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    ODT = "odt"  # and the other documents of its family that are no spreadsheets
    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"
    MAIL = "mail"
    MBOX = "mbox"
    MSG = "msg"
    SQLITE = "sqlite"
    DUCKDB = "duckdb"
    PARQUET = "parquet"
    ORC = "orc"
    ARROW = "arrow"
    TABLE = "table"  # of a database server
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    ZIP = "zip"
    TAR = "tar"
    SEVENZIP = "7z"
    BYTES = "bytes"


class PlaceKind(Enum):
    """What sort of place a finding lies in."""

    TEXT = "text"  # somewhere in running text; table and name are None
    COLUMN = "column"  # of a CSV (table None), a sheet or a database table
    KEY = "key"  # of JSON: dotted keys, "[]" for the items of an array


class Confidence(Enum):
    """Tier of a finding."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Evidence(Enum):
    """Kinds of reasons, with the sentence each makes; ``{number}`` and ``{word}`` are the reason's."""

    CHECKSUM = "checksum"
    ISSUER = "issuer"
    ISSUER_BROAD = "issuer_broad"
    ISSUED_BY = "issued_by"
    REGION_DATE = "region_date"
    REGION = "region"
    NUMBER_BLOCK = "number_block"
    GROUPED = "grouped"
    LABEL = "label"
    KEYWORD = "keyword"
    HEADER = "header"
    AGAINST = "against"
    SHARE = "share"
    PASS_RATE = "pass_rate"  # noqa: S105 - a kind of evidence
    CHANCE = "chance"
    BESIDE_CARD = "beside_card"
    BESIDE_NUMBER = "beside_number"
    SHAPE = "shape"
    DETECTOR = "detector"
    HASH = "hash"
    DAMAGED = "damaged"
    ALSO_CARD = "also_card"
    TEST_NUMBERS = "test_numbers"
    ESTIMATED = "estimated"


_SENTENCES: Final[dict[Evidence, Text]] = {
    Evidence.CHECKSUM: Text("校验位正确", "the check digit holds"),
    Evidence.ISSUER: Text("发卡机构号段和长度相符", "issuer range and length agree"),
    Evidence.ISSUER_BROAD: Text("仅与宽松的号段表相符", "only the broad issuer table agrees"),
    Evidence.ISSUED_BY: Text("按号段多数（{number}%）属于 {word}", "by prefix most ({number}%) are of {word}"),
    Evidence.REGION_DATE: Text("地区代码和出生日期有效", "region code and birth date are valid"),
    Evidence.REGION: Text("地区代码有效", "the region code is valid"),
    Evidence.NUMBER_BLOCK: Text("属于已分配的手机号段", "in an allotted mobile number block"),
    Evidence.GROUPED: Text("按卡号习惯分组书写", "written in groups, as cards are"),
    Evidence.LABEL: Text("旁边的标签是“{word}”", "labelled “{word}”"),
    Evidence.KEYWORD: Text("前面 {number} 个字符处有“{word}”", "“{word}” stands {number} characters before it"),
    Evidence.HEADER: Text("列名是“{word}”", "the column is called “{word}”"),
    Evidence.AGAINST: Text("标签“{word}”表明是别的号码", "the label “{word}” speaks for another number"),
    Evidence.SHARE: Text("{number}% 的非空单元格符合", "{number}% of the cells that are not empty fit"),
    Evidence.PASS_RATE: Text(
        "形状相同的号码中 {number}% 通过校验", "{number}% of the numbers of this shape pass the check"
    ),
    Evidence.CHANCE: Text(
        "同形号码只有 {number}% 通过校验，与偶然相当", "only {number}% of the numbers of this shape pass: chance level"
    ),
    Evidence.BESIDE_CARD: Text("与银行卡号相邻", "beside a card number"),
    Evidence.BESIDE_NUMBER: Text("紧邻卡号、证件号或电话", "right beside a card, an ID or a telephone number"),
    Evidence.SHAPE: Text("形状相符", "the shape fits"),
    Evidence.DETECTOR: Text("检测器 {word}", "detector {word}"),
    Evidence.HASH: Text("散列格式 {word}", "hash format {word}"),
    Evidence.DAMAGED: Text(
        "表格软件已损坏的卡号列（第 15 位之后丢失）", "a card column that a spreadsheet has damaged beyond 15 digits"
    ),
    Evidence.ALSO_CARD: Text("其中 {number} 个也能通过卡号校验", "{number} of them pass as cards as well"),
    Evidence.TEST_NUMBERS: Text("其中 {number} 个是公开的测试卡号", "{number} of them are published test numbers"),
    Evidence.ESTIMATED: Text("不同值的个数是估计值", "the number of distinct values is an estimate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a finding has its tier: a kind of evidence, with a whole number (percent or count) or a masked word."""

    evidence: Evidence
    number: int | None = None
    word: str | None = None

    def say(self, lang: Lang) -> str:
        """Return the sentence in ``lang``."""
        number = "" if self.number is None else self.number
        return _SENTENCES[self.evidence].render(lang, number=number, word=self.word or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in an object. ``table`` is a sheet or database table; ``name`` a column or the dotted keys."""

    kind: PlaceKind
    table: str | None = None
    name: str | None = None


IN_TEXT: Final = Place(kind=PlaceKind.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a delimited file is written: the delimiter, whether row 1 names the columns, and the columns' names."""

    delimiter: str
    header: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReport:
    """Coverage of one object. ``path`` is relative to the root, ``/``-separated; members are ``outer.zip!/inner.csv``.

    ``size`` is what the tree or the archive says, ``bytes_read`` what was read of it; ``encoding`` is None where
    none applies; ``reason`` is None only for ``SCANNED`` (and may be given even then); ``stamp`` changes when the
    object does, and is None where that cannot be told.
    """

    path: str
    kind: Kind
    encoding: str | None
    status: Status
    reason: Text | None
    size: int
    bytes_read: int
    seconds: float
    dialect: Dialect | None = None
    stamp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A field class at a place, at one tier.

    ``count``: values; ``distinct``: different values; ``cells``: non-empty cells of the column (0 for text);
    ``examples``: at most three, masked; ``detail``: the hash format of a password, ``clear``, or empty;
    ``fingerprints``: keyed ones of the different values, 16 bytes each, in order, if the scan was given a key.
    """

    object: str
    place: Place
    field: FieldClass
    tier: Confidence
    count: int
    distinct: int
    cells: int
    examples: tuple[str, ...]
    reasons: tuple[Reason, ...]
    detail: str = ""
    fingerprints: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over an inventory. ``tree_bytes`` is what a second walk of the tree adds up to (members not counted)."""

    objects: int
    scanned: int
    partly: int
    skipped: int
    failed: int
    files: int
    bytes: int
    tree_files: int
    tree_bytes: int

    @property
    def complete(self) -> bool:
        """Whether reports and tree agree; a tree that changed under the scan does not."""
        return self.files == self.tree_files and self.bytes == self.tree_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All findings of one scan, and the coverage they rest on. ``root`` is the root's last name, not its path.

    ``fingerprint_key``: name of the key that the fingerprints were made with, None if there are none.
    """

    root: str
    ruleset: str
    started: datetime
    finished: datetime
    objects: tuple[ObjectReport, ...]
    findings: tuple[Finding, ...]
    totals: Totals
    fingerprint_key: str | None = None


@dataclass(slots=True, kw_only=True)
class Collected:
    """What grows during a scan."""

    objects: list[ObjectReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def mark(self) -> tuple[int, int]:
        """Return a place to come back to."""
        return len(self.objects), len(self.findings)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Drop what was added since ``mark``."""
        del self.objects[mark[0] :]
        del self.findings[mark[1] :]
